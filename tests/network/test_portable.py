"""A task in a file: what goes in comes out, and a file that is damaged, foreign or forged changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import senpath as sp
from senpath.store import FORMAT_VERSION
from senpath.testing import tiny_network
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Contents = Callable[[Path], dict[str, str]]
FEW = settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> sp.Network:
    """A task, one that links to it, and a support vector machine."""
    net = sp.Network(tmp_path_factory.mktemp("origin") / "net")
    x, y = digits
    net.learn("low", x[y < 5], y[y < 5], hidden=8, epochs=3)
    net.learn("high", x[y >= 5][:50], y[y >= 5][:50], hidden=8, epochs=3, threshold=0, min_separability=0)
    net.learn("iris", *iris, model="svm", links="none")
    assert net.tasks["high"].transfers
    return net


@pytest.fixture(scope="module")
def files(origin: sp.Network, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each of its tasks in a file."""
    folder = tmp_path_factory.mktemp("files")
    for task in origin.tasks:
        origin.export(task, folder / f"{task}.sentask")
    return {task: folder / f"{task}.sentask" for task in origin.tasks}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, digits: Labelled) -> Path:
    """A network that has another task of digits."""
    net = sp.Network(tmp_path_factory.mktemp("target") / "net")
    net.learn("own", digits[0][:100], digits[1][:100], hidden=4, epochs=1)
    return net.path


@pytest.fixture
def other(target: Path, tmp_path: Path) -> sp.Network:
    return sp.Network(shutil.copytree(target, tmp_path / "other"))


def inputs(digits: Labelled, iris: Labelled, task: str) -> np.ndarray:
    return iris[0] if task == "iris" else digits[0]


@pytest.mark.parametrize("task", ["low", "high", "iris"])
def test_a_task_answers_as_where_it_was_learned(
    origin: sp.Network, files: dict[str, Path], other: sp.Network, digits: Labelled, iris: Labelled, task: str
) -> None:
    x = inputs(digits, iris, task)
    info = other.import_task(files[task])
    assert (other.predict(x, task=task).probabilities[task] == origin.predict(x, task=task).probabilities[task]).all()
    there = origin.tasks[task]
    assert replace(info, version=there.version) == there
    assert info.version == other.version == 2
    assert other.log[-1]["imported"] == task
    other.verify()
    assert task in sp.Network(other.path).predict(x).task.tolist()


def test_a_copy_of_a_network_by_its_tasks_alone(
    origin: sp.Network, files: dict[str, Path], tmp_path: Path, digits: Labelled, iris: Labelled
) -> None:
    net = sp.Network(tmp_path / "net")
    for path in files.values():
        net.import_task(path)
    for x in (digits[0], iris[0]):
        here, there = net.predict(x), origin.predict(x)
        np.testing.assert_array_equal(here.task, there.task)
        np.testing.assert_allclose(here.confidence, there.confidence, rtol=1e-4)
    shared = set(origin.view.manifest.components)
    assert set(net.view.manifest.components) == shared
    net.verify()


def test_what_is_there_is_shared(files: dict[str, Path], other: sp.Network) -> None:
    other.import_task(files["low"])
    before = {path.name for path in other.path.glob("components/*")}
    other.import_task(files["high"], name="höher")
    new = {path.name for path in other.path.glob("components/*")} - before
    link, own = other.view.pathway("höher").links[0], other.view.pathway("höher").components
    assert {name.split(".")[0] for name in new} == {link.component, *own} - {name.split(".")[0] for name in before}
    assert set(link.reads) <= {name.split(".")[0] for name in before}
    other.import_task(files["low"], name="twin")
    assert {path.name for path in other.path.glob("components/*")} == before | new
    other.verify()


def test_a_name_that_is_taken(files: dict[str, Path], other: sp.Network, unchanged: Watch) -> None:
    other.import_task(files["low"])
    message = r"task 'low': expected a new name, got one the network has learned\. Give another one with name="
    with unchanged(other.path), pytest.raises(sp.TaskExistsError, match=message):
        other.import_task(files["low"])
    with unchanged(other.path), pytest.raises(sp.InputError, match="task name: expected 1 to 200 printable characters, got ''"):
        other.import_task(files["low"], name="")
    assert other.version == 2


def test_one_task_makes_one_file(origin: sp.Network, files: dict[str, Path], tmp_path: Path, unchanged: Watch) -> None:
    with unchanged(origin.path):
        origin.export("high", tmp_path / "again.sentask")
    assert (tmp_path / "again.sentask").read_bytes() == files["high"].read_bytes()
    with zipfile.ZipFile(files["high"]) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        archive.extractall(tmp_path / "net")
    alone = sp.Network(tmp_path / "net")  # it is a network of this one task
    assert list(alone.tasks) == ["high"]
    alone.verify()


def test_columns_of_other_tasks_stay_at_home(origin: sp.Network, files: dict[str, Path]) -> None:
    content = files["high"].read_bytes()
    record, rows = origin.view.manifest.types["image"], (origin.path / "dispatcher" / "image.columns").read_bytes()
    for task in ("low", "high"):
        first = origin.view.tasks[task].statistics.first * record.width * 4
        assert (rows[first : first + 4096] in content) == (task == "high")


def test_a_file_that_is_there(origin: sp.Network, files: dict[str, Path], tmp_path: Path, unchanged: Watch) -> None:
    path = Path(shutil.copy(files["low"], tmp_path / "task.sentask"))
    with unchanged(tmp_path), pytest.raises(sp.InputError, match=r"expected a new name, got one that is there\. .*overwrite=True"):
        origin.export("high", path)
    origin.export("high", path, overwrite=True)
    assert path.read_bytes() == files["high"].read_bytes()
    (tmp_path / "thesis.zip").write_bytes(b"years of work")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("task.json", '{"format": "recipes"}')
    for name in ("thesis.zip", "other.zip", "."):
        with (
            unchanged(tmp_path),
            pytest.raises(sp.InputError, match=r"expected an exported task, to be replaced, got (something else|a fo)"),
        ):
            origin.export("high", tmp_path / name, overwrite=True)
    with pytest.raises(sp.UnknownTaskError, match="task 'x': expected one that the network has learned"):
        origin.export("x", tmp_path / "x")
    with pytest.raises(sp.StoreError, match=r"exporting task 'low' .*expected to be possible, got No such file"):
        origin.export("low", tmp_path / "nowhere" / "x")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.zip", "task.sentask", "thesis.zip"]


@pytest.mark.parametrize("path", [None, 3, b"low.sentask"])
def test_paths_that_are_none(origin: sp.Network, other: sp.Network, unchanged: Watch, path: Any) -> None:
    with unchanged(origin.path), pytest.raises(sp.InputError, match=r"path of the file: expected a str or Path, got (None|3|b'low)"):
        origin.export("low", path)
    with unchanged(other.path), pytest.raises(sp.InputError, match=r"path of the file: expected a str or Path, got (None|3|b'low)"):
        other.import_task(path)


def test_a_type_that_is_encoded_otherwise(files: dict[str, Path], tmp_path: Path, digits: Labelled, unchanged: Watch) -> None:
    larger = sp.Network(tmp_path / "larger")
    x, y = digits[0][:60], digits[1][:60]
    larger.learn("own", x.repeat(2, 1), y, hidden=4, epochs=1)
    assert larger.import_task(files["low"]).data_type == "image-1x8x8"  # beside its own, for the task's layers read no other
    larger.verify()
    seeded = sp.Network(tmp_path / "seeded", random_state=1)
    seeded.learn("own", x, y, hidden=4, epochs=1)
    with unchanged(seeded.path), pytest.raises(sp.InputError, match=r"'image': expected the network's feature map \w{12}, got feature map"):
        seeded.import_task(files["low"])
    fixed = sp.Network(tmp_path / "fixed", image_shape=(1, 4, 4))
    with (
        unchanged(fixed.path),
        pytest.raises(sp.InputError, match=r"images of the task: expected shape \(1, 4, 4\), .*got shape \(1, 8, 8\)"),
    ):
        fixed.import_task(files["low"])


def test_a_table_that_is_scaled_otherwise(files: dict[str, Path], tmp_path: Path, iris: Labelled, unchanged: Watch) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("own", iris[0] * 2, iris[1], hidden=4, epochs=1, model="mlp")
    with unchanged(net.path), pytest.raises(sp.InputError, match=r"data type 'table-\w+': .*shape \(4,\), got other options of it"):
        net.import_task(files["iris"])


def test_the_binary_dispatcher(tmp_path: Path, digits: Labelled, files: dict[str, Path], other: sp.Network, unchanged: Watch) -> None:
    net = sp.Network(tmp_path / "net", dispatcher="binary")
    net.learn("gated", *digits, hidden=4, epochs=1)
    net.export("gated", tmp_path / "gated.sentask")
    second = sp.Network(tmp_path / "second", dispatcher="binary")
    second.import_task(tmp_path / "gated.sentask")
    x = digits[0][:50]
    assert (second.predict(x).confidence == net.predict(x).confidence).all()
    assert second.view.tasks["gated"].statistics.gate == net.view.tasks["gated"].statistics.gate
    with unchanged(second.path), pytest.raises(sp.InputError, match="task 'low': expected one with a gate, as dispatcher 'binary' needs"):
        second.import_task(files["low"])
    other.import_task(tmp_path / "gated.sentask")  # where it is not needed the gate stays out
    assert other.view.tasks["gated"].statistics.gate is None
    for found in (second, other):
        found.verify()


def attempt(content: bytes, net: sp.Network, path: Path, contents: Contents, right: np.ndarray, x: np.ndarray) -> str:
    """Import this content: refused by an error of the store and nothing changed, or the right task."""
    path.write_bytes(content)
    before, there = net.version, contents(net.path)
    try:
        net.import_task(path, name="found")
    except sp.StoreError as error:
        assert (net.version, contents(net.path)) == (before, there)
        return str(error)
    assert (net.predict(x, task="found").probabilities["found"] == right).all()
    net.rollback(before)
    return ""


@pytest.fixture(scope="module")
def trodden(target: Path, tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """A network for attempts."""
    return sp.Network(shutil.copytree(target, tmp_path_factory.mktemp("trodden") / "net"))


@FEW
@given(data=st.data())
def test_a_file_that_was_cut(
    files: dict[str, Path], trodden: sp.Network, tmp_path: Path, contents: Contents, iris: Labelled, origin: sp.Network, data: st.DataObject
) -> None:
    content = files["iris"].read_bytes()
    length = data.draw(st.integers(0, len(content) - 1) | st.integers(len(content) - 500, len(content) - 1), label="length")
    right = origin.predict(iris[0][:5], task="iris").probabilities["iris"]
    assert "expected an exported task, whole" in attempt(content[:length], trodden, tmp_path / "cut", contents, right, iris[0][:5])


@FEW
@given(data=st.data())
def test_a_flipped_byte(
    files: dict[str, Path], trodden: sp.Network, tmp_path: Path, contents: Contents, iris: Labelled, origin: sp.Network, data: st.DataObject
) -> None:
    content = bytearray(files["iris"].read_bytes())
    place = data.draw(
        st.integers(0, len(content) - 1) | st.integers(len(content) - 700, len(content) - 1) | st.integers(0, 200), label="at"
    )
    content[place] ^= data.draw(st.integers(1, 255), label="flip")
    right = origin.predict(iris[0][:5], task="iris").probabilities["iris"]
    attempt(bytes(content), trodden, tmp_path / "flipped", contents, right, iris[0][:5])


def forged(content: bytes, **members: Callable[[bytes], bytes] | bytes) -> bytes:
    """The archive with other members, and hashes and checksums that fit, as a forger would make it; names with "/" are written "__"."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(parts.pop("task.json"))
    for name, change in members.items():
        found = next((part for part in parts if part.endswith(name.replace("__", "/"))), name.replace("__", "/"))
        parts[found] = change if isinstance(change, bytes) else change(parts[found])
    head["members"] = {name: {"bytes": len(part), "sha256": hashlib.sha256(part).hexdigest()} for name, part in parts.items()}
    return packed({"task.json": sealed(head), **parts})


def sealed(head: dict[str, Any]) -> bytes:
    head.pop("checksum", None)
    body = json.dumps(head).encode()[:-1]
    return body + b',\n"checksum":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def resealed(*changes: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    """Changes to network.json, with a checksum that fits."""

    def change(content: bytes) -> bytes:
        body, mark, _ = content.rpartition(b',\n"checksum":"')
        for old, new in changes:
            assert old in body
            body = body.replace(old, new)
        return body + mark + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    return change


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


NEWEST = b'"format_version":%d'
FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another weight": ({".safetensors": flip}, "parts that fit each other, got component .*content of"),
    "another description": ({".json": lambda content: content.replace(b"{", b"{ ", 1)}, "parts that fit each other"),
    "other columns": ({".columns": flip}, "parts that fit each other, got .*image.columns: expected rows that match their hash"),
    "no covariance": (
        {".covariance": lambda content: content[:-8]},
        "parts that fit each other, got .*covariance: expected content",
    ),
    "a newer network": (
        {"network.json": resealed((NEWEST % FORMAT_VERSION, NEWEST % (FORMAT_VERSION + 1)))},
        "expected a format that is known",
    ),
    "a manifest that was changed": ({"network.json": lambda content: content.replace(b'"version":1', b'"version":2', 1)}, "its checksum"),
    "another probe": ({"network.json": resealed((b'"output":[', b'"output":[9.5,'))}, "task 'low': answers to its probe"),
    "other counts": ({"network.json": resealed((b'"counts":[', b'"counts":[-1.0,'))}, "parts that fit each other, got others at tasks.low"),
    "a type of another shape": ({"network.json": resealed((b'"shape":[1,8,8]', b'"shape":[1,9,9]'))}, "parts that fit each other, got"),
    "an enormous type": ({"network.json": resealed((b'"shape":[1,8,8]', b'"shape":[1,99999,99999]'))}, "others at types.image"),
    "another width": ({"network.json": resealed((b'"width":1024', b'"width":512'))}, "parts that fit each other"),
    "no task": ({"network.json": lambda content: empty_manifest()}, "expected one task, got 0"),
    "a member elsewhere": ({"..__..__evil.json": b"{}"}, "expected an exported task, whole, got ValueError: another"),
    "code": ({"evil.py": b"print('no')"}, "expected an exported task, whole, got ValueError: another evil.py"),
}


def empty_manifest() -> bytes:
    net = sp.Network()
    return (net.path / "network.json").read_bytes()


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(files: dict[str, Path], other: sp.Network, tmp_path: Path, unchanged: Watch, name: str) -> None:
    members, message = FORGERIES[name]
    path = tmp_path / "forged.sentask"
    path.write_bytes(forged(files["low"].read_bytes(), **members))
    with unchanged(other.path), pytest.raises(sp.StoreError, match=rf"task file .*forged\.sentask: .*{message}"):
        other.import_task(path)
    assert not (tmp_path.parent / "evil.json").exists()
    assert other.version == 1


def test_a_covariance_that_is_none(files: dict[str, Path], other: sp.Network, tmp_path: Path, unchanged: Watch) -> None:
    with zipfile.ZipFile(files["low"]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name.endswith(".covariance"))
    covariance = np.frombuffer(members.pop(name), dtype="<f4").copy()
    old, covariance[0] = Path(name).stem, -1e6
    new = hashlib.sha256(covariance.tobytes()).hexdigest()
    members[f"dispatcher/{new}.covariance"] = covariance.tobytes()
    members["network.json"] = resealed((old.encode(), new.encode()))(members["network.json"])
    path = tmp_path / "forged.sentask"
    listed = {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in members.items()}
    head = {**json.loads(members.pop("task.json")), "members": {name: entry for name, entry in listed.items() if name != "task.json"}}
    path.write_bytes(packed({**members, "task.json": sealed(head)}))
    with unchanged(other.path), raises_error(sp.StoreError, got="the dispatcher's statistics: expected covariances"):
        other.import_task(path)


HEADS: dict[str, tuple[Callable[[dict[str, Any]], bytes], type[sp.StoreError], str]] = {
    "newer": (
        lambda head: sealed({**head, "format_version": 3}),
        sp.FormatVersionError,
        "format version 2 or older, got 3. Upgrade senpath",
    ),
    "foreign": (lambda head: sealed({**head, "format": "recipes"}), sp.StoreError, "an exported task, whole, got another archive"),
    "more": (lambda head: sealed({**head, "more": 1}), sp.StoreError, "Unexpected keyword argument at more of task.json"),
    "other types": (lambda head: sealed({**head, "members": []}), sp.StoreError, "at members of task.json"),
    "no checksum": (lambda head: json.dumps(head).encode(), sp.StoreError, "got a task.json that was changed"),
    "no JSON": (lambda head: b"{", sp.StoreError, "an exported task, whole, got ValueError"),
    "a member too many": (
        lambda head: sealed({**head, "members": {**head["members"], "network.json": {"bytes": 3, "sha256": ""}}}),
        sp.StoreError,
        "got ValueError: network.json of",
    ),
    "a member that is not there": (
        lambda head: sealed({**head, "members": {**head["members"], "x": {"bytes": 3, "sha256": ""}}}),
        sp.StoreError,
        "got KeyError",
    ),
}


@pytest.mark.parametrize("name", HEADS)
def test_heads(files: dict[str, Path], other: sp.Network, tmp_path: Path, unchanged: Watch, name: str) -> None:
    change, error, message = HEADS[name]
    with zipfile.ZipFile(files["low"]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "x.sentask").write_bytes(packed({**parts, "task.json": change(json.loads(parts["task.json"]))}))
    with unchanged(other.path), pytest.raises(error, match=rf"task file .*x\.sentask: expected .*{message}"):
        other.import_task(tmp_path / "x.sentask")


def test_a_packed_archive_and_other_files(files: dict[str, Path], other: sp.Network, tmp_path: Path, unchanged: Watch) -> None:
    with zipfile.ZipFile(files["low"]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    bomb = packed({"task.json": b" " * 10**7}, zipfile.ZIP_DEFLATED)
    for content in (packed(parts, zipfile.ZIP_DEFLATED), bomb, b"", b"PK\x05\x06" + bytes(18), b"no archive", b"\x80\x04\x95"):
        (tmp_path / "x").write_bytes(content)
        with (
            unchanged(other.path),
            pytest.raises(sp.StoreError, match=r"task file .*x: expected an exported task, whole, got .*Error|BadZip"),
        ):
            other.import_task(tmp_path / "x")
    with unchanged(other.path), pytest.raises(sp.StoreError, match=r"task file .*nothing: expected a file, got nothing of that name"):
        other.import_task(tmp_path / "nothing")
    with (
        unchanged(other.path),
        pytest.raises(sp.StoreError, match=r"task file .*: expected an exported task, whole, got IsADirectoryError"),
    ):
        other.import_task(tmp_path)


def test_threads_that_write_one_file(tmp_path: Path) -> None:
    net, file = tiny_network(tmp_path / "net", ["low", "iris"]), tmp_path / "task.sentask"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: net.export(name, file, overwrite=True), ["low", "iris"] * 6))
    sp.Network(tmp_path / "other").import_task(file)  # which checks all of it
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "other", "task.sentask"]
