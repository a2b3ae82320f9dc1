"""Settings of the method `moe`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from senpath.components.experts import Gating
from senpath.settings import Expected, LearningRate, Seed, Settings, Share

NAME = "moe"


def none_is_empty(sentences: Mapping[str, str]) -> bool:
    """Whether every task's name and sentence says something."""
    return all(text.strip() for pair in sentences.items() for text in pair)


class MoeSettings(Settings, owner=f"method {NAME}"):
    """How tasks are learned together, and how one is added to them.

    Args:
        experts: in every second block; 1 is the dense multi-task model.
        gate: what chooses a token's expert: the "token", the "task" by its embedding, or both, "task-aware".
        embedding: of a task: "id" is learned; "description" is what the frozen text encoder makes of its sentence in `descriptions`, and is
            not trained.
        descriptions: sentences by name of the task. One that is added later and has a sentence is placed by it, else by the task that the
            dispatcher finds nearest.
        upcycle: whether blocks begin as MiniLM's upper two, experts as copies of their feed-forward parts; None does where the network
            reads texts with "minilm-tokens". Else they begin from random weights.
        blocks: from random weights; None is 2. Of those from MiniLM there are two.
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

    experts: Annotated[int, Expected("one of 1, 2, 4, 8", (1, 2, 4, 8).__contains__)] = 4
    gate: Gating = "task-aware"
    embedding: Literal["id", "description"] = "id"
    descriptions: Annotated[Mapping[str, str], Expected("a mapping of tasks' names to sentences", none_is_empty)] = field(
        default_factory=dict
    )
    upcycle: bool | None = None
    blocks: Annotated[int, Field(ge=1, le=12)] | None = None
    noise: Annotated[float, Field(ge=0, le=10)] = 0.02
    capacity: Annotated[float, Field(ge=0.1, le=100)] = 1.25
    balance: Annotated[float, Field(ge=0, le=100)] = 0.01
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 4
    least_steps: Annotated[int, Field(ge=1, le=10**6)] = 100
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 32
    learning_rate: LearningRate | None = None
    head_learning_rate: LearningRate | None = None
    gate_learning_rate: LearningRate = 1e-3
    warm_up: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    validation: Annotated[int, Field(ge=0, le=10**9)] = 200
    checks: Annotated[int, Field(ge=1, le=1_000)] = 4
    keep: Share = 0.01
    tune: Literal["head", "all"] = "all"
    random_state: Seed = 0
