"""Avalanche 0.6's Naive, EWC and PNN on a long stream of small tasks, timed by itself; run by a Python that has avalanche-lib.

    python -m benchmarks.scale.peer_stream FOLDER naive|ewc|pnn SETTINGS

FOLDER holds one .npz per task, named by its number: train_x, test_x (uint8, n × 28 × 28), train_y, test_y (int64, from 0). SETTINGS is
a JSON object with the keys steps, batch, rate, hidden, threads, seed, strength (EWC's λ) and limit. Once `limit` seconds have passed no
other task is begun. Prints a JSON line per task learned, and one more after 1, 10, 100 and 1,000 tasks and after the last:

    {"task": from 0, "learn": seconds, "predict_one": seconds, "weights": parameters of the model, "rss": resident MB}
    {"n": tasks learned, "accuracy": mean over up to 50 of them, "batch": seconds}

`predict_one` is the median over 20 tasks, evenly spread, of the time for one of their inputs; `batch` that for 4,096 test inputs of all
tasks, mixed. Task labels are given, and inputs are tensors of floats. Images are never distorted here; senpath does so by its default.

As in senpath, every task starts with a fresh Adam, takes the same steps on full batches, and its learning rate rises and falls. A task is
one batch, so each step sees all of it. Passes through the library's data loader, which puts the same batch together for every
step, would take Naive nearly half as long again; `OneBatch` has it put together once, so that the peer is not charged for that.
"""

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import psutil
import torch
from avalanche.models import MultiTaskModule
from avalanche.training.plugins import SupervisedPlugin

from benchmarks import peer_sequence

MEASURED = (1, 10, 100, 1000)
"""Numbers of tasks after which accuracy and the mixed batch are measured; they are after the last too."""
ASKED, SINGLES, MIXED = 50, 20, 4096
REPEATED = 1.0
"""Seconds: a batch that takes less is timed again."""

Tensors = dict[str, torch.Tensor]


class OneBatch(SupervisedPlugin):
    """A task's only batch, put together once and seen at every step, in place of a pass for every step.

    It replaces the strategy's data loader before the training, as the library's own replay does.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        batches = list(strategy.dataloader)
        if len(batches) != 1 or len(batches[0][0]) != len(strategy.experience.dataset):
            raise ValueError(f"a task has {len(strategy.experience.dataset)} examples, expected as many as a batch")
        strategy.dataloader = batches * self.steps


def main() -> None:
    folder, method, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    torch.set_num_threads(settings["threads"])
    tasks = [_read(file) for file in sorted(folder.glob("*.npz"), key=lambda file: int(file.stem))]
    with contextlib.redirect_stdout(io.StringIO()):  # strategies print a line per experience
        warm_up = make_strategy(method, settings)
        for experience in peer_sequence.make_stream(tasks[:2]):
            _learn(warm_up, experience)
        _learn_all(tasks, method, settings, sys.__stdout__)


def _learn_all(tasks: list[Tensors], method: str, settings: dict[str, Any], out: Any) -> None:
    stream, strategy, count = peer_sequence.make_stream(tasks), make_strategy(method, settings), 0
    start = time.perf_counter()
    for count, experience in enumerate(stream, 1):
        learned = {"task": count - 1, "learn": _learn(strategy, experience), **_state(strategy.model, tasks[:count])}
        print(json.dumps(learned), file=out, flush=True)
        last = count == len(tasks) or time.perf_counter() - start >= settings["limit"]
        if last or count in MEASURED:
            print(json.dumps({"n": count, **_quality(strategy.model, tasks[:count])}), file=out, flush=True)
        if last:
            return


def make_strategy(method: str, settings: dict[str, Any]) -> Any:
    """The library's strategy, with one pass of many steps: its schedule counts a batch a pass, and OneBatch puts all steps in one."""
    torch.manual_seed(settings["seed"])
    strategy = peer_sequence.make_strategy(method, {**settings, "epochs": settings["steps"]})
    strategy.train_epochs = 1
    strategy.plugins.insert(0, OneBatch(settings["steps"]))
    return strategy


def _learn(strategy: Any, experience: Any) -> float:
    start = time.perf_counter()
    strategy.train(experience, num_workers=0, reset_optimizer_state=True)
    return time.perf_counter() - start


@torch.no_grad()
def _state(model: MultiTaskModule, tasks: list[Tensors]) -> dict[str, float]:
    """What a single prediction takes, and how large model and process are."""
    model.eval()
    asked = np.linspace(0, len(tasks) - 1, SINGLES).round().astype(int).tolist()
    seconds = [_seconds(model, _inputs(tasks[number]["test_x"][:1]), number) for number in asked]
    weights = sum(parameter.numel() for parameter in model.parameters())
    return {"predict_one": median(seconds), "weights": weights, "rss": round(psutil.Process().memory_info().rss / 2**20)}


@torch.no_grad()
def _quality(model: MultiTaskModule, tasks: list[Tensors]) -> dict[str, float]:
    """Accuracy with the task given, and what a batch takes in which all tasks are mixed."""
    model.eval()
    asked = np.linspace(0, len(tasks) - 1, min(ASKED, len(tasks))).round().astype(int).tolist()
    accuracy = fmean(_accuracy(model, tasks[number], number) for number in asked)
    labels = torch.arange(MIXED) % len(tasks)
    tests = [tasks[number]["test_x"] for number in labels.tolist()]
    inputs = _inputs(torch.stack([test[place // len(tasks) % len(test)] for place, test in enumerate(tests)]))
    return {"accuracy": accuracy, "batch": _repeated(lambda: _seconds(model, inputs, labels))}


def _accuracy(model: MultiTaskModule, task: Tensors, number: int) -> float:
    return float((model(_inputs(task["test_x"]), number).argmax(1) == task["test_y"]).float().mean())


def _seconds(model: MultiTaskModule, inputs: torch.Tensor, task: int | torch.Tensor) -> float:
    start = time.perf_counter()
    model(inputs, task)
    return time.perf_counter() - start


def _repeated(measure: Callable[[], float]) -> float:
    """Once where it takes long, else the median of five after a first."""
    first = measure()
    return first if first >= REPEATED else median(measure() for _ in range(5))


def _read(file: Path) -> Tensors:
    """A task; its test images stay bytes, so that a thousand of them do not count for much in the process's size."""
    with np.load(file) as arrays:
        tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return {**tensors, "train_x": _inputs(tensors["train_x"])}


def _inputs(images: torch.Tensor) -> torch.Tensor:
    return images[:, None].float() / 255


if __name__ == "__main__":
    main()
