"""One network that grows: learn tasks one after another, predict without saying which task an input belongs to."""

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
from senpath.methods import METHODS, Sen, SenSettings
from senpath.network import Explanation, Learned, Network, Prediction, Proposal, TaskInfo, View
from senpath.pathways import Activation, Link, Pathway, Transfer
from senpath.reports import report
from senpath.types import Audio, DataType, Examples

__version__ = "0.1.0"

Network.methods = METHODS

__all__ = [
    "METHODS",
    "Activation",
    "Audio",
    "ConflictError",
    "DataType",
    "DownloadError",
    "Evaluation",
    "Examples",
    "Explanation",
    "FormatVersionError",
    "InputError",
    "Learned",
    "Link",
    "MissingExtraError",
    "Network",
    "Pathway",
    "Prediction",
    "Proposal",
    "Recorded",
    "Sen",
    "SenSettings",
    "SenpathError",
    "StoreError",
    "TaskExistsError",
    "TaskInfo",
    "TaskScore",
    "Transfer",
    "UnknownTaskError",
    "View",
    "evaluate",
    "recorded_evaluations",
    "report",
]
