"""Task-aware mixture of experts."""

from senpath.methods.moe.config import MoeSettings
from senpath.methods.moe.method import Moe

__all__ = ["Moe", "MoeSettings"]
