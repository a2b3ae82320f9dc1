"""Ways to learn a sequence of tasks that methods are compared with, on SEN's own components and recipe."""

from senpath.evaluation.baselines.consolidation import Ewc, Si
from senpath.evaluation.baselines.distillation import Icarl, Lwf
from senpath.evaluation.baselines.fixed import NearestMean, RanPac
from senpath.evaluation.baselines.incremental import Joint, Sequential
from senpath.evaluation.baselines.known import BASELINES, KnownBaseline
from senpath.evaluation.baselines.parts import Single
from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.replay import Replay
from senpath.evaluation.baselines.shared import Shared

__all__ = [
    "BASELINES",
    "Ewc",
    "Icarl",
    "Joint",
    "KnownBaseline",
    "Lwf",
    "NearestMean",
    "Pnn",
    "RanPac",
    "Replay",
    "Sequential",
    "Shared",
    "Si",
    "Single",
]
