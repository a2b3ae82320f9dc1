"""Full disks, and several writers at once: an error that says so and a network as it was, or a commit."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from faults import Faults
from filelock import FileLock
from nursery import Nursery

import senpath as sp
from senpath.testing import ConstantMethod

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Contents = Callable[[Path], dict[str, str]]


def test_no_space_at_every_file_operation(light: Path, faults: Faults, iris: Labelled, contents: Contents) -> None:
    flowers = iris[0][::5], iris[1][::5]
    steps, refused = 0, 0
    while True:
        net = sp.Network(light)
        before, files = net.version, contents(light)
        with faults.at(light, steps, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))):
            said = refusal(net, f"task-{steps}", flowers)
        if not faults.fired:
            break
        steps += 1
        found = sp.Network(light)
        found.verify()
        assert not list(light.rglob("*.tmp"))
        if said is None:  # after the commit, when only the log is left to write
            assert found.version == net.version == before + 1
        else:
            refused += 1
            assert "No space left on device" in said
            assert found.version == net.version == before
            assert contents(light) | {"log.jsonl": ""} == files | {"log.jsonl": ""}  # the log may have caught up
    assert refused > 10
    assert [entry["version"] for entry in sp.Network(light).log] == list(range(1, net.version + 1))


def refusal(net: sp.Network, task: str, iris: Labelled) -> str | None:
    """What learning failed with, or None if it went well."""
    try:
        net.learn(task, *iris, method=ConstantMethod(hidden=4))
    except sp.StoreError as error:
        return str(error)
    return None


@pytest.mark.slow("real processes, and several at once")
@pytest.mark.parametrize("bytes_a_file", [0, 100, 2_000, 50_000, 400_000])
def test_a_limit_on_the_size_of_files(nursery: Nursery, folder: Path, tmp_path: Path, bytes_a_file: int) -> None:
    before = sp.Network(folder)
    assert nursery.run("learn_within", folder=folder, told=tmp_path / "told", bytes_a_file=bytes_a_file) == 0
    said = (tmp_path / "told").read_text()
    assert "expected to be possible, got File too large. Nothing was changed; free space or check the permissions" in said
    assert "| version 3 and 3 | left over []" in said
    assert before.refresh()
    assert list(before.tasks) == ["low", "high", "iris", "limited"]


ON_A_SMALL_DISK = """
    import sys
    from pathlib import Path
    from sklearn.datasets import load_iris
    import senpath as sp

    disk = Path(sys.argv[1])
    x, y = load_iris(return_X_y=True)
    net = sp.Network(disk / "net")
    net.learn("first", x, y, model="mlp", epochs=1, hidden=4)
    for free in (0, 5_000, 60_000, 400_000):
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                ballast.truncate(max(0, ballast.tell() - free))
        try:
            net.learn(f"with {free} bytes left", x, y, model="mlp", epochs=1, hidden=4)
            print("learned")
        except sp.StoreError as error:
            print(error)
        assert sp.Network(disk / "net").version == net.version, "another version on disk"
        net.verify()
        assert not list(disk.rglob("*.tmp")), "temporary files"
        (disk / "ballast").unlink()
        net.learn(f"after {free}", x, y, model="mlp", epochs=1, hidden=4)
        net.verify()
    print("tasks:", len(net.tasks))
"""


@pytest.mark.slow("fills a small disk of its own")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare` to mount a small disk with")
    mount = f"mount -t tmpfs -o size=9m tmpfs '{tmp_path}'"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("this machine does not let its users mount a small disk")
    (script := tmp_path.with_suffix(".py")).write_text(textwrap.dedent(ON_A_SMALL_DISK))
    run = f"{mount} && '{sys.executable}' '{script}' '{tmp_path}'"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", run], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    *said, tasks = done.stdout.splitlines()
    assert len(said) == 4
    assert all("got No space left on device. Nothing was changed; free space" in line for line in said)
    assert tasks == "tasks: 5"


@pytest.mark.slow("real processes, and several at once")
def test_two_writers_at_once(nursery: Nursery, folder: Path, tmp_path: Path) -> None:
    writers = [nursery.start("grow", folder=folder, told=tmp_path / name, name=name, tasks=6) for name in ("left", "right")]
    assert [nursery.wait(writer) for writer in writers] == [0, 0]
    net = sp.Network(folder)
    net.verify()
    told = [*(tmp_path / "left").read_text().split(), *(tmp_path / "right").read_text().split()]
    assert sorted([*told, "low", "high", "iris"]) == sorted(net.tasks)
    assert net.version == len(net.log) == 15


def test_a_writer_that_waits_too_long(folder: Path, unchanged: Watch, iris: Labelled) -> None:
    net = sp.Network(folder, lock_seconds=0.2)
    message = r"expected the write lock within 0\.2 s, got another process that holds it\. Wait .* nothing was changed"
    with FileLock(folder / ".lock"), unchanged(folder), pytest.raises(sp.ConflictError, match=message):
        net.learn("new", *iris, method=ConstantMethod(hidden=4))
    assert net.version == 3
    net.learn("new", *iris, method=ConstantMethod(hidden=4))
    assert net.version == 4
