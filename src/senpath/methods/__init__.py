"""Ways to change a network, by name."""

from collections.abc import Callable

from senpath.methods.allocation import Allocation, AllocationSettings
from senpath.methods.extend import Extend
from senpath.methods.extend_settings import ExtendSettings
from senpath.methods.moe import Moe, MoeSettings
from senpath.methods.munet import Munet, MunetSettings, Root, Status, Tried, Watch
from senpath.methods.prune import Prune
from senpath.methods.prune_settings import PruneSettings
from senpath.methods.review import Review
from senpath.methods.sen import Sen
from senpath.methods.settings import SenSettings
from senpath.network import Method, Revision

METHODS: dict[str, Callable[..., Method]] = {"sen": Sen, "munet": Munet, "allocation": Allocation, "moe": Moe}
"""Every method that `Network.learn` knows by name."""
REVISIONS: dict[str, Callable[..., Revision]] = {"review": Review, "prune": Prune, "extend": Extend}
"""Every revision that `Network` has a method of the same name for."""

__all__ = [
    "METHODS",
    "REVISIONS",
    "Allocation",
    "AllocationSettings",
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
    "Sen",
    "SenSettings",
    "Status",
    "Tried",
    "Watch",
]
