"""Avalanche 0.6, timed by itself; run by a Python that has avalanche-lib. Prints JSON objects, one a line.

    python -m benchmarks.peer_avalanche sequence FOLDER naive|ewc|pnn SETTINGS
    python -m benchmarks.peer_avalanche stream FOLDER naive|ewc|pnn SETTINGS
    python -m benchmarks.peer_avalanche mnist lean|default|stock SETTINGS

FOLDER holds one .npz per task, numbered in their order: train_x, test_x (uint8, n × 28 × 28), train_y, test_y (int64, from 0). SETTINGS is
a JSON object with the keys batch, rate and threads, and what is named below.

`sequence` (epochs, hidden, seed and strength, EWC's λ): a method on a sequence of tasks. Prints `seconds` per task, `accuracy`, one row per
task learned, with the test accuracy of each task so far, and `weights`, how many at the end. All that is not training is left out: tensors
in memory, fused Adam, no metrics, no logging. As in senpath, every task starts with a fresh Adam, a batch is always full, so that both
sides take the same number of steps, and the learning rate rises and falls.

`stream` (steps, hidden, seed, strength and limit): the same on a long stream of small tasks, each of which is one batch, so that every step
sees all of it. Once `limit` seconds have passed no other task is begun. Prints a line per task, and one more after 1, 10, 100 and 1,000
tasks and after the last:

    {"task": from 0, "learn": seconds, "predict_one": seconds, "weights": parameters of the model, "rss": resident MB}
    {"n": tasks learned, "accuracy": mean over up to 50 of them, "batch": seconds}

`predict_one` is the median over 20 tasks, evenly spread, of the time for one of their inputs; `batch` that for 4,096 test inputs of all
tasks, mixed. Task labels are given, and inputs are tensors of floats. Images are never distorted here; senpath does so by its default.
Passes through the library's data loader, which puts the same batch together for every step, would take Naive nearly half as long again;
`OneBatch` has it put together once, so that the peer is not charged for that.

`mnist` (epochs): Naive on MNIST; prints `seconds`. lean: tensors in memory, fused Adam, no metrics, no logging: the training loop alone.
default: tensors in memory, Adam, the strategy's own default evaluator. stock: default, with the library's own SplitMNIST as one experience,
as its tutorials have it.
"""

import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from math import cos, pi
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import psutil
import torch
from avalanche.benchmarks import benchmark_from_datasets, task_incremental_benchmark
from avalanche.benchmarks.classic import SplitMNIST
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

MEASURED = (1, 10, 100, 1000)
"""Numbers of tasks after which accuracy and the mixed batch are measured; they are after the last too."""
ASKED, SINGLES, MIXED = 50, 20, 4096
REPEATED = 1.0
"""Seconds: a batch that takes less is timed again."""

Tensors = dict[str, torch.Tensor]


class Heads(MultiTaskModule):
    """One hidden layer, one output layer per task: the library's MTSimpleMLP without its dropout."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, hidden), nn.ReLU())
        self.head = MultiHeadClassifier(hidden)

    def forward(self, x: torch.Tensor, task_labels: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x), task_labels)


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
    (_, what, *words), settings = sys.argv[:-1], json.loads(sys.argv[-1])
    torch.set_num_threads(settings["threads"])
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):  # strategies print a line per experience
        if what == "mnist":
            records = [_mnist(words[0], settings)]
        else:
            files = sorted(Path(words[0]).glob("*.npz"), key=lambda file: int(file.stem))
            tasks = [_read(file, keep_bytes=what == "stream") for file in files]
            records = _stream(tasks, words[1], settings) if what == "stream" else [_learn_all(tasks, words[1], settings)]
        for record in records:
            print(json.dumps(record), file=out, flush=True)


def _learn_all(tasks: list[Tensors], method: str, settings: dict[str, Any], *, warm: bool = False) -> dict[str, Any]:
    if not warm:
        small = [{name: values[:WARM_UP] for name, values in task.items()} for task in tasks[:2]]
        _learn_all(small, method, {**settings, "epochs": 1}, warm=True)
    torch.manual_seed(settings["seed"])
    strategy = make_strategy(method, settings)
    seconds, accuracy = [], []
    for count, experience in enumerate(make_stream(tasks), 1):
        start = time.perf_counter()
        strategy.train(experience, num_workers=0, drop_last=True, reset_optimizer_state=True)
        seconds.append(time.perf_counter() - start)
        strategy.model.eval()
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


def _stream(tasks: list[Tensors], method: str, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    warm_up = _one_batch_strategy(method, settings)
    for experience in make_stream(tasks[:2]):
        _learn(warm_up, experience)
    stream, strategy = make_stream(tasks), _one_batch_strategy(method, settings)
    start = time.perf_counter()
    for count, experience in enumerate(stream, 1):
        yield {"task": count - 1, "learn": _learn(strategy, experience), **_state(strategy.model, tasks[:count])}
        last = count == len(tasks) or time.perf_counter() - start >= settings["limit"]
        if last or count in MEASURED:
            yield {"n": count, **_quality(strategy.model, tasks[:count])}
        if last:
            return


def _one_batch_strategy(method: str, settings: dict[str, Any]) -> Any:
    """The library's strategy, with one pass of many steps: its schedule counts a batch a pass, and OneBatch puts all steps in one."""
    torch.manual_seed(settings["seed"])
    strategy = make_strategy(method, {**settings, "epochs": settings["steps"]})
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


@torch.no_grad()
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


def _read(file: Path, *, keep_bytes: bool) -> Tensors:
    """A task. Its test images may stay bytes, so that a thousand of them do not count for much in the process's size."""
    with np.load(file) as arrays:
        tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    floats = ("train_x",) if keep_bytes else ("train_x", "test_x")
    return {**tensors, **{name: _inputs(tensors[name]) for name in floats}}


def _inputs(images: torch.Tensor) -> torch.Tensor:
    """Floats (n, 1, 28, 28), of bytes or of such floats."""
    return images if images.is_floating_point() else images[:, None].float() / 255


def _mnist(form: str, settings: dict[str, Any]) -> dict[str, float]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, 128), nn.ReLU(), nn.Linear(128, 10))
    strategy = Naive(
        model=model,
        optimizer=torch.optim.Adam(model.parameters(), lr=settings["rate"], fused=form == "lean" or None),
        criterion=nn.CrossEntropyLoss(),
        train_mb_size=settings["batch"],
        train_epochs=settings["epochs"],
        **({"evaluator": EvaluationPlugin()} if form == "lean" else {}),
    )
    with tempfile.TemporaryDirectory() as folder:
        experience = _stock(Path(folder)) if form == "stock" else _tensors()
        start = time.perf_counter()
        strategy.train(experience, num_workers=0)
        return {"seconds": time.perf_counter() - start}


def _stock(folder: Path) -> object:
    """SplitMNIST with one experience; torchvision wants the files unpacked."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in (Path(os.environ["SENPATH_DATA"]) / "mnist").glob("*.gz"):
        with gzip.open(packed) as source:
            (raw / packed.stem).write_bytes(source.read())
    return SplitMNIST(n_experiences=1, dataset_root=folder).train_stream[0]


def _tensors() -> object:
    inputs, targets = _mnist_tensors()
    data = AvalancheDataset(
        [TensorDataset(inputs, targets)],
        data_attributes=[
            TensorDataAttribute(targets, name="targets"),
            TensorDataAttribute(torch.zeros(len(targets), dtype=torch.long), name="targets_task_labels", use_in_getitem=True),
        ],
    )
    return benchmark_from_datasets(train=[data], test=[data]).train_stream[0]


def _mnist_tensors() -> tuple[torch.Tensor, torch.Tensor]:
    folder = Path(os.environ["SENPATH_DATA"]) / "mnist"
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


if __name__ == "__main__":
    main()
