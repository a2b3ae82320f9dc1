"""The network: its view, the way in for proposals, predictions."""

from senpath.network.inputs import encode_examples
from senpath.network.network import Learned, Network, TaskInfo
from senpath.network.predict import Routing
from senpath.network.prediction import Explanation, LinkUse, Prediction, Probabilities
from senpath.network.proposal import Method, Proposal, try_out
from senpath.network.settings import NetworkSettings
from senpath.network.statistics import new_statistics
from senpath.network.view import View

__all__ = [
    "Explanation",
    "Learned",
    "LinkUse",
    "Method",
    "Network",
    "NetworkSettings",
    "Prediction",
    "Probabilities",
    "Proposal",
    "Routing",
    "TaskInfo",
    "View",
    "encode_examples",
    "new_statistics",
    "try_out",
]
