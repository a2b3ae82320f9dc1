"""Networks of 10 and of 10,000 tasks side by side: one input, batches, opening, a commit, and the disk with ten versions kept.

    python -m benchmarks.scale.ten_thousand [--tasks 10000] [--folder runs/ten_thousand]

Grows the networks first, half an hour and 5 GB, which the folder keeps; a run that was stopped goes on. Tasks are five characters of
Omniglot with all their drawings, their columns are what `learn` makes of them, and their pathways a random layer of 128 units of its own
and an output layer fitted to the drawings. Time is the processor's, in one thread. Needs SENPATH_DATA.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, in_turn, markdown_table, processor_timed, ratio
from benchmarks.scale.measure import disk, opening
from benchmarks.scale.stream import any_characters
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.testing import ConstantMethod
from senpath.types import Examples

FEW, HIDDEN = 10, 128
AT_ONCE = 250
"""Tasks in a commit while the network grows."""
CALLS, ROUNDS, BATCH = 20, 15, 4_096
MORE = 12
"""Further tasks that are learned one by one: so the ten versions that are kept are all of this size."""


class Alike:
    """`ConstantMethod` for several tasks in one commit, each with a random layer of its own."""

    name = "constant"

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        """Learn each by itself."""
        return {name: self._method(name).propose(view, name, examples) for name, examples in tasks.items()}

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn one."""
        return self._method(task).propose(view, task, examples)

    def _method(self, task: str) -> ConstantMethod:
        return ConstantMethod(hidden=HIDDEN, random_state=int(task.rpartition("-")[2]))


def grown(path: Path, tasks: int) -> sp.Network:
    """A network of so many tasks."""
    net = sp.Network(path)
    while (there := len(net.tasks)) < tasks:
        some = any_characters(there, min(AT_ONCE, tasks - there))
        net.learn_many({task.name: task.train for task in some}, method=Alike())
        print(f"{path.stem}: {len(net.tasks)} tasks", flush=True)
    return net


def _measure(folder: Path, tasks: int) -> Iterator[Record]:
    nets = {size: grown(folder / f"{size}.sen", size) for size in (FEW, tasks)}
    with tempfile.TemporaryDirectory(dir=folder) as copies:  # the networks that are measured stay as they are
        nets = {size: _copied(net, Path(copies)) for size, net in nets.items()}
        yield {"threads": torch.get_num_threads(), "torch": torch.__version__}
        yield from _committed(nets)
        yield from _predicted(nets)


def _copied(net: sp.Network, folder: Path) -> sp.Network:
    return sp.Network(shutil.copytree(net.path, folder / net.path.name, copy_function=_copy))


def _copy(source: str, target: str) -> None:
    """Components never change, so the copy may share their files."""
    if Path(source).parent.name == "components":
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _committed(nets: Mapping[int, sp.Network]) -> Iterator[Record]:
    """Learn the same further tasks in turn; then what the folders take, and opening them."""
    taken: dict[int, dict[str, list[float]]] = {size: {"learn": [], "commit": []} for size in nets}
    for task in any_characters(max(nets), MORE):
        for size, net in nets.items():
            told: dict[str, float] = {}
            learn = partial(net.learn, task.name, *task.train, method=Alike(), progress=partial(_mark, told))
            whole = processor_timed(learn)()
            taken[size]["learn"].append(whole)
            taken[size]["commit"].append(whole - told["dispatcher"])
    image = next(iter(any_characters(0, 1))).train[0][:1]
    for size, net in nets.items():
        opened = [opening(net.path, image) for _ in range(3)]
        figures = {key: median(one[key] for one in opened) for key in opened[0]}
        kept = 1 + len([*(net.path / "versions").glob("*.json")])
        mine = {key: values[2:] for key, values in taken[size].items()}
        yield {"size": size, **mine, "opening": figures, "disk": disk(net), "versions": kept}


def _mark(told: dict[str, float], stage: str, done: int, total: int) -> None:
    """Note the seconds from the first word to the end of each stage."""
    told.setdefault("start", time.thread_time())
    told[stage] = time.thread_time() - told["start"]


def _predicted(nets: Mapping[int, sp.Network]) -> Iterator[Record]:
    random = np.random.default_rng(0)
    images = {}
    for size in nets:
        pool = np.concatenate([task.test[0] for number in range(0, size, max(1, size // 100)) for task in any_characters(number, 1)])
        images[size] = pool[random.integers(0, len(pool), BATCH)]
    one: dict[int, list[float]] = {size: [] for size in nets}
    jobs = {size: processor_timed(partial(_one_by_one, net, images[size])) for size, net in nets.items()}
    for size, figures in in_turn(jobs, ROUNDS, warm=3).items():
        one[size] = [figure / CALLS for figure in figures]
    batches = in_turn({size: processor_timed(partial(net.predict, images[size])) for size, net in nets.items()}, 5)
    for size in nets:
        yield {"size": size, "one": one[size], "batch": batches[size]}


def _one_by_one(net: sp.Network, images: np.ndarray) -> None:
    for place in range(CALLS):
        net.predict(images[place : place + 1])


def _table(records: Records) -> str:
    sizes: dict[int, dict[str, Any]] = {}
    for record in records[1:]:
        sizes.setdefault(record["size"], {}).update(record)
    most = max(sizes)
    few, many = sizes[FEW], sizes[most]

    def share(one: dict[str, Any]) -> float:
        return 100 * (float(one["disk"]["bytes"]) / one["disk"]["needed"] - 1)

    def paired(what: str, unit: str, scale: float, aim: str) -> list[str]:
        shown = [f"{scale * median(one[what]):,.2f}" for one in (few, many)]
        return [unit, *shown, f"**{ratio(many[what], few[what]):.2f}**", aim]

    rows = [
        paired("one", "one input, ms", 1e3, "≤ 1.5"),
        paired("batch", f"a batch of {BATCH:,}, s", 1, "–"),
        paired("learn", "the whole `learn` of a further task, s", 1, "–"),
        paired("commit", "… of that the commit, ms", 1e3, "≤ 1.2"),
        ["opening, ms", *(f"{1e3 * one['opening']['open']:.0f}" for one in (few, many)), "–", "≤ 500 ms"],
        ["first prediction after opening, ms", *(f"{1e3 * one['opening']['first']:.0f}" for one in (few, many)), "–", "–"],
        ["memory above `import torch`, with one prediction, MB"]
        + [f"{one['opening']['memory_predicted']:,.0f}" for one in (few, many)]
        + ["–", "–"],
        ["folder, MB", *(f"{one['disk']['bytes'] / 1e6:,.1f}" for one in (few, many)), "–", "–"],
        [f"… above weights and columns, {many['versions']} versions kept, %", *(f"{share(one):.1f}" for one in (few, many)), "–", "≤ 6"],
    ]
    told = f"{records[0]['threads']} thread, torch {records[0]['torch']}; medians, sides in turn."
    return f"{markdown_table(['tasks', f'{FEW:,}', f'{most:,}', f'{most:,} ÷ {FEW:,}', 'aim'], rows)}\n\n{told}"


PARTS = {"measured": Part(_measure)}
SECTIONS = {"ten thousand": Section(_table, ["measured"])}
OPTIONS = {"--tasks": {"type": int, "default": 10_000, "help": "of the larger network"}}
BENCHMARK = Benchmark("ten_thousand", __doc__, PARTS, SECTIONS, "scale.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
