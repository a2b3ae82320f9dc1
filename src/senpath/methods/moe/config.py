"""Settings of the method `moe`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from senpath.components.experts import Gating
from senpath.errors import InputError
from senpath.methods.checks import check_choice, check_flag, check_range, settings_of

NAME = "moe"
EXPERTS = (1, 2, 4, 8)
Source = Literal["id", "description"]
Tune = Literal["head", "all"]


@dataclass(frozen=True)
class MoeSettings:
    """How tasks are learned together, and how one is added to them.

    Args:
        experts: in every second block: 2, 4 or 8; 1 is the dense multi-task model.
        gate: what chooses a token's expert: the "token", the "task" by its embedding, or both, "task-aware".
        embedding: of a task: "id" is learned; "description" is what the frozen text encoder makes of its sentence in `descriptions`, and is
            not trained.
        descriptions: sentences by name of the task. One that is added later and has a sentence is placed by it, else by the task that the
            dispatcher finds nearest.
        upcycle: whether blocks begin as MiniLM's upper two, experts as copies of their feed-forward parts; None does where the network
            reads texts with "minilm-tokens". Else they begin from random weights.
        blocks: from random weights, 1 to 12; None is 2. Of those from MiniLM there are two.
        noise: standard deviation of what is added to each copy, as a share of that of the copied weights; with 0 the model begins as the
            dense one.
        capacity: in training an expert takes at most so many times its even share of a batch's tokens; the others pass it by. Neither this
            nor `balance` is for one task alone.
        balance: weight of the load-balance loss.
        epochs: passes over all tasks' examples together; tasks are drawn in proportion to the square root of their size.
        least_steps: steps at least, where few examples are soon passed over; none at all with 0 epochs.
        batch_size: examples of one step, of all tasks mixed.
        learning_rate: the highest, of blocks; None is 2e-4 where they begin as MiniLM's, else 1e-3.
        head_learning_rate: of output layers; None is 5e-3 or 2e-3.
        gate_learning_rate: of gates and tasks' embeddings.
        warm_up: share of the steps over which they rise.
        validation: examples of a task that are held out at most, and at most a fifth, to keep the best state by the mean over tasks. Of a
            task with fewer than 100 examples, or five a class, none are. 0 keeps the last state.
        checks: how often the model is validated in all.
        keep: share of a task's training tokens that an expert has to get to stay in the task's pathway.
        tune: of one task that is added: "head" trains its output layer and normalisation, "all" copies of all that it runs, its embedding
            too unless a sentence says it.
        random_state: decides everything that is drawn.
    """

    experts: int = 4
    gate: Gating = "task-aware"
    embedding: Source = "id"
    descriptions: Mapping[str, str] = field(default_factory=dict)
    upcycle: bool | None = None
    blocks: int | None = None
    noise: float = 0.02
    capacity: float = 1.25
    balance: float = 0.01
    epochs: int = 4
    least_steps: int = 100
    batch_size: int = 32
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    gate_learning_rate: float = 1e-3
    warm_up: float = 0.1
    validation: int = 200
    checks: int = 4
    keep: float = 0.01
    tune: Tune = "all"
    random_state: int = 0

    def __post_init__(self) -> None:
        for name, choices in (("experts", EXPERTS), ("gate", get_args(Gating)), ("embedding", get_args(Source)), ("tune", get_args(Tune))):
            check_choice(name, getattr(self, name), choices)
        if self.upcycle is not None:
            check_flag("upcycle", self.upcycle)
        check_range("blocks", self.blocks, 1, 12, optional=True, whole=True)
        for name, low, high in (("noise", 0, 10), ("capacity", 0.1, 100), ("balance", 0, 100), ("warm_up", 0, 0.9), ("keep", 0, 1)):
            check_range(name, getattr(self, name), low, high)
        for name in ("learning_rate", "head_learning_rate", "gate_learning_rate"):
            check_range(name, getattr(self, name), 1e-8, 10, optional=name != "gate_learning_rate")
        for name, low, high in (
            ("epochs", 0, 10_000),
            ("least_steps", 1, 10**6),
            ("batch_size", 1, 10_000),
            ("validation", 0, 10**9),
            ("checks", 1, 1000),
        ):
            check_range(name, getattr(self, name), low, high, whole=True)
        check_range("random_state", self.random_state, 0, 2**32 - 1, whole=True)
        sentences = self.descriptions
        if not isinstance(sentences, Mapping) or not all(
            isinstance(word, str) and word.strip() for pair in sentences.items() for word in pair
        ):
            raise InputError("setting 'descriptions'", expected="a mapping of tasks' names to sentences", got=repr(sentences))

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**vars(self), "descriptions": dict(self.descriptions)}

    @staticmethod
    def of(**settings: Any) -> MoeSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(MoeSettings, f"method {NAME}", settings)
