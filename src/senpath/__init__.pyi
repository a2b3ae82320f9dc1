"""The public names, and the rooms that they are in: for type checkers, and for `__init__.py`, which loads each when it is first used."""

from senpath.client import Client
from senpath.cluster.datasets import evaluate_dataset, predict_dataset
from senpath.errors import (
    ConflictError,
    DownloadError,
    FormatVersionError,
    InputError,
    MissingExtraError,
    RoutingWarning,
    SenpathError,
    SenpathWarning,
    StoreError,
    TaskExistsError,
    UnknownTaskError,
)
from senpath.evaluation import ClassConfusion, Evaluation, Recorded, TaskScore, evaluate, recorded_evaluations, remove_evaluation
from senpath.experiments import ExperimentResults, experiment
from senpath.history import Cleaned, Copied, Removed, RolledBack, copy_network
from senpath.inference import Encoded, Explanation, InputAnswer, MultimodalPrediction, Prediction, SuggestedLimit, ThingAnswer
from senpath.inputs.encoders import ENCODERS, TorchEncoder
from senpath.inputs.sources import Data, read, tasks_of
from senpath.learning import Learned, Routed, TaskChange
from senpath.methods import (
    METHODS,
    REVISIONS,
    Allocation,
    AllocationSettings,
    Extend,
    ExtendSettings,
    Moe,
    MoeSettings,
    Munet,
    MunetSettings,
    Prune,
    PruneSettings,
    Review,
    Root,
    Sen,
    SenSettings,
)
from senpath.network import Network
from senpath.pathways import Activation, Link, Pathway, Transfer
from senpath.progress import Callback
from senpath.reports import report
from senpath.snapshot import Proposal, Revised, TaskInfo, Threshold, View
from senpath.types import Audio, DataType, Examples, Video

__version__: str

__all__ = [
    "ENCODERS",
    "METHODS",
    "REVISIONS",
    "Activation",
    "Allocation",
    "AllocationSettings",
    "Audio",
    "Callback",
    "ClassConfusion",
    "Cleaned",
    "Client",
    "ConflictError",
    "Copied",
    "Data",
    "DataType",
    "DownloadError",
    "Encoded",
    "Evaluation",
    "Examples",
    "ExperimentResults",
    "Explanation",
    "Extend",
    "ExtendSettings",
    "FormatVersionError",
    "InputAnswer",
    "InputError",
    "Learned",
    "Link",
    "MissingExtraError",
    "Moe",
    "MoeSettings",
    "MultimodalPrediction",
    "Munet",
    "MunetSettings",
    "Network",
    "Pathway",
    "Prediction",
    "Proposal",
    "Prune",
    "PruneSettings",
    "Recorded",
    "Removed",
    "Review",
    "Revised",
    "RolledBack",
    "Root",
    "Routed",
    "RoutingWarning",
    "Sen",
    "SenSettings",
    "SenpathError",
    "SenpathWarning",
    "StoreError",
    "SuggestedLimit",
    "TaskChange",
    "TaskExistsError",
    "TaskInfo",
    "TaskScore",
    "ThingAnswer",
    "Threshold",
    "TorchEncoder",
    "Transfer",
    "UnknownTaskError",
    "Video",
    "View",
    "copy_network",
    "evaluate",
    "evaluate_dataset",
    "experiment",
    "predict_dataset",
    "read",
    "recorded_evaluations",
    "remove_evaluation",
    "report",
    "tasks_of",
]
