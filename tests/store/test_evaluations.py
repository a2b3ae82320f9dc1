"""Figures kept beside the network: whole lines or none, whoever writes, and never a part of a version."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults import Faults
from filelock import FileLock
from nursery import Nursery

import senpath as sp
from senpath.testing import tiny_network, tiny_task

Labelled = tuple[np.ndarray, np.ndarray]
Contents = Callable[[Path], dict[str, str]]
NAME = "evaluations.jsonl"


def keep(net: sp.Network, *numbers: int) -> None:
    for number in numbers:
        net.record_evaluation({"number": number, "name": "Größe"})


def refusal(net: sp.Network) -> str | None:
    """What keeping a figure failed with, or None if it went well."""
    try:
        keep(net, 1)
    except sp.StoreError as error:
        return str(error)
    return None


def kept(folder: Path) -> list[int]:
    return [entry["number"] for entry in sp.Network(folder).evaluations]


def test_figures_of_one_s_own_hide_no_evaluations(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net.sen", ["low"])
    net.record_evaluation({"tried": "by hand"})
    sp.evaluate(net, {"low": tiny_task("low")}, record=True)
    (recorded,) = sp.recorded_evaluations(net)
    sp.report(net, tmp_path / "report.html")
    sp.remove_evaluation(net, recorded)
    assert [entry.get("tried") for entry in net.evaluations] == ["by hand"]


def test_figures_that_json_does_not_have_are_refused(folder: Path) -> None:
    net = sp.Network(folder)
    for wrong in ({"a": object()}, {"a": "\ud800"}, "a", {"version": 7}, {"time": "now"}):
        with pytest.raises(sp.InputError, match="figures: expected"):
            net.record_evaluation(wrong)  # type: ignore[arg-type]
    assert net.evaluations == []
    net.record_evaluation({"a": np.float32(0.5), "b": float("nan"), "c": np.arange(2)})
    assert {name: net.evaluations[-1][name] for name in "abc"} == {"a": 0.5, "b": None, "c": [0, 1]}


def test_what_is_kept_is_read_and_changes_nothing_else(folder: Path, contents: Contents) -> None:
    before = contents(folder)
    net = sp.Network(folder)
    assert net.evaluations == []
    keep(net, 1, 2)
    assert [(entry["version"], entry["number"], entry["name"]) for entry in sp.Network(folder).evaluations] == [
        (3, 1, "Größe"),
        (3, 2, "Größe"),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", entry["time"]) for entry in net.evaluations)
    after = contents(folder)
    assert after.pop(NAME)
    assert after == before
    assert (net.version, sp.Network(folder).version) == (3, 3)
    net.verify()


def test_a_commit_leaves_it(folder: Path, iris: Labelled) -> None:
    net = sp.Network(folder)
    keep(net, 1)
    content = (folder / NAME).read_bytes()
    net.learn("new", *iris, epochs=1, hidden=4, model="mlp")
    assert (folder / NAME).read_bytes() == content
    keep(net, 2)
    assert [entry["version"] for entry in net.evaluations] == [3, 4]
    assert (folder / NAME).read_bytes().startswith(content)


@pytest.mark.parametrize("cut", [1, 2, 30, "letter", "line break"])
def test_a_line_that_a_crash_cut_is_no_entry(folder: Path, cut: int | str) -> None:
    net = sp.Network(folder)
    keep(net, 1, 2)
    file = folder / NAME
    first, last = file.read_bytes().splitlines(keepends=True)
    places = {"letter": last.index("ö".encode()) + 1, "line break": len(last) - 1}
    file.write_bytes(first + last[: places[cut] if isinstance(cut, str) else cut])
    assert kept(folder) == [1]
    assert (file.read_bytes() == first) is False  # reading heals nothing: it may be another's half-written line
    keep(net, 3)
    assert kept(folder) == [1, 3]
    assert len(file.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b"nonsense", "got Expecting value"),
        (b"", "got Expecting value"),
        (b'"version"', "got JSON of another shape"),
        (b'{"version": "3"}', "got JSON of another shape"),
        (b"[" * 100_000, "got maximum recursion depth exceeded"),
        (b'{"version": 3, "name": "\xff"}', "got 'utf-8' codec can't decode"),
        (rb'{"version": 3, "name": "\ud800"}', "got 'utf-8' codec can't encode"),
    ],
)
def test_any_other_bad_line_is_named(folder: Path, line: bytes, got: str) -> None:
    net = sp.Network(folder)
    keep(net, 1, 2)
    first, last = (folder / NAME).read_bytes().splitlines(keepends=True)
    (folder / NAME).write_bytes(first + line + b"\n" + last)
    message = re.escape(f"{folder / NAME}: line 2: expected a measurement in JSON, {got}")
    with pytest.raises(sp.StoreError, match=message):
        _ = net.evaluations
    net.verify()  # the network itself is whole


def test_something_else_of_its_name(folder: Path) -> None:
    (folder / NAME).mkdir()
    net = sp.Network(folder)
    with pytest.raises(sp.StoreError, match=r"evaluations\.jsonl: expected a readable file, got Is a directory"):
        _ = net.evaluations
    with pytest.raises(sp.StoreError, match=r"recording an evaluation in .*: expected to be possible, got Is a directory"):
        keep(net, 1)


def test_no_space_at_every_file_operation(folder: Path, faults: Faults) -> None:
    net = sp.Network(folder)
    keep(net, 0)
    before, steps = (folder / NAME).read_bytes(), 0
    while True:
        with faults.at(folder, steps, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))):
            said = refusal(net)
        if said is not None:
            assert "No space left on device. Nothing was changed" in said
            assert (folder / NAME).read_bytes() == before
        if not faults.fired:
            break
        steps += 1
    assert steps >= 3
    assert kept(folder)[-1] == 1


@pytest.mark.slow("several real processes at once")
def test_several_writers_at_once(nursery: Nursery, folder: Path, tmp_path: Path) -> None:
    writers = [nursery.start("record", folder=folder, name=name, times=40) for name in ("left", "right")]
    writers.append(nursery.start("grow", folder=folder, told=tmp_path / "told", name="grown", tasks=3))
    assert [nursery.wait(writer) for writer in writers] == [0, 0, 0]
    net = sp.Network(folder)
    net.verify()
    assert net.version == 6
    for name in ("left", "right"):
        assert [entry["number"] for entry in net.evaluations if entry["name"] == name] == list(range(40))
    assert len(net.evaluations) == 80


def test_a_writer_that_waits_too_long(folder: Path) -> None:
    net = sp.Network(folder, lock_seconds=0.2)
    with FileLock(folder / ".lock"), pytest.raises(sp.ConflictError, match=r"expected the write lock within 0\.2 s"):
        keep(net, 1)
    assert not (folder / NAME).exists()


def test_it_does_not_make_a_folder_foreign(folder: Path, tmp_path: Path) -> None:
    keep(sp.Network(folder), 1)
    again = Path(shutil.copytree(folder, tmp_path / "again"))
    assert kept(again) == [1]
    (left_over := tmp_path / "left over").mkdir()
    shutil.copy(folder / NAME, left_over / NAME)
    assert sp.Network(left_over).version == 0
