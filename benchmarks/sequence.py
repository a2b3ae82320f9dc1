"""One sequence of tasks, learned by senpath's method and baselines or by the peer library: accuracy with the task given, and time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Record, ask_peer, seconds
from senpath.data import load
from senpath.evaluation.strategy import Strategy
from senpath.methods import SenSettings
from senpath.types import DataType, Examples

TITLES = {"fashion": "Fashion", "mnist": "MNIST", "lower": "LOWER", "upper": "UPPER"}
"""The sequence: names of data sets in order, and what tables call them."""
EPOCHS, BATCH, RATE, HIDDEN = 5, 128, 4e-3, 128
"""What all learners share. Few passes, so that the comparison takes minutes: the letters, small sets, would gain from more."""
SETTINGS: dict[str, Any] = {"epochs": EPOCHS, "augment": 0, "batch_size": BATCH, "learning_rate": RATE, "hidden": HIDDEN}
HELD_OUT = 0.1
"""Share of the training examples that choices are made on."""

Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Task:
    """Inputs (of images uint8, n × height × width, and channels) and labels (n), to learn from and to measure on."""

    name: str
    train: Part
    test: Part


def summary(seconds: Sequence[float], accuracy: Sequence[Sequence[float]], weights: int) -> Record:
    """One learner's way through the sequence: seconds of learning each task; after each task, a row with the accuracy of every task so far,
    in 0 … 1; weights that answering for all tasks needs, with the task given. To these are added `total` seconds, the tasks' accuracies
    after the last, `final`, their `mean`, and `forgetting`: what a task lost from when it was learned to the end, mean over all but the
    last."""
    final = accuracy[-1]
    lost = fmean(row[-1] - last for row, last in zip(accuracy[:-1], final, strict=False))
    ends = {"total": sum(seconds), "final": final, "mean": fmean(final), "forgetting": lost}
    return {"seconds": seconds, "accuracy": accuracy, "weights": weights, **ends}


def read_tasks() -> list[Task]:
    """The sequence with its test sets."""

    def part(name: str, which: str) -> Part:
        images, labels = load(name, which)
        return np.asarray(images), np.unique(labels, return_inverse=True)[1].astype(np.int64)

    return [Task(name, part(name, "train"), part(name, "test")) for name in TITLES]


def with_validation(tasks: Sequence[Task]) -> list[Task]:
    """The sequence with HELD_OUT of the training examples, drawn at random, in the test sets' place."""

    def split(task: Task) -> Task:
        images, labels = task.train
        order = np.random.default_rng(0).permutation(len(labels))
        held, rest = np.split(order, [round(HELD_OUT * len(labels))])
        return Task(task.name, (images[rest], labels[rest]), (images[held], labels[held]))

    return [split(task) for task in tasks]


def learn_sen(tasks: Sequence[Task], seed: int) -> Record:
    """The method SEN with all that `Network.learn` does: similarities, links, the dispatcher's statistics, the commit to disk."""
    net = sp.Network()

    def learn(task: Task) -> None:
        net.learn(task.name, *task.train, **SETTINGS, random_state=seed)

    def accuracy(task: Task) -> float:
        images, labels = task.test
        return float((net.predict(images, task=task.name).label == labels).mean())

    return _in_order(tasks, learn, accuracy, lambda: net.weights["pathways"])


def learn_strategy(strategy: Strategy, tasks: Sequence[Task], seed: int) -> Record:
    """One of senpath's baselines, from inputs that lie encoded in memory."""
    settings = SenSettings(**SETTINGS, random_state=seed)
    train = {task.name: encoded(task.train) for task in tasks}
    test = {task.name: encoded(task.test) for task in tasks}

    def learn(task: Task) -> None:
        nonlocal strategy
        strategy = strategy.learn(task.name, train[task.name], settings)

    return _in_order(tasks, learn, lambda task: strategy.accuracy(task.name, test[task.name]), lambda: strategy.weights)


def learn_peer(python: str, method: str, folder: Path, seed: int, strength: float = 0.0) -> Record:
    """The peer's strategy in its own interpreter, on the tasks that `hand_over` wrote; it times itself, start-up and reading left out."""
    settings = {"epochs": EPOCHS, "batch": BATCH, "rate": RATE, "hidden": HIDDEN, "threads": torch.get_num_threads()}
    settings |= {"seed": seed, "strength": strength}
    return summary(**ask_peer(python, "benchmarks.peer_avalanche", "sequence", folder, method, json.dumps(settings)))


def hand_over(tasks: Sequence[Task], folder: Path) -> None:
    """Write the tasks where the peer, which has no senpath, reads them."""
    for number, task in enumerate(tasks):
        (train_x, train_y), (test_x, test_y) = task.train, task.test
        np.savez(folder / f"{number}.npz", train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y)


def encoded(part: Part) -> Examples:
    """Images and labels as a network reads them."""
    images, labels = part
    inputs = torch.from_numpy(images)[:, None].float() / 255
    return Examples(DataType("image", tuple(inputs.shape[1:])), inputs, torch.from_numpy(labels), tuple(range(int(labels.max()) + 1)))


def _in_order(
    tasks: Sequence[Task], learn: Callable[[Task], None], accuracy: Callable[[Task], float], weights: Callable[[], int]
) -> Record:
    taken, rows = [], []
    for count, task in enumerate(tasks, 1):
        taken.append(seconds(lambda task=task: learn(task)))
        rows.append([accuracy(known) for known in tasks[:count]])
    return summary(taken, rows, weights())
