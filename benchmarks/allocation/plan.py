"""How large each experiment is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.allocation import tasks
from benchmarks.allocation.tasks import Task
from senpath.methods.allocation import PAPER

TITLES = {
    "gumbel": "Gumbel-Matrix",
    "shared": "shared bottom",
    "alone": "no sharing",
    "same": "shared bottom of the same active size",
    "half": "Gumbel-Matrix, budget ½",
    "same half": "shared bottom of the active size of that",
}
SIZED = {"same": "gumbel", "same half": "half"}
"""Rows that are as large as what another row came to use."""
SMALLER = ("3x3", "3x3", "3x3", "1x7", "identity")
"""The best of the sets that were tried on validation data (docs/log.md); what the paper has besides learned slowly, or was not tried."""


@dataclass(frozen=True)
class Experiment:
    """One comparison.

    Args:
        tasks: made from the seed.
        settings: of every row, see `AllocationSettings`.
        rows: see `TITLES`.
        seeds: how many.
    """

    tasks: partial[Iterable[Task]]
    settings: dict[str, Any]
    rows: tuple[str, ...]
    seeds: int

    @property
    def about(self) -> dict[str, str]:
        """What a stopped run has to have in common to be taken up; rows and seeds may be added."""
        return {"tasks": f"{self.tasks.func.__name__} {self.tasks.args}", "settings": repr(self.settings)}


PLAN = {
    "toy": Experiment(
        partial(tasks.toy, 5_000),
        {"layers": 3, "components": 4, "width": 8, "batch": 16, "steps": 600, "validate_every": 100},
        ("gumbel",),
        5,
    ),
    "omniglot": Experiment(
        partial(tasks.omniglot, 28),
        {
            "layers": 3,
            "components": SMALLER,
            "width": 16,
            "batch": 8,
            "steps": 600,
            "learning_rate": 2e-3,
            "dropout": 0.25,
            "validate_every": 100,
        },
        ("gumbel", "shared", "alone", "same", "half", "same half"),
        3,
    ),
    "clusters": Experiment(
        partial(tasks.clusters, 3_000),
        {"layers": 3, "components": 16, "width": 8, "batch": 4, "steps": 700, "budget": 0.5, "p0": 0.5, "validate_every": 350},
        ("gumbel",),
        3,
    ),
    "full": Experiment(partial(tasks.omniglot, 105), {**PAPER, "validate_every": 100}, ("gumbel", "shared", "alone", "same"), 3),
}
