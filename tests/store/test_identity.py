"""Folders that are built anew, restored, linked, locked by two, or littered."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raising import raises_error

import senpath as sp
from senpath.store import Manifest
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


def test_a_network_that_another_process_makes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = Store.create

    def later(store: Store, settings: dict[str, Any]) -> Manifest:
        monkeypatch.undo()
        sp.Network(tmp_path / "net", random_state=7)
        return create(store, settings)

    monkeypatch.setattr(Store, "create", later)
    with raises_error(sp.InputError, "setting 'random_state'", expected="7", got="3", do="Leave it out"):
        sp.Network(tmp_path / "net", random_state=3)


def test_a_copy_without_its_empty_folders(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    for part in (".lock", "components", "dispatcher", "pages", "temporary", "versions"):
        path = net.path / part
        path.rmdir() if path.is_dir() else path.unlink()
    sp.Network(tmp_path / "net").learn("a", X, Y, method=METHOD)
    sp.Network(tmp_path / "net").verify()


def test_who_committed_whatever_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENPATH_AUTHOR", os.fsdecode(b"J\xf6rg\n\x1b[31m  Smith"))
    net = build(tmp_path / "net", "0", "1", "2")
    assert net.log[-1]["author"] == "J\\udcf6rg \\x1b[31m Smith"


def test_a_system_that_locks_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Lustre does where nobody asked for it: what is locked says so by its content."""
    fcntl = pytest.importorskip("fcntl")

    def flock(handle: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # filelock says what it does instead
        nets = [sp.Network(tmp_path / "net") for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(learn_some, nets, range(2)))
    assert sorted(sp.Network(tmp_path / "net").tasks) == ["0-0", "0-1", "1-0", "1-1"]
    (tmp_path / "net" / ".lock").write_text("1\nanother machine\n")  # whose writer was killed
    with warnings.catch_warnings(), raises_error(sp.ConflictError, "writing to", do="delete it if nobody writes"):
        warnings.simplefilter("ignore")
        sp.Network(tmp_path / "net", lock_seconds=0.1).describe("0-0", "late")


def learn_some(net: sp.Network, number: int) -> None:
    for task in range(2):
        net.learn(f"{number}-{task}", X, Y, method=METHOD)


def test_types_without_number_keep_few_files_open(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not list the files that are open")
    net = sp.Network(tmp_path / "net")
    rows = np.arange(12, dtype=float).reshape(12, 1)
    for columns in range(1, 13):
        net.learn(f"of {columns} columns", np.repeat(rows, columns, axis=1), np.arange(12) // 6, method=METHOD)
    before = len(os.listdir("/proc/self/fd"))
    reader = sp.Network(tmp_path / "net")
    for columns in range(1, 13):
        reader.predict(np.repeat(rows, columns, axis=1))
    assert len(os.listdir("/proc/self/fd")) - before < 3


AS_A_USER = """
import sys, senpath as sp
from senpath.testing import ConstantMethod, tiny_task
net = sp.Network(sys.argv[1])
x, y = tiny_task("iris")
try:
    net.learn(sys.argv[2], x, y, method=ConstantMethod(hidden=4))
    net.record_evaluation({"a": 1})
    net.verify()
except sp.StoreError as error:
    print(error)
"""


@pytest.mark.slow("starts processes of another user")
def test_files_of_another_user_and_folders_that_are_closed(tmp_path: Path) -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv to do without its rights")
    net = build(tmp_path / "net", "0", "1", "2")
    net.record_evaluation({"a": 0})

    def learn(task: str) -> str:
        command = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", sys.executable, "-c", AS_A_USER, str(net.path), task]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    for path in net.path.rglob("*"):
        if path.is_file():  # as after a commit with sudo, and after a tool that protects what it keeps
            os.chown(path, 1234, 1234)
            path.chmod(0o444)
    assert learn("b") == ""
    assert [*sp.Network(net.path).tasks] == ["a", "b"]
    os.chown(net.path / "dispatcher", 1234, 1234)
    said = learn("c")
    assert "writing to the network" in said
    assert "got a folder that this user may not write to, dispatcher" in said
