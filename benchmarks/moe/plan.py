"""What is compared, and how large each experiment is: chosen so that all of it takes about an hour on one core."""

from __future__ import annotations

from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.moe.measure import low, seen, unrelated
from benchmarks.moe.setup import SETUPS, Setup
from senpath.reproduce.jobs import Job

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


def _shots(setup: Setup, row: str) -> tuple[int, ...]:
    """Tasks are added to the rows that are compared there; the others are for the section on unrelated tasks."""
    return () if row == "token" else setup.shots


def jobs_of(experiment: str, folder: Path) -> list[Job]:
    """The jobs of an experiment, the first seed of every row first."""
    setup, encoded = SETUPS["random" if experiment == "random" else "minilm"], folder / "encoded"
    jobs = []
    if experiment in ("low", "brief", "random"):
        longer = LONGER if experiment == "low" else {}
        for share, seed in product(setup.shares, range(SEEDS)):
            for row in MAIN:
                settings = {**ROWS[row], **({} if row == "single" else longer)}
                jobs.append(Job(f"{row}-{share}-{seed}", partial(low, setup, row, settings, share, seed, encoded)))
    for seed in range(SEEDS):
        if experiment == "held":
            jobs += [Job(f"{row}-{seed}", partial(seen, setup, row, ROWS[row], seed, encoded, _shots(setup, row))) for row in MAIN]
        elif experiment == "unrelated":
            jobs += [Job(f"{row}-{seed}", partial(unrelated, setup, row, ROWS[row], seed, encoded)) for row in MAIN[1:]]
        elif experiment == "ablations" and seed < SEEDS - 1:
            jobs += [Job(f"{row}-{seed}", partial(seen, setup, row, ROWS[row], seed, encoded, (10,))) for row in ABLATED]
    return jobs
