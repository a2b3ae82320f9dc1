"""What is measured: one row of one experiment with one seed, and how long the forward pass takes with experts."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch

import senpath as sp
from benchmarks.harness import Record, in_turn, ratio, timed
from benchmarks.moe.plan import ROWS, Setup
from benchmarks.moe.tasks import DESCRIPTIONS, few_of, load, some, some_of_each
from senpath.learning import propose
from senpath.methods.moe.model import trimmed
from senpath.pathways import run_chain
from senpath.snapshot import try_out
from senpath.types import Examples

ENCODER, TASK, EXPERTS, ROUNDS = "minilm-tokens", "sst2", (2, 4, 8), 40
BATCHES = (1, 32, 256)
"""Of the forward pass that is timed."""


def low(setup: Setup, longer: Mapping[str, Any], share: int, seed: int, row: str, folder: Path) -> Iterator[Record]:
    """Scarce tasks, with so many per cent of their texts, beside related ones; the row "single" learns each alone."""
    examples = some_of_each(folder, setup.encoder, setup.tasks, seed)
    for name in setup.scarce:
        task = load(folder, setup.encoder, name)
        examples[name] = some(task.train, round(task.whole * share / 100), seed)
    if row == "single":
        for name in setup.scarce:
            yield from _learned(_learn(setup, {name: examples[name]}, row, seed, **setup.alone), {name: examples[name]}, setup, folder)
    else:
        yield from _learned(_learn(setup, examples, row, seed, **longer), examples, setup, folder)


def seen(setup: Setup, seed: int, row: str, folder: Path, *, shots: Sequence[int] | None = None) -> Iterator[Record]:
    """Tasks that are learned together, and tasks that are added to them one by one, with few shots; "single" learns those alone.

    By default the shots are those of the experiment, but none for the token gate: it is there for the section on unrelated tasks.
    """
    net = sp.Network(encoders={"text": setup.encoder})
    if row != "single":
        examples = some_of_each(folder, setup.encoder, setup.tasks, seed)
        net, seconds = _learn(setup, examples, row, seed)
        yield from _learned((net, seconds), examples, setup, folder)
    counts = (() if row == "token" else setup.shots) if shots is None else shots
    for name, count in product(setup.scarce, counts):
        task = load(folder, setup.encoder, name)
        few = few_of(task.train, count, seed)
        method = sp.Moe(**{**setup.settings, **ROWS[row], **setup.adapt}, descriptions=DESCRIPTIONS, random_state=seed)
        start = time.perf_counter()
        proposal = propose(net.view, method, name, few)
        seconds = time.perf_counter() - start
        accuracy = task.test.task_kind.score(try_out(net.view, proposal, task.test.inputs), task.test.targets)
        kept = proposal.pathways[0].provenance.record
        about = {"shots": count, "task": name, "accuracy": accuracy, "seconds": seconds, "examples": len(few)}
        yield {**about, "steps": kept["training"]["steps"], "nearest": kept.get("nearest")}


def unrelated(setup: Setup, seed: int, row: str, folder: Path) -> Iterator[Record]:
    """The tasks of `seen`, learned together with unrelated ones."""
    examples = some_of_each(folder, setup.encoder, {**setup.tasks, **setup.unrelated}, seed)
    yield from _learned(_learn(setup, examples, row, seed), examples, setup, folder)


def _learn(setup: Setup, examples: Mapping[str, Examples], row: str, seed: int, **settings: Any) -> tuple[sp.Network, float]:
    """A network that learned these tasks together, and in how many seconds."""
    net, names = sp.Network(encoders={"text": setup.encoder}), {name: DESCRIPTIONS[name] for name in examples}
    start = time.perf_counter()
    net.learn_many(dict(examples), method="moe", descriptions=names, random_state=seed, **{**setup.settings, **ROWS[row], **settings})
    return net, time.perf_counter() - start


def _learned(timed_net: tuple[sp.Network, float], examples: Mapping[str, Examples], setup: Setup, folder: Path) -> Iterator[Record]:
    """What each task comes to on its test."""
    net, seconds = timed_net
    for name, mine in examples.items():
        test, kept = load(folder, setup.encoder, name).test, net.tasks[name].provenance.record
        accuracy = test.task_kind.score(net.view.logits(name, test.inputs), test.targets)
        training = {key: kept["training"].get(key) for key in ("steps", "curve", "balance", "dropped")}
        yield {"task": name, "accuracy": accuracy, "examples": len(mine), "seconds": seconds, "experts": kept["experts"], **training}


def forward(folder: Path) -> Iterator[Record]:
    """How long the forward pass takes with experts, beside the dense model on the same batch."""
    examples, chains, kept = load(folder, ENCODER, TASK).train, {}, {}
    for experts in (1, *EXPERTS):
        net = sp.Network(encoders={"text": ENCODER})
        settings = {"experts": experts, "gate": "token", "keep": 0, "epochs": 1, "least_steps": 1}
        net.learn_many({TASK: examples.subset(torch.arange(64))}, method="moe", **settings)
        chains[experts] = [net.view.component(name) for name in net.view.pathway(TASK).components]
        kept[experts] = next((len(layer["rows"]) for layer in net.tasks[TASK].provenance.record["experts"]), 1)
    for size in BATCHES:
        batch = trimmed(examples.inputs[:size])
        jobs = {experts: timed(partial(run_chain, chain, batch)) for experts, chain in chains.items()}
        for experts, seconds in (taken := in_turn(jobs, ROUNDS if size < 100 else ROUNDS // 4, warm=0)).items():
            times = {"seconds": statistics.median(seconds), "ratio": ratio(seconds, taken[1])}
            yield {"batch": size, "experts": experts, "kept": kept[experts], **times}
