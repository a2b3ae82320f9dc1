"""What a network of so many tasks costs, and how well it finds the right one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.scale.stream import StreamTask
from senpath.store.files import write_atomic
from senpath.store.manifest import dump_manifest

BATCH, SINGLE, ROUNDS = 4_096, 300, 7
ASKED = 5_000
"""Test images by which the right pathway is looked for, at most."""

Figures = dict[str, Any]


def learning(nets: Mapping[int, sp.Network], tasks: Sequence[StreamTask]) -> dict[int, Figures]:
    """The same further tasks learned by each network in turn: seconds of each, in all and by stage, and how many borrow."""
    taken: dict[int, list[Figures]] = {size: [] for size in nets}
    for task in tasks:
        for size, net in nets.items():
            taken[size].append(_learn(net, task))
    return {
        size: {
            "seconds": [one["seconds"] for one in mine],
            "stages": {stage: median(one[stage] for one in mine) for stage in ("search", "train", "dispatcher", "commit")},
            "borrow": sum(one["borrows"] for one in mine),
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


def finding(net: sp.Network, tasks: Sequence[StreamTask]) -> Figures:
    """The right pathway, first and among the candidates, and the right answer; every input belongs to a task."""
    each = max(1, ASKED // len(tasks))
    images = np.concatenate([task.test[0][:: max(1, len(task.test[0]) // each)][:each] for task in tasks])
    names = np.array([task.name for task in tasks for _ in task.test[0][:: max(1, len(task.test[0]) // each)][:each]])
    labels = np.concatenate([task.test[1][:: max(1, len(task.test[1]) // each)][:each] for task in tasks])
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


def _learn(net: sp.Network, task: StreamTask) -> Figures:
    told = [("start", time.perf_counter())]
    learned = net.learn(task.name, *task.train, progress=lambda stage, done, total: told.append((stage, time.perf_counter())))
    ends = dict(told)
    marks = [told[0][1], ends["similarity"], ends["train"], ends["dispatcher"], told[0][1] + learned.seconds]
    stages = zip(("search", "train", "dispatcher", "commit"), np.diff(marks).tolist(), strict=True)
    return {"seconds": learned.seconds, "borrows": bool(learned.transfers), **dict(stages)}


def _manifest_seconds(net: sp.Network) -> float:
    """Making and writing network.json once more, as a commit does it."""

    def write() -> None:
        with tempfile.TemporaryDirectory(dir=net.path.parent) as folder:
            write_atomic(Path(folder) / "network.json", dump_manifest(net.view.manifest)[0])

    return median(_seconds(write) for _ in range(ROUNDS))


def _seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start
