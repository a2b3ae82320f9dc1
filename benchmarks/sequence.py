"""One sequence of tasks, learned by senpath's method and baselines or by the peer library: accuracy with the task given, and time."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

import senpath as sp
from senpath.data import load
from senpath.evaluation.strategy import Strategy
from senpath.methods import SenSettings
from senpath.types import DataType, Examples

TITLES = {"fashion": "Fashion", "mnist": "MNIST", "lower": "LOWER", "upper": "UPPER"}
"""The sequence: names of data sets in order, and what tables call them."""
EPOCHS, BATCH, RATE, HIDDEN = 5, 128, 4e-3, 128
"""What all learners share. Few passes, so that the comparison takes minutes: the letters, small sets, would gain from more."""
HELD_OUT = 0.1
"""Share of the training examples that choices are made on."""
PEER = Path(__file__).with_name("peer_sequence.py")

Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Task:
    """Images (uint8, n × 28 × 28) and labels (int64, from 0), to learn from and to measure on."""

    name: str
    train: Part
    test: Part


@dataclass(frozen=True)
class Run:
    """One learner's way through the sequence.

    Attributes:
        seconds: of learning each task.
        accuracy: after each task, a row with the accuracy of every task so far, in 0 … 1.
        weights: that answering for all tasks needs, with the task given.
    """

    seconds: list[float]
    accuracy: list[list[float]]
    weights: int

    @property
    def final(self) -> list[float]:
        """Each task's accuracy after the last."""
        return self.accuracy[-1]

    @property
    def mean(self) -> float:
        """Of the tasks, after the last."""
        return fmean(self.final)

    @property
    def forgetting(self) -> float:
        """What a task lost from when it was learned to the end: mean over all tasks but the last."""
        return fmean(row[-1] - last for row, last in zip(self.accuracy[:-1], self.final, strict=False))

    @property
    def total(self) -> float:
        """Seconds of learning, all tasks."""
        return sum(self.seconds)


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


def learn_sen(tasks: Sequence[Task], seed: int) -> Run:
    """The method SEN with all that `Network.learn` does: similarities, links, the dispatcher's statistics, the commit to disk."""
    net = sp.Network()

    def learn(task: Task) -> None:
        net.learn(task.name, *task.train, epochs=EPOCHS, augment=0, batch_size=BATCH, learning_rate=RATE, hidden=HIDDEN, random_state=seed)

    def accuracy(task: Task) -> float:
        images, labels = task.test
        return float((net.predict(images, task=task.name).label == labels).mean())

    return _in_order(tasks, learn, accuracy, lambda: net.weights["pathways"])


def learn_strategy(strategy: Strategy, tasks: Sequence[Task], seed: int) -> Run:
    """One of senpath's baselines, from inputs that lie encoded in memory."""
    settings = SenSettings(epochs=EPOCHS, augment=0, batch_size=BATCH, learning_rate=RATE, hidden=HIDDEN, random_state=seed)
    train = {task.name: _encoded(task.train) for task in tasks}
    test = {task.name: _encoded(task.test) for task in tasks}

    def learn(task: Task) -> None:
        nonlocal strategy
        strategy = strategy.learn(task.name, train[task.name], settings)

    return _in_order(tasks, learn, lambda task: strategy.accuracy(task.name, test[task.name]), lambda: strategy.weights)


def learn_peer(python: str, method: str, folder: Path, seed: int, strength: float = 0.0) -> Run:
    """The peer's strategy in its own interpreter, on the tasks that `hand_over` wrote; it times itself, start-up and reading left out."""
    settings = {
        "epochs": EPOCHS,
        "batch": BATCH,
        "rate": RATE,
        "hidden": HIDDEN,
        "threads": torch.get_num_threads(),
        "seed": seed,
        "strength": strength,
    }
    command = [python, str(PEER), str(folder), method, json.dumps(settings)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    return Run(**json.loads(answer.stdout.splitlines()[-1]))


def hand_over(tasks: Sequence[Task], folder: Path) -> None:
    """Write the tasks where the peer, which has no senpath, reads them."""
    for number, task in enumerate(tasks):
        (train_x, train_y), (test_x, test_y) = task.train, task.test
        np.savez(folder / f"{number}.npz", train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y)


def _in_order(tasks: Sequence[Task], learn: Callable[[Task], None], accuracy: Callable[[Task], float], weights: Callable[[], int]) -> Run:
    seconds, rows = [], []
    for count, task in enumerate(tasks, 1):
        start = time.perf_counter()
        learn(task)
        seconds.append(time.perf_counter() - start)
        rows.append([accuracy(known) for known in tasks[:count]])
    return Run(seconds, rows, weights())


def _encoded(part: Part) -> Examples:
    images, labels = part
    inputs = torch.from_numpy(images)[:, None].float() / 255
    return Examples(DataType("image", tuple(inputs.shape[1:])), inputs, torch.from_numpy(labels), tuple(range(int(labels.max()) + 1)))
