"""A network in object storage, over a real S3 interface: it works as a folder does, whatever the way there does to requests."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from raising import raises_error

import senpath as sp
from benchmarks.cloud.proxy import FAULTS, at_random, faulty
from benchmarks.cloud.service import BUCKET, SECRET, environment
from senpath.cli.main import main
from senpath.store import Address, as_place, has_network
from senpath.store.local_cache import LocalCache
from senpath.testing import ConstantMethod, tiny_task

X, Y = tiny_task("iris")
METHOD = ConstantMethod(hidden=4)
pytestmark = pytest.mark.slow("starts an S3 server")


@pytest.fixture
def address(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where nothing is yet; with a cache of its own."""
    for name, value in environment(moto).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return f"s3://{BUCKET}/{uuid4().hex}.sen"


def learn(net: sp.Network, name: str, shift: float = 0.0) -> None:
    net.learn(name, X + np.float32(shift), Y, method=METHOD)


def test_as_a_folder(address: str, tmp_path: Path) -> None:
    nets = [sp.Network(address), sp.Network(tmp_path / "net")]
    for net in nets:
        learn(net, "a")
        learn(net, "b", 30)
        learn(net, "c", -30)
        net.remove("b")
        net.rollback(3)
        net.remove("c")
        net.verify()
    cloud, folder = nets
    assert [*cloud.tasks] == [*folder.tasks] == ["a", "b"]
    assert cloud.versions == folder.versions
    assert [entry["tasks"] for entry in cloud.log] == [entry["tasks"] for entry in folder.log]
    for inputs in (X, X + 30):
        left, right = cloud.predict(inputs), folder.predict(inputs)
        assert left.task.tolist() == right.task.tolist()
        np.testing.assert_array_equal(left.confidence, right.confidence)
    again = pickle.loads(pickle.dumps(cloud))  # noqa: S301  (of our own)
    assert (again.version, str(again.path), again.path.name) == (6, address, address.rpartition("/")[2])
    assert address in repr(again)


def test_what_others_commit_is_seen(address: str) -> None:
    mine, theirs = sp.Network(address), sp.Network(address)
    learn(theirs, "a")
    assert not theirs.refresh()
    assert mine.refresh()
    assert not mine.refresh()
    learn(mine, "b", 30)
    learn(theirs, "c", 60)  # proposed on the version before
    assert [*theirs.tasks] == ["a", "b", "c"]
    with pytest.raises(sp.TaskExistsError, match="'b'"):
        learn(theirs, "b")


def test_writers_at_once_lose_nothing(address: str) -> None:
    learn(sp.Network(address), "first")
    errors: list[BaseException] = []

    def grow(writer: int) -> None:
        try:
            net = sp.Network(address)
            for number in range(4):
                learn(net, f"{writer}-{number}", 10 * writer + number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=grow, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    net = sp.Network(address)
    assert (net.version, {*net.tasks}) == (17, {"first", *(f"{writer}-{number}" for writer in range(4) for number in range(4))})
    assert [entry["version"] for entry in net.log] == [*range(1, 18)]
    net.verify()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "expired"])
def test_a_way_that_is_bad(moto: str, address: str, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    with faulty(moto, at_random(7, 0.25, (fault,))) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        nets, told = [sp.Network(address), sp.Network(address)], []
        for number in range(4):
            learn(nets[number % 2], f"task-{number}", 20 * number)
            told.append(f"task-{number}")
            nets[number % 2].predict(X)
        assert proxy.done[fault] > 3
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    threading.Event().wait(0.5)  # for what comes late
    net = sp.Network(address)
    assert [*net.tasks] == told
    assert net.version == len(told)
    net.verify()
    for version in net.versions:
        assert [*net.view_of(version).tasks] == told[:version]


def test_an_answer_that_is_lost_is_no_second_commit(moto: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = sp.Network(address)
    lost = iter([True, False])

    def plan(method: str, path: str) -> str:
        return "500 done" if method == "PUT" and path.endswith("network.json") and next(lost, False) else ""

    with faulty(moto, plan) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        learn(sp.Network(address), "a")
        assert proxy.done["500 done"] == 1
    assert net.refresh()
    assert (net.version, [*net.tasks]) == (1, ["a"])


def test_keys_that_expired_are_told_without_them(
    moto: str, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    net = sp.Network(address)
    learn(net, "a")
    with faulty(moto, lambda method, path: "expired") as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        late = sp.Network.__new__(sp.Network)
        with raises_error(sp.StoreError, got="the service refuses it (403)") as caught:
            late.__init__(address)  # type: ignore[misc]
    told = repr(caught.getrepr(style="long")) + str(caught.value) + caplog.text
    assert SECRET not in told
    assert "sesame" not in told


@pytest.mark.parametrize(
    "given",
    ["s3://key:sesame@bucket/net", "s3://sesame@bucket/net", "az://box/net?sig=sesame", "gs://box/net#sesame", "s3://b/net?a=sesame"],
)
def test_a_key_in_an_address_is_refused_unrepeated(given: str) -> None:
    for place in (given, Path(given)):
        with raises_error(sp.InputError, "path of the network", got="a URL with a key or a query in it") as caught:
            sp.Network(place)
        assert "sesame" not in str(caught.value)


def test_a_forked_child_is_told_and_the_parent_goes_on(address: str) -> None:
    """The threads that ask are not there in the child. Where it asked all the same, both waited for ever."""
    net = sp.Network(address)
    learn(net, "a")
    expected = net.predict(X[:3]).label.tolist()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        said = "other answers" if net.predict(X[:3]).label.tolist() != expected else ""  # what was read is there
        try:
            net.refresh()
        except sp.StoreError as error:
            said += str(error)
        os.write(write, said.encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    with os.fdopen(read) as told:
        assert "got no way to it, for this process was forked" in told.read()
    learn(net, "b", 30)
    assert sp.Network(address).version == 2


def test_a_service_without_conditions_is_refused(moto: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(sp.Network(address), "a")
    with faulty(moto, lambda method, path: "unconditional" if method == "PUT" else "") as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        with raises_error(sp.StoreError, "creating the network", got="no conditional writes"):
            sp.Network(f"{address}.new")
        net = sp.Network(address)
        with raises_error(sp.StoreError, got="no conditional writes"):
            learn(net, "b", 30)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    assert [*sp.Network(address).tasks] == ["a"]


def test_gc_waits_for_those_who_are_slow(address: str) -> None:
    net = sp.Network(address)
    for number in range(3):
        learn(net, f"task-{number}", 30 * number)
    slow, labels = sp.Network(address), net.predict(X, task="task-0").label.tolist()
    net.remove("task-0")
    assert net.gc(1).files == 0  # all of it is young
    shutil.rmtree(LocalCache.of_user().folder)
    assert slow.version == 3
    assert slow.predict(X, task="task-0").label.tolist() == labels
    freed = net.gc(1, grace=0)
    assert freed.files > 0
    assert net.versions == ()
    net.verify()
    assert sp.Network(address).predict(X + 30, task="task-1").label.tolist()


def test_cached_objects_are_checked_bounded_and_fetched_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = sp.Network(address)
    learn(net, "a")
    learn(net, "b", 30)
    labels = net.predict(X).label.tolist()
    cache = LocalCache.of_user().folder
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"something else")
    assert sp.Network(address).predict(X).label.tolist() == labels
    sp.Network(address).verify()
    shutil.rmtree(cache)
    assert sp.Network(address).predict(X).label.tolist() == labels


def test_requests_are_few(moto: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def plan(method: str, path: str) -> str:
        asked.append(f"{method} {path.partition('.sen/')[2].partition('/')[0]}")
        return ""

    with faulty(moto, plan) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        net = sp.Network(address)
        for number in range(3):
            learn(net, f"task-{number}", 30 * number)
        asked.clear()
        learn(net, "few", 120)
        parts = sum(name == "PUT components" for name in asked)
        assert len(asked) - parts <= 7  # a look before learning; the new objects; the root
        assert asked[-1] == "PUT network.json"
        assert asked.count("PUT network.json") == 1
        shutil.rmtree(LocalCache.of_user().folder)
        asked.clear()
        fresh = sp.Network(address)
        assert asked == ["GET network.json"]
        fresh.predict(X[:1])
        assert len(asked) <= 8
        asked.clear()
        fresh.predict(X[:1])
        sp.Network(address).predict(X[:1])
        fresh.refresh()
        assert asked == ["GET network.json"] * 2  # all else is on this machine


def test_writers_and_readers_that_are_killed(tmp_path: Path, moto: str) -> None:
    command = [sys.executable, "-m", "benchmarks.cloud.soak", "--seconds", "5", "--writers", "3", "--readers", "2", "--faults", "0.05"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    outcome = json.loads(run.stdout)
    assert outcome["wrong"] == []
    assert outcome["killed"] > 2
    assert outcome["versions verified"] >= 2


def test_copies_between_stores(address: str, tmp_path: Path) -> None:
    net = sp.Network(address)
    for number in range(3):
        learn(net, f"task-{number}", 30 * number)
    net.remove("task-1")
    sp.evaluate(net, {"task-0": (X, Y)}, record=True)
    sp.copy_network(address, tmp_path / "net")
    copied = sp.copy_network(tmp_path / "net", f"{address}.copy")
    assert (copied.version, copied.tasks) == (4, 2)
    for there in (sp.Network(tmp_path / "net"), sp.Network(f"{address}.copy")):
        there.verify()
        assert [*there.tasks] == [*net.tasks]
        assert there.predict(X).label.tolist() == net.predict(X).label.tolist()
        assert [entry["version"] for entry in there.log] == [1, 2, 3, 4]
        assert len(sp.recorded_evaluations(there)) == 1
        learn(there, "more", 90)
        there.verify()
    with raises_error(sp.StoreError, expected="at which nothing is"):
        sp.copy_network(tmp_path / "net", address)
    with raises_error(sp.StoreError, got="none"):
        sp.copy_network(f"{address}.none", tmp_path / "other")


def test_a_bucket_that_is_not_there_is_named_as_such(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = "s3://nobucket/net.sen"
    with raises_error(sp.StoreError, nowhere, expected="a bucket that is there", got="no such bucket", do="Look at its name"):
        sp.Network(nowhere)
    with raises_error(sp.StoreError, nowhere, got="no such bucket"):
        has_network(as_place("network", nowhere))
    for command in (["learn", nowhere, "e", str(tmp_path / "no table.csv")], ["tasks", nowhere]):
        with pytest.raises(SystemExit, match="3"):
            main(command)
        assert "no such bucket" in capsys.readouterr().err.replace("\n", " ")  # before a table is read
    assert not has_network(as_place("network", address))


def test_keys_that_are_missing_are_named_as_such(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # to boto3, if that is there
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # where nobody gives keys, as they do on machines of a cloud
    monkeypatch.setenv("SENPATH_CLOUD_TIMEOUT", "1")
    with raises_error(sp.StoreError, got="no keys were there for the service"):
        sp.Network(address)


def test_commands_show_an_address_as_it_was_given(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    learn(sp.Network(address), "a")
    with pytest.raises(SystemExit, match="0"):
        main(["verify", address])
    assert f"{address}: version 1" in capsys.readouterr().out.replace("\n", "")


def test_addresses(tmp_path: Path) -> None:
    assert sp.Network(f"file://{tmp_path}/net").path == tmp_path / "net"
    assert str(Address("s3", "bucket", "a/b.sen")) == "s3://bucket/a/b.sen"
    for given in ("s3://bucket", "s3://", "s3:/bucket/net", "s3://bucket/../x", "ftp://host/net", "s3://b/"):
        with raises_error(sp.InputError, "path of the network"):
            sp.Network(given)
