"""Avalanche drives a network through experiences of digits; run by a Python that has both. Prints JSON, a line for each thing tried.

Of three streams the metrics that Avalanche has after each experience, and the answers of the network itself, for comparison; then what
Avalanche's loggers wrote of a stream that was learned in one call; and an experiment on experiences of Avalanche.
"""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks import (
    benchmark_from_datasets,
    class_incremental_benchmark,
    nc_benchmark,
    task_incremental_benchmark,
    tensors_benchmark,
)
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.evaluation.metrics import accuracy_metrics, bwt_metrics, confusion_matrix_metrics, forgetting_metrics, loss_metrics
from avalanche.logging import CSVLogger, TensorboardLogger, TextLogger
from avalanche.training.plugins import EvaluationPlugin
from sklearn.datasets import load_digits
from torch.utils.data import Dataset, TensorDataset

import senpath as sp
from senpath.avalanche import NetworkStrategy

BUNCH = load_digits()
X, Y = torch.tensor(BUNCH.images / 16).float()[:, None], torch.tensor(BUNCH.target)
SETTINGS = {"epochs": 60, "model": "mlp", "hidden": 32}
LEARNED = 450
TRIPLES = [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


class Labelled(Dataset[Any]):
    """Pairs of a picture and its digit, with the attribute that Avalanche splits by."""

    def __init__(self, rows: torch.Tensor) -> None:
        self._rows, self.targets = rows, Y[rows].tolist()

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return X[self._rows[place]], self.targets[place]


def data(rows: torch.Tensor) -> Any:
    return AvalancheDataset(TensorDataset(X[rows], Y[rows]), data_attributes=[TensorDataAttribute(Y[rows], name="targets")])


def rows(start: int, end: int, *digits: int) -> torch.Tensor:
    return start + torch.isin(Y[start:end], torch.tensor(digits)).nonzero()[:, 0]


def benchmark(kind: str) -> Any:
    if kind == "class":
        return class_incremental_benchmark(
            {"train": data(rows(0, LEARNED, *range(9))), "test": data(rows(900, 1300, *range(9)))},
            num_experiences=3,
            class_order=[*range(9)],
        )
    whole = {"train": [data(rows(0, LEARNED, *some)) for some in TRIPLES], "test": [data(rows(900, 1300, *some)) for some in TRIPLES]}
    return task_incremental_benchmark(benchmark_from_datasets(**whole), reset_task_labels=True)


def drive(kind: str, *, task_given: bool = True) -> dict[str, Any]:
    metrics = EvaluationPlugin(
        accuracy_metrics(epoch=True, experience=True, stream=True),
        loss_metrics(stream=True),
        forgetting_metrics(stream=True),
        bwt_metrics(stream=True),
        confusion_matrix_metrics(num_classes=9, stream=True, save_image=False),
    )
    strategy = NetworkStrategy(net=sp.Network(), evaluator=metrics, settings=SETTINGS, task_given=task_given)
    stream, told = benchmark(kind), []
    for experience in stream.train_stream:
        strategy.train(experience)
        told.append({name: value for name, value in strategy.eval(stream.test_stream).items() if isinstance(value, float)})
    own = {}
    for place, experience in enumerate(stream.test_stream):
        given = torch.isin(Y[900:1300], torch.tensor(sorted(set(map(int, experience.dataset.targets))))).nonzero()[:, 0] + 900
        x, y = X[given].numpy(), Y[given].numpy()
        given_task = f"experience {place}" if kind == "task" and task_given else None
        own[place] = float(np.mean(strategy.net.predict(x, task=given_task, reject=False).label == y))
    return {"kind": kind, "given": task_given, "told": told, "own": own, "tasks": [*strategy.net.tasks]}


def drive_logged() -> dict[str, Any]:
    """A whole stream in one call, measured before, in between and after, with three of Avalanche's loggers."""
    parts = {
        f"{name}_tensors": [(X[some], Y[some]) for some in (rows(start, end, *digits) for digits in TRIPLES)]
        for name, start, end in (("train", 0, LEARNED), ("test", 900, 1300))
    }
    stream = tensors_benchmark(**parts, task_labels=[0] * 3)
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log.txt", "w+") as text:
        loggers = [TextLogger(text), CSVLogger(folder), TensorboardLogger(folder)]
        metrics = EvaluationPlugin(accuracy_metrics(experience=True, stream=True), loss_metrics(experience=True), loggers=loggers)
        strategy = NetworkStrategy(net=sp.Network(), evaluator=metrics, settings=SETTINGS, eval_every=1)
        strategy.train(stream.train_stream, eval_streams=[stream.test_stream])
        strategy.eval(stream.test_stream)
        for logger in loggers[1:]:
            logger.close() if isinstance(logger, CSVLogger) else logger.writer.close()
        text.seek(0)
        with open(Path(folder) / "eval_results.csv") as file:
            table = [*csv.DictReader(file)]
        board = sum(file.stat().st_size for file in Path(folder).glob("events.out.tfevents.*"))
        return {"kind": "loggers", "text": text.read(), "table": table, "board": board}


def run_experiment() -> dict[str, Any]:
    whole = nc_benchmark(Labelled(rows(0, LEARNED, *range(10))), Labelled(rows(900, 1300, *range(10))), 5, task_labels=False, seed=1)
    done = sp.experiment(whole, ["sen", "ncm"], seeds=1, settings={"epochs": 40})
    digits = {name: sp.read(part).about for name, part in sp.tasks_of(whole).items()}
    return {"kind": "experiment", "tasks": done.tasks, "records": [*done.records], "table": done.table(), "read": digits}


if __name__ == "__main__":
    for kind, given in (("class", True), ("task", True), ("task", False)):
        print(json.dumps(drive(kind, task_given=given)))
    print(json.dumps(drive_logged()))
    print(json.dumps(run_experiment()))
