"""Where children train, and searches that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senpath import InputError, Munet, Network
from senpath.methods import SearchObserver, SearchStatus

Labelled = tuple[np.ndarray, np.ndarray]
SETTINGS: dict[str, Any] = {"schedule": "evolve", "root": "mlp", "generations": 3, "children": 4, "cycles": 2, "examples": 1_000}
KILLED: dict[str, Any] = {**SETTINGS, "generations": 6, "children": 2, "examples": 2_000}
searches_twice = pytest.mark.slow("searches twice; so does a fast test")
SCRIPT = f"""
import sys
from sklearn.datasets import load_digits
from senpath import Network
bunch = load_digits()
net, settings = Network(sys.argv[1]), {KILLED}
net.learn("digits", bunch.images[:600] / 16, bunch.target[:600], method="munet", **settings, work=sys.argv[2])
"""


@pytest.fixture
def some(train: Labelled) -> Labelled:
    """600 digits."""
    return train[0][:600], train[1][:600]


def learn(path: Path, data: Labelled, observer: SearchObserver | None = None, **settings: Any) -> tuple[str, ...]:
    """The components of the path that is found."""
    net = Network(path)
    net.learn("digits", *data, method=Munet(observer, **{**SETTINGS, **settings}))
    net.verify()
    return net.view.pathway("digits").components


@pytest.mark.slow("several processes that load all of torch")
def test_two_processes_find_the_same(tmp_path: Path, some: Labelled) -> None:
    assert learn(tmp_path / "two.sen", some, jobs=2) == learn(tmp_path / "one.sen", some)


@pytest.mark.slow("Ray and its workers take seconds to start")
def test_ray_finds_the_same_though_a_worker_is_killed(tmp_path: Path, some: Labelled, with_ray: Any) -> None:
    told, killed = list[str](), list[int]()

    def kill_one(status: SearchStatus) -> None:
        """When the first child of the second generation is done, the worker of another is killed."""
        if len(status.history) == 1 and not killed and any(result is not None for _, result in status.children):
            killed.extend(_ray_workers()[:1])
            for process in killed:
                os.kill(process, signal.SIGKILL)

    found = learn(tmp_path / "ray.sen", some, SearchObserver(kill_one, told.append), ray="local", jobs=2, examples=8_000)
    assert len(killed) == 1
    assert len(told) == 1
    assert "tried again" in told[0]
    assert found == learn(tmp_path / "one.sen", some, examples=8_000)
    assert Network(tmp_path / "ray.sen").log[-1]["warnings"] == told


def _ray_workers() -> list[int]:
    """Processes of Ray that are at work on a child."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # Ray's own helpers have titles too, and without one of them all of Ray ends, this process included.
            if (folder / "cmdline").read_bytes().startswith(b"ray::_Actor.work"):
                found.append(int(folder.name))
    return found


@pytest.mark.slow("starts real processes and kills them")
def test_a_killed_search_goes_on_from_its_last_generation(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    data = bunch.images[:600] / 16, bunch.target[:600]
    work = tmp_path / "work"
    script = [sys.executable, "-c", SCRIPT, str(tmp_path / "killed.sen"), str(work)]
    process = subprocess.Popen(script, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        end = time.monotonic() + 60
        while _generations(work) < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    done = _generations(work)
    assert 2 <= done < 6
    trained = []
    observer = SearchObserver(lambda status: trained.extend(child.path.number for child, result in status.children if result is not None))
    found = learn(tmp_path / "killed.sen", data, observer, **KILLED, work=work)
    assert set(trained) == set(range(2 * done + 1, 2 * 6 + 1))
    assert found == learn(tmp_path / "whole.sen", data, **KILLED, work=tmp_path / "other")
    assert list(work.iterdir()) == []  # what is learned need not be kept any more


def _generations(work: Path) -> int:
    """Finished ones that are kept."""
    for state in work.glob("*/state.json"):
        with suppress(OSError):
            return len(json.loads(state.read_bytes())["search"]["history"])
    return 0


class Stopped(Exception):
    """What a watcher raises to stop a search."""


def stopped(path: Path, some: Labelled, work: Path) -> None:
    """A search that was stopped after two generations."""

    def stop(status: SearchStatus) -> None:
        if len(status.history) == 2 and not status.children:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        learn(path, some, SearchObserver(stop), work=work)


def children_of(some: Labelled, path: Path, work: Path) -> tuple[list[int], tuple[str, ...]]:
    """Numbers of the children that another try trains, and the path it finds."""
    trained = list[int]()
    observer = SearchObserver(lambda status: trained.extend(child.path.number for child, result in status.children if result is not None))
    found = learn(path, some, observer, work=work)
    return trained, found


@pytest.mark.parametrize("damage", ["file", *(pytest.param(damage, marks=searches_twice) for damage in ("state", "name"))])
def test_what_is_kept_is_of_no_use_if_it_was_damaged(tmp_path: Path, some: Labelled, damage: str) -> None:
    work = tmp_path / "work"
    stopped(tmp_path / "a.sen", some, work)
    (state,) = work.glob("*/state.json")
    if damage == "state":
        state.write_bytes(state.read_bytes()[:-20])
    elif damage == "file":
        next(state.parent.glob("*.safetensors")).write_bytes(b"xx")
    else:
        kept = json.loads(state.read_bytes())
        kept["search"]["population"][0]["layers"][-1]["component"] = "0" * 64
        state.write_text(json.dumps(kept))
    trained, found = children_of(some, tmp_path / "a.sen", work)
    assert min(trained) == 1
    assert found == learn(tmp_path / "b.sen", some, work=tmp_path / "other")


def test_an_old_search_goes_on_and_others_are_dropped(tmp_path: Path, some: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    work = tmp_path / "cache" / "senpath" / "searches"
    stopped(tmp_path / "a.sen", some, work)
    forgotten = work / "forgotten"
    forgotten.mkdir()
    for folder in (forgotten, *work.iterdir()):
        os.utime(folder, (0, 0))
    trained = list[int]()
    observer = SearchObserver(lambda status: trained.extend(child.path.number for child, result in status.children if result is not None))
    learn(tmp_path / "a.sen", some, observer, work=None)
    assert min(trained) > 8  # two generations were there
    assert list(work.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, some: Labelled) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"setting 'work': .*file: expected a folder that can be written"):
        learn(tmp_path / "n.sen", some, work=tmp_path / "file")
