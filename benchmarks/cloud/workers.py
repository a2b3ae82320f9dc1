"""A process that forks writers and readers, so that each death costs little: it has loaded what they need, and has no threads.

Run as a module, it reads one JSON line per child to start, and answers with the child's process number.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore.store  # noqa: F401  (loaded, and not used before there are children)
import torch

import senpath as sp
from senpath.learning import propose
from senpath.snapshot import encode_examples
from senpath.testing import ConstantMethod, tiny_task

X, Y = tiny_task("iris")


def tell(folder: Path, **what: Any) -> None:
    """Add a line to this process's file, all of it or nothing."""
    handle = os.open(folder / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, json.dumps(what).encode() + b"\n")
    os.close(handle)


def is_of_the_way(error: sp.SenpathError) -> bool:
    """Whether the service did not answer, which a bad way to it may bring about."""
    return "the service" in str(error.got)


def write(address: str, folder: Path) -> None:
    """Commit small tasks, one after another, and tell the name of each that was committed."""
    net = sp.Network(address)
    method = ConstantMethod(hidden=4, random_state=os.getpid() % 1000)
    first = propose(net.view, method, "", encode_examples(net.view, X, Y))
    for number in itertools.count():
        name = f"task-{os.getpid()}-{number}"
        proposal = replace(first, pathways=(replace(first.pathways[0], task=name),), statistics={name: first.statistics[""]})
        try:
            net.commit(proposal)
            tell(folder, committed=name)
        except sp.ConflictError as error:
            tell(folder, overtaken=str(error))
        except sp.StoreError as error:
            tell(folder, **{"refused" if is_of_the_way(error) else "wrong": str(error)})


def read(address: str, folder: Path) -> None:
    """Answer inputs with the newest version; tell whatever should not be."""
    net, seen = sp.Network(address), set[str]()
    for turn in itertools.count():
        try:
            net.refresh()
            tasks = {*net.tasks}
            if not seen <= tasks:
                tell(folder, wrong=f"tasks are gone: {sorted(seen - tasks)[:3]}")
            seen = tasks
            labels = net.predict(X[:3], task=next(iter(net.tasks))).label.tolist()
            net.predict(X[:3])
            if turn == 0:
                known = labels
            if labels != known:
                tell(folder, wrong=f"{labels} in place of {known}")
            tell(folder, answered=net.version)
        except sp.ConflictError:
            continue
        except sp.SenpathError as error:
            tell(folder, **{"refused" if is_of_the_way(error) else "wrong": str(error)})
        time.sleep(0.05)


def tidy(address: str, folder: Path) -> None:
    """Free what is not needed, every few seconds, with a short period of grace."""
    net = sp.Network(address)
    while True:
        time.sleep(3)
        try:
            tell(folder, freed=net.gc(10, grace=20).files)
        except sp.StoreError as error:
            tell(folder, **{"refused" if is_of_the_way(error) or isinstance(error, sp.ConflictError) else "wrong": str(error)})


JOBS = {"write": write, "read": read, "tidy": tidy}


def main() -> None:
    """Start what is asked for."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with tempfile.TemporaryDirectory() as folder:  # whatever is loaded when it is first needed is loaded here, once
        net = sp.Network(Path(folder) / "net")
        for name in ("a", "b"):
            net.learn(name, X, Y, method=ConstantMethod(hidden=4))
        net.predict(X)
        net.verify()
    for line in sys.stdin:
        given = json.loads(line)
        process = os.fork()
        if process == 0:
            os.environ.update(given["environment"])
            folder = Path(given["folder"])
            try:
                JOBS[given["job"]](given["address"], folder)
            except BaseException:
                tell(folder, wrong=traceback.format_exc())
            os._exit(1)
        print(process, flush=True)


if __name__ == "__main__":
    main()
