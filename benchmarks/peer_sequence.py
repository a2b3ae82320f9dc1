"""Avalanche 0.6's Naive, EWC and PNN on a sequence of tasks, timed by itself; run by a Python that has avalanche-lib.

    python peer_sequence.py FOLDER naive|ewc|pnn SETTINGS

FOLDER holds one .npz per task, numbered in their order: train_x, test_x (uint8, n × 28 × 28), train_y, test_y (int64, from 0).
SETTINGS is a JSON object with the keys epochs, batch, rate, hidden, threads, seed and strength (EWC's λ). Prints one JSON line:
`seconds` per task, `accuracy`, one row per task learned, with the test accuracy of each task so far, and `weights`, how many at the end.

All that is not training is left out: tensors in memory, fused Adam, no metrics, no logging. As in senpath, every task starts with a
fresh Adam, a batch is always full, so that both sides take the same number of steps, and the learning rate rises and falls.
"""

import contextlib
import io
import json
import sys
import time
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks import benchmark_from_datasets, task_incremental_benchmark
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.models import PNN, MultiHeadClassifier, MultiTaskModule
from avalanche.training.plugins import EvaluationPlugin, SupervisedPlugin
from avalanche.training.supervised import EWC, Naive, PNNStrategy
from torch import nn
from torch.utils.data import TensorDataset

PIXELS = 28 * 28
WARM_UP = 1_280
"""Examples of each of two tasks that are learned first, untimed: what a first use costs is no part of the comparison."""

Tensors = dict[str, torch.Tensor]


class Heads(MultiTaskModule):
    """One hidden layer, one output layer per task: the library's MTSimpleMLP without its dropout."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, hidden), nn.ReLU())
        self.head = MultiHeadClassifier(hidden)

    def forward(self, x: torch.Tensor, task_labels: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x), task_labels)


class Schedule(SupervisedPlugin):
    """senpath's learning rate: a short rise, then a cosine down to zero, anew for every task."""

    RISE = 0.05

    def __init__(self, highest: float, batch: int, epochs: int) -> None:
        super().__init__()
        self.highest, self.batch, self.epochs = highest, batch, epochs

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        self.step, self.steps = 0, self.epochs * (len(strategy.experience.dataset) // self.batch)

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        passed = self.step / self.steps
        self.step += 1
        rising, falling = (0.02 + passed) / (0.02 + self.RISE), 0.5 * (1 + cos(pi * (passed - self.RISE) / (1 - self.RISE)))
        for group in strategy.optimizer.param_groups:
            group["lr"] = self.highest * (rising if passed < self.RISE else falling)


def main() -> None:
    folder, method, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    torch.set_num_threads(settings["threads"])
    tasks = [_read(file) for file in sorted(folder.glob("*.npz"), key=lambda file: int(file.stem))]
    with contextlib.redirect_stdout(io.StringIO()):  # strategies print a line per experience
        _learn_all([{name: values[:WARM_UP] for name, values in task.items()} for task in tasks[:2]], method, {**settings, "epochs": 1})
        answer = _learn_all(tasks, method, settings)
    print(json.dumps(answer))


def _learn_all(tasks: list[Tensors], method: str, settings: dict[str, Any]) -> dict[str, Any]:
    torch.manual_seed(settings["seed"])
    strategy = make_strategy(method, settings)
    seconds, accuracy = [], []
    for count, experience in enumerate(make_stream(tasks), 1):
        start = time.perf_counter()
        strategy.train(experience, num_workers=0, drop_last=True, reset_optimizer_state=True)
        seconds.append(time.perf_counter() - start)
        accuracy.append([_accuracy(strategy.model, task, number) for number, task in enumerate(tasks[:count])])
    weights = sum(parameter.numel() for parameter in strategy.model.parameters())
    return {"seconds": seconds, "accuracy": accuracy, "weights": weights}


def make_strategy(method: str, settings: dict[str, Any]) -> Any:
    hidden = settings["hidden"]
    model = PNN(num_layers=1, in_features=PIXELS, hidden_features_per_column=hidden) if method == "pnn" else Heads(hidden)
    common = {
        "model": model,
        "optimizer": torch.optim.Adam(model.parameters(), lr=settings["rate"], fused=True),
        "criterion": nn.CrossEntropyLoss(),
        "train_mb_size": settings["batch"],
        "train_epochs": settings["epochs"],
        "evaluator": EvaluationPlugin(),
        "plugins": [Schedule(settings["rate"], settings["batch"], settings["epochs"])],
    }
    if method == "ewc":
        return EWC(ewc_lambda=settings["strength"], **common)
    return {"naive": Naive, "pnn": PNNStrategy}[method](**common)


def make_stream(tasks: list[Tensors]) -> Any:
    """One experience per task, with its task label and its classes, which are what the heads and columns are made from."""
    data = [
        AvalancheDataset(
            [TensorDataset(task["train_x"], task["train_y"])], data_attributes=[TensorDataAttribute(task["train_y"], name="targets")]
        )
        for task in tasks
    ]
    stream = task_incremental_benchmark(benchmark_from_datasets(train=data)).train_stream
    for experience in stream:  # a list: MultiHeadClassifier cannot index by the set that with_classes_timeline gives
        experience.classes_in_this_experience = sorted(experience.dataset.targets.uniques)
    return stream


@torch.no_grad()
def _accuracy(model: MultiTaskModule, task: Tensors, number: int) -> float:
    model.eval()
    return float((model(task["test_x"], number).argmax(1) == task["test_y"]).float().mean())


def _read(file: Path) -> Tensors:
    with np.load(file) as arrays:
        tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return {name: values[:, None].float() / 255 if name.endswith("_x") else values for name, values in tensors.items()}


if __name__ == "__main__":
    main()
