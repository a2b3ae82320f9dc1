"""One input without its task, and batches, beside the plain torch calls of the same arithmetic: how far `predict` is from its floor.

    python -m benchmarks.floor [--folder runs/floor] [--rounds 640]

Grows a network of ten tasks with 300 columns and one of a thousand with 5,000, two minutes, which the folder keeps. The plain calls read
the ten tasks' own weights, and have to come to the same answers before they are timed. Time is the processor's, in one thread, so that
other programs count little. Needs SENPATH_DATA.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, in_turn, markdown_table, processor_timed, ratio
from benchmarks.scale.stream import five_characters
from benchmarks.sequence import Task
from senpath.data import load
from senpath.routing import temperature_of
from senpath.testing import ConstantMethod

FEW, MANY, HIDDEN = 10, 1_000, 128
CLASSES = 5
BATCHES = (64, 4_096)
CALLS, LEAST = 20, 7
"""Inputs that are asked for one by one in a round, so that each side has its weights in the processor's cache; rounds of a batch, at
least."""
SETS = (("mnist", 2), ("fashion", 2), ("lower", 3), ("upper", 3))
"""Data sets, and how many tasks of five of their classes there are."""
ADMIT = 1e-12
"""So that two pathways run for every input, of senpath and of the plain calls."""


def ten_tasks() -> Iterator[Task]:
    """Ten tasks of five classes with six columns each."""
    for name, tasks in SETS:
        parts = [load(name, split) for split in ("train", "test")]
        for number in range(tasks):
            mine = range(CLASSES * number, CLASSES * (number + 1))
            train, test = ((x[rows], y[rows]) for x, y in parts for rows in [np.isin(_numbers(y), mine)])
            yield Task(f"{name}-{number}", _at_most(*train, 600), _at_most(*test, 100))


def _numbers(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1]


def _at_most(images: np.ndarray, labels: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.sort(np.concatenate([np.flatnonzero(labels == label)[:each] for label in np.unique(labels)]))
    return np.asarray(images)[rows], np.asarray(labels)[rows]


def grown(path: Path, tasks: Sequence[Task]) -> sp.Network:
    """A network of these tasks; one that was stopped while it grew goes on."""
    net = sp.Network(path)
    for task in tasks[len(net.tasks) :]:
        net.learn(task.name, *task.train, method=ConstantMethod(hidden=HIDDEN))
        print(f"\r{path.stem}: {len(net.tasks)} tasks", end="", flush=True)
    print()
    return net


class Plain:
    """What one input has to go through, in plain torch calls with the weights of a network of few tasks.

    Args:
        net: its tasks are classifications by two layers, of one type of grey pictures.
    """

    def __init__(self, net: sp.Network) -> None:
        dispatcher, paths = net.view.dispatcher("image"), net.view.paths
        self.filters, metric = dispatcher.features.module.weight, dispatcher.metric
        self.grid, self.centre, self.precision = dispatcher.features.module.grid, metric.centre, metric.precision
        rows = torch.from_numpy(np.array(dispatcher.columns.rows))
        self.columns = rows - self.centre
        figures = [task.figures for task in dispatcher.tasks]
        self.temperature, correction = temperature_of(dispatcher.features.kind, figures), figures[0]["correction"]
        norms = (self.columns.double() @ self.precision.double() * self.columns.double()).sum(1)
        self.offsets = (0.5 * (correction * metric.freedom / torch.from_numpy(dispatcher.columns.counts) - norms)).float()
        self.names, self.classes = [path.task for path in paths], [path.classes for path in paths]
        self.layers = [_layers(net, path.components) for path in paths]
        self.temperatures = [path.temperature for path in paths]
        self.votes = [task["vote"] for task in figures]

    def __call__(self, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Place of the task, and of its class, that each image (n, h, w), uint8, most likely is of: int64 (n,) each."""
        inputs = torch.from_numpy(images).float()[:, None] / 255
        with torch.no_grad():
            return self._answers(inputs)

    def _features(self, inputs: torch.Tensor) -> torch.Tensor:
        centred = inputs - inputs.mean((1, 2, 3), keepdim=True)
        contrast = centred / (inputs.std((1, 2, 3), keepdim=True) + 0.05)
        maps = functional.conv2d(contrast, self.filters, padding=self.filters.shape[2] // 2)
        mean = functional.adaptive_avg_pool2d(maps, self.grid)
        positive = functional.adaptive_avg_pool2d(maps.relu_(), self.grid)
        return torch.cat([positive, (positive - mean).clamp_(min=0)], 1).flatten(1).sqrt_()

    def _answers(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = torch.cat([self._features(part) for part in inputs.split(64)])
        likeness = (((features - self.centre) @ self.precision) @ self.columns.T + self.offsets) / self.temperature
        by_task = likeness.view(len(inputs), len(self.names), -1)
        scores = torch.logsumexp(by_task, 2)
        probabilities, tasks = torch.softmax(scores, 1).topk(2, dim=1)
        joint, labels = torch.empty_like(probabilities), torch.empty_like(tasks)
        flat = inputs.flatten(1)
        if len(inputs) == 1:
            for place, task in enumerate(tasks[0].tolist()):
                joint[:, place], labels[:, place] = (self._classes(task, flat, by_task[:, task]) * probabilities[:, place, None]).max(1)
        else:
            for task in tasks.unique().tolist():
                rows, places = (tasks == task).nonzero(as_tuple=True)
                answers = self._classes(task, flat[rows], by_task[rows, task])
                joint[rows, places], labels[rows, places] = (answers * probabilities[rows, places, None]).max(1)
        best = joint.argmax(1, keepdim=True)
        return tasks.gather(1, best)[:, 0], labels.gather(1, best)[:, 0]

    def _classes(self, task: int, flat: torch.Tensor, likeness: torch.Tensor) -> torch.Tensor:
        """P(class | task, input), by the pathway and by the columns, those of a class one after another."""
        (weight, bias), (out, shift) = self.layers[task]
        hidden = functional.linear(flat, weight, bias).relu_()
        told = torch.softmax(functional.linear(hidden, out, shift) / self.temperatures[task], 1)
        return torch.lerp(told, torch.softmax(likeness, 1).view(*told.shape, -1).sum(2), self.votes[task])


def _layers(net: sp.Network, names: Sequence[str]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weight and bias of each affine map of a pathway."""
    numbers = [[*net.view.component(name).module.parameters()] for name in names]
    return [(weight, bias) for weight, bias in numbers]


def _measure(folder: Path, rounds: int) -> Iterator[Record]:
    tasks = {FEW: [*ten_tasks()], MANY: [*five_characters(MANY)]}
    nets = {size: grown(folder / f"{size}.sen", mine) for size, mine in tasks.items()}
    images = {size: np.concatenate([task.test[0] for task in mine]) for size, mine in tasks.items()}
    random = np.random.default_rng(0)
    images = {size: pool[random.integers(0, len(pool), LEAST * max(BATCHES))] for size, pool in images.items()}
    for size, net in nets.items():  # what is asked of is read before
        net.predict(images[size][: 2 * max(BATCHES)], admit=ADMIT)
    plain = Plain(nets[FEW])
    agreed = _agreement(plain, nets[FEW], images[FEW][:500])
    yield {"threads": torch.get_num_threads(), "torch": torch.__version__, "agreed": agreed, "columns": len(plain.columns)}
    for batch in (1, *BATCHES):
        jobs: dict[str, Callable[[slice], object]] = {"plain": lambda part: plain(images[FEW][part])}
        for size, net in nets.items():
            jobs[str(size)] = lambda part, net=net, size=size: net.predict(images[size][part], admit=ADMIT)
        calls = CALLS if batch == 1 else 1
        taken: dict[str, list[float]] = {name: [] for name in jobs}
        for number in range(max(LEAST, rounds // (calls * batch))):
            parts = [slice(start, start + batch) for start in range(number * calls * batch, (number + 1) * calls * batch, batch)]
            once = in_turn({name: processor_timed(partial(_each, job, parts)) for name, job in jobs.items()}, 1, warm=number == 0)
            for name, seconds in once.items():
                taken[name].append(seconds[0] / calls)
        yield {"batch": batch, "seconds": taken}


def _each(job: Callable[[slice], object], parts: Sequence[slice]) -> None:
    for part in parts:
        job(part)


def _agreement(plain: Plain, net: sp.Network, images: np.ndarray) -> float:
    """Of how many of these images the plain calls and senpath say the same."""
    answers = net.predict(images, admit=ADMIT, reject=False)
    told = [(plain.names[task], plain.classes[task][label]) for task, label in zip(*map(torch.Tensor.tolist, plain(images)), strict=True)]
    ours = zip(answers.task, answers.label.tolist(), strict=True)
    agreed = float(np.mean([mine == theirs for mine, theirs in zip(told, ours, strict=True)]))
    if agreed < 0.99:
        raise RuntimeError(f"the plain calls come to other answers: {100 * agreed:.1f} % are the same")
    return agreed


def _table(records: Records) -> str:
    about = records[0]
    rows = []
    for record in records[1:]:
        seconds, batch = record["seconds"], record["batch"]
        each = [f"{1e6 * median(seconds[name]) / batch:,.0f}" for name in seconds]
        shares = [f"**{ratio(seconds[str(size)], seconds['plain']):.2f}**" for size in (FEW, MANY)]
        rows.append([f"{batch:,}", *each, *shares])
    head = ["inputs", "plain torch, ten tasks, µs an input", f"senpath, {FEW} tasks", f"senpath, {MANY:,} tasks"]
    head += [f"{size:,} tasks ÷ plain" for size in (FEW, MANY)]
    told = f"{about['threads']} thread, torch {about['torch']}; {about['columns']} columns; {100 * about['agreed']:.1f} % the same answers."
    return f"{markdown_table(head, rows)}\n\n{told}"


PARTS = {"measured": Part(_measure)}
SECTIONS = {"floor": Section(_table, ["measured"])}
OPTIONS = {"--rounds": {"type": int, "default": 640, "help": "inputs that are asked for in batches of each size, at least"}}
BENCHMARK = Benchmark("floor", __doc__, PARTS, SECTIONS, "scale.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
