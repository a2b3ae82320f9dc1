"""µ2Net: paths of shared and cloned layers, found by evolution."""

from senpath.methods.munet.config import CHARS, TOY, MunetSettings
from senpath.methods.munet.evolution import Evolution, SearchBudget
from senpath.methods.munet.method import Munet, SearchObserver, SearchStatus
from senpath.methods.munet.mutate import MutationRules, SearchSpace
from senpath.methods.munet.path import LayerPath, PathLayer
from senpath.methods.munet.record import MunetRecord, RecordedLayer
from senpath.methods.munet.roots import ROOTS, Root, RootLayer
from senpath.methods.munet.schedule import Child, ChildSummary, Outcome, Penalty
from senpath.methods.munet.train import TrainedChild

__all__ = [
    "CHARS",
    "ROOTS",
    "TOY",
    "Child",
    "ChildSummary",
    "Evolution",
    "LayerPath",
    "Munet",
    "MunetRecord",
    "MunetSettings",
    "MutationRules",
    "Outcome",
    "PathLayer",
    "Penalty",
    "RecordedLayer",
    "Root",
    "RootLayer",
    "SearchBudget",
    "SearchObserver",
    "SearchSpace",
    "SearchStatus",
    "TrainedChild",
]
