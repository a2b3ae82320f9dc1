"""Prune: a task's pathway made smaller."""

from senpath.methods.prune.config import PruneSettings
from senpath.methods.prune.method import Prune

__all__ = ["Prune", "PruneSettings"]
