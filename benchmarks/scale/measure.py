"""What a network of so many tasks costs, and how well it finds the right one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import in_turn, seconds, timed
from benchmarks.sequence import Part, Task
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
    """Seconds of one input and of a mixed batch, each size once per round; what each needs is read in a first one, which does not count."""
    batch = in_turn({size: timed(partial(net.predict, tests[size][:BATCH])) for size, net in nets.items()}, ROUNDS)
    one: dict[int, list[float]] = {size: [] for size in nets}
    for place in range(SINGLE):
        for size, net in nets.items():
            one[size].append(seconds(partial(net.predict, tests[size][place : place + 1])))
    return {size: {"one": median(one[size]), "batch": median(batch[size])} for size in nets}


def activation(net: sp.Network, images: np.ndarray) -> Figures:
    """Mean shares of all weights that one input runs: pathways and links, and with the dispatcher; also in the strict mode."""
    total, figures = net.weights["total"], {}
    for name, answers in (("default", net.predict(images)), ("strict", net.predict(images, strict=True))):
        ran = answers.activated
        figures[name] = {
            "pathways": float(np.mean([one.total - one.dispatcher_weights for one in ran])) / total,
            "all": float(np.mean([one.total for one in ran])) / total,
            "candidates": float(np.mean([len(names) for names in answers.candidates])),
        }
    return figures


def finding(net: sp.Network, tasks: Sequence[Task]) -> Figures:
    """The right pathway, first and among the candidates, and the right answer, of some images of each task."""
    each, tests = max(1, ASKED // len(tasks)), {}
    for task in tasks:
        rows = np.linspace(0, len(task.test[1]) - 1, min(each, len(task.test[1]))).round().astype(int)
        tests[task.name] = task.test[0][rows], task.test[1][rows]
    return routes(net, tests)


def routes(net: sp.Network, tests: Mapping[str, Part]) -> Figures:
    """Means over all images: the right pathway first, and among the candidates; how many they are; the right task and label; and the label
    with the task given. Every image belongs to a task, so none is refused."""
    scores = [*sp.evaluate(net, tests, reject=False).scores.values()]
    sizes = [score.examples for score in scores]
    fields = {"first": "first", "among": "among", "candidates": "candidates", "label": "accuracy_unlabelled", "label_given": "accuracy"}
    means = {name: float(np.average([getattr(score, field) for score in scores], weights=sizes)) for name, field in fields.items()}
    return {"inputs": sum(sizes), **means}


def opening(path: Path, image: np.ndarray) -> Figures:
    """In a fresh process: seconds to open the folder, and resident megabytes above those after `import torch`; then one prediction."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "image.npy", image)
        command = [sys.executable, "-c", _OPENING, str(path), folder]
        figures: Figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ).stdout)
    return figures


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
    """Making and writing network.json once more."""
    with tempfile.TemporaryDirectory(dir=net.path.parent) as folder:
        path = Path(folder) / "network.json"
        return median(seconds(lambda: write_atomic(path, dump_manifest(net.view.manifest)[0])) for _ in range(ROUNDS))


def _renewal_seconds(net: sp.Network) -> float:
    """Making the metric of all tasks anew, as some commits do."""
    record, store = next(iter(net.view.manifest.types.values())), Store(net.path)

    def renew() -> None:
        rows = np.array(store.columns(record))
        Metric.of(store.pooled(record), len(net.view.tasks), rows, net.device).dump()

    return median(seconds(renew) for _ in range(3))
