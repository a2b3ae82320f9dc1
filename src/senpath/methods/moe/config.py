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
        experts: experts in every second block; 1 is the dense multi-task model.
        gate: what chooses a token's expert: the "token" itself, the "task" by its embedding, or both, "task-aware".
        embedding: where a task's embedding comes from: "id" is learned; "description" is the frozen text encoder's vector of the task's
            sentence in `descriptions`, and is not trained.
        descriptions: a sentence for each task, by name. A task that is added later is placed by its sentence if it has one, else by the
            task that the dispatcher finds nearest.
        upcycle: whether blocks start as MiniLM's upper two, with experts as copies of their feed-forward layers; if not, from random
            weights. None upcycles where the network reads texts with "minilm-tokens".
        blocks: number of blocks that start from random weights; None is 2. Upcycled, there are always two.
        width: numbers in a token while it is learned from; None is what the encoder's tokens have, 384 at most, and 64 for vectors.
        noise: standard deviation of the noise that is added to each copied expert, as a share of that of the copied weights; with 0 the
            model starts as the dense one.
        capacity: in training an expert takes at most this many times its even share of a batch's tokens; the others bypass it. Neither
            this nor `balance` applies to one task alone.
        balance: weight of the load-balancing loss.
        soften: share of the steps in which every expert answers, as far as the gate is for it; less and less, until the likeliest is alone.
            It takes longer: while it is soft, all experts run.
        epochs: passes over all tasks' examples together; tasks are drawn in proportion to the square root of their size. None is 4 where
            blocks start as MiniLM's, else 20.
        least_steps: least number of training steps, for few examples; with 0 epochs there are none.
        batch_size: examples in one step, of all tasks mixed.
        learning_rate: the highest learning rate of blocks; None is 2e-4 where they start as MiniLM's, else 1e-3.
        head_learning_rate: the highest learning rate of output layers; None is 5e-3 or 2e-3 likewise.
        gate_learning_rate: the highest learning rate of gates and tasks' embeddings.
        warm_up: share of the steps over which the learning rates rise.
        validation: examples of a task that are held out, at most, and at most a fifth, to keep the best state by the mean over tasks. None
            are held out of a task with fewer than 100 examples, or five a class. With 0 the last state is kept.
        checks: number of validations.
        keep: share of a task's training tokens that an expert has to get to stay in the task's pathway.
        tune: what is trained for one task that is added: "head" is its output layer and normalisation; "all" is copies of all that it
            runs, and its embedding unless a sentence gives it.
        random_state: seed of everything that is drawn.

    Example:
        >>> sp.MoeSettings(experts=4).experts
        4
    """

    experts: Annotated[int, Expected("one of 1, 2, 4, 8", (1, 2, 4, 8).__contains__)] = 4
    gate: Gating = "task-aware"
    embedding: Literal["id", "description"] = "id"
    descriptions: Annotated[Mapping[str, str], Expected("a mapping of tasks' names to sentences", none_is_empty)] = field(
        default_factory=dict
    )
    upcycle: bool | None = None
    blocks: Annotated[int, Field(ge=1, le=12)] | None = None
    width: Annotated[int, Field(ge=1, le=4_096)] | None = None
    noise: Annotated[float, Field(ge=0, le=10)] = 0.02
    capacity: Annotated[float, Field(ge=0.1, le=100)] = 1.25
    balance: Annotated[float, Field(ge=0, le=100)] = 0.01
    soften: Annotated[float, Field(ge=0, le=1)] = 0.0
    epochs: Annotated[int, Field(ge=0, le=10_000)] | None = None
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
