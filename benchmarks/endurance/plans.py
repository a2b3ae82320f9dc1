"""What happens in each round, drawn from the seed."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from benchmarks.endurance.actors import Writing

Event = Literal["start", "first", "commit"]
COMMIT_SECONDS = 0.04
"""A commit of a network of some hundred tasks takes about so long."""
WORKER_SECONDS = 6.0
"""Processes that learn for a writer have started after so long."""
TASKS_AT_ONCE = 6
"""By `learn_many`."""
MANY = 200
"""More tasks than a writer that is to be killed will have time for."""


@dataclass(frozen=True)
class Death:
    """When a writer is killed: so long after its start, its telling of its first task, or a commit's beginning (it holds the lock)."""

    seconds: float
    event: Event


@dataclass(frozen=True)
class Part:
    """A writer's part in a round; without a death it comes to its own end."""

    writing: Writing
    death: Death | None


@dataclass(frozen=True)
class Round:
    """One to three writers at once, the first of which is killed, and the last may find the disk full; then all is checked."""

    parts: tuple[Part, ...]
    everything: bool


def draw_round(random: np.random.Generator, seed: int, number: int) -> Round:
    """The round of this number."""
    parts = [_draw_part(random, seed, 10 * number, killed=True)]
    if random.random() < 0.3:
        parts.append(_draw_part(random, seed, 10 * number + 1, killed=random.random() < 0.5))
    if random.random() < 0.4:
        # A writer whose files can first grow to some size only, which differs from task to task; after that it learns one more.
        limits = tuple(int(10**exponent) for exponent in random.uniform(1.5, 6, 2))
        parts.append(Part(Writing(seed, 10 * number + 2, 1, limits), None))
    return Round(tuple(parts), everything=number % 10 == 0)


def plain(seed: int, number: int, tasks: int = 1) -> Writing:
    """A writer to which nothing happens."""
    return Writing(seed, 10 * number + 9, tasks)


def _draw_part(random: np.random.Generator, seed: int, number: int, *, killed: bool) -> Part:
    jobs = int(random.integers(1, 3)) if random.random() < 0.15 else 0
    impatient = bool(random.random() < 0.6)
    event = get_args(Event)[random.integers(3)]
    if jobs:  # tells of its tasks when all are learned, and starting processes takes it some seconds
        event = "start" if event == "first" else event
    seconds = COMMIT_SECONDS if event == "commit" else WORKER_SECONDS if jobs > 1 else 0.5
    death = Death(float(random.uniform(0, seconds)), event)
    tasks = (TASKS_AT_ONCE if jobs else MANY) if killed else int(random.integers(2, 4))
    writing = Writing(seed, number, tasks, jobs=jobs, lock_seconds=0.0 if impatient else 30.0)
    return Part(writing, death if killed else None)
