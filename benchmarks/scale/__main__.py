"""Networks of 1, 10, 100 and 1,000 tasks side by side, and Avalanche on the same stream as far as it comes, in one run.

    python -m benchmarks.scale [--peer PYTHON] [--limit 120] [--folder runs/scale] [--device cpu]

Grows a network of a thousand tasks first, about ten minutes; the folder keeps it. Then all sizes are measured in turn. `--peer` names a
Python that has avalanche-lib 0.6 (`make peer` makes one). Writes docs/results/scale.md and its figure from the records in the folder.
Runs with one thread unless OMP_NUM_THREADS says otherwise. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.peers import PEER_METHODS
from benchmarks.scale import measure
from benchmarks.scale.grow import MORE, SIZES, grow
from benchmarks.scale.page import write_growing
from benchmarks.scale.peer import run_peer
from benchmarks.scale.records import keep
from benchmarks.scale.stream import five_characters
from benchmarks.sequence import Task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python with avalanche-lib 0.6")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each of the peer's methods")
    parser.add_argument("--folder", type=Path, default=Path("runs/scale"))
    parser.add_argument("--device", default="cpu", help="where pathways run, as torch names it")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    tasks = list(five_characters(SIZES[-1] + 1 + MORE))
    paths = grow(tasks, arguments.folder)
    records = arguments.folder / "records.jsonl"
    records.unlink(missing_ok=True)
    keep(records, threads=torch.get_num_threads(), torch=torch.__version__, device=arguments.device)
    _measure(paths, tasks, records, arguments.device)
    for method in PEER_METHODS.values() if arguments.peer else ():
        for record in run_peer(arguments.peer, method, tasks, arguments.limit, torch.get_num_threads(), 0):
            keep(records, method=method, **record)
    write_growing(records)


def _measure(paths: dict[int, Path], tasks: Sequence[Task], records: Path, device: str) -> None:
    random = np.random.default_rng(0)
    nets = {size: sp.Network(path, device=device) for size, path in paths.items()}
    tests = {}
    for size, net in nets.items():
        pool = np.concatenate([task.test[0] for task in tasks[:size]])
        tests[size] = pool[random.integers(0, len(pool), max(measure.BATCH, measure.SINGLE))]
        figures = {"opening": measure.opening(net.path, tests[size][:1]), "disk": measure.disk(net)}
        figures |= {"activation": measure.activation(net, tests[size]), "finding": measure.finding(net, tasks[:size])}
        keep(records, size=size, **figures)
    for size, found in measure.predicting(nets, tests).items():
        keep(records, size=size, **found)
    with tempfile.TemporaryDirectory(dir=records.parent) as folder:  # the networks that are measured stay as they are
        copies = {size: sp.Network(shutil.copytree(net.path, Path(folder) / f"{size}.sen"), device=device) for size, net in nets.items()}
        for size, found in measure.learning(copies, tasks[SIZES[-1] :]).items():
            keep(records, size=size, learning=found)


if __name__ == "__main__":
    main()
