"""What is compared, and how large each experiment is: chosen so that all of it takes about an hour on one core."""

from dataclasses import dataclass, field
from typing import Any

MINILM: dict[str, Any] = {"epochs": 4, "learning_rate": 2e-4, "head_learning_rate": 5e-3, "batch_size": 32, "checks": 3}
RANDOM: dict[str, Any] = {"epochs": 30, "learning_rate": 1e-3, "head_learning_rate": 2e-3, "batch_size": 32, "checks": 3}


@dataclass(frozen=True)
class Setup:
    """The tasks of the experiments and how long each is trained.

    `settings` are those of every row, `adapt` those of a task that is added, besides, `alone` of a scarce task without others. `tasks` are
    the training texts of those that are learned together, or beside `scarce` ones, of which there are `shares` of their texts, in per cent,
    and which are added later, with `shots` a class. `unrelated` is what is learned along.
    """

    encoder: str
    settings: dict[str, Any]
    adapt: dict[str, Any] = field(default_factory=lambda: {"epochs": 3, "least_steps": 60})
    alone: dict[str, Any] = field(default_factory=lambda: {"epochs": 6, "least_steps": 60})
    tasks: dict[str, int] = field(default_factory=lambda: {"sst2": 400, "trec": 400, "clinc150": 800})
    scarce: tuple[str, ...] = ("cr", "banking77")
    shares: tuple[int, ...] = (1, 5)
    shots: tuple[int, ...] = (5, 10, 20)
    unrelated: dict[str, int] = field(default_factory=lambda: {"cola": 400, "agnews": 400})


SETUPS = {
    "minilm": Setup("minilm-tokens", MINILM),
    "random": Setup("random-tokens", RANDOM, alone={"epochs": 40, "least_steps": 60}, shares=(5,)),
}
DENSE: dict[str, Any] = {"experts": 1}
ROWS: dict[str, dict[str, Any]] = {
    "single": DENSE,
    "dense": DENSE,
    "token": {"gate": "token"},
    "task-aware": {"embedding": "description"},
    "task": {"gate": "task", "embedding": "description"},
    "id": {},
    "2 experts": {"experts": 2, "embedding": "description"},
    "8 experts": {"experts": 8, "embedding": "description"},
}
"""Settings by row: four experts and the task-aware gate where nothing else is said."""
TITLES = {
    "single": "each task alone",
    "dense": "dense multi-task",
    "token": "token gate",
    "task-aware": "task-aware gate",
    "task": "task gate",
    "id": "task-aware gate, embedding learned",
    "2 experts": "task-aware gate, 2 experts",
    "8 experts": "task-aware gate, 8 experts",
}
MAIN, ABLATED = ("single", "dense", "token", "task-aware"), ("task", "id", "2 experts", "8 experts")
SEEDS = 3
LONGER = {"epochs": 12}
"""Of mixtures with scarce tasks: tasks are drawn in proportion to √size, so 4 epochs see a scarce text fewer times than learning it alone
does. Chosen on validation texts, where a scarce task alone gains nothing by more."""
