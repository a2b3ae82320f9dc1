"""What is compared: the search, the same search held to one structure, and `sen`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import senpath as sp

ALONE: dict[str, Any] = {"others": False, "layers": False}
STRUCTURES: dict[str, dict[str, Any]] = {
    "munet": {},
    "munet+": {"learned_rates": True, "compute_penalty": 0.99},
    "fine-tuning": {"clone": "all", "adapters": "none", **ALONE},
    "head": {"clone": "none", "adapters": "none", **ALONE},
    "adapters": {"clone": "none", "adapters": "all", **ALONE},
}
"""Settings by row. All have the same number of children, cycles and examples, and all evolve their hyperparameters alike."""
TITLES = {
    "munet": "µ2Net",
    "munet+": "µ2Net+ (learned rates, compute penalty)",
    "fine-tuning": "fine-tuning everything, a model per task",
    "head": "frozen root + head",
    "adapters": "frozen root + adapters + head",
    "sen": "`sen`",
}


@dataclass(frozen=True)
class Budget:
    """How much every row may train for one task, see `MunetSettings`."""

    generations: int
    children: int
    cycles: int
    examples: int

    @property
    def images(self) -> int:
        """Training images seen, repeats counted."""
        return self.generations * self.children * self.cycles * self.examples

    def settings(self) -> dict[str, int]:
        """As settings of the method."""
        return dict(vars(self))


@dataclass(frozen=True)
class Experiment:
    """One table.

    Args:
        tasks: see `benchmarks.munet.tasks`.
        shape: that images are brought to.
        rows: see `STRUCTURES` and "sen".
        budget: of every row.
        seeds: how many.
        settings: of the search, besides.
    """

    tasks: str
    shape: tuple[int, int, int]
    rows: tuple[str, ...]
    budget: Budget
    seeds: int
    settings: dict[str, Any]


def method(row: str, experiment: Experiment, examples: int, seed: int) -> sp.Munet | sp.Sen:
    """The method of a row, for a task of so many examples. `sen` makes as many passes as the search's images are."""
    if row == "sen":
        return sp.Sen(epochs=max(1, round(experiment.budget.images / examples)), random_state=seed)
    return sp.Munet(**{**experiment.budget.settings(), **experiment.settings, **STRUCTURES[row]}, random_state=seed)
