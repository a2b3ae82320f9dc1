"""How large the experiments are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MINILM: dict[str, Any] = {"epochs": 4, "learning_rate": 2e-4, "head_learning_rate": 5e-3, "batch_size": 32, "checks": 3}
RANDOM: dict[str, Any] = {"epochs": 30, "learning_rate": 1e-3, "head_learning_rate": 2e-3, "batch_size": 32, "checks": 3}


@dataclass(frozen=True)
class Setup:
    """The tasks of the experiments and how long each is trained.

    Args:
        encoder: of tokens.
        settings: of every row.
        adapt: of a task that is added, besides.
        alone: of a scarce task without others, besides.
        tasks: training texts of those that are learned together, or beside scarce ones.
        scarce: tasks of which there are `shares` of their texts, in per cent; and those that are added later, with `shots` a class.
        unrelated: what is learned along.
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
