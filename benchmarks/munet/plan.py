"""What is compared: ways to search, single runs of one structure, and `sen`; and how large each experiment is."""

from dataclasses import dataclass
from typing import Any

import senpath as sp
from senpath.methods.munet import TOY

ONCE: dict[str, Any] = {"schedule": "once", "adapters": "none"}
STRUCTURES: dict[str, dict[str, Any]] = {
    "ladder": {"schedule": "ladder"},
    "munet": {"schedule": "evolve"},
    "munet .95": {"schedule": "evolve", "size_penalty": 0.95},
    "munet+": {"schedule": "evolve", "learned_rates": True, "compute_penalty": 0.99},
    "fine-tuning": {**ONCE, "clone": "all", "depth": None},
    "fine-tuning 2": {**ONCE, "clone": "all", "depth": 2},
    "head": {**ONCE, "clone": "none"},
    "adapters": {**ONCE, "clone": "none", "adapters": "all"},
}
"""Settings by row. All train on as many images. The last four are one uninterrupted run each, with the hyperparameters that searches start
with, as in the paper."""
TITLES = {
    "ladder": "ladder",
    "fine-tuning 2": "fine-tuning two blocks",
    "munet .95": "µ2Net, size penalty .95",
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


EVERY = ("ladder", "munet", "munet .95", "fine-tuning", "fine-tuning 2", "adapters", "head", "sen")
VIT = {"root": "vit"}
EFFICIENTNET = {"root": "efficientnet-lite0", "validation": 1_000, "start": {"mutation": 0.1, "learning_rate": 0.02}}
PLAN = {
    "toy": Experiment("toy", (3, 32, 32), EVERY, Budget(8, 2, 3, 2_500), 4, VIT),
    "convolutions": Experiment("toy", (3, 32, 32), ("ladder", "fine-tuning", "sen"), Budget(8, 2, 3, 1_000), 4, {"root": "cnn"}),
    "notebook": Experiment("toy", (3, 32, 32), ("munet", "fine-tuning"), Budget(64, 1, 4, 4_000), 1, TOY),
    "chars": Experiment("chars", (3, 32, 32), EVERY, Budget(6, 2, 2, 1_000), 2, VIT),
    "photographs": Experiment("photographs", (3, 64, 64), ("ladder",), Budget(4, 2, 2, 1_000), 3, EFFICIENTNET),
    "cifar": Experiment("cifar", (3, 64, 64), ("fine-tuning", "head"), Budget(4, 2, 2, 1_000), 3, EFFICIENTNET),
    "stream": Experiment("stream", (3, 32, 32), ("munet",), Budget(3, 2, 2, 800), 1, VIT),
}
