"""Networks in object storage that somebody made to do harm: refused, with little fetched and nothing outside the cache touched."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raising import raises_error

import senpath as sp
from senpath.history.copying import _to_objects
from senpath.store import Store, ahead, cloud_columns
from senpath.store.cloud_objects import CloudObjects, _packed
from senpath.store.folder_objects import LARGEST_DESCRIPTION
from senpath.store.local_cache import LocalCache
from senpath.store.manifest import CHECKSUM, dump_manifest
from senpath.store.objects import Bundle, Segment
from senpath.store.service import Service
from senpath.testing import tiny_network

pytest.importorskip("obstore")
FIRST = "a" * 64
Change = Callable[[dict[str, Any]], object]


class Counting(Service):
    """The memory of this process as a bucket; keeps what was read of it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked: list[str] = []
        self.fetched: list[tuple[str, int]] = []

    def get(self, name: str, *given: Any, **named: Any) -> tuple[bytes, str] | None:
        self.asked.append(name)
        answer = super().get(name, *given, **named)
        self.fetched.append((name, len(answer[0]) if answer is not None else 0))
        return answer


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A folder with a network of two tasks."""
    return Store(tiny_network(tmp_path_factory.mktemp("original") / "net.sen", ["low", "odd"]).path)


@pytest.fixture
def bucket(original: Store, tmp_path: Path) -> Counting:
    """A copy of it in a bucket."""
    service, manifest = Counting(), original.opened()
    assert manifest is not None
    _to_objects(original, manifest, Store(CloudObjects(None, LocalCache(tmp_path / "writer", 2**30), service)))
    return service


@pytest.fixture
def reader(bucket: Counting, tmp_path: Path) -> Store:
    """Reads the bucket, with a cache of its own that is empty."""
    return Store(CloudObjects(None, LocalCache(tmp_path / "cache", 2**30), bucket))


def changed(bucket: Counting, change: Change) -> None:
    """Change the one type of the network in the bucket, so that its checksum fits."""
    content, _ = bucket.get("network.json") or (b"", "")
    network = json.loads(content)
    change(network["network"])
    body = content.partition(b',\n"network":')[0] + b',\n"network":'
    head, tasks = {key: value for key, value in network["network"].items() if key != "tasks"}, network["network"]["tasks"]
    body += json.dumps(head).encode()[:-1] + b',\n"tasks":{\n'
    body += b",\n".join(json.dumps({name: task})[1:-1].encode() for name, task in tasks.items()) + b"\n}}"
    bucket.put("network.json", body + CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b'"}\n')
    bucket.asked.clear()
    bucket.fetched.clear()


def repeated(record: dict[str, Any]) -> None:
    record["segments"] = record["segments"] * 100
    record["rows"] *= 100


def huge(record: dict[str, Any]) -> None:
    record["rows"] = 2**31
    record["segments"] = [{"rows": 2**31 - 1, "sha256": FIRST}, {"rows": 1, "sha256": "b" * 64}]


def metric_at(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["metric"].update(sha256=path)


CHANGES = [repeated, huge, metric_at("/etc/hostname"), metric_at("../../x"), metric_at("A" * 64)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_type_that_cannot_be(bucket: Counting, reader: Store, change: Change) -> None:
    changed(bucket, lambda network: change(network["types"]["image"]))
    with raises_error(sp.StoreError, got="others at types.image"):
        reader.opened()


def test_a_sum_of_statistics_has_a_hash(bucket: Counting, reader: Store) -> None:
    changed(bucket, lambda network: network["types"]["image"].update(pooled="a.pooled", pooled_sha256="/x", summed=1, covariances={}))
    with raises_error(sp.StoreError, got="others at types.image"):
        reader.opened()


def test_rows_of_a_task_have_a_hash(bucket: Counting, reader: Store) -> None:
    changed(bucket, lambda network: network["tasks"]["low"]["statistics"].update(sha256="../x"))
    with raises_error(sp.StoreError, got="others at tasks.low"):
        reader.opened()


@pytest.mark.parametrize("name", ["/etc/hostname", "../../x", "a" * 63, f"{FIRST}.exe", f"{FIRST}/x", f"{FIRST}\n", ""])
def test_the_cache_holds_hashes_alone(tmp_path: Path, name: str) -> None:
    cache = LocalCache(tmp_path / "cache", 2**30)
    for use in (cache.get, cache.read, lambda name: cache.put({name: b"x"})):
        with pytest.raises(OSError, match="no name that an object has"):
            use(name)
    assert not cache.drop(name)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_is_larger_than_said_is_not_read(bucket: Counting, reader: Store) -> None:
    bucket.put(f"pages/{FIRST}", b"x" * 5000)
    with pytest.raises(OSError, match="5,000 bytes, more than the 100 that are read"):
        reader.objects.blob(f"pages/{FIRST}.json", FIRST, 100)
    assert bucket.asked.count(f"pages/{FIRST}") == 1
    assert not bucket.fetched


def test_a_page_that_is_larger_than_said(bucket: Counting, reader: Store) -> None:
    manifest = reader.opened()
    assert manifest is not None
    content, pages, _ = dump_manifest(manifest, inline=0)
    bucket.put("network.json", content)
    for name in pages:
        bucket.put(f"pages/{name}", b"x" * 100_000)
    bucket.fetched.clear()
    with raises_error(sp.StoreError, got="100,000 bytes, more than the"):
        reader.opened()
    assert not any(name.startswith("pages/") for name, _ in bucket.fetched)


def test_nothing_is_fetched_ahead_that_cannot_be(bucket: Counting, reader: Store) -> None:
    def change(network: dict[str, Any]) -> None:
        network["pages"] = [{"sha256": FIRST, "bytes": 2**33, "tasks": 1, "pages": 0}]

    changed(bucket, change)
    with raises_error(sp.StoreError, got="pages, which are too large"):
        reader.opened()
    assert bucket.asked == ["network.json"]


def test_types_that_cannot_be_are_not_fetched_ahead(bucket: Counting, reader: Store) -> None:
    def change(network: dict[str, Any]) -> None:
        network["types"]["image"].update(rows=-1, segments=[{"rows": -1, "sha256": FIRST}])
        network["pages"] = [{"sha256": "b" * 64, "bytes": 10, "tasks": 1, "pages": 0}]

    changed(bucket, change)
    with raises_error(sp.StoreError, got="no such object"):
        reader.opened()
    assert not any(name.startswith(("dispatcher/", "components/")) for name in bucket.asked)


def test_lines_of_a_journal_that_are_larger_than_listed(bucket: Counting, reader: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        bucket.put(f"evaluations/{number}.json", b"{}")
    listed = bucket.listing("evaluations/")
    monkeypatch.setattr(bucket, "listing", lambda prefix: [replace(line, size=2**31) for line in listed])
    with pytest.raises(OSError, match="more than the 4,294,967,296 bytes"):
        reader.objects.lines("evaluations")
    monkeypatch.setattr(bucket, "listing", lambda prefix: [replace(line, size=1) for line in listed])
    with pytest.raises(OSError, match="2 bytes, more than the 1 that are read"):
        reader.objects.lines("evaluations")


HEADS = [b'{"suffix":".safetensors","description":1e999}', b'{"suffix":".safetensors","description":-5}', b'{"suffix":[],"description":2}']


@pytest.mark.parametrize("head", HEADS)
def test_heads_of_components_that_cannot_be(bucket: Counting, reader: Store, head: bytes) -> None:
    manifest = reader.opened()
    assert manifest is not None
    name = manifest.types["image"].features
    bucket.put(f"components/{name}", head + b"\n{}")
    reader.objects.prefetch([name], [])
    with raises_error(sp.StoreError, got="other content than its name says"):
        reader.component(name)


def test_a_description_that_is_too_long(bucket: Counting, reader: Store, original: Store) -> None:
    manifest = reader.opened()
    assert manifest is not None
    name = manifest.types["image"].features
    description, path = original.objects.component(name)
    long = Bundle(name, path.suffix, path.read_bytes(), description + b" " * LARGEST_DESCRIPTION)
    bucket.put(f"components/{name}", _packed(long))
    with raises_error(sp.StoreError, got="other content than its name says"):
        reader.component(name)


def test_large_segments_are_not_fetched_at_the_same_time(bucket: Counting, reader: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = reader.opened()
    assert manifest is not None
    record = manifest.types["image"]
    segment = f"dispatcher/{record.segments[0].sha256}"
    monkeypatch.setattr(ahead, "AHEAD", record.rows * record.width * 4 - 1)
    ahead.fetch_dispatcher(reader.objects, record)
    assert segment not in bucket.asked
    assert len(reader.columns(record)) == record.rows
    assert segment in bucket.asked


def test_segments_alike_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_columns, "LARGE", 1)  # as if each were too large to be merged
    objects, rows = CloudObjects(None, LocalCache(tmp_path / "cache", 2**30)), np.ones((4, 3), "<f4")
    segments: tuple[Segment, ...] = ()
    for first in range(0, 16, 4):
        segments = objects.append("dispatcher/a.columns", first, 3, rows.tobytes(), segments)
        assert len({segment.sha256 for segment in segments}) == len(segments)
    np.testing.assert_array_equal(objects.columns("dispatcher/a.columns", 16, 3, segments), np.ones((16, 3)))


def test_columns_are_in_memory_segment_by_segment(tmp_path: Path) -> None:
    held: list[int] = []
    assembled = cloud_columns.Assembled(lambda: tmp_path)
    segments = [Segment(1, str(number)) for number in range(3)]

    def read(segment: Segment) -> bytes:
        held.append(segment.rows)
        return np.float32(int(segment.sha256)).tobytes()

    assert assembled.rows("a", 1, segments, read).ravel().tolist() == [0, 1, 2]
    assert held == [1, 1, 1]


def test_a_log_with_half_a_character_is_copied_without_it(original: Store, tmp_path: Path) -> None:
    path = tmp_path / "net"
    shutil.copytree(original.where, path)
    with (path / "log.jsonl").open("ab") as file:
        file.write(rb'{"version":1,"author":"\ud800"}' + b"\n")
    sp.copy_network(path, tmp_path / "copy")
    assert [entry["version"] for entry in sp.Network(tmp_path / "copy").log] == [1, 2]


def test_the_cache_is_private_from_the_first_folder_on(tmp_path: Path) -> None:
    before = os.umask(0o002)
    try:
        LocalCache(tmp_path / "senpath" / "objects", 2**30).put({FIRST: b"x"})
    finally:
        os.umask(before)
    folders = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert len(folders) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no modes of folders")
def test_a_cache_that_others_may_write_to_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shared = tmp_path / "objects"
    (shared / "aa").mkdir(parents=True)
    (shared / "aa" / FIRST).write_bytes(b"theirs")
    shared.chmod(0o777)
    caplog.set_level(logging.WARNING)
    for cache in (LocalCache(shared, 2**30), LocalCache(shared, 2**30)):
        assert cache.read(FIRST) in (None, b"mine")
        cache.put({FIRST: b"mine"})
        assert cache.read(FIRST) == b"mine"
        assert not cache.place().is_relative_to(tmp_path)
    assert (shared / "aa" / FIRST).read_bytes() == b"theirs"
    assert [record.message.partition(":")[2][:23] for record in caplog.records] == [" others may write to it"]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no links that everybody may make")
def test_a_cache_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "objects").symlink_to(tmp_path / "elsewhere")
    LocalCache(tmp_path / "objects", 2**30).put({FIRST: b"x"})
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_a_cache_that_can_keep_nothing(original: Store, tmp_path: Path) -> None:
    """As on a full disk: what is written does not need it, and what has to be kept to be read says where there is no room."""
    cache, service, manifest = LocalCache(tmp_path / "full", 2**30), Counting(), original.opened()
    assert manifest is not None
    for number in range(256):
        (cache.place() / f"{number:02x}").write_bytes(b"")  # where a folder would be
    _to_objects(original, manifest, Store(CloudObjects(None, cache, service)))
    record = next(iter(manifest.types.values()))
    assert Store(CloudObjects(None, cache, service)).covariance(next(iter(record.covariances.values())), record.width).any()
    with raises_error(sp.StoreError, got=f"the cache {cache.folder} cannot keep it"):
        Store(CloudObjects(None, cache, service)).component(record.features)
    Store(CloudObjects(None, LocalCache(tmp_path / "cache", 2**30), service)).component(record.features)
