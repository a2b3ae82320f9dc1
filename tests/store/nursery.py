"""A process in which networks are grown and killed: it has senpath loaded and forks, so that each death costs little.

Run as a script it answers questions, one JSON line each, with one number each; `Nursery` asks them. It never computes itself, for a
process that forks must not have threads at work.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # torch's optimizers load it when first used, and sp.Network its module; here once for all
from sklearn.datasets import load_iris

import senpath as sp
import senpath.network
from senpath.learning import propose
from senpath.snapshot import encode_examples

FLOWERS = load_iris()


class Nursery:
    """Asks a process of its own to fork and kill."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def start(self, job: str, **arguments: Any) -> int:
        """Begin one of `JOBS` in a process of its own; gives its process number."""
        return self._ask({"do": "start", "job": job, "arguments": arguments})

    def wait(self, process: int) -> int:
        """Wait until the job has ended: its exit status, or minus the signal that ended it."""
        return os.waitstatus_to_exitcode(self._ask({"do": "wait", "process": process}))

    def run(self, job: str, **arguments: Any) -> int:
        """Start and wait."""
        return self.wait(self.start(job, **arguments))

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def _ask(self, question: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question, default=str), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


def grow(folder: str, told: str, name: str = "task", tasks: int = 10**6) -> None:
    """Learn small tasks one after another; after each, add its name to the file `told`."""
    net = sp.Network(folder)
    for seed in range(len(net.tasks), len(net.tasks) + tasks):
        learn(net, f"{name}-{seed}", seed)
        tell(told, f"{name}-{seed}")


def commit_only(folder: str, told: str) -> None:
    """Propose a few small tasks, tell "ready", then commit them again and again under new names, without a pause."""
    net = sp.Network(folder)
    proposals = []
    for seed in range(6):
        method = sp.Sen(model="mlp", epochs=1, hidden=4, links="none", random_state=seed)
        proposals.append(propose(net.view, method, "", encode_examples(net.view, *some_flowers(seed))))
    tell(told, "ready")
    for number in itertools.count(len(net.tasks)):
        name, proposal = f"task-{number}", proposals[number % len(proposals)]
        pathway = replace(proposal.pathways[0], task=name)
        net.commit(replace(proposal, pathways=(pathway,), statistics={name: proposal.statistics[""]}))
        tell(told, name)


def record(folder: str, name: str, times: int) -> None:
    """Keep figures with the network, again and again."""
    net = sp.Network(folder)
    for number in range(times):
        net.record_evaluation({"name": name, "number": number, "padding": "x" * 5000})


def die_at(folder: str, step: int) -> None:
    """Learn one task, but die by SIGKILL before the file operation of this number."""
    net = sp.Network(folder)
    kill_at(folder, step)
    learn(net, f"task-{len(net.tasks)}", len(net.tasks))


def upkeep_dying_at(folder: str, step: int, call: str, argument: Any) -> None:
    """Call a method of the network, such as `rollback`, but die by SIGKILL before the file operation of this number."""
    net = sp.Network(folder)
    kill_at(folder, step)
    getattr(net, call)(argument)


def kill_at(folder: str, step: int) -> None:
    """Die before the file operation of this number below the folder, counted from now."""
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in ("open", "os.rename", "os.remove", "os.link") and str(arguments[0]).startswith(folder):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def look(folder: str, told: str, stop: str) -> None:
    """Answer inputs with the newest version again and again until the file `stop` is there; tell how often the tasks differed, or of
    the first error that should not be."""
    net = sp.Network(folder)
    seen: set[str] = set()
    while not Path(stop).exists():
        net.refresh()
        before = net.version
        try:
            net.predict(FLOWERS.data[:5])
            for task in net.view.tasks:
                net.predict(FLOWERS.data[:5], task=task)
            seen.add(" ".join(sorted(net.view.tasks)))
        except sp.StoreError as error:
            if "Call refresh()" not in str(error) or not net.refresh():
                tell(told, f"version {before}: {error}")
                return
    tell(told, f"fine, {len(seen)} sets of tasks")


def learn_within(folder: str, told: str, bytes_a_file: int) -> None:
    """Try to learn a task while no file may be larger than this, tell the error, then learn it without the limit."""
    net = sp.Network(folder)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, most))
    try:
        learn(net, "limited", 1)
    except sp.StoreError as error:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        left_over = [path.name for path in Path(folder).rglob("*.tmp")]
        net.verify()
        tell(told, f"{error} | version {net.version} and {sp.Network(folder).version} | left over {left_over}")
    learn(net, "limited", 1)
    net.verify()


def predict(folder: str, inputs: str, answers: str, threads: int) -> None:
    """Predict from each array in one file, with and without the task's name, into another file."""
    torch.set_num_threads(threads)
    net = sp.Network(folder)
    with np.load(inputs) as arrays:
        found = {name: net.predict(arrays[name], task=name).probabilities[name] for name in arrays.files}
        found |= {f"{name}, task found": net.predict(arrays[name]).confidence for name in arrays.files}
    np.savez(answers, **found)


def learn(net: sp.Network, name: str, seed: int) -> None:
    x, y = some_flowers(seed)
    net.learn(name, x, y, model="mlp", epochs=1, hidden=4, random_state=seed, links="none" if seed % 2 else "all")


def some_flowers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(seed).choice(len(FLOWERS.target), 40, replace=False)
    return FLOWERS.data[rows], FLOWERS.target[rows]


def tell(file: str, line: str) -> None:
    """Add a line that stays even if this process is killed now."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


JOBS = {
    "grow": grow,
    "commit_only": commit_only,
    "die_at": die_at,
    "upkeep_dying_at": upkeep_dying_at,
    "look": look,
    "learn_within": learn_within,
    "predict": predict,
    "record": record,
}


def begin(job: str, arguments: dict[str, Any]) -> int:
    """Fork a process for a job."""
    process = os.fork()
    if process:
        return process
    try:
        JOBS[job](**arguments)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "start":
            answer = begin(question["job"], question["arguments"])
        else:
            _, answer = os.waitpid(question["process"], 0)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
