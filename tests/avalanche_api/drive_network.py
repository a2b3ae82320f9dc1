"""Avalanche drives a network through three experiences of digits; run by a Python that has both. Prints JSON, a line per stream.

Of each experience: the metrics that Avalanche has after it. And the answers of the network itself, for comparison.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks import benchmark_from_datasets, class_incremental_benchmark, task_incremental_benchmark
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.evaluation.metrics import accuracy_metrics, bwt_metrics, confusion_matrix_metrics, forgetting_metrics, loss_metrics
from avalanche.training.plugins import EvaluationPlugin
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import senpath as sp
from senpath.avalanche import NetworkStrategy

BUNCH = load_digits()
X, Y = torch.tensor(BUNCH.images / 16).float()[:, None], torch.tensor(BUNCH.target)
SETTINGS = {"epochs": 30, "model": "mlp", "hidden": 32}
LEARNED = 450


def data(rows: torch.Tensor) -> Any:
    return AvalancheDataset(TensorDataset(X[rows], Y[rows]), data_attributes=[TensorDataAttribute(Y[rows], name="targets")])


def rows(start: int, end: int, *digits: int) -> torch.Tensor:
    return start + torch.isin(Y[start:end], torch.tensor(digits)).nonzero()[:, 0]


def benchmark(kind: str) -> Any:
    if kind == "class":
        return class_incremental_benchmark(
            {"train": data(rows(0, LEARNED, *range(9))), "test": data(rows(900, 1300, *range(9)))}, num_experiences=3
        )
    triples = [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
    whole = {"train": [data(rows(0, LEARNED, *some)) for some in triples], "test": [data(rows(900, 1300, *some)) for some in triples]}
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


if __name__ == "__main__":
    for kind, given in (("class", True), ("task", True), ("task", False)):
        json.dump(drive(kind, task_given=given), sys.stdout)
        print()
