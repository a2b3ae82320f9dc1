"""Folders that are built anew, restored, linked, locked by two, or littered."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from raising import raises_error

import senpath as sp
from senpath.store.store import Store
from senpath.testing import ConstantMethod, tiny_network, tiny_task

X, Y = tiny_task("iris")
METHOD = ConstantMethod(hidden=4)


def build(path: Path, *labels: str) -> sp.Network:
    shutil.rmtree(path, ignore_errors=True)
    net = sp.Network(path)
    net.learn("a", X, np.array(labels)[Y], method=METHOD)
    return net


def test_a_folder_that_was_built_anew(tmp_path: Path) -> None:
    build(tmp_path / "net", "old 0", "old 1", "old 2")
    server = sp.Network(tmp_path / "net")
    server.predict(X)
    build(tmp_path / "net", "new 0", "new 1", "new 2")
    assert server.refresh()
    assert server.predict(X[:1], task="a").label[0].startswith("new")
    assert server.predict(X).label.tolist() == sp.Network(tmp_path / "net").predict(X).label.tolist()
    assert not server.refresh()


def test_a_folder_that_was_restored_and_learned_on(tmp_path: Path) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    shutil.copytree(tmp_path / "net", tmp_path / "backup")
    net.learn("lost", X, Y, method=METHOD)
    net.predict(X)
    shutil.rmtree(tmp_path / "net")
    shutil.copytree(tmp_path / "backup", tmp_path / "net")
    sp.Network(tmp_path / "net").learn("other", X, Y, method=METHOD)
    net.learn("more", X, Y, method=METHOD)
    assert [*net.tasks] == [*sp.Network(tmp_path / "net").tasks] == ["a", "other", "more"]
    net.verify()


def test_the_id_stays(tmp_path: Path) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    identity = net.view.manifest.id
    net.learn("more", X, Y, method=METHOD)
    net.rollback(1)
    assert sp.Network(tmp_path / "net").view.manifest.id == identity


def test_a_folder_that_is_restored_while_a_task_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    shutil.copytree(tmp_path / "net", tmp_path / "backup")
    net.learn("later", X, Y, method=METHOD)
    keep = type(net._at.store.history).keep

    def restore(history: object, version: int, content: bytes) -> None:  # the last that happens before the rename
        keep(history, version, content)  # type: ignore[arg-type]
        shutil.rmtree(tmp_path / "net")
        shutil.copytree(tmp_path / "backup", tmp_path / "net")

    monkeypatch.setattr(type(net._at.store.history), "keep", restore)
    with raises_error(sp.ConflictError, "writing to", expected="version 2 as it was read", got="another one", do="Call refresh()"):
        net.remove("later")
    monkeypatch.undo()
    found = sp.Network(tmp_path / "net")
    found.verify()
    assert [*found.tasks] == ["a"]


def test_a_lock_file_that_is_deleted_while_it_is_held(tmp_path: Path) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    other = sp.Network(tmp_path / "net")
    done = threading.Event()

    def learn() -> None:
        other.learn("b", X, Y, method=METHOD)
        done.set()

    thread = threading.Thread(target=learn)
    with Store(net.path).locked():
        (net.path / ".lock").unlink()
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert [*sp.Network(net.path).tasks] == ["a", "b"]


def test_a_copy_of_symbolic_links_is_refused(tmp_path: Path) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    subprocess.run(["cp", "-as", net.path, tmp_path / "twin"], check=True)
    with raises_error(sp.StoreError, got="a symbolic link"):
        sp.Network(tmp_path / "twin")


def test_a_copy_of_hard_links_is_not_changed_along(tmp_path: Path) -> None:
    net = build(tmp_path / "net", "0", "1", "2")
    net.record_evaluation({"number": 1})
    subprocess.run(["cp", "-al", net.path, tmp_path / "twin"], check=True)
    before = {path: path.read_bytes() for path in net.path.rglob("*") if path.is_file() and path.name != ".lock"}
    twin = sp.Network(tmp_path / "twin")
    twin.learn("b", X, Y, method=METHOD)
    twin.record_evaluation({"number": 2})
    assert {path: path.read_bytes() for path in before} == before
    net.learn("c", X, Y, method=METHOD)
    for path, tasks in ((net.path, ["a", "c"]), (twin.path, ["a", "b"])):
        found = sp.Network(path)
        found.verify()
        assert [*found.tasks] == tasks
        assert [entry["version"] for entry in found.log] == [1, 2]
    assert os.stat(net.path / "log.jsonl").st_nlink == 1


def test_what_systems_put_into_folders(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", ["low"])
    parts = [net.path / part for part in (".", "temporary", "components", "dispatcher", "versions")]
    for folder in parts:
        (folder / ".DS_Store").write_bytes(b"of a system")
        for name in ("@eaDir", "lost+found"):
            (folder / name).mkdir()
            (folder / name / "content").write_bytes(b"of a system")
    net.learn("iris", X, Y, method=METHOD)
    net.remove("low")
    net.gc(versions=1)
    sp.Network(net.path).verify()
    assert all((folder / name / "content").exists() for folder in parts for name in ("@eaDir", "lost+found"))


def test_a_new_folder_with_litter(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".DS_Store").write_bytes(b"")
    net = tiny_network(tmp_path, ["low"])
    net.save_pretrained(tmp_path.parent / "copy")
    assert [*sp.Network(tmp_path).tasks] == ["low"]
