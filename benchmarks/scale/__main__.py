"""Networks of 1, 10, 100 and 1,000 tasks side by side, and Avalanche on the same stream as far as it comes, in one run.

    python -m benchmarks.scale [--peer PYTHON] [--limit 120] [--folder runs/scale] [--device cpu]
    python -m benchmarks.scale peer --peer PYTHON --limit 20 --only ewc --smoke

Grows a network of a thousand tasks first, about ten minutes; the folder keeps it. Then all sizes are measured in turn. `--peer` names a
Python that has avalanche-lib 0.6 (`make peer` makes one); the second command tries one of its methods out.
Writes docs/results/scale.md and its figure from the records in the folder.
Runs with one thread unless OMP_NUM_THREADS says otherwise. Needs SENPATH_DATA.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import PEER, Benchmark, Part, Record, Section, follow_peer
from benchmarks.peers import PEER_METHODS, PEER_STRENGTH
from benchmarks.scale import measure, page
from benchmarks.scale.stream import five_characters
from benchmarks.sequence import Task, encoded, hand_over
from senpath.components import MLP
from senpath.methods import SenSettings
from senpath.methods.sen.model import recipe_for

SIZES = (1, 10, 100, 1_000)
TASKS = SIZES[-1] + 1 + page.MORE
GRACE = 60.0
"""Seconds. Reading and the first use come before the time limit; the task that it falls into, and measuring, after it. A peer that needs
more than the limit once again and this is ended."""


def _peer(method: str, peer: str, limit: float, strength: float) -> list[Record]:
    """One of Avalanche's methods on the tasks in turn, with the steps, batch and learning rate that are senpath's default for them.

    Gives what it told, also where it did not come to its end; and at last, with the key "stopped", why there is no more.
    """
    tasks = list(five_characters(TASKS))
    recipe, sizes = recipe_for(MLP, encoded(tasks[0].train), SenSettings()), {len(task.train[1]) for task in tasks}
    if sizes != {recipe.batch_size}:
        raise ValueError(f"tasks have {sorted(sizes)} examples to learn from, expected one batch of {recipe.batch_size} each")
    settings = {"steps": recipe.steps, "batch": recipe.batch_size, "rate": recipe.learning_rate, "hidden": SenSettings().hidden}
    settings |= {"threads": torch.get_num_threads(), "seed": 0, "strength": strength, "limit": limit}
    with tempfile.TemporaryDirectory() as folder:
        hand_over(tasks, Path(folder))
        words, most = ("stream", folder, method, json.dumps(settings)), 2 * limit + GRACE
        records, reason = follow_peer(peer, "benchmarks.peer_avalanche", *words, most=most)
    learned = sum("task" in record for record in records)
    return [*records, {"stopped": reason or ("all tasks learned" if learned == len(tasks) else f"time limit of {limit:g} s")}]


def _grow(tasks: Sequence[Task], folder: Path) -> dict[int, Path]:
    """The networks of the first 1, 10, 100, … tasks; a run that was stopped goes on."""
    net = sp.Network(folder / "growing.sen")
    paths = {}
    for size in SIZES:
        if size > len(tasks):
            break
        for task in tasks[len(net.view.tasks) : size]:
            net.learn(task.name, *task.train)
            print(f"\r{len(net.view.tasks)} tasks", end="", flush=True)
        paths[size] = folder / f"{size}.sen"
        if len(net.view.tasks) == size and not paths[size].exists():
            partly = Path(shutil.copytree(net.path, folder / f"{size}.partly", dirs_exist_ok=True))
            partly.rename(paths[size])
        if not paths[size].exists():
            raise SystemExit(f"{folder} has no network of {size} tasks, and has grown beyond; remove the folder to begin anew")
    print()
    return paths


def _measure(folder: Path, device: str) -> Iterator[Record]:
    """Grow the networks, and measure all sizes in turn."""
    tasks = list(five_characters(TASKS))
    paths = _grow(tasks, folder)
    yield {"threads": torch.get_num_threads(), "torch": torch.__version__, "device": device}
    random = np.random.default_rng(0)
    nets = {size: sp.Network(path, device=device) for size, path in paths.items()}
    tests = {}
    for size, net in nets.items():
        pool = np.concatenate([task.test[0] for task in tasks[:size]])
        tests[size] = pool[random.integers(0, len(pool), max(measure.BATCH, measure.SINGLE))]
        figures = {"opening": measure.opening(net.path, tests[size][:1]), "disk": measure.disk(net)}
        yield {"size": size, **figures, "activation": measure.activation(net, tests[size]), "finding": measure.finding(net, tasks[:size])}
    for size, seconds in measure.predicting(nets, tests).items():
        yield {"size": size, **seconds}
    with tempfile.TemporaryDirectory(dir=paths[1].parent) as folder:  # the networks that are measured stay as they are
        copies = {size: sp.Network(shutil.copytree(net.path, Path(folder) / f"{size}.sen"), device=device) for size, net in nets.items()}
        for size, learned in measure.learning(copies, tasks[SIZES[-1] :]).items():
            yield {"size": size, "learning": learned}


OPTIONS = {
    **PEER,
    "--limit": {"type": float, "default": 120.0, "help": "seconds for each of the peer's methods"},
    "--strength": {"type": float, "default": PEER_STRENGTH, "help": "EWC's λ in the peer"},
    "--device": {"default": "cpu", "help": "where pathways run, as torch names it"},
}
PARTS = {
    "growing": Part(_measure),
    "peer": Part(_peer, lambda arguments: [{"method": method} for method in PEER_METHODS.values() if arguments.peer]),
}
SECTIONS = {name: Section(make, ["growing"], ["peer"]) for name, make in (("growing", page.growing), ("figure", page.draw))}
BENCHMARK = Benchmark("scale", __doc__, PARTS, SECTIONS, anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
