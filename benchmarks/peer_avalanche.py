"""Avalanche 0.6's Naive strategy on MNIST, timed by itself; run by a Python that has avalanche-lib. Prints one JSON line.

python peer_avalanche.py EPOCHS BATCH LEARNING_RATE THREADS
"""

import gzip
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from avalanche.benchmarks.scenarios.dataset_scenario import benchmark_from_datasets
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.supervised import Naive
from torch import nn
from torch.utils.data import TensorDataset


def main() -> None:
    epochs, batch, rate, threads = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    inputs, targets = _mnist()
    data = AvalancheDataset(
        [TensorDataset(inputs, targets)],
        data_attributes=[
            TensorDataAttribute(targets, name="targets"),
            TensorDataAttribute(torch.zeros(len(targets), dtype=torch.long), name="targets_task_labels", use_in_getitem=True),
        ],
    )
    stream = benchmark_from_datasets(train=[data], test=[data])
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    strategy = Naive(
        model=model,
        optimizer=optimizer,
        criterion=nn.CrossEntropyLoss(),
        train_mb_size=batch,
        train_epochs=epochs,
        evaluator=EvaluationPlugin(),  # no metrics, no logging: the training loop alone
    )
    start = time.perf_counter()
    strategy.train(stream.train_stream[0], num_workers=0)
    print(json.dumps({"seconds": time.perf_counter() - start}))


def _mnist() -> tuple[torch.Tensor, torch.Tensor]:
    folder = Path(os.environ["SENPATH_DATA"]) / "mnist"
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


if __name__ == "__main__":
    main()
