"""Training one row of an experiment, and what is recorded of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from benchmarks.allocation.plan import PLAN, SIZED, Experiment
from benchmarks.allocation.tasks import Task
from senpath.components import count_weights
from senpath.methods.allocation import AllocationSettings, Training
from senpath.methods.allocation.blueprint import make_blueprint
from senpath.reproduce.jobs import Job, Record, Tell

Run = Callable[[Training, str], None]
"""Trains to the end; the text is a name for what is trained, unique in its row and seed."""


def jobs_of(name: str, folder: Path, rows: Sequence[str] | None = None) -> list[Job]:
    """One job for each row and seed."""
    experiment = PLAN[name]
    return [
        Job(f"{row}-{seed}", partial(learn, name, row, seed, folder))
        for seed in range(experiment.seeds)
        for row in experiment.rows
        if rows is None or row in rows
    ]


def learn(
    name: str, row: str, seed: int, folder: Path, tell: Tell, *, device: str = "cpu", run: Run = lambda training, what: training.run()
) -> None:
    """Train a row's tasks, together or each alone, and tell their test errors and what they use."""
    experiment = PLAN[name]
    found = list(experiment.tasks(seed))
    settings = settings_of(experiment, row, seed, folder, found)
    for group in [[task] for task in found] if row == "alone" else [found]:
        training = training_of(group, settings, torch.device(device))
        start = time.perf_counter()
        run(training, group[0][0] if row == "alone" else "all")
        seconds = time.perf_counter() - start
        training.keep_best()
        for place, task in enumerate(group):
            tell({"row": row, "seed": seed, "seconds": seconds / len(group), **_figures(training, place, task)})


def training_of(group: Sequence[Task], settings: AllocationSettings, device: torch.device) -> Training:
    """Of these tasks together."""
    return Training([split for _, split, _ in group], settings, device)


def settings_of(experiment: Experiment, row: str, seed: int, folder: Path, found: Sequence[Task]) -> AllocationSettings:
    """A row's settings."""
    settings: dict[str, Any] = {**experiment.settings, "random_state": seed}
    if row == "half":
        settings |= {"budget": 0.5}
    elif row != "gumbel":
        settings |= {"allocation": "shared", "budget": None}
    if row in SIZED:
        settings["components"] = same_size(AllocationSettings(**settings), folder / f"{SIZED[row]}-{seed}.jsonl", found)
    return AllocationSettings(**settings)


def same_size(settings: AllocationSettings, file: Path, found: Sequence[Task]) -> tuple[str, ...]:
    """Components, the same in each layer, whose weights are together as many as a task of the Gumbel-Matrix uses on average.

    Of several choices that are as near, the one with most components.
    """
    if not file.exists():
        raise ValueError(f"{file} is not there: it comes first")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    wanted = sum(record["body"] for record in records) / len(records)
    blueprint = make_blueprint(found[0][1].examples.data_type, settings)
    stem = count_weights(blueprint.stem.build())
    sizes = [sum(count_weights(layer[place].build()) for layer in blueprint.layers) for place in range(len(blueprint.names))]
    choices = [chosen for count in range(1, len(sizes) + 1) for chosen in combinations(range(len(sizes)), count)]
    best = min(choices, key=lambda chosen: (abs(stem + sum(sizes[place] for place in chosen) - wanted), -len(chosen)))
    return tuple(blueprint.names[place] for place in best)


def _figures(training: Training, place: int, task: Task) -> Record:
    name, _, test = task
    active, best = training.active()[place], training.best
    if best is None or (quality := best.qualities[place]) is None:
        raise ValueError(f"nothing of {name} was held out")
    answers = training.answers(place, test.inputs)
    return {
        "task": name,
        "error": 1 - test.task_kind.score(answers, training.splits[place].scaler.transform(test.targets)),
        "held": 1 - quality,
        "step": best.step,
        "body": _weights(training, active),
        "used": active.int().tolist(),
        "probabilities": training.probabilities()[place].tolist(),
    }


def _weights(training: Training, active: torch.Tensor) -> int:
    """Of what a task runs, but for its output layer."""
    used = [
        component
        for layer, use in enumerate(active)
        for component, mine in zip(training.model.components(layer), use.tolist(), strict=True)
        if mine
    ]
    return sum(count_weights(component) for component in [training.model.stem, *used])
