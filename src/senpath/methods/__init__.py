"""Ways to change a network, by name."""

from senpath.methods.allocation import Allocation, AllocationSettings
from senpath.methods.extend.config import ExtendSettings
from senpath.methods.extend.method import Extend
from senpath.methods.moe import Moe, MoeSettings
from senpath.methods.munet import ChildSummary, Munet, MunetSettings, Root, SearchObserver, SearchStatus
from senpath.methods.prune.config import PruneSettings
from senpath.methods.prune.method import Prune
from senpath.methods.registry import METHODS, REVISIONS, find_method, known_methods, make_method, register
from senpath.methods.review.method import Review
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.method import Sen

__all__ = [
    "METHODS",
    "REVISIONS",
    "Allocation",
    "AllocationSettings",
    "ChildSummary",
    "Extend",
    "ExtendSettings",
    "Moe",
    "MoeSettings",
    "Munet",
    "MunetSettings",
    "Prune",
    "PruneSettings",
    "Review",
    "Root",
    "SearchObserver",
    "SearchStatus",
    "Sen",
    "SenSettings",
    "find_method",
    "known_methods",
    "make_method",
    "register",
]
