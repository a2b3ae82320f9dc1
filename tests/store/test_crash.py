"""Killed or interrupted at any instant: the folder holds version N or N + 1, and work goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from faults import Faults
from nursery import Nursery

import senpath as sp
from senpath.store import KEPT_VERSIONS
from senpath.testing import ConstantMethod

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]


def check(folder: Path, told: set[str], iris: Labelled) -> sp.Network:
    """Opens, verifies, answers, and has at least the tasks that were told to be committed, at most one more."""
    net = sp.Network(folder)
    net.verify()
    assert told <= set(net.tasks)
    assert len(net.tasks) <= len(told) + 1
    assert net.version == len(net.tasks)
    if net.tasks:
        net.predict(iris[0][:3])
        net.predict(iris[0][:3], task=list(net.tasks)[-1])
    return net


def check_goes_on(folder: Path, iris: Labelled) -> None:
    """After the next commit no trace of a crash is left."""
    net = sp.Network(folder)
    net.learn("after", *iris, method=ConstantMethod(hidden=4))
    net.verify()
    assert not list(folder.rglob("*.tmp"))
    assert [entry["version"] for entry in net.log] == list(range(1, net.version + 1))
    assert [name for entry in net.log for name in entry["tasks"]] == list(net.tasks)
    assert len(list((folder / "dispatcher").glob("table-*.metric"))) <= KEPT_VERSIONS
    assert sorted(int(path.stem) for path in (folder / "versions").iterdir()) == list(net.versions)


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the other process did not get there"
        time.sleep(0.0005)


def committing(folder: Path) -> bool:
    return bool(os.listdir(folder / "temporary"))


@pytest.mark.slow("kills dozens of real processes")
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_instants(nursery: Nursery, iris: Labelled, tmp_path: Path, seed: int) -> None:
    folder, told = tmp_path / "net", tmp_path / "told"
    known: set[str] = set()
    for number, delay in enumerate(np.random.default_rng(seed).uniform(0, 0.06, 5)):
        told.write_text("")
        process = nursery.start("grow", folder=folder, told=told)
        if number:  # the first may die before there is a network
            wait_for(lambda: bool(told.read_text()))
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        assert nursery.wait(process) == -signal.SIGKILL
        known = set(check(folder, known | set(told.read_text().split()), iris).tasks)
    assert len(known) >= 4
    check_goes_on(folder, iris)


@pytest.mark.slow("kills dozens of real processes")
@pytest.mark.parametrize("seed", range(5))
def test_killed_while_committing(nursery: Nursery, iris: Labelled, tmp_path: Path, seed: int) -> None:
    folder, told = tmp_path / "net", tmp_path / "told"
    sp.Network(folder).learn("first", *iris, method=ConstantMethod(hidden=4))
    process = nursery.start("commit_only", folder=folder, told=told)
    wait_for(lambda: told.exists() and "ready\n" in told.read_text())
    time.sleep(np.random.default_rng(seed).uniform(0, 0.05))
    wait_for(lambda: committing(folder))
    os.kill(process, signal.SIGKILL)
    assert nursery.wait(process) == -signal.SIGKILL
    check(folder, {"first", *told.read_text().split()} - {"ready"}, iris)
    check_goes_on(folder, iris)


@pytest.mark.slow("kills dozens of real processes")
def test_killed_before_every_file_operation_of_a_commit(nursery: Nursery, iris: Labelled, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    sp.Network(folder).learn("first", *iris, method=ConstantMethod(hidden=4))
    ends: list[int] = []
    while not ends or ends[-1] == -signal.SIGKILL:
        before = sp.Network(folder).version
        ends.append(nursery.run("die_at", folder=folder, step=len(ends)))
        net = sp.Network(folder)
        net.verify()
        assert net.version in (before, before + 1)
    assert ends[-1] == 0
    assert len(ends) > 15
    check_goes_on(folder, iris)


@pytest.mark.slow("interrupts some fifty commits")
def test_interrupted_at_every_file_operation(light: Path, faults: Faults, iris: Labelled) -> None:
    steps = 0
    while True:
        net = sp.Network(light)
        before = net.version
        with faults.at(light, steps, KeyboardInterrupt()):
            said = interruption(net, f"task-{steps}", iris)
        if not faults.fired:
            break
        steps += 1
        found = sp.Network(light)
        found.verify()
        assert said == (
            f"interrupted; the network is as it was, at version {before}"
            if found.version == before
            else f"interrupted after 'task-{steps - 1}' was committed as version {before + 1}"
        )
        assert not list(light.rglob("*.tmp"))
    assert steps > 15
    check_goes_on(light, iris)


def interruption(net: sp.Network, task: str, iris: Labelled) -> str | None:
    """What Ctrl-C while learning said, or None if it did not happen."""
    try:
        net.learn(task, *iris, method=ConstantMethod(hidden=4))
    except KeyboardInterrupt as error:
        return str(error)
    return None


@pytest.mark.parametrize("stage", ["train", "dispatcher"])
def test_ctrl_c_while_learning(folder: Path, unchanged: Watch, iris: Labelled, stage: str) -> None:
    def press(now: str, done: int, total: int) -> None:
        if now == stage:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)  # the signal arrives here

    net = sp.Network(folder)
    with unchanged(folder), pytest.raises(KeyboardInterrupt, match=r"^interrupted; the network is as it was, at version 3$"):
        net.learn("new", *iris, model="mlp", progress=press)
    assert net.version == 3


@pytest.mark.slow("starts the command line as a process of its own")
def test_ctrl_c_on_the_command_line(digits: Labelled, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    np.savez(tmp_path / "data.npz", x=digits[0], y=digits[1])
    command = [sys.executable, "-m", "senpath", "learn", folder, "new", tmp_path / "data.npz", "--set", "epochs=100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for((folder / "network.json").exists, 60)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    # To a shell both are 130. Python itself ends by the signal where it arrived inside exec(text), as in a dataclass being imported.
    assert process.returncode in (130, -signal.SIGINT)
    assert "interrupted; the network is as it was, at version 0" in said
    assert sp.Network(folder).version == 0
    assert not list(folder.rglob("*.tmp"))
