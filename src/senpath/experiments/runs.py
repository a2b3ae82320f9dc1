"""One run of an experiment: a contender goes through the stream with one seed, and every task is measured after every task."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from senpath import data
from senpath.errors import InputError, SenpathError, SenpathWarning
from senpath.evaluation.protocol import score
from senpath.evaluation.strategy import Strategy
from senpath.experiments.contenders import Contender
from senpath.experiments.jobs import Tell
from senpath.experiments.records import Record, setting_fields
from senpath.experiments.streams import Stream
from senpath.seeds import derive
from senpath.types import Examples

Shots = int | str
"""Examples of each class that a task is learned from, or "all"."""
ALL = "all"
_OPEN: dict[str, Stream] = {}
"""Streams that this process has read, by their fingerprints."""


@dataclass(frozen=True)
class StreamHandle:
    """A stream, as it travels to a worker, which reads it once.

    Args:
        fingerprint: of the stream.
        read: gives it.
    """

    fingerprint: str
    read: Any

    def open(self) -> Stream:
        """The stream."""
        if self.fingerprint not in _OPEN:
            _OPEN.clear()
            _OPEN[self.fingerprint] = self.read()
        return _OPEN[self.fingerprint]

    @staticmethod
    def of(stream: Stream, read: Any) -> StreamHandle:
        """The handle of a stream that this process has read already."""
        _OPEN.clear()
        _OPEN[stream.fingerprint] = stream
        return StreamHandle(stream.fingerprint, read)


@dataclass(frozen=True)
class ExperimentRun:
    """What is run once.

    Args:
        contender: with all its settings.
        seed: decides initial weights, the order of examples, and which are drawn where there are few.
        shots: examples of each class of every task; or, with `branches`, of the newest task only.
        branches: further numbers of shots: at each task, what would have come of so few, after all examples of the earlier tasks.
        varied: the settings in which this run differs from others of the same label.
    """

    contender: Contender
    seed: int
    shots: Shots
    branches: tuple[Shots, ...] = ()
    varied: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the job: for its file."""
        words = "".join(letter if letter.isalnum() else "-" for letter in self.contender.label.lower()).strip("-")
        branches = "".join(f"-{shots}" for shots in self.branches)
        return f"{words[:60]}-{self.contender.key}-{self.shots}{branches}-{self.seed}"


def run_once(handle: StreamHandle, run: ExperimentRun, tell: Tell) -> None:
    """Run a run, and tell its records.

    Raises:
        SenpathError: as the contender raised it, with the run's name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SenpathWarning)  # of tasks that are learned badly, which is what is measured
            for record in _records(handle.open(), run):
                tell({"method": run.contender.label, **setting_fields(run.varied), "seed": run.seed, **record})
    except SenpathError as error:
        error.reword(f"{run.contender.label} with seed {run.seed}: {error.message}")
        raise


def _records(stream: Stream, run: ExperimentRun) -> Iterator[Record]:
    """Kinds "before" (of a task before any step on it), "score" (of a task after a task) and "learned" (what learning a task took)."""
    strategy, settings = run.contender.make(run.seed, untrained=run.shots == 0)
    fresh = strategy
    learned: dict[str, Examples] = {}
    for task in stream.tasks:
        train = stream.train(task)
        if not strategy.takes(train.data_type):
            continue
        for shots in run.branches:
            yield {"kind": "score", "shots": shots, "after": task, "task": task, **_branch(stream, strategy, run, task, shots, learned)}
        sample = draw(train, run.shots, run.seed)
        if learned and run.contender.waits and run.shots != 0:
            yield {"kind": "before", "shots": run.shots, "task": task, **_before(stream, (strategy, fresh), run, task, sample)}
        start = time.perf_counter()
        strategy = strategy.learn(task, sample, settings)
        seconds = time.perf_counter() - start
        learned[task] = train.subset(torch.zeros(0, dtype=torch.int64))
        size = {"examples": len(sample), "weights": strategy.weights, "activated": strategy.activated(task)}
        yield {"kind": "learned", "shots": run.shots, "task": task, "seconds": round(seconds, 3), **size}
        for name in learned:
            figures = vars(score(strategy, name, stream.test(name), learned))
            yield {"kind": "score", "shots": run.shots, "after": task, "task": name, **figures}


def _before(stream: Stream, both: tuple[Strategy, Strategy], run: ExperimentRun, task: str, sample: Examples) -> Record:
    """How right a strategy is on a task that was added without a step, and how right one that has learned nothing before."""
    _, waiting = run.contender.make(run.seed, untrained=True)
    given, untrained = (strategy.learn(task, sample, waiting).accuracy(task, stream.test(task)) for strategy in both)
    return {"given": given, "untrained": untrained}


def _branch(stream: Stream, before: Strategy, run: ExperimentRun, task: str, shots: Shots, learned: Mapping[str, Examples]) -> Record:
    """What would have come of few examples of a task; the sequence goes on without it."""
    train = stream.train(task)
    _, settings = run.contender.make(run.seed, untrained=shots == 0)
    after = before.learn(task, draw(train, shots, run.seed), settings)
    return vars(score(after, task, stream.test(task), {**learned, task: train}))


def draw(examples: Examples, shots: Shots, seed: int) -> Examples:
    """So many examples of each class, drawn by the seed; all of them where none is trained on.

    Raises:
        InputError: if a class has fewer.
    """
    if shots in (ALL, 0):
        return examples
    places = data.few_shot(examples.inputs, examples.targets.numpy(), int(shots), derive(seed, "shots"))  # type: ignore[arg-type]
    return examples.subset(torch.from_numpy(places))


def check_shots(shots: Sequence[Shots]) -> tuple[Shots, ...]:
    """Numbers of shots, if they are some.

    Raises:
        InputError: for anything but whole numbers from 0 and "all".
    """
    if isinstance(shots, int | str):
        shots = (shots,)
    right = [each == ALL or (isinstance(each, int) and not isinstance(each, bool) and each >= 0) for each in shots]
    if not right or not all(right) or len(set(shots)) < len(right):
        raise InputError("shots", expected="different whole numbers from 0 on, or 'all'", got=repr(shots))
    return tuple(shots)
