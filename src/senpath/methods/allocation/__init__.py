"""Tasks learned together, each with components of its own choice: the Gumbel-Matrix."""

from senpath.methods.allocation.blueprint import Blueprint, Part, make_blueprint
from senpath.methods.allocation.config import PAPER, AllocationSettings
from senpath.methods.allocation.method import Allocation
from senpath.methods.allocation.model import Shared, grouped, masked
from senpath.methods.allocation.router import Router, similarity, temperature
from senpath.methods.allocation.train import Check, Lesson, Training

__all__ = [
    "PAPER",
    "Allocation",
    "AllocationSettings",
    "Blueprint",
    "Check",
    "Lesson",
    "Part",
    "Router",
    "Shared",
    "Training",
    "grouped",
    "make_blueprint",
    "masked",
    "similarity",
    "temperature",
]
