"""Speed as ratios within one run: the fitting loop, `learn`, `predict`, against plain PyTorch and against Avalanche's Naive.

    python -m benchmarks.speed [--rounds 5] [--peer PYTHON]

`--peer` names a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one). Needs the real data.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import senpath as sp
from benchmarks.common import RESULTS, write_section
from senpath.data import load
from senpath.inputs.modalities import MODALITIES
from senpath.methods.sen.train import Learner
from senpath.pathways import run_pathway
from senpath.reports.markdown import markdown_table
from senpath.tasks import Classification
from senpath.training import Recipe, fit

EPOCHS, BATCH, RATE = 10, 128, 4e-3
NAMES = ("fashion", "mnist", "lower", "upper")
PEER = Path(__file__).with_name("peer_avalanche.py")
PEERS = {
    "stock": "as its tutorials have it (SplitMNIST, Adam, default evaluator)",
    "default": "tensors in memory, Adam, default evaluator",
    "lean": "tensors in memory, fused Adam, nothing evaluated or logged",
}
"""What the peer may leave out, from nothing to all that is not training."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", help="a Python with avalanche-lib 0.6")
    arguments = parser.parse_args()
    rows = [*_learning(arguments.rounds, arguments.peer), *_predicting(arguments.rounds)]
    note = f"{torch.get_num_threads()} threads, torch {torch.__version__}, medians of {arguments.rounds} rounds, taken in turn."
    write_section(
        RESULTS / "foundation.md", "speed", markdown_table(["what", "seconds", "against", "seconds", "ratio"], rows) + "\n\n" + note
    )


def _learning(rounds: int, peer: str | None) -> list[list[Any]]:
    images, labels = load("mnist")
    inputs = torch.from_numpy(images).float()[:, None] / 255
    targets = torch.from_numpy(labels).long()
    jobs: dict[str, Callable[[], float]] = {
        "hand": lambda: _timed(lambda: _hand_written(inputs, targets)),
        "fit": lambda: _timed(lambda: _fitted(inputs, targets)),
        "learn": lambda: _timed(lambda: sp.Network().learn("mnist", images, labels, epochs=EPOCHS)),
    }
    if peer:
        jobs |= {form: partial(_peer_seconds, peer, form) for form in PEERS}
    taken = _in_turn(jobs, rounds)
    size = f"{len(labels):,} MNIST images, {EPOCHS} epochs, batch {BATCH}"
    rows = [
        _row(f"fitting loop, MLP 784-128-10, {size}", taken["fit"], "hand-written PyTorch loop, fused Adam", taken["hand"]),
        _row(f"the whole `learn`, {size}", taken["learn"], "the hand-written loop", taken["hand"]),
    ]
    for form in PEERS if peer else ():
        rows.append(_row(f"Avalanche 0.6 `Naive`, {PEERS[form]}", taken[form], "our fitting loop", taken["fit"]))
        rows.append(_row(f"Avalanche 0.6 `Naive`, {PEERS[form]}", taken[form], "our whole `learn`", taken["learn"]))
    return rows


def _predicting(rounds: int) -> list[list[Any]]:
    net = sp.Network()
    for name in NAMES:
        net.learn(name, *load(name), epochs=1)
    parts = {name: np.resize(load(name, "test")[0], (2_500, 28, 28)) for name in NAMES}
    order = np.random.default_rng(0).permutation(10_000)
    mixed = np.concatenate(list(parts.values()))[order]
    taken = _in_turn(
        {
            "mixed": lambda: _timed(lambda: net.predict(mixed)),
            "plain": lambda: _timed(lambda: _plain(net, mixed)),
            "apart": lambda: sum(_timed(lambda part=part: net.predict(part)) for part in parts.values()),
        },
        rounds,
    )
    what = "predict, 10,000 mixed images of 4 tasks, no task id"
    return [
        _row(what, taken["mixed"], "its parts in plain calls: encode, dispatcher, each candidate pathway's rows", taken["plain"]),
        _row(what, taken["mixed"], "the four tasks' inputs in batches of their own", taken["apart"]),
    ]


def _hand_written(inputs: torch.Tensor, targets: torch.Tensor) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    for _ in range(EPOCHS):
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            loss = functional.cross_entropy(model(inputs[batch]), targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def _fitted(inputs: torch.Tensor, targets: torch.Tensor) -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU())
    learner = Learner(body, nn.Linear(128, 10), [], Classification())
    fit(learner, inputs, targets, Recipe(EPOCHS * (len(inputs) // BATCH), BATCH, RATE), seed=0)


def _plain(net: sp.Network, images: np.ndarray) -> None:
    """What has to be computed, without grouping, counting or collecting answers."""
    inputs = MODALITIES["image"].encode(images, net.view.manifest.types["image"].data_type)
    decision = net.view.dispatcher("image").decide(inputs)
    for index, name in enumerate(decision.names):
        candidate = (decision.order[:, 0] == index) | ((decision.order[:, 1] == index) & decision.admitted)
        torch.softmax(run_pathway(net.view.pathway(name), inputs[torch.from_numpy(candidate)], net.view.component), 1)


def _peer_seconds(python: str, form: str) -> float:
    """Avalanche's own measure of the loop, its start-up and data loading left out."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [python, str(PEER), str(EPOCHS), str(BATCH), str(RATE), str(torch.get_num_threads()), form]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(json.loads(answer.stdout.splitlines()[-1])["seconds"])


def _in_turn(jobs: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each job once per round, after one round that does not count, so that a drift of the machine meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            seconds = job()
            print(f"round {number}, {name}: {seconds:.2f} s", flush=True)
            if number:
                taken[name].append(seconds)
    return taken


def _timed(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def _row(what: str, ours: list[float], against: str, theirs: list[float]) -> list[Any]:
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return [what, f"{median(ours):.2f}", against, f"{median(theirs):.2f}", f"**{ratio:.2f}**"]


if __name__ == "__main__":
    main()
