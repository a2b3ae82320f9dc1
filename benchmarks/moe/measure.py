"""One row of one experiment with one seed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import senpath as sp
from benchmarks.moe.setup import Setup
from benchmarks.moe.tasks import DESCRIPTIONS, load, shots, some
from senpath.learning import propose
from senpath.reproduce.jobs import Tell
from senpath.snapshot import try_out
from senpath.types import Examples


def low(setup: Setup, row: str, settings: Mapping[str, Any], share: int, seed: int, folder: Path, tell: Tell) -> None:
    """Scarce tasks, with so many per cent of their texts, beside related ones; the row "single" learns each alone."""
    examples = {name: some(load(folder, setup.encoder, name).train, count, seed) for name, count in setup.tasks.items()}
    for name in setup.scarce:
        task = load(folder, setup.encoder, name)
        examples[name] = some(task.train, round(task.whole * share / 100), seed)
    about = {"row": row, "share": share, "seed": seed}
    if row == "single":
        for name in setup.scarce:
            _learn(setup, {name: examples[name]}, {**settings, **setup.alone}, seed, folder, lambda record: tell({**about, **record}))
    else:
        _learn(setup, examples, settings, seed, folder, lambda record: tell({**about, **record}))


def seen(setup: Setup, row: str, settings: Mapping[str, Any], seed: int, folder: Path, counts: Sequence[int], tell: Tell) -> None:
    """Tasks that are learned together, and tasks that are added to them one by one, with few shots; "single" learns those alone."""
    about = {"row": row, "seed": seed}
    net = None
    if row != "single":
        examples = {name: some(load(folder, setup.encoder, name).train, count, seed) for name, count in setup.tasks.items()}
        net = _learn(setup, examples, settings, seed, folder, lambda record: tell({**about, **record}))
    for name in setup.scarce:
        task = load(folder, setup.encoder, name)
        for count in counts:
            few = shots(task.train, count, seed)
            method = sp.Moe(**{**setup.settings, **settings, **setup.adapt}, descriptions=DESCRIPTIONS, random_state=seed)
            start = time.perf_counter()
            view = (net or _network(setup)).view
            proposal = propose(view, method, name, few)
            seconds = time.perf_counter() - start
            accuracy = task.test.task_kind.score(try_out(view, proposal, task.test.inputs), task.test.targets)
            notes = proposal.pathways[0].provenance.record
            found = {"shots": count, "task": name, "accuracy": accuracy, "seconds": seconds, "examples": len(few)}
            tell({**about, **found, "steps": notes["training"]["steps"], "nearest": notes.get("nearest")})


def unrelated(setup: Setup, row: str, settings: Mapping[str, Any], seed: int, folder: Path, tell: Tell) -> None:
    """The tasks of `seen`, learned together with unrelated ones."""
    counts = {**setup.tasks, **setup.unrelated}
    examples = {name: some(load(folder, setup.encoder, name).train, count, seed) for name, count in counts.items()}
    _learn(setup, examples, settings, seed, folder, lambda record: tell({"row": row, "seed": seed, **record}))


def _network(setup: Setup) -> sp.Network:
    return sp.Network(encoders={"text": setup.encoder})


def _learn(setup: Setup, examples: Mapping[str, Examples], settings: Mapping[str, Any], seed: int, folder: Path, tell: Tell) -> sp.Network:
    """A network that learned these tasks together; tells what each comes to on its test."""
    net, names = _network(setup), {name: DESCRIPTIONS[name] for name in examples}
    start = time.perf_counter()
    net.learn_many(dict(examples), method="moe", descriptions=names, random_state=seed, **{**setup.settings, **settings})
    seconds = time.perf_counter() - start
    for name, found in examples.items():
        test, notes = load(folder, setup.encoder, name).test, net.tasks[name].provenance.record
        accuracy = test.task_kind.score(net.view.logits(name, test.inputs), test.targets)
        training = {key: notes["training"].get(key) for key in ("steps", "curve", "balance", "dropped")}
        tell({"task": name, "accuracy": accuracy, "examples": len(found), "seconds": seconds, "experts": notes["experts"], **training})
    return net
