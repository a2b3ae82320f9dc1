"""Pruning: accuracy against what is kept, bytes, and time (docs/results/prune.md).

    python -m benchmarks.prune [--seeds 3] [--rounds 200]

About ten minutes on one core. Needs SENPATH_DATA.
"""

import shutil
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, figure, in_turn, markdown_table, mean, percent, ratio, timed
from senpath.data import load
from senpath.pathways import run_pathway

SETS: dict[str, dict[str, Any]] = {
    "MNIST": {"name": "mnist", "epochs": 6},
    "LOWER": {"name": "lower"},
    "Fashion": {"name": "fashion", "epochs": 6},
    "CNN, 10,000 MNIST images": {"name": "mnist", "most": 10_000, "keeps": (0.5, 0.25), "model": "cnn", "epochs": 4},
}
"""Settings of each study. The default takes longer than this study can; LOWER is learned as it always is. The CNN has one seed."""
KEEPS = (0.5, 0.25, 0.1)
BATCH = 4096
TIMED = "MNIST-0"
"""Whose networks are kept, to be timed."""
WAYS = {
    ("weights", True): ("weights, then trained on", "C0", "o-"),
    ("weights", False): ("weights, no examples", "C0", "o:"),
    ("units", True): ("units, then trained on", "C1", "s-"),
    ("units", False): ("units, no examples", "C1", "s:"),
}


def _study(study: str, seed: int, folder: Path) -> Iterator[Record]:
    """One network, pruned in every way from the same version."""
    settings = dict(SETS[study])
    name, most, keeps = settings.pop("name"), settings.pop("most", None), settings.pop("keeps", KEEPS)
    x, y = load(name)
    if most is not None:
        chosen = np.random.default_rng(0).permutation(len(y))[:most]
        x, y = np.asarray(x)[chosen], np.asarray(y)[chosen]
    images, labels = load(name, "test")
    folder = folder / "networks" / f"{study}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    net = sp.Network(folder / "dense")
    net.learn(name, x, y, random_state=seed, **settings)
    yield {"what": "dense", "test": percent(net.predict(images, task=name).label == labels)}
    for what, examples in WAYS:
        for keep in keeps:
            copy = sp.Network(shutil.copytree(net.path, folder / f"{what}-{keep}-{examples}"))
            start = time.perf_counter()
            pruned = copy.prune(name, keep, *((x, y) if examples else (None, None)), what=what, tolerance=1.0, random_state=seed)
            seconds, bytes_ = time.perf_counter() - start, pruned.record["bytes"]
            record = {"what": what, "keep": keep, "examples": examples, "seconds": seconds, "reason": pruned.reason}
            test = percent(copy.predict(images, task=name).label == labels)
            yield {**record, "test": test, "bytes": bytes_["after"] / bytes_["before"]}
    if folder.name != TIMED:
        shutil.rmtree(folder)


def _speed(folder: Path, rounds: int) -> Iterator[Record]:
    """The pathway of each network over one batch, and predicting it, in turn."""
    tests = np.asarray(load("mnist", "test")[0])[:BATCH]
    inputs = torch.from_numpy(tests).float()[:, None] / 255
    kept = (("units", 0.5), ("units", 0.25), ("units", 0.1), ("weights", 0.25))
    places = {"dense": "dense"} | {f"{what}, {100 * keep:.0f} % kept": f"{what}-{keep}-True" for what, keep in kept}
    nets = {name: sp.Network(folder / "networks" / TIMED / place) for name, place in places.items()}
    through = {name: timed(partial(run_pathway, net.view.pathway("mnist"), inputs, net.view.component)) for name, net in nets.items()}
    ways = {"through": through, "predict": {name: timed(partial(net.predict, tests, task="mnist")) for name, net in nets.items()}}
    for way, jobs in ways.items():
        seconds = in_turn(jobs, rounds if way == "through" else rounds // 4, warm=3, alternate=True)
        yield {"way": way, "seconds": seconds, "threads": torch.get_num_threads(), "torch": torch.__version__}


def _tables(records: Records) -> str:
    return "\n\n".join(_table(name, mine) for name, mine in records.by("study").items())


def _table(name: str, records: Records) -> str:
    dense, pruned = records.where(what="dense").values("test"), records.where(lambda one: one["what"] != "dense")
    keeps, rows = sorted(pruned.distinct("keep"), reverse=True), []
    for (what, examples), (title, _, _) in WAYS.items():
        cells = []
        for keep in keeps:
            right = pruned.where(what=what, keep=keep, examples=examples).values("test")
            lost = np.subtract(right, dense)
            cells.append(f"{mean(right, 2)} ({lost.mean():+.2f})")
        rows.append([title, *cells])
    for what in ("weights", "units"):
        sizes = [pruned.where(what=what, keep=keep).mean("bytes", 100) for keep in keeps]
        rows.append([f"bytes of the own components, {what}", *(f"{size:.0f} %" for size in sizes)])
    seconds = median(pruned.where(examples=True).values("seconds"))
    head = f"**{name}**: {mean(dense, 2)} % right before, {len(dense)} seed(s); pruning and training on takes {seconds:.0f} s (median)."
    return f"{head}\n\n{markdown_table(['kept', *(f'{100 * keep:.0f} %' for keep in keeps)], rows)}"


def _speed_table(records: Records) -> str:
    rows = []
    for name in records[0]["seconds"]:
        cells = []
        for taken in (record["seconds"] for record in records):
            cells += [f"{1000 * median(taken[name]):.2f}", f"{ratio(taken['dense'], taken[name]):.2f}"]
        rows.append([name, *cells])
    columns = ["pathway", "through it, ms", "times as fast", "`predict` with the task given, ms", "times as fast"]
    through, predict = (len(record["seconds"]["dense"]) for record in records)
    note = f"MLP of 128 units on MNIST, batches of {BATCH:,}, {records[0]['threads']} thread(s), torch {records[0]['torch']}; medians of "
    return f"{markdown_table(columns, rows)}\n\n{note}{through} and {predict} rounds, all pathways in turn, forwards and backwards."


def _draw(records: Records) -> None:
    """A panel for each set: accuracy against the share that is kept."""
    studies = {name: mine for name, mine in records.by("study").items() if not name.startswith("CNN")}
    with figure("prune.png", (11, 4), columns=len(studies)) as (drawing, panels):
        for panel, (name, mine) in zip(panels[0], studies.items(), strict=True):
            dense = mine.where(what="dense").mean("test")
            panel.axhline(dense, color="0.4", linewidth=1, label="before")
            panel.axhspan(dense - 0.5, dense + 0.5, color="0.9", label="within half a point")
            for (what, examples), (title, colour, style) in WAYS.items():
                by_keep = sorted(mine.where(what=what, examples=examples).by("keep").items())
                keeps, means = [keep for keep, _ in by_keep], [group.mean("test") for _, group in by_keep]
                panel.plot(keeps, means, style, color=colour, markersize=4, label=title)
            panel.set(title=name, xlabel="share kept", ylim=(dense - 12, dense + 2), xticks=KEEPS)
            panel.grid(alpha=0.3)
        panels[0, 0].set_ylabel("test accuracy, %")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncols=len(handles), fontsize=8)


def _cells(arguments: Namespace) -> list[Record]:
    return [{"study": name, "seed": seed} for name in SETS for seed in range(1 if name.startswith("CNN") else arguments.seeds)]


PARTS = {"accuracy": Part(_study, _cells), "speed": Part(_speed)}
SECTIONS = {
    "accuracy": _tables,
    "speed": _speed_table,
    "figure": Section(_draw, ["accuracy"]),
}
OPTIONS = {"--rounds": {"type": int, "default": 200, "help": "of the speed"}}
BENCHMARK = Benchmark("prune", __doc__, PARTS, SECTIONS, seeds=3, anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
