"""The folder of a network on disk: reading it at one version, and the one way of making the next."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from senpath.components import Component, Config, canonical_json, load, suffix
from senpath.errors import ConflictError, StoreError
from senpath.store.evaluations import EVALUATIONS, append_line, read_lines
from senpath.store.files import append_at, explained, sweep, sync_folder, write_atomic
from senpath.store.manifest import RESTORE, Manifest, StatisticsRecord, TypeRecord, dump_manifest, parse_manifest

MANIFEST = "network.json"
LOG = "log.jsonl"
KEPT_POOLED = 3
"""Versions of a type's pooled statistics that stay on disk, so that readers a little behind still find theirs."""


@dataclass(frozen=True)
class Change:
    """What a commit writes besides the manifest.

    Args:
        components: new bricks.
        columns: per data type key, the row where they begin and float32 rows (rows, width) that are appended.
        pooled: per data type key, the file's name and its numbers, float64.
    """

    components: tuple[Component, ...]
    columns: dict[str, tuple[int, np.ndarray]]
    pooled: dict[str, tuple[str, np.ndarray]]


class Store:
    """A folder that holds one network.

    Args:
        path: the folder.
        lock_seconds: how long a commit waits for another one to finish.
    """

    def __init__(self, path: Path, *, lock_seconds: float = 30.0) -> None:
        self.path = path
        self.lock_seconds = lock_seconds

    def exists(self) -> bool:
        """Whether the folder holds a network.

        Raises:
            StoreError: if there is something else under this name.
        """
        if (self.path / MANIFEST).exists():
            return True
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path}", expected="a folder", got="a file", do="Choose another name for the network")
        # A crash while the folder was being made may have left its parts, and nothing of value.
        foreign = [child.name for child in self.path.iterdir() if child.name not in PARTS] if self.path.exists() else []
        if foreign or ((self.path / "components").is_dir() and any((self.path / "components").iterdir())):
            got = f"no {MANIFEST}, but {', '.join(sorted(foreign)[:3]) or 'components'}"
            raise StoreError(
                f"{self.path}", expected="a network, or an empty or absent folder", got=got, do="Choose another folder, or restore it"
            )
        return False

    def create(self, settings: dict[str, Any]) -> Manifest:
        """Make an empty network; if another process does so first, that one is opened."""
        with explained(f"creating the network {self.path}"):
            for part in ("components", "dispatcher"):
                (self.path / part).mkdir(parents=True, exist_ok=True)
        with self.locked():
            if not (self.path / MANIFEST).exists():
                with explained(f"creating the network {self.path}"):
                    write_atomic(self.path / MANIFEST, dump_manifest(Manifest(settings=settings)))
                    sync_folder(self.path)
        return self.read()

    def read(self) -> Manifest:
        """The manifest as it is on disk now."""
        try:
            content = (self.path / MANIFEST).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.path}", expected=f"a folder with {MANIFEST}", got=error.strerror or str(error)) from error
        return parse_manifest(content, str(self.path / MANIFEST))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock.

        Raises:
            ConflictError: if another process holds it for longer than `lock_seconds`.
        """
        lock = FileLock(self.path / ".lock")
        with explained(f"locking the network {self.path}"):
            try:
                lock.acquire(timeout=self.lock_seconds)
            except Timeout as error:  # inside, for it is an OSError too
                raise ConflictError(
                    f"writing to {self.path}",
                    expected=f"the write lock within {self.lock_seconds:g} s",
                    got="another process that holds it",
                    do="Wait for the other writer to finish and try again; nothing was changed",
                ) from error
        try:
            yield
        finally:
            lock.release()

    def write(self, before: Manifest, after: Manifest, change: Change) -> None:
        """Make `after` the network's version. The caller holds the lock and has read `before` under it.

        Everything that `after` names is on disk before network.json is replaced; that one step is the commit.
        """
        try:
            with explained(f"writing version {after.version} of {self.path}"):
                sweep(self.path)
                self._append_log(before)
                self._write_parts(after, change)
                write_atomic(self.path / MANIFEST, dump_manifest(after))
                sync_folder(self.path)
        except BaseException:
            # Also on Ctrl-C. A manifest that was replaced already stands, and so do its parts.
            if not self._may_stand(after):
                self._undo(before, change)
            raise
        with suppress(OSError):  # the commit stands; what fails here is made good by the next one
            self._append_log(after)
            self._drop_old_pooled(after)

    def component(self, name: str) -> Component:
        """Read a component; its content is checked against its hash."""
        described = self.path / "components" / f"{name}.json"
        try:
            content = described.read_bytes()
            head = json.loads(content)
            kind, config = head["kind"], dict(head["config"])
            if _describe(kind, config) != content:
                raise ValueError("changed after it was written")
            path = described.with_suffix(suffix(kind))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"component {name[:12]}: {described.name}", expected="its kind and configuration", got=repr(error), do=RESTORE
            ) from error
        return load(kind, config, path, name)

    def columns(self, record: TypeRecord, key: str, statistics: StatisticsRecord) -> np.ndarray:
        """A task's rows, float32 (rows, width), checked against their hash."""
        rows = self._read_rows(key, record.width, statistics.first, statistics.rows)
        if hashlib.sha256(rows.tobytes()).hexdigest() != statistics.sha256:
            raise StoreError(f"{self._columns_path(key)}", expected="rows that match their hash", got="changed content", do=RESTORE)
        return rows

    def pooled(self, record: TypeRecord) -> np.ndarray:
        """What the tasks of a type add up to, float64, checked against its hash."""
        path = self.path / "dispatcher" / record.pooled
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{path}", expected="readable", got=error.strerror or str(error), do="Call refresh() if the network moved on"
            ) from error
        if hashlib.sha256(content).hexdigest() != record.pooled_sha256:
            raise StoreError(f"{path}", expected="content that matches its hash", got="a changed or cut file", do=RESTORE)
        return np.frombuffer(content, dtype=np.float64)

    def log(self, manifest: Manifest) -> list[dict[str, Any]]:
        """The entries up to a version, oldest first."""
        entries = [entry for entry in self._log_entries() if entry["version"] <= manifest.version]
        if manifest.last and (not entries or entries[-1]["version"] < manifest.version):
            entries.append(manifest.last)
        return entries

    def evaluations(self) -> list[dict[str, Any]]:
        """What was measured, oldest first, of whatever version.

        Raises:
            StoreError: naming the file and the line that cannot be read.
        """
        return read_lines(self.path / EVALUATIONS)

    def append_evaluation(self, entry: Mapping[str, Any]) -> None:
        """Keep a measurement (JSON values, with the "version" it was made of). No commit: the version stays as it is.

        Raises:
            ConflictError: if another process holds the write lock for longer than `lock_seconds`.
            StoreError: if the folder cannot be written.
        """
        with self.locked(), explained(f"recording an evaluation in {self.path}"):
            append_line(self.path / EVALUATIONS, entry)

    def _write_parts(self, after: Manifest, change: Change) -> None:
        for component in change.components:
            base = self.path / "components" / component.hash
            write_atomic(base.with_suffix(suffix(component.kind)), component.payload or b"")
            write_atomic(base.with_suffix(".json"), _describe(component.kind, component.config))
        for key, (first, rows) in change.columns.items():
            append_at(self._columns_path(key), first * rows.shape[1] * 4, rows.astype("<f4").tobytes())
        for name, numbers in change.pooled.values():
            write_atomic(self.path / "dispatcher" / name, numbers.astype("<f8").tobytes())
        sync_folder(self.path / "components")
        sync_folder(self.path / "dispatcher")

    def _undo(self, before: Manifest, change: Change) -> None:
        with suppress(OSError):
            for component in change.components:
                if component.hash not in before.components:
                    for ending in (suffix(component.kind), ".json"):
                        (self.path / "components" / (component.hash + ending)).unlink(missing_ok=True)
            for name, _ in change.pooled.values():
                (self.path / "dispatcher" / name).unlink(missing_ok=True)
            sweep(self.path)
            for key, (first, rows) in change.columns.items():
                os.truncate(self._columns_path(key), first * rows.shape[1] * 4)

    def _may_stand(self, manifest: Manifest) -> bool:
        try:
            return self.read().version >= manifest.version
        except StoreError:
            return True  # parts too many do no harm, parts too few do

    def _columns_path(self, key: str) -> Path:
        return self.path / "dispatcher" / f"{key}.columns"

    def _read_rows(self, key: str, width: int, first: int, rows: int) -> np.ndarray:
        path = self._columns_path(key)
        try:
            return np.memmap(path, dtype="<f4", mode="r", offset=first * width * 4, shape=(rows, width))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path}", expected=f"rows {first} … {first + rows - 1} of {width} numbers", got=str(error), do=RESTORE
            ) from error

    def _log_entries(self) -> list[dict[str, Any]]:
        try:
            lines = (self.path / LOG).read_bytes().split(b"\n")  # bytes: a crash may cut within a letter
        except OSError:
            return []
        entries = []
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # a crash may have cut the last line
                entry = json.loads(line)
                entries.append({**entry, "version": int(entry["version"])})
        return entries

    def _append_log(self, manifest: Manifest) -> None:
        """Add the entry of this version unless it is there; a line that a crash cut is removed first."""
        if not manifest.last:
            return
        path = self.path / LOG
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        last = whole.splitlines()[-1:] if whole else []
        with suppress(ValueError, KeyError, TypeError):
            if last and json.loads(last[0])["version"] >= manifest.version:
                return
        append_at(path, len(whole), json.dumps(manifest.last, ensure_ascii=False).encode() + b"\n")

    def _drop_old_pooled(self, manifest: Manifest) -> None:
        for key, record in manifest.types.items():
            current = _pooled_version(record.pooled)
            files = sorted((self.path / "dispatcher").glob(f"{key}.*.pooled"), key=lambda path: _pooled_version(path.name))
            earlier = [path for path in files if _pooled_version(path.name) <= current]
            # Later ones were left by writers that died before their commit; they must not push the present one out.
            for path in (*earlier[:-KEPT_POOLED], *files[len(earlier) :]):
                path.unlink(missing_ok=True)


def _describe(kind: str, config: Config) -> bytes:
    """Content of the file beside a component's weights."""
    return canonical_json({"kind": kind, "config": dict(config)}).encode()


def _pooled_version(name: str) -> int:
    """The version that brought a file of pooled statistics, from its name."""
    return int(name.split(".")[-2])


PARTS = frozenset({"components", "dispatcher", ".lock", LOG, EVALUATIONS, MANIFEST + ".tmp"})
