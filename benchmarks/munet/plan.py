"""What is compared: the search, the same search held to one structure, and `sen`; and how large each experiment is."""

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

    def __str__(self) -> str:
        return f"{self.generations} generations × {self.children} children × {self.cycles} cycles × {self.examples:,}"


@dataclass(frozen=True)
class Experiment:
    """One table: its tasks, the shape that images are brought to, rows, the budget of every row, seeds, and settings of the search."""

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
    return sp.Munet(**{**vars(experiment.budget), **experiment.settings, **STRUCTURES[row]}, random_state=seed)


EVERY = ("munet", "fine-tuning", "adapters", "head", "sen")
EFFICIENTNET = {"root": "efficientnet-lite0", "validation": 1_000, "start": {"mutation": 0.1, "learning_rate": 0.02}}
PLAN = {
    "toy": Experiment("toy", (3, 32, 32), EVERY, Budget(8, 2, 3, 2_500), 3, {}),
    "chars": Experiment("chars", (3, 32, 32), EVERY, Budget(6, 2, 2, 1_000), 2, {}),
    "photographs": Experiment("photographs", (3, 64, 64), ("munet",), Budget(4, 2, 2, 1_000), 1, EFFICIENTNET),
    "cifar": Experiment("cifar", (3, 64, 64), ("fine-tuning", "head"), Budget(4, 2, 2, 1_000), 2, EFFICIENTNET),
    "stream": Experiment("stream", (3, 32, 32), ("munet",), Budget(3, 2, 2, 800), 1, {}),
}
