"""Task-aware mixture of experts."""

from senpath.methods.moe.method import Moe
from senpath.methods.moe.settings import MoeSettings

__all__ = ["Moe", "MoeSettings"]
