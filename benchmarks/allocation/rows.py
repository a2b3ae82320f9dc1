"""What is compared, how large each experiment is, and training one row of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from benchmarks.allocation import tasks
from benchmarks.allocation.tasks import Task
from benchmarks.harness import Record, Records, read_part
from senpath.components import count_weights
from senpath.methods.allocation import PAPER, AllocationSettings, Training
from senpath.methods.allocation.blueprint import make_blueprint

TITLES = {
    "gumbel": "Gumbel-Matrix",
    "shared": "shared bottom",
    "alone": "no sharing",
    "same": "shared bottom of the same active size",
    "half": "Gumbel-Matrix, budget ½",
    "same half": "shared bottom of the active size of that",
}
SIZED = {"same": "gumbel", "same half": "half"}
"""Rows that are as large as what another row came to use."""
SMALLER = ("3x3", "3x3", "3x3", "1x7", "identity")
"""The best of the sets that were tried on validation data (docs/log.md); what the paper has besides learned slowly, or was not tried."""


@dataclass(frozen=True)
class Experiment:
    """One comparison: its tasks, made from the seed; settings of every row (`AllocationSettings`); rows (`TITLES`); how many seeds."""

    tasks: partial[Iterable[Task]]
    settings: dict[str, Any]
    rows: tuple[str, ...]
    seeds: int


PLAN = {
    "toy": Experiment(
        partial(tasks.toy, 5_000),
        {"layers": 3, "components": 4, "width": 8, "batch": 16, "steps": 600, "validate_every": 100},
        ("gumbel",),
        5,
    ),
    "omniglot": Experiment(
        partial(tasks.omniglot, 28),
        {"layers": 3, "components": SMALLER, "width": 16, "batch": 8, "steps": 600, "validate_every": 100}
        | {"learning_rate": 2e-3, "dropout": 0.25},
        ("gumbel", "shared", "alone", "same", "half", "same half"),
        3,
    ),
    "clusters": Experiment(
        partial(tasks.clusters, 3_000),
        {"layers": 3, "components": 16, "width": 8, "batch": 4, "steps": 700, "budget": 0.5, "p0": 0.5, "validate_every": 350},
        ("gumbel",),
        3,
    ),
    "night": Experiment(
        partial(tasks.omniglot, 28),
        {**PAPER, "layers": 4, "strides": (2, 2, 1, 2), "width": 16, "batch": 8, "steps": 6_000, "tasks_per_update": None}
        | {"learning_rate": 1e-3, "router_rate": 2e-3, "validate_every": 250},
        ("gumbel", "shared", "alone", "same", "half", "same half"),
        3,
    ),
    "full": Experiment(partial(tasks.omniglot, 105), {**PAPER, "validate_every": 100}, ("gumbel", "shared", "alone", "same"), 3),
}


Run = Callable[[Training, str], None]
"""Trains to the end; the text is a name for what is trained, unique in its row and seed."""


def learn(
    name: str, seed: int, row: str, folder: Path, *, device: str = "cpu", run: Run = lambda training, what: training.run()
) -> Iterator[Record]:
    """Train a row's tasks, together or each alone; yields their test errors and what they use."""
    experiment = PLAN[name]
    tasks = list(experiment.tasks(seed))
    settings = settings_of(experiment, row, seed, folder / name, tasks)
    for group in [[task] for task in tasks] if row == "alone" else [tasks]:
        training = training_of(group, settings, torch.device(device))
        start = time.perf_counter()
        run(training, group[0][0] if row == "alone" else "all")
        seconds = time.perf_counter() - start
        training.keep_best()
        for place, task in enumerate(group):
            yield {"seconds": seconds / len(group), **_figures(training, place, task)}


def training_of(group: Sequence[Task], settings: AllocationSettings, device: torch.device) -> Training:
    """Of these tasks together."""
    return Training([split for _, split, _ in group], settings, device)


def settings_of(experiment: Experiment, row: str, seed: int, folder: Path, tasks: Sequence[Task]) -> AllocationSettings:
    """A row's settings."""
    settings: dict[str, Any] = {**experiment.settings, "random_state": seed}
    if row == "half":
        settings |= {"budget": 0.5}
    elif row != "gumbel":
        settings |= {"allocation": "shared", "budget": None}
    if row in SIZED:
        sized = read_part(folder, [{"seed": seed, "row": SIZED[row]}])
        settings["components"] = same_size(AllocationSettings(**settings), sized, tasks)
    return AllocationSettings(**settings)


def same_size(settings: AllocationSettings, sized: Records, tasks: Sequence[Task]) -> tuple[str, ...]:
    """Components, the same in each layer, whose weights are together as many as a task of the Gumbel-Matrix uses on average.

    Of several choices that are as near, the one with most components.
    """
    if not sized:
        raise ValueError("the row whose size this one takes has no records: it comes first")
    wanted = sized.mean("body")
    blueprint = make_blueprint(tasks[0][1].examples.data_type, settings)
    stem = count_weights(blueprint.stem.build()) + len(blueprint.layers) * count_weights(blueprint.norm.build())
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
    weights: int = count_weights(training.model.stem) + count_weights(training.model.norms)
    for layer, use in enumerate(active.tolist()):
        weights += sum(count_weights(component) for component, used in zip(training.model.components(layer), use, strict=True) if used)
    return weights
