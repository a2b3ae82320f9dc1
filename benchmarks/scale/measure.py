"""What a network of so many tasks costs, and how well it finds the right one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.sequence import Task
from senpath.routing import Metric
from senpath.store import Store
from senpath.store.files import write_atomic
from senpath.store.manifest import dump_manifest

BATCH, SINGLE, ROUNDS = 4_096, 300, 7
ASKED = 5_000
"""Test images by which the right pathway is looked for, at most."""

Figures = dict[str, Any]


def learning(nets: Mapping[int, sp.Network], tasks: Sequence[Task]) -> dict[int, Figures]:
    """The same further tasks learned by each network in turn, but for the first, which warms up: seconds, in all and by stage, and more."""
    taken: dict[int, list[Figures]] = {size: [] for size in nets}
    renewals = {size: _renewal_seconds(net) for size, net in nets.items()}
    for task in tasks:
        for size, net in nets.items():
            taken[size].append(_learn(net, task))
    return {
        size: {
            "seconds": [one["seconds"] for one in mine[1:]],  # the first is the first thing that a network just opened does
            "renewal": renewals[size],
            "stages": {stage: median(one[stage] for one in mine[1:]) for stage in ("search", "train", "dispatcher", "commit")},
            "borrow": sum(one["borrows"] for one in mine[1:]),
            "manifest": _manifest_seconds(nets[size]),
            "manifest_bytes": (nets[size].path / "network.json").stat().st_size,
        }
        for size, mine in taken.items()
    }


def predicting(nets: Mapping[int, sp.Network], tests: Mapping[int, np.ndarray]) -> dict[int, Figures]:
    """Seconds of one input and of a mixed batch, each size once per round; what each needs was read before."""
    for size, net in nets.items():
        net.predict(tests[size][:BATCH])
    one: dict[int, list[float]] = {size: [] for size in nets}
    for place in range(SINGLE):
        for size, net in nets.items():
            one[size].append(_seconds(partial(net.predict, tests[size][place : place + 1])))
    batch: dict[int, list[float]] = {size: [] for size in nets}
    for _ in range(ROUNDS):
        for size, net in nets.items():
            batch[size].append(_seconds(partial(net.predict, tests[size][:BATCH])))
    return {size: {"one": median(one[size]), "batch": median(batch[size])} for size in nets}


def activation(net: sp.Network, images: np.ndarray) -> Figures:
    """Mean shares of all weights that one input runs: pathways and links, and with the dispatcher; also in the strict mode."""
    total, found = net.weights["total"], {}
    for name, answers in (("default", net.predict(images)), ("strict", net.predict(images, strict=True))):
        ran = answers.activated
        found[name] = {
            "pathways": float(np.mean([one.total - one.dispatcher_weights for one in ran])) / total,
            "all": float(np.mean([one.total for one in ran])) / total,
            "candidates": float(np.mean([len(names) for names in answers.candidates])),
        }
    return found


def finding(net: sp.Network, tasks: Sequence[Task]) -> Figures:
    """The right pathway, first and among the candidates, and the right answer; every input belongs to a task."""
    each = max(1, ASKED // len(tasks))
    rows = [np.linspace(0, len(task.test[1]) - 1, min(each, len(task.test[1]))).round().astype(int) for task in tasks]
    images = np.concatenate([task.test[0][mine] for task, mine in zip(tasks, rows, strict=True)])
    names = np.repeat([task.name for task in tasks], [len(mine) for mine in rows])
    labels = np.concatenate([task.test[1][mine] for task, mine in zip(tasks, rows, strict=True)])
    answers = net.predict(images, reject=False)
    return {
        "inputs": len(images),
        "first": float(np.mean([mine[0] == name for mine, name in zip(answers.candidates, names, strict=True)])),
        "among": float(np.mean([name in mine for mine, name in zip(answers.candidates, names, strict=True)])),
        "label": float(np.mean((answers.task == names) & (answers.label == labels))),
    }


def opening(path: Path, image: np.ndarray) -> Figures:
    """In a fresh process: seconds to open the folder, and resident megabytes above those after `import torch`; then one prediction."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", image)
        command = [sys.executable, "-c", _OPENING, str(path), folder]
        found: Figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ).stdout)
    return found


_OPENING = """
import json, sys, time
import torch
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
before = resident()
import senpath
start = time.perf_counter()
net = senpath.Network(sys.argv[1])
opened, after = time.perf_counter() - start, resident()
import numpy as np
image = np.load(sys.argv[2] + "/image.npy")
start = time.perf_counter()
net.predict(image)
print(json.dumps({"open": opened, "memory": after - before, "first": time.perf_counter() - start, "memory_predicted": resident() - before}))
"""


def disk(net: sp.Network) -> Figures:
    """Bytes of the folder in all and of what must be there: weights and columns. `blocks` is what the file system takes."""
    files = [path for path in net.path.rglob("*") if path.is_file()]
    columns = sum(record.rows * record.width * 4 for record in net.view.manifest.types.values())
    return {
        "bytes": sum(path.stat().st_size for path in files),
        "blocks": sum(path.stat().st_blocks * 512 for path in files),
        "needed": net.weights["pathways"] * 4 + columns,
    }


def _learn(net: sp.Network, task: Task) -> Figures:
    told = [("start", time.perf_counter())]
    learned = net.learn(task.name, *task.train, progress=lambda stage, done, total: told.append((stage, time.perf_counter())))
    ends = dict(told)
    marks = [told[0][1], ends["similarity"], ends["train"], ends["dispatcher"], told[0][1] + learned.seconds]
    stages = zip(("search", "train", "dispatcher", "commit"), np.diff(marks).tolist(), strict=True)
    return {"seconds": learned.seconds, "borrows": bool(learned.transfers), **dict(stages)}


def _manifest_seconds(net: sp.Network) -> float:
    """Making and writing network.json once more, with one line that is new."""
    manifest = net.view.manifest
    last = list(manifest.tasks)[-1]
    before = replace(manifest, lines={name: line for name, line in manifest.lines.items() if name != last})
    with tempfile.TemporaryDirectory(dir=net.path.parent) as folder:
        path = Path(folder) / "network.json"
        return median(_seconds(lambda: write_atomic(path, dump_manifest(before)[0])) for _ in range(ROUNDS))


def _renewal_seconds(net: sp.Network) -> float:
    """Making the metric of all tasks anew, as some commits do."""
    (key, record), store = next(iter(net.view.manifest.types.items())), Store(net.path)

    def renew() -> None:
        rows = np.array(store.columns(record, key))
        Metric.of(store.pooled(record), len(net.view.tasks), rows, net.device).dump()

    return median(_seconds(renew) for _ in range(3))


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start
