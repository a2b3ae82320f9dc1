"""Many threads that share one network while it is learned into, cleaned and taken back."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task

SECONDS, PATIENCE = 5.0, 120.0
"""That the crowd works at least, and until each work was done at most."""
WORKS = ("learn", "gc", "roll_back", "ask", "ask_freely", "explain", "look")
"""What has to have been done; whether there is a task to remove is left to chance."""


class Crowd:
    """Threads at one network; what they raise, and which answers were none of any version, is kept.

    The tasks "low" and "iris" are always there; others, named by their label, come and go.
    """

    def __init__(self, net: sp.Network) -> None:
        self.net, self.done, self.wrong = net, Counter[str](), list[str]()
        self._begin, self._names = time.monotonic(), itertools.count()
        self._x = {name: tiny_task(name)[0][:20] for name in ("low", "iris")}
        self._expected = {name: net.predict(x, task=name).label.tolist() for name, x in self._x.items()}

    def run(self) -> None:
        works = [self.learn, self.remove, self.gc, self.roll_back, *[self.ask, self.ask_freely, self.explain, self.look] * 49]
        threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)

    def _repeat(self, work: object) -> None:
        assert callable(work)
        while not self.wrong and self._goes_on(time.monotonic() - self._begin):
            try:
                work()
                self.done[work.__name__] += 1
            except Exception as error:
                self.wrong.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def _goes_on(self, seconds: float) -> bool:
        return seconds < SECONDS or (seconds < PATIENCE and not all(self.done[work] for work in WORKS))

    def learn(self) -> None:
        name = f"extra-{next(self._names)}"
        x, y = tiny_task("iris")
        learned = self.net.learn(name, x * 3, [f"{name}:{label}" for label in y], method=ConstantMethod(hidden=4))
        assert (learned.task, learned.provenance.examples) == (name, len(y))

    def remove(self) -> None:
        names = [name for name in self.net.tasks if name.startswith("extra")]
        if len(names) > 2:
            try:
                self.net.remove(random.choice(names))
            except (sp.UnknownTaskError, sp.ConflictError):  # rolled back meanwhile, and perhaps learned again
                self.done["overtaken"] += 1

    def gc(self) -> None:
        self.net.gc(versions=random.choice([1, 3]))

    def roll_back(self) -> None:
        if versions := [version for version in self.net.versions if version >= 2]:  # in which both tasks are known
            try:
                self.net.rollback(random.choice(versions))
            except sp.InputError:  # cleaned up meanwhile
                self.done["overtaken"] += 1

    def ask(self) -> None:
        for name, x in self._x.items():
            if (labels := self.net.predict(x, task=name).label.tolist()) != self._expected[name]:
                self.wrong.append(f"{name} answers {labels}")

    def ask_freely(self) -> None:
        answer = self.net.predict(np.concatenate([self._x["iris"], 3 * self._x["iris"]]))
        for task, label in zip(answer.task, answer.label, strict=True):
            if task is not None and task.startswith("extra") and not str(label).startswith(f"{task}:"):
                self.wrong.append(f"task {task}, label {label}")

    def explain(self) -> None:
        explanation = self.net.explain(self._x["low"][0])
        if explanation.task not in ("low", None):
            self.wrong.append(f"explained by {explanation.task}")

    def look(self) -> None:
        tasks = self.net.tasks
        if not {"low", "iris"} <= tasks.keys() or not self.net.log:
            self.wrong.append(f"tasks {[*tasks]}")


@pytest.mark.slow("200 threads for some seconds")
def test_many_threads_at_one_network(tmp_path: Path) -> None:
    crowd = Crowd(tiny_network(tmp_path / "net", ["low", "iris"]))
    crowd.run()
    assert crowd.wrong == []
    assert min(crowd.done[name] for name in WORKS) > 0, crowd.done
    net = sp.Network(tmp_path / "net")
    net.verify()
    assert {*net.tasks} == {*crowd.net.tasks}


FLAT = """
import os
import sys
from pathlib import Path

from senpath.testing import ConstantMethod, tiny_network, tiny_task


def figures():
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    own = sum(int(status[name].split()[0]) * 1024 for name in ("RssAnon", "VmSwap"))
    return own, len(os.listdir("/proc/self/fd")), Path("/proc/self/maps").read_text().count("\\n")


cycles = int(sys.argv[2])
net, (x, y) = tiny_network(sys.argv[1], ["low", "iris"]), tiny_task("iris")
for cycle in range(cycles):
    net.learn("more", x, y, method=ConstantMethod(hidden=4, random_state=cycle))
    net.predict(x[:5])
    net.remove("more")
    net.gc(versions=2)
    net.predict(x[:5], task="iris")
    if cycle in (cycles // 3, cycles - 1):
        print(*figures())
"""
"""Bytes of its own, open descriptors and memory maps after a third of the cycles and after all. In a process of its own, and without
what is mapped from files: resident bytes of one that ran other tests move with what those left, and with pages that the system takes."""


@pytest.mark.slow("hundreds of commits, in a process of their own")
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_memory_descriptors_and_maps_stay_flat(tmp_path: Path) -> None:
    cycles = os.environ.get("SENPATH_CYCLES", "60")
    command = [sys.executable, "-W", "ignore", "-c", FLAT, str(tmp_path / "net"), cycles]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    before, after = ([int(figure) for figure in line.split()] for line in run.stdout.splitlines())
    memory, files, maps = (now - then for then, now in zip(before, after, strict=True))
    print(f"{cycles} cycles: {memory:+,} bytes, {files:+} descriptors, {maps:+} maps")
    assert memory < 8 * 2**20
    assert files <= 2
    assert maps <= 20
