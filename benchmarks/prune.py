"""Pruning: accuracy against what is kept, bytes, and time (docs/results/prune.md).

    python -m benchmarks.prune [--seeds 3] [--rounds 200]

About ten minutes on one core. Needs the real data.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
import numpy as np
import torch

mpl.use("Agg")

import matplotlib.pyplot as plt

import senpath as sp
from benchmarks.common import DOCS, RESULTS, write_section
from senpath.data import load
from senpath.pathways import run_pathway
from senpath.reports.markdown import markdown_table

PAGE = RESULTS / "prune.md"
FIGURE = DOCS / "figures" / "prune.png"
SETS = {"mnist": "MNIST", "lower": "LOWER", "fashion": "Fashion"}
KEEPS = (0.5, 0.25, 0.1)
EPOCHS = {"mnist": 6, "fashion": 6}
"""Where the default takes longer than this study can; LOWER is learned as it always is."""
CNN_EXAMPLES = 10_000
BATCH = 4096
WAYS = {
    ("weights", True): ("weights, then trained on", "C0", "o-"),
    ("weights", False): ("weights, no examples", "C0", "o:"),
    ("units", True): ("units, then trained on", "C1", "s-"),
    ("units", False): ("units, no examples", "C1", "s:"),
}
Records = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mlps = {SETS[name]: _study(Path(folder) / name, name, range(arguments.seeds), KEEPS, epochs=EPOCHS.get(name)) for name in SETS}
        cnn = _study(Path(folder) / "cnn", "mnist", range(1), (0.5, 0.25), model="cnn", most=CNN_EXAMPLES, epochs=4)
        speed = _speed(Path(folder) / "mnist" / "0", arguments.rounds)
    few = f"CNN, {CNN_EXAMPLES:,} MNIST images"
    write_section(PAGE, "accuracy", "\n\n".join(_table(name, records) for name, records in {**mlps, few: cnn}.items()))
    write_section(PAGE, "speed", speed)
    _draw(mlps)


def _study(folder: Path, name: str, seeds: range, keeps: tuple[float, ...], most: int | None = None, **settings: Any) -> Records:
    """One network a seed, pruned in every way from the same version."""
    x, y = load(name)
    if most is not None:
        chosen = np.random.default_rng(0).permutation(len(y))[:most]
        x, y = np.asarray(x)[chosen], np.asarray(y)[chosen]
    tests = load(name, "test")
    records: Records = []
    for seed in seeds:
        net = sp.Network(folder / str(seed))
        net.learn(name, x, y, random_state=seed, **settings)
        records.append({"seed": seed, "what": "dense", "keep": 1.0, "examples": True, "test": _right(net, name, tests)})
        print(records[-1], flush=True)
        for what, examples in WAYS:
            for keep in keeps:
                copy = sp.Network(shutil.copytree(net.path, folder / f"{seed}-{what}-{keep}-{examples}"))
                start = time.perf_counter()
                data = (x, y) if examples else (None, None)
                found = copy.prune(name, keep, *data, what=what, tolerance=1.0, random_state=seed)
                seconds = time.perf_counter() - start
                record = {"seed": seed, "what": what, "keep": keep, "examples": examples, "test": _right(copy, name, tests)}
                bytes_ = found.provenance.record["bytes"]
                records.append({**record, "bytes": bytes_["after"] / bytes_["before"], "seconds": seconds, "reason": found.reason})
                print(records[-1], flush=True)
    return records


def _right(net: sp.Network, task: str, tests: Any) -> float:
    return 100 * float((net.predict(tests[0], task=task).label == tests[1]).mean())


def _table(name: str, records: Records) -> str:
    dense = [one["test"] for one in records if one["what"] == "dense"]
    keeps = sorted({one["keep"] for one in records if one["what"] != "dense"}, reverse=True)
    rows = []
    for (what, examples), (title, _, _) in WAYS.items():
        cells = []
        for keep in keeps:
            mine = [one for one in records if (one["what"], one["keep"], one["examples"]) == (what, keep, examples)]
            lost = [one["test"] - before for one, before in zip(mine, dense, strict=True)]
            cells.append(f"{np.mean([one['test'] for one in mine]):.2f} ({np.mean(lost):+.2f})")
        rows.append([title, *cells])
    for what in ("weights", "units"):
        sizes = [np.mean([one["bytes"] for one in records if (one["what"], one["keep"]) == (what, keep)]) for keep in keeps]
        rows.append([f"bytes of the own components, {what}", *(f"{100 * size:.0f} %" for size in sizes)])
    seconds = median(one["seconds"] for one in records if one["what"] != "dense" and one["examples"])
    head = f"**{name}**: {np.mean(dense):.2f} % right before, {len(dense)} seed(s); pruning and training on takes {seconds:.0f} s (median)."
    return f"{head}\n\n{markdown_table(['kept', *(f'{100 * keep:.0f} %' for keep in keeps)], rows)}"


def _speed(folder: Path, rounds: int) -> str:
    """The pathway of each network over one batch, in turn."""
    tests = np.asarray(load("mnist", "test")[0])[:BATCH]
    inputs = torch.from_numpy(tests).float()[:, None] / 255
    places = {"dense": folder} | {
        f"{what}, {100 * keep:.0f} % kept": folder.with_name(f"{folder.name}-{what}-{keep}-True")
        for what, keep in (("units", 0.5), ("units", 0.25), ("units", 0.1), ("weights", 0.25))
    }
    nets = {name: sp.Network(place) for name, place in places.items()}
    through = {name: _taken(lambda net=net: _through(net, inputs)) for name, net in nets.items()}
    predicted = {name: _taken(lambda net=net: net.predict(tests, task="mnist")) for name, net in nets.items()}
    for _ in range(3):
        _turn(through, {})
    ways: dict[str, dict[str, list[float]]] = {"through": {}, "predict": {}}
    for number in range(rounds):
        backwards = bool(number % 2)
        _turn(through, ways["through"], backwards)
        if number < rounds // 4:
            _turn(predicted, ways["predict"], backwards)
    rows = []
    for name in places:
        cells = []
        for taken in ways.values():
            ratio = median(a / b for a, b in zip(taken["dense"], taken[name], strict=True))
            cells += [f"{1000 * median(taken[name]):.2f}", f"{ratio:.2f}"]
        rows.append([name, *cells])
    columns = ["pathway", "through it, ms", "times as fast", "`predict` with the task given, ms", "times as fast"]
    note = f"MLP of 128 units on MNIST, batches of {BATCH:,}, {torch.get_num_threads()} thread(s), torch {torch.__version__}; medians of "
    note += f"{rounds} and {rounds // 4} rounds, all pathways in turn, forwards and backwards."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def _turn(jobs: dict[str, Callable[[], float]], taken: dict[str, list[float]], backwards: bool = False) -> None:
    for name in reversed(jobs) if backwards else jobs:
        taken.setdefault(name, []).append(jobs[name]())


def _taken(job: Callable[[], object]) -> Callable[[], float]:
    def timed() -> float:
        start = time.perf_counter()
        job()
        return time.perf_counter() - start

    return timed


def _through(net: sp.Network, inputs: torch.Tensor) -> None:
    run_pathway(net.view.pathway("mnist"), inputs, net.view.component)


def _draw(studies: dict[str, Records]) -> None:
    """A panel for each set: accuracy against the share that is kept."""
    figure, panels = plt.subplots(1, len(studies), figsize=(11, 4), layout="constrained")
    for panel, (name, records) in zip(panels, studies.items(), strict=True):
        dense = float(np.mean([one["test"] for one in records if one["what"] == "dense"]))
        panel.axhline(dense, color="0.4", linewidth=1, label="before")
        panel.axhspan(dense - 0.5, dense + 0.5, color="0.9", label="within half a point")
        for (what, examples), (title, colour, style) in WAYS.items():
            mine = [one for one in records if (one["what"], one["examples"]) == (what, examples)]
            keeps = sorted({one["keep"] for one in mine})
            means = [np.mean([one["test"] for one in mine if one["keep"] == keep]) for keep in keeps]
            panel.plot(keeps, means, style, color=colour, markersize=4, label=title)
        panel.set(title=name, xlabel="share kept", ylim=(dense - 12, dense + 2), xticks=KEEPS)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("test accuracy, %")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(handles), fontsize=8)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
