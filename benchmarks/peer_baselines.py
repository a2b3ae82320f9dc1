"""Avalanche 0.6's own strategies on the tasks of an experiment; run by a Python that has avalanche-lib.

    python -m benchmarks.peer_baselines TASKS RUNS

TASKS is an .npz with NUMBER_train_x, NUMBER_test_x (float32, n × features), NUMBER_train_y and NUMBER_test_y (int64, from 0 in each task)
of every task, numbered in order. RUNS is a JSON list of objects with the keys file, method, heads, seed, epochs, batch_size, learning_rate,
hidden, threads, and as far as the method has them optimizer, memory, strength, temperature, alpha, beta. What a run found is written to
its file: `given` and `found`, the accuracy of each task after the last one (`found` is null where each task has an output layer of its
own), and `seconds`.

As in senpath every task starts with a fresh optimizer, a batch is always full, and with Adam the learning rate rises and falls. Without
task labels the output layer has all classes from the start, and those that have not come yet are masked, but where a strategy cannot do
with masks (DER, iCaRL) or is told to be as published ("sgd").
"""

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks import benchmark_from_datasets, with_task_labels
from avalanche.benchmarks.utils import _make_taskaware_tensor_classification_dataset
from avalanche.models import IncrementalClassifier, MultiHeadClassifier, MultiTaskModule, NCMClassifier, TrainEvalModel
from avalanche.training.plugins import EvaluationPlugin, ReplayPlugin, SupervisedPlugin
from avalanche.training.plugins.update_ncm import CurrentDataNCMUpdate
from avalanche.training.storage_policy import ClassBalancedBuffer
from avalanche.training.supervised import DER, EWC, ICaRL, JointTraining, LwF, Naive, SynapticIntelligence
from torch import nn

from benchmarks.peer_avalanche import Schedule

Tensors = dict[str, torch.Tensor]
SI_DAMPING = 1e-3
"""As in ContinualAI's continual-learning-baselines."""


class Heads(MultiTaskModule):
    """One hidden layer, and an output layer for each task."""

    def __init__(self, backbone: nn.Module, hidden: int) -> None:
        super().__init__()
        self.backbone, self.head = backbone, MultiHeadClassifier(hidden)

    def forward(self, x: torch.Tensor, task_labels: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(x), task_labels)


class ScheduleOfBatches(Schedule):
    """senpath's learning rate over as many steps as there are batches, for some strategies learn from more than the task."""

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        self.step = 0

    def before_training_epoch(self, strategy: Any, **_: Any) -> None:
        if not self.step:
            self.steps = self.epochs * len(strategy.dataloader)


def main() -> None:
    tasks, runs = _read(Path(sys.argv[1])), json.loads(sys.argv[2])
    for run in runs:
        torch.set_num_threads(run["threads"])
        with contextlib.redirect_stdout(io.StringIO()):  # strategies print a line per experience
            record = learn(tasks, run)
        part = Path(run["file"] + ".part")
        part.write_text(json.dumps({**record, **{key: run[key] for key in run if key != "file"}}) + "\n", encoding="utf-8")
        part.rename(run["file"])
        print(json.dumps(record), flush=True)


def learn(tasks: list[Tensors], run: dict[str, Any]) -> dict[str, Any]:
    """One strategy on all tasks in order."""
    torch.manual_seed(run["seed"])
    inputs, classes = tasks[0]["train_x"].shape[1], [int(task["train_y"].max()) + 1 for task in tasks]
    columns = [range(sum(classes[:place]), sum(classes[: place + 1])) for place in range(len(classes))]
    each = run["heads"] == "each"
    strategy, stream = make_strategy(run, inputs, sum(classes)), make_stream(tasks, columns, each)
    start = time.perf_counter()
    for part in [stream] if run["method"] == "joint" else stream:
        strategy.train(part, num_workers=0, drop_last=True, reset_optimizer_state=True)
    seconds = time.perf_counter() - start
    model = strategy.model.eval()
    given, found = [], []
    with torch.no_grad():
        for place, (task, own) in enumerate(zip(tasks, columns, strict=True)):
            outputs = model(task["test_x"], place) if each else model(task["test_x"])
            mine = outputs[:, : len(own)] if each else outputs[:, own.start : own.stop]
            given.append(float((mine.argmax(1) == task["test_y"]).float().mean()))
            found.append(None if each else float((outputs.argmax(1) == task["test_y"] + own.start).float().mean()))
    return {"given": given, "found": None if each else found, "seconds": seconds}


def make_strategy(run: dict[str, Any], inputs: int, classes: int) -> Any:
    """The library's strategy that goes by a baseline's name in senpath."""
    method, hidden = run["method"], run["hidden"]
    backbone = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU())
    full = method in ("der++", "icarl") or run.get("optimizer") == "sgd"
    head = nn.Linear(hidden, classes) if full else IncrementalClassifier(hidden, classes)
    model: nn.Module = Heads(backbone, hidden) if run["heads"] == "each" else nn.Sequential(backbone, head)
    if method == "ncm":
        model = TrainEvalModel(nn.Identity(), nn.Linear(inputs, classes), NCMClassifier(normalize=False))
    rate, batch, epochs = run["learning_rate"], run["batch_size"], run["epochs"]
    sgd = run.get("optimizer") == "sgd"
    plugins: list[SupervisedPlugin] = [] if sgd else [ScheduleOfBatches(rate, batch, epochs)]
    optimizer = torch.optim.SGD(model.parameters(), lr=rate) if sgd else torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    common: dict[str, Any] = {"train_mb_size": batch, "train_epochs": epochs, "evaluator": EvaluationPlugin(), "plugins": plugins}
    common["optimizer"] = optimizer
    if method == "icarl":
        own = {"memory_size": run["memory"], "buffer_transform": None, "fixed_memory": True, "eval_mb_size": 256}
        return ICaRL(feature_extractor=backbone, classifier=head, **own, **common)
    common |= {"model": model, "criterion": nn.CrossEntropyLoss()}
    if method == "ncm":
        return Naive(**{**common, "train_epochs": 0, "plugins": [CurrentDataNCMUpdate()]})
    if method == "joint":
        return JointTraining(**common)
    if method == "ewc":
        return EWC(ewc_lambda=run["strength"], **common)
    if method == "si":
        return SynapticIntelligence(si_lambda=run["strength"], eps=SI_DAMPING, **common)
    if method == "lwf":
        return LwF(alpha=_distillation(run), temperature=run.get("temperature", 2.0), **common)
    if method == "er":
        kept = run["memory"]
        policy = ClassBalancedBuffer(kept, adaptive_size=True) if run.get("balanced") else None
        return Naive(**{**common, "plugins": [*plugins, ReplayPlugin(kept, storage_policy=policy)]})  # what Replay is, with the policy
    if method == "der++":
        return DER(mem_size=run["memory"], alpha=run.get("alpha", 0.5), beta=run.get("beta", 0.5), **common)
    if method != "sequential":
        raise ValueError(f"method {method!r}: expected a baseline that the library has")
    return Naive(**common)


def _distillation(run: dict[str, Any]) -> Any:
    """Weights of the distillation at each task, as senpath has them: over that of the new task's loss, and times the temperature's square;
    of several output layers the library takes the sum, and senpath the mean."""
    squared = run.get("temperature", 2.0) ** 2
    if run.get("strength") is not None:
        return squared * run["strength"]
    return squared if run["heads"] == "each" else [squared * before for before in range(1_000)]


def make_stream(tasks: list[Tensors], columns: list[range], each: bool) -> Any:
    """One experience per task; with an output layer for each its classes count from 0, else they are all tasks'."""
    data = []
    for place, (task, own) in enumerate(zip(tasks, columns, strict=True)):
        targets = task["train_y"] if each else task["train_y"] + own.start
        data.append(_make_taskaware_tensor_classification_dataset(task["train_x"], targets, task_labels=place if each else 0))
    benchmark = with_task_labels(benchmark_from_datasets(train=data))
    # What iCaRL asks for, and the generators of the library set.
    benchmark.n_classes_per_exp, benchmark.classes_order = [len(own) for own in columns], [*range(columns[-1].stop)]
    stream = benchmark.train_stream
    for experience, own in zip(stream, columns, strict=True):
        experience.benchmark = benchmark
        experience.classes_in_this_experience = [*range(len(own))] if each else [*own]
    return stream


def _read(file: Path) -> list[Tensors]:
    with np.load(file) as arrays:
        count = 1 + max(int(name.partition("_")[0]) for name in arrays.files)
        parts = ("train_x", "train_y", "test_x", "test_y")
        return [{part: torch.from_numpy(arrays[f"{place}_{part}"]) for part in parts} for place in range(count)]


if __name__ == "__main__":
    main()
