"""Speed as ratios within one run: the fitting loop, `learn`, `predict`, against plain PyTorch and against Avalanche's Naive.

    python -m benchmarks.speed [--rounds 5] [--peer PYTHON]

`--peer` names a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one). Needs SENPATH_DATA.
"""

import json
from collections.abc import Iterator
from functools import partial
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import senpath as sp
from benchmarks.harness import PEER, Benchmark, Part, Record, Records, Section, ask_peer, in_turn, markdown_table, ratio, seconds, timed
from senpath.data import load
from senpath.inputs.modalities import MODALITIES
from senpath.methods.sen.train import Learner
from senpath.pathways import run_pathway
from senpath.tasks import Classification
from senpath.training import Recipe, fit

EPOCHS, BATCH, RATE = 10, 128, 4e-3
NAMES = ("fashion", "mnist", "lower", "upper")
PEERS = {
    "stock": "as its tutorials have it (SplitMNIST, Adam, default evaluator)",
    "default": "tensors in memory, Adam, default evaluator",
    "lean": "tensors in memory, fused Adam, nothing evaluated or logged",
}
"""What the peer may leave out, from nothing to all that is not training."""


def _learning(rounds: int, peer: str | None) -> Iterator[Record]:
    images, labels = load("mnist")
    inputs = torch.from_numpy(images).float()[:, None] / 255
    targets = torch.from_numpy(labels).long()
    jobs = {
        "hand": timed(lambda: _hand_written(inputs, targets)),
        "fit": timed(lambda: _fitted(inputs, targets)),
        "learn": timed(lambda: sp.Network().learn("mnist", images, labels, epochs=EPOCHS)),
    }
    if peer:
        settings = json.dumps({"epochs": EPOCHS, "batch": BATCH, "rate": RATE, "threads": torch.get_num_threads()})
        for form in PEERS:  # its own measure of the loop, its start-up and data loading left out
            jobs[form] = lambda form=form: ask_peer(peer, "benchmarks.peer_avalanche", "mnist", form, settings)["seconds"]
    about = {"inputs": len(labels), "threads": torch.get_num_threads(), "torch": torch.__version__}
    yield {"seconds": in_turn(jobs, rounds, tell=True), **about}


def _predicting(rounds: int) -> Iterator[Record]:
    net = sp.Network()
    for name in NAMES:
        net.learn(name, *load(name), epochs=1)
    parts = {name: np.resize(load(name, "test")[0], (2_500, 28, 28)) for name in NAMES}
    order = np.random.default_rng(0).permutation(10_000)
    mixed = np.concatenate(list(parts.values()))[order]
    jobs = {
        "mixed": timed(lambda: net.predict(mixed)),
        "plain": timed(lambda: _plain(net, mixed)),
        "apart": lambda: sum(seconds(partial(net.predict, part)) for part in parts.values()),
    }
    yield {"seconds": in_turn(jobs, rounds, tell=True)}


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


def _table(learned: Records, predicted: Records) -> str:
    learning, taken = learned[0], learned[0]["seconds"] | predicted[0]["seconds"]
    size = f"{learning['inputs']:,} MNIST images, {EPOCHS} epochs, batch {BATCH}"
    compared = [
        (f"fitting loop, MLP 784-128-10, {size}", "fit", "hand-written PyTorch loop, fused Adam", "hand"),
        (f"the whole `learn`, {size}", "learn", "the hand-written loop", "hand"),
    ]
    for form, title in PEERS.items():
        if form in taken:
            compared.append((f"Avalanche 0.6 `Naive`, {title}", form, "our fitting loop", "fit"))
            compared.append((f"Avalanche 0.6 `Naive`, {title}", form, "our whole `learn`", "learn"))
    what = "predict, 10,000 mixed images of 4 tasks, no task id"
    compared.append((what, "mixed", "its parts in plain calls: encode, dispatcher, each candidate pathway's rows", "plain"))
    compared.append((what, "mixed", "the four tasks' inputs in batches of their own", "apart"))
    rows = [
        [what, f"{median(taken[ours]):.2f}", against, f"{median(taken[theirs]):.2f}", f"**{ratio(taken[ours], taken[theirs]):.2f}**"]
        for what, ours, against, theirs in compared
    ]
    table = markdown_table(["what", "seconds", "against", "seconds", "ratio"], rows)
    rounds = len(taken["fit"])
    return f"{table}\n\n{learning['threads']} threads, torch {learning['torch']}, medians of {rounds} rounds, taken in turn."


PARTS = {"learning": Part(_learning), "predicting": Part(_predicting)}
SECTIONS = {"speed": Section(_table, ["learning", "predicting"])}
OPTIONS = {**PEER, "--rounds": {"type": int, "default": 5}}
BENCHMARK = Benchmark("speed", __doc__, PARTS, SECTIONS, "foundation.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
