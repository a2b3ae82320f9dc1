"""One network that grows: learn tasks one after another, predict without saying which task an input belongs to."""

from senpath.encoders import ENCODERS, TorchEncoder
from senpath.errors import (
    ConflictError,
    DownloadError,
    FormatVersionError,
    InputError,
    MissingExtraError,
    SenpathError,
    StoreError,
    TaskExistsError,
    UnknownTaskError,
)
from senpath.evaluation import Evaluation, Recorded, TaskScore, evaluate, recorded_evaluations
from senpath.methods import (
    METHODS,
    REVISIONS,
    Extend,
    ExtendSettings,
    Munet,
    MunetSettings,
    Prune,
    PruneSettings,
    Review,
    Root,
    Sen,
    SenSettings,
)
from senpath.network import (
    Cleaned,
    Encoded,
    Explanation,
    Fused,
    Learned,
    Network,
    Prediction,
    Proposal,
    Removed,
    Revised,
    RolledBack,
    Routed,
    TaskChange,
    TaskInfo,
    View,
)
from senpath.pathways import Activation, Link, Pathway, Transfer
from senpath.reading import Data, read, tasks_of
from senpath.reports import report
from senpath.types import Audio, DataType, Examples

__version__ = "0.1.0"

Network.methods = METHODS
Network.revisions = REVISIONS

__all__ = [
    "ENCODERS",
    "METHODS",
    "REVISIONS",
    "Activation",
    "Audio",
    "Cleaned",
    "ConflictError",
    "Data",
    "DataType",
    "DownloadError",
    "Encoded",
    "Evaluation",
    "Examples",
    "Explanation",
    "Extend",
    "ExtendSettings",
    "FormatVersionError",
    "Fused",
    "InputError",
    "Learned",
    "Link",
    "MissingExtraError",
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
    "Sen",
    "SenSettings",
    "SenpathError",
    "StoreError",
    "TaskChange",
    "TaskExistsError",
    "TaskInfo",
    "TaskScore",
    "TorchEncoder",
    "Transfer",
    "UnknownTaskError",
    "View",
    "evaluate",
    "read",
    "recorded_evaluations",
    "report",
    "tasks_of",
]
