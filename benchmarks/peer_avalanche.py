"""Avalanche 0.6's Naive strategy on MNIST, timed by itself; run by a Python that has avalanche-lib. Prints one JSON line.

    python peer_avalanche.py EPOCHS BATCH LEARNING_RATE THREADS lean|default|stock

lean: tensors in memory, fused Adam, no metrics, no logging: the training loop alone. default: tensors in memory, Adam, the
strategy's own default evaluator. stock: default, with the library's own SplitMNIST as one experience, as its tutorials have it.
"""

import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from avalanche.benchmarks.classic import SplitMNIST
from avalanche.benchmarks.scenarios.dataset_scenario import benchmark_from_datasets
from avalanche.benchmarks.utils import AvalancheDataset
from avalanche.benchmarks.utils.data_attribute import TensorDataAttribute
from avalanche.training.plugins import EvaluationPlugin
from avalanche.training.supervised import Naive
from torch import nn
from torch.utils.data import TensorDataset


def main() -> None:
    epochs, batch, rate, threads, form = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=form == "lean" or None)
    settings = {"evaluator": EvaluationPlugin()} if form == "lean" else {}
    strategy = Naive(
        model=model, optimizer=optimizer, criterion=nn.CrossEntropyLoss(), train_mb_size=batch, train_epochs=epochs, **settings
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        experience = _stock(Path(folder)) if form == "stock" else _tensors()
        start = time.perf_counter()
        strategy.train(experience, num_workers=0)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds}))


def _stock(folder: Path) -> object:
    """SplitMNIST with one experience; torchvision wants the files unpacked."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in (Path(os.environ["SENPATH_DATA"]) / "mnist").glob("*.gz"):
        with gzip.open(packed) as source:
            (raw / packed.stem).write_bytes(source.read())
    return SplitMNIST(n_experiences=1, dataset_root=folder).train_stream[0]


def _tensors() -> object:
    inputs, targets = _mnist()
    data = AvalancheDataset(
        [TensorDataset(inputs, targets)],
        data_attributes=[
            TensorDataAttribute(targets, name="targets"),
            TensorDataAttribute(torch.zeros(len(targets), dtype=torch.long), name="targets_task_labels", use_in_getitem=True),
        ],
    )
    return benchmark_from_datasets(train=[data], test=[data]).train_stream[0]


def _mnist() -> tuple[torch.Tensor, torch.Tensor]:
    folder = Path(os.environ["SENPATH_DATA"]) / "mnist"
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


if __name__ == "__main__":
    main()
