"""The versions of a network: commit, roll back, free, verify, copy."""

from senpath.history.copying import Copied, copy_network
from senpath.history.gc import Cleaned
from senpath.history.rollback import Removed, RolledBack

__all__ = ["Cleaned", "Copied", "Removed", "RolledBack", "copy_network"]
