"""Tasks learned together, each with components of its own choice: the Gumbel-Matrix."""

from senpath.methods.allocation.config import PAPER, AllocationSettings
from senpath.methods.allocation.method import Allocation
from senpath.methods.allocation.model import similarity
from senpath.methods.allocation.train import Training

__all__ = ["PAPER", "Allocation", "AllocationSettings", "Training", "similarity"]
