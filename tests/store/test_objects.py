"""Every store of objects does the same: one suite for folders, the memory of a process, and object storage by its real interface."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from benchmarks.cloud.service import BUCKET, environment
from senpath.components import canonical_json, content_hash
from senpath.store.address import Address
from senpath.store.cloud_objects import CloudObjects
from senpath.store.folder_objects import ROOT, FolderObjects
from senpath.store.local_cache import LocalCache
from senpath.store.objects import Bundle, ChangedError, Objects

STORES = ["folder", "memory", pytest.param("s3", marks=pytest.mark.slow("starts a server"))]
TAIL = b"}" * 200
"""A folder tells roots apart by their ends, as manifests have their checksums there."""


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Objects]]:
    """Opens the same, empty objects again and again, each time as another process would."""
    number = iter(range(100))
    if request.param == "folder":
        yield lambda: FolderObjects(tmp_path / "net")
        return
    pytest.importorskip("obstore")
    if request.param == "memory":
        service = CloudObjects(None, LocalCache(tmp_path / "0", 2**30))._service
        yield lambda: CloudObjects(None, LocalCache(tmp_path / f"{next(number)}", 2**30), service)
        return
    for name, value in environment(request.getfixturevalue("moto")).items():
        monkeypatch.setenv(name, value)
    address = Address("s3", BUCKET, uuid4().hex)
    yield lambda: CloudObjects(address, LocalCache(tmp_path / f"{next(number)}", 2**30))


@pytest.fixture
def objects(opened: Callable[[], Objects]) -> Objects:
    objects = opened()
    objects.create()
    return objects


def component(payload: bytes) -> Bundle:
    description = {"kind": "test.v1", "config": {"width": 3}}
    return Bundle(content_hash("test.v1", {"width": 3}, payload), ".safetensors", payload, canonical_json(description).encode())


def test_what_is_not_there(objects: Objects) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such|No such|is there|exists"):
        objects.read(ROOT)
    assert objects.listing("versions/") == []
    objects.delete("versions/1.json")
    assert [*objects.foreign()] == []


def test_a_new_object_is_made_once(objects: Objects, opened: Callable[[], Objects]) -> None:
    objects.write_new(ROOT, b"one" + TAIL)
    with pytest.raises(FileExistsError, match=r"no such|No such|is there|exists"):
        opened().write_new(ROOT, b"two" + TAIL)
    content, tag = opened().read(ROOT) or (b"", "")
    assert content == b"one" + TAIL
    assert opened().read(ROOT, tag) is None


def test_an_object_is_replaced_if_it_is_still_the_same(objects: Objects, opened: Callable[[], Objects]) -> None:
    objects.write_new(ROOT, TAIL + b"one")
    _, tag = objects.read(ROOT) or (b"", "")
    objects.replace(ROOT, TAIL + b"two", tag)
    with pytest.raises(ChangedError, match=r"another one by now"):
        opened().replace(ROOT, TAIL + b"three", tag)
    assert (objects.read(ROOT, tag) or (b"", ""))[0] == TAIL + b"two"


def test_of_writers_that_race_one_wins(objects: Objects, opened: Callable[[], Objects]) -> None:
    objects.write_new(ROOT, TAIL + b"0")
    _, tag = objects.read(ROOT) or (b"", "")
    won: list[int] = []

    def write(number: int) -> None:
        mine = opened()
        with mine.locked(30):
            try:
                mine.replace(ROOT, TAIL + str(number).encode(), tag)
                won.append(number)
            except ChangedError:
                pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (objects.read(ROOT) or (b"", ""))[0] == TAIL + str(won[0]).encode()


def test_lists_have_names_sizes_and_times(objects: Objects) -> None:
    before = objects.now()
    for number in (2, 10):
        objects.write_new(f"versions/{number}.json", b"x" * number)
    listed = objects.listing("versions/")
    assert [(entry.name, entry.size) for entry in listed] == [("versions/10.json", 10), ("versions/2.json", 2)]
    assert all(before - 2 <= entry.modified <= objects.now() + 2 for entry in listed)
    assert [entry.name for entry in objects.listing("versions/2")] == ["versions/2.json"]
    objects.delete("versions/2.json")
    assert [entry.name for entry in objects.listing("versions/")] == ["versions/10.json"]


def test_parts_are_read_as_they_were_written(objects: Objects, opened: Callable[[], Objects]) -> None:
    bundle, content = component(b"weights"), b"a covariance"
    sha256 = hashlib.sha256(content).hexdigest()
    objects.write_parts([bundle], {"dispatcher/a.metric": content})
    for there in (objects, opened()):
        description, path = there.component(bundle.name)
        assert (description, path.read_bytes(), path.suffix) == (bundle.description, b"weights", ".safetensors")
        assert there.blob("dispatcher/a.metric", sha256) == content
        assert there.blobs([("dispatcher/a.metric", sha256, len(content))]) == [content]
        assert there.component_size(bundle.name) >= len(b"weights")
        assert there.holds("dispatcher/a.metric")
    names = {entry.name for entry in objects.listing("dispatcher/")}
    assert names == {objects.blob_name("dispatcher/a.metric", sha256)}
    with pytest.raises(FileNotFoundError, match=r"no such|No such|is there|exists"):
        opened().component("0" * 64)
    with pytest.raises(FileNotFoundError, match=r"no such|No such|is there|exists"):
        opened().blob("dispatcher/b.metric", "0" * 64)


def test_columns_grow(objects: Objects, opened: Callable[[], Objects]) -> None:
    rows = np.random.default_rng(0).standard_normal((40, 3), dtype="<f4")
    reader, segments, earlier = opened(), (), []
    for first in range(0, 40, 4):
        segments = objects.append("dispatcher/a.columns", first, 3, rows[first : first + 4].tobytes(), segments)
        earlier.append(reader.columns("dispatcher/a.columns", first + 4, 3, segments))
        np.testing.assert_array_equal(opened().columns("dispatcher/a.columns", first + 4, 3, segments), rows[: first + 4])
    for place, kept in enumerate(earlier):
        np.testing.assert_array_equal(kept, rows[: 4 * place + 4])


def test_journals(objects: Objects, opened: Callable[[], Objects]) -> None:
    assert objects.lines("evaluations") == []
    for number in range(3):
        objects.add_line("evaluations", b'{"version":%d}' % number)
    opened().remove_line("evaluations", 1)
    assert opened().lines("evaluations") == [b'{"version":0}', b'{"version":2}']
    for number in (1, 2, 2, 3):
        objects.add_line("log", b'{"version":%d}' % number, number)
    assert opened().lines("log") == [b'{"version":1}', b'{"version":2}', b'{"version":3}']
    assert "1" in objects.line_name("log", 0)


def test_the_root_under_a_second_name(objects: Objects) -> None:
    objects.write_new(ROOT, TAIL + b"one")
    content, tag = objects.read(ROOT) or (b"", "")
    objects.begin()
    objects.keep_root("versions/1.json", content)
    objects.write_parts([], {"dispatcher/a.metric": b"a metric"})
    objects.replace(ROOT, TAIL + b"two", tag)
    assert (objects.read("versions/1.json") or (b"", ""))[0] == TAIL + b"one"
    assert len(objects.listing("dispatcher/")) == 1


def test_what_is_retired_is_gone_from_lists(objects: Objects) -> None:
    bundle = component(b"weights")
    objects.write_parts([bundle], {})
    for listed in objects.listing("components/"):
        objects.retire(listed.name)
    assert objects.listing("components/") == []


def test_something_else_under_the_name(objects: Objects) -> None:
    objects.write_new("notes.txt", b"mine")
    assert [*objects.foreign()] == ["notes.txt"]
