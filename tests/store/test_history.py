"""Returning to earlier versions: nothing is lost, and what comes back answers as it did."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import answers, files, learn, same
from faults import Faults
from nursery import Nursery

import senpath as sp
from senpath.learning import propose
from senpath.store import KEPT_VERSIONS

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Contents = Callable[[Path], dict[str, str]]


def test_commits_keep_the_last_versions(tmp_path: Path, iris: Labelled, contents: Contents) -> None:
    net = sp.Network(tmp_path / "net")
    assert net.versions == ()
    kept = {}
    for number in range(KEPT_VERSIONS + 2):
        kept[f"{number}.json"] = contents(net.path)["network.json"]
        learn(net, f"task {number}", iris)
        assert net.versions == tuple(range(max(0, number + 2 - KEPT_VERSIONS), number + 1))
    folder = net.path / "versions"
    assert contents(folder) == {name: kept[name] for name in files(net.path, "versions/*")}
    named = {f"{version}" for version in range(3, KEPT_VERSIONS + 3)}
    assert {name.split(".")[1] for name in files(net.path, "dispatcher/*.metric")} == named


def test_a_version_is_kept_without_a_copy(folder: Path, iris: Labelled) -> None:
    before = (folder / "network.json").stat().st_ino
    learn(sp.Network(folder), "more", iris)
    assert (folder / "versions" / "3.json").stat().st_ino == before


def test_a_version_is_copied_where_there_are_no_links(folder: Path, iris: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    before = (folder / "network.json").read_bytes()
    net = sp.Network(folder)
    learn(net, "more", iris)
    assert (folder / "versions" / "3.json").read_bytes() == before
    assert net.rollback(3).removed == ("more",)


def test_answers_after_a_rollback_are_those_of_the_version(folder: Path, digits: Labelled, iris: Labelled) -> None:
    net, inputs = sp.Network(folder), (digits[0][:50], iris[0][:20])
    before, tasks = answers(folder, *inputs), list(net.tasks)
    learn(net, "more digits", digits, start="random")
    learn(net, "more flowers", iris)
    later = answers(folder, *inputs)
    assert not same(before, later)
    found = net.rollback(3)
    assert (found.to, found.version, found.removed, found.restored) == (3, 6, ("more digits", "more flowers"), ())
    assert (net.version, list(net.tasks)) == (6, tasks)
    assert same(answers(folder, *inputs), before)
    net.verify()
    # And forward again: what came after is kept.
    found = net.rollback(5)
    assert (found.restored, found.removed, net.version) == (("more digits", "more flowers"), (), 7)
    assert same(answers(folder, *inputs), later)
    net.verify()
    assert [entry.get("rollback") for entry in net.log] == [None] * 5 + [3, 5]
    assert net.log[-1]["restored"] == ["more digits", "more flowers"]


def test_a_reader_that_goes_along_answers_as_one_that_opens_anew(folder: Path, digits: Labelled) -> None:
    along, writer, x = sp.Network(folder), sp.Network(folder), digits[0][:50]
    for change in (
        lambda: along.predict(x) is not None,
        lambda: learn(writer, "more", digits),
        lambda: writer.remove("more"),
        lambda: along.predict(x),
        lambda: writer.rollback(4),
        lambda: writer.rollback(3),
        lambda: learn(writer, "other", digits),
        lambda: writer.gc(versions=1),
    ):
        change()
        along.refresh()
        left, right = along.predict(x), sp.Network(folder).predict(x)
        np.testing.assert_array_equal(left.task, right.task)
        np.testing.assert_allclose(left.confidence, right.confidence, rtol=1e-6)


def test_rows_of_versions_to_return_to_are_not_overwritten(folder: Path, digits: Labelled) -> None:
    net, x = sp.Network(folder), digits[0][:50]
    learn(net, "more", digits)
    four = answers(folder, x)
    for task in ("low", "high", "more"):  # the type goes with its last task
        net.remove(task)
    assert "image" not in net.view.manifest.types
    net.rollback(3)
    learn(net, "other", digits, random_state=1)
    net.rollback(4)
    net.verify()
    assert same(answers(folder, x), four)


def test_a_type_that_comes_again_leaves_the_old_rows(folder: Path, digits: Labelled) -> None:
    net, x = sp.Network(folder), digits[0][:50]
    before = answers(folder, x)
    net.remove("low")
    net.remove("high")
    larger = np.ascontiguousarray(digits[0].repeat(2, 1))
    learn(net, "larger", (larger, digits[1]))
    assert net.view.manifest.types["image"].columns == "image.6.columns"
    net.rollback(3)
    net.verify()
    assert same(answers(folder, x), before)
    assert sp.Network(folder).rollback(6).restored == ("larger",)
    net.refresh()
    assert len(net.predict(larger[:5], task="larger")) == 5


def test_proposals_on_a_type_that_came_again_are_refused(folder: Path, digits: Labelled, unchanged: Watch) -> None:
    net = sp.Network(folder)
    method = sp.Sen(epochs=1, hidden=4, links="none")
    from senpath.snapshot import encode_examples

    proposal = propose(net.view, method, "late", encode_examples(net.view, *digits))
    other = sp.Network(folder)
    other.remove("low")
    other.remove("high")
    learn(other, "larger", (np.ascontiguousarray(digits[0].repeat(2, 1)), digits[1]))
    with unchanged(folder), pytest.raises(sp.ConflictError, match=r"data type 'image': expected that of version 3, got another one"):
        net.commit(proposal)


def test_a_task_that_a_rollback_changed_is_no_ground_for_a_proposal(folder: Path, iris: Labelled, unchanged: Watch) -> None:
    """A rollback in between makes the task another one, even if its name is the same."""
    net, other = sp.Network(folder), sp.Network(folder)
    other.remove("iris")
    learn(other, "iris", iris)
    assert other.rollback(3).reverted == ("iris",)
    assert other.tasks["iris"].version == 6
    assert other.tasks["low"].version == 1
    proposal = sp.Proposal(net.version, (), (), {}, removes=frozenset({"iris"}))
    with (
        unchanged(folder),
        pytest.raises(sp.ConflictError, match=r"'iris': expected the task as version 3 had it, got one changed in version 6"),
    ):
        net.commit(proposal)


@pytest.mark.parametrize("version", [3, 4, -1, "two", True, 2.0])
def test_a_version_that_is_not_there(folder: Path, unchanged: Watch, version: Any) -> None:
    with (
        unchanged(folder),
        pytest.raises(sp.InputError, match=r"version to return to: expected one of 0, 1, 2, got " + re.escape(repr(version))),
    ):
        sp.Network(folder).rollback(version)


def test_an_empty_network_has_nothing_to_return_to(tmp_path: Path) -> None:
    with pytest.raises(sp.InputError, match=r"expected an earlier version that is kept; there is none, got 0"):
        sp.Network(tmp_path / "net").rollback(0)


def test_back_to_the_empty_network(folder: Path, iris: Labelled) -> None:
    net = sp.Network(folder)
    assert net.rollback(0).removed == ("low", "high", "iris")
    assert (net.tasks, net.weights["total"]) == ({}, 0)
    learn(net, "iris", iris)
    net.verify()
    assert net.rollback(3).restored == ("low", "high")
    net.verify()


@pytest.mark.parametrize("pattern", ["components/*.safetensors", "dispatcher/*.covariance", "dispatcher/*.columns"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_version_with_a_damaged_file(folder: Path, unchanged: Watch, pattern: str, gone: bool) -> None:
    net = sp.Network(folder)
    for task in ("low", "high", "iris"):
        net.remove(task)
    for path in folder.glob(pattern):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        if gone:
            path.unlink()
    with unchanged(folder), pytest.raises(sp.StoreError, match=r"component|statistics|covariance|columns"):
        net.rollback(3)
    assert net.version == 6


def test_a_version_whose_manifest_is_damaged(folder: Path, unchanged: Watch, iris: Labelled) -> None:
    net = sp.Network(folder)
    path = folder / "versions" / "2.json"
    path.write_bytes(path.read_bytes().replace(b'"rows"', b'"sows"', 1))
    with unchanged(folder), pytest.raises(sp.StoreError, match=r"2\.json: expected content that matches its checksum"):
        net.rollback(2)
    with unchanged(folder), pytest.raises(sp.StoreError, match=r"2\.json: expected content that matches its checksum"):
        net.gc()
    learn(net, "more", iris)  # goes on
    (folder / "versions" / "2.json").write_bytes((folder / "versions" / "1.json").read_bytes())
    with pytest.raises(sp.StoreError, match=r"2\.json: expected version 2, got version 1"):
        net.rollback(2)
    net.gc(versions=1)
    net.verify()


def test_a_network_from_before_versions_were_kept(folder: Path, iris: Labelled) -> None:
    shutil.rmtree(folder / "versions")
    net = sp.Network(folder)
    assert net.versions == ()
    net.gc()
    learn(net, "more", iris)
    assert net.versions == (3,)
    net.rollback(3)
    net.verify()


def test_the_binary_dispatcher(tmp_path: Path, digits: Labelled) -> None:
    x, y = digits
    net = sp.Network(tmp_path / "net", dispatcher="binary")
    learn(net, "low", (x[y < 5], y[y < 5]))
    learn(net, "high", (x[y >= 5], y[y >= 5]))
    before = answers(net.path, x[:50])
    gate = net.view.tasks["low"].statistics.gate
    assert gate in net.remove("low").components
    net.rollback(2)
    assert same(answers(net.path, x[:50]), before)
    net.remove("low")
    left = answers(net.path, x[:50])
    net.gc(versions=1)
    assert not list(net.path.glob(f"components/{gate}.*"))
    assert same(answers(net.path, x[:50]), left)
    net.verify()


def test_an_interrupted_commit_takes_no_file_of_a_kept_version(light: Path, faults: Faults, iris: Labelled) -> None:
    """A task that is learned again has the components that a kept version names."""
    net = sp.Network(light)
    learn(net, "twin", iris)
    net.remove("twin")
    steps = 0
    while True:
        with faults.at(light, steps, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), suppress(sp.StoreError):
            learn(net, "twin", iris)
        if net.version > 5:
            break
        steps += 1
    assert steps > 5
    net.rollback(4)
    net.verify()


@pytest.mark.slow("kills dozens of real processes")
@pytest.mark.parametrize(
    ("of", "call", "argument"),
    [("light", "rollback", 3), ("folder", "gc", 1), ("light", "gc", 2), ("light", "remove", "high")],  # "folder" has pictures too
)
def test_killed_before_every_file_operation(
    nursery: Nursery, tmp_path: Path, digits: Labelled, iris: Labelled, request: pytest.FixtureRequest, of: str, call: str, argument: Any
) -> None:
    start: Path = request.getfixturevalue(of)
    net = sp.Network(start)
    learn(net, "more", iris)
    net.remove("low")
    inputs = (digits[0][:10], iris[0][:10]) if of == "folder" else (iris[0][:10],)
    before = answers(start, *inputs)
    end, step = -signal.SIGKILL, 0
    while end == -signal.SIGKILL:
        folder = Path(shutil.copytree(start, tmp_path / f"{step}"))
        end = nursery.run("upkeep_dying_at", folder=folder, step=step, call=call, argument=argument)
        found = sp.Network(folder)
        assert found.version in (5, 6)
        found.verify()
        if found.version == 5:
            assert same(answers(folder, *inputs), before)
        for version in found.versions if step % 4 == 0 else ():  # every version that is listed can be returned to
            found.rollback(version)
        if step % 5 == 0:
            found.gc(versions=1)
            learn(found, "after", iris)
            found.verify()
            assert not list(folder.rglob("*.tmp"))
            assert [entry["version"] for entry in found.log] == list(range(1, found.version + 1))
        shutil.rmtree(folder)
        step += 1
    assert end == 0
    assert step > 4


@pytest.mark.slow("several real processes at once")
def test_readers_while_versions_come_and_go(nursery: Nursery, folder: Path, tmp_path: Path, iris: Labelled) -> None:
    net = sp.Network(folder)
    net.remove("low")
    net.remove("high")
    readers = [nursery.start("look", folder=folder, told=tmp_path / f"told {n}", stop=tmp_path / "stop") for n in range(2)]
    for number in range(6):
        learn(net, f"task {number}", iris)
        net.rollback(net.versions[-1])
        net.rollback(net.versions[-1])
        net.remove(f"task {number}")
        if number % 2:
            net.gc(versions=1)
    (tmp_path / "stop").touch()
    assert [nursery.wait(reader) for reader in readers] == [0, 0]
    for n in range(2):
        assert re.fullmatch(r"fine, [\d]+ sets of tasks\n", (tmp_path / f"told {n}").read_text())
    net.verify()
