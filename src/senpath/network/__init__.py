"""The network: its view, the way in for proposals, predictions."""

from senpath.network.changes import TaskChange
from senpath.network.cleaning import Cleaned
from senpath.network.encoded import Encoded
from senpath.network.fused import Fused
from senpath.network.history import Removed, RolledBack
from senpath.network.inputs import encode_examples, one_type
from senpath.network.learning import Learned
from senpath.network.network import Network
from senpath.network.opened import TaskInfo
from senpath.network.predict import Routing
from senpath.network.prediction import Explanation, LinkUse, Prediction, Probabilities
from senpath.network.proposal import Declined, Joint, Method, Proposal, Revised, Revision, try_out
from senpath.network.routed import Routed
from senpath.network.settings import NetworkSettings
from senpath.network.statistics import new_statistics
from senpath.network.view import View

__all__ = [
    "Cleaned",
    "Declined",
    "Encoded",
    "Explanation",
    "Fused",
    "Joint",
    "Learned",
    "LinkUse",
    "Method",
    "Network",
    "NetworkSettings",
    "Prediction",
    "Probabilities",
    "Proposal",
    "Removed",
    "Revised",
    "Revision",
    "RolledBack",
    "Routed",
    "Routing",
    "TaskChange",
    "TaskInfo",
    "View",
    "encode_examples",
    "new_statistics",
    "one_type",
    "try_out",
]
