"""Families of tasks that help each other and not the others: MNIST at 14 × 14 pixels, in each family with its pixels in another order.

A family has three tasks of many examples and one of five a class; every task names its digits anew, so that no output layer fits another
task. A dense model has to read all families with the same weights; with experts, each family may have its own.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import nn

import senpath as sp
from benchmarks.harness import Record, Records, differences, interval, percent, table_of
from senpath.data import load

SIDE, RICH, SHOTS, TESTED = 14, 3, 5, 1_000
"""Pixels a side; tasks of a family with many examples; examples a class of the last one; images that every task is tested on."""
FAMILIES, WIDTHS, EXAMPLES = (1, 2, 4, 8), (16, 64), 2_000
SETTINGS: dict[str, Any] = {"epochs": 20, "batch_size": 128, "learning_rate": 3e-3, "head_learning_rate": 3e-3, "experts": 8}
FAST = 5 * SETTINGS["learning_rate"]
"""Of the gate, where it is to settle before the experts do."""
ROWS: dict[str, dict[str, Any]] = {
    "alone": {"experts": 1},
    "dense": {"experts": 1},
    "task gate": {"gate": "task"},
    "task gate, soft first": {"gate": "task", "soften": 0.5},
    (GATE := "task gate, soft first, fast"): {"gate": "task", "soften": 0.5, "gate_learning_rate": FAST},
    (AWARE := "task-aware gate, soft first, fast"): {"soften": 0.5, "gate_learning_rate": FAST},
}
"""Settings by row; "alone" learns each task in a network of its own."""


def learn(families: int, width: int, seed: int, row: str, *, examples: int = EXAMPLES) -> Iterator[Record]:
    """All tasks of so many families, each on the same test images."""
    tasks = {f"{family}-{place}": task_of(family, place, seed, examples) for family in range(families) for place in range(RICH + 1)}
    yield learned(tasks, network, row, width=width, random_state=seed) | {"examples": examples}


def learned(tasks: Mapping[str, tuple[Any, Any]], network: Callable[[], sp.Network], row: str, **settings: Any) -> Record:
    """How well tasks of families are learned by a row.

    Args:
        tasks: the training and the test part of each, by family and place in it.
        network: makes one.
        row: of `ROWS`.
        settings: of the method, besides.
    """
    groups = [{name: task} for name, task in tasks.items()] if row == "alone" else [tasks]
    settings, accuracies, experts, start = SETTINGS | ROWS[row] | settings, dict[str, float](), dict[str, int](), time.process_time()
    for group in groups:
        net = network()
        net.learn_many({name: task[0] for name, task in group.items()}, method="moe", **settings)
        for name, (_, (x, y)) in group.items():
            accuracies[name] = percent(net.predict(x, task=name).label == y)
        experts |= likeliest(net)
    few = [value for name, value in accuracies.items() if name.endswith(f"-{RICH}")]
    many = [value for name, value in accuracies.items() if not name.endswith(f"-{RICH}")]
    record = {"scarce": float(np.mean(few)), "rich": float(np.mean(many)), "seconds": time.process_time() - start}
    return record | {f"same expert, {which}": share for which, share in same_expert(experts).items()}


def network() -> sp.Network:
    """A network that reads an image as one vector, in memory."""
    return sp.Network(encoders={"image": sp.TorchEncoder("pixels", "image", nn.Flatten(), shape=(1, SIDE, SIDE), unit=False)})


def likeliest(net: sp.Network) -> dict[str, int]:
    """The expert that most images of each task go to; empty without experts."""
    used = {name: info.provenance.record["experts"] for name, info in net.tasks.items()}
    return {name: int(max(blocks[0]["shares"], key=blocks[0]["shares"].get)) for name, blocks in used.items() if blocks}


def same_expert(experts: Mapping[str, int]) -> dict[str, float]:
    """Of pairs of tasks, within a family and across, the share that has the same likeliest expert."""
    pairs: dict[str, list[bool]] = {"within": [], "across": []}
    for first, other in combinations(experts, 2):
        pairs["within" if first.split("-")[0] == other.split("-")[0] else "across"].append(experts[first] == experts[other])
    return {which: percent(same) for which, same in pairs.items() if same}


def task_of(family: int, place: int, seed: int, examples: int) -> tuple[Any, Any]:
    """The training and the test part of a task."""
    order = np.random.default_rng([seed, family]).permutation(SIDE * SIDE)
    random = np.random.default_rng([seed, family, place + 1])
    names = random.permutation(10)
    x, y = _images("train")
    drawn = random.permutation(len(y))
    drawn = drawn[:examples] if place < RICH else np.concatenate([drawn[y[drawn] == digit][:SHOTS] for digit in range(10)])
    tested = np.random.default_rng(seed).permutation(len(_images("test")[1]))[:TESTED]
    parts = [(x[drawn], y[drawn]), tuple(part[tested] for part in _images("test"))]
    (train, labels), (test, right) = [(_ordered(images, order), names[digits]) for images, digits in parts]
    return (train, labels), (test, right)


def _ordered(images: np.ndarray, order: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)[:, order].reshape(images.shape)


@cache
def _images(split: str) -> tuple[np.ndarray, np.ndarray]:
    """At 14 × 14 pixels, in 0 … 1."""
    x, y = load("mnist", split)
    return torch.nn.functional.avg_pool2d(torch.from_numpy(x).float()[:, None] / 255, 2)[:, 0].numpy(), np.asarray(y)


def page(records: Records) -> str:
    """A line for each number of families, width and row."""
    columns: dict[str, Callable[[Records], object]] = {
        "families": lambda mine: mine[0]["families"],
        "width": lambda mine: mine[0]["width"],
        "row": lambda mine: mine[0]["row"],
        "seeds": lambda mine: len(mine.distinct("seed")),
        "tasks of five shots": lambda mine: interval(mine.values("scarce")),
        "less dense": lambda mine: _less(records, mine, "scarce"),
        "other tasks": lambda mine: interval(mine.values("rich")),
        "less dense ": lambda mine: _less(records, mine, "rich"),
        "same expert within a family / across, %": lambda mine: " / ".join(_mean(mine, which) for which in ("within", "across")),
    }
    groups = [
        records.where(families=count, width=width, row=row)
        for count in sorted(records.distinct("families"))
        for width in sorted(records.distinct("width"))
        for row in ROWS
    ]
    table = f"Means over seeds and 95 % intervals. Test accuracy, %, task given.\n\n{table_of(filter(None, groups), columns)}"
    cells = [mine for mine in groups if mine and mine[0]["row"] == AWARE and _beside(records, mine, GATE)]
    if not cells:
        return table
    gates: dict[str, Callable[[Records], object]] = {
        "families": columns["families"],
        "width": columns["width"],
        "tasks of five shots": lambda mine: _less(records, mine, "scarce", GATE),
        "other tasks": lambda mine: _less(records, mine, "rich", GATE),
    }
    return f"{table}\n\nThe task-aware gate less the task gate, both soft at first and fast, seed by seed:\n\n{table_of(cells, gates)}"


def _less(records: Records, mine: Records, which: str, row: str = "dense") -> str:
    other = _beside(records, mine, row)
    return interval(differences(mine.by_seed(which), other.by_seed(which)), sign=True) if mine[0]["row"] != row and other else ""


def _beside(records: Records, mine: Records, row: str) -> Records:
    return records.where(families=mine[0]["families"], width=mine[0]["width"], row=row)


def _mean(mine: Records, which: str) -> str:
    shares = [one[f"same expert, {which}"] for one in mine if f"same expert, {which}" in one]
    return f"{np.mean(shares):.0f}" if shares else "–"
