"""The folder of a network on disk: reading it at one version, and the one way of making the next."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from senpath.components import Component, Config, canonical_json, content_hash, load
from senpath.confined import open_plain, plain_files, read_plain, require_own_folders
from senpath.errors import ConflictError, StoreError
from senpath.routing import CommonCovariance
from senpath.store.files import SCRATCH, TEMPORARY, append_at, cut, explained, is_litter, remove_file, sweep, sync_folder, write_atomic
from senpath.store.lock import LOCK, write_lock
from senpath.store.manifest import (
    RESTORE,
    Manifest,
    StatisticsRecord,
    TypeRecord,
    covariance_file,
    dump_manifest,
    ends_as,
    new_id,
    parse_manifest,
    same_file,
)
from senpath.store.triangles import read_triangle
from senpath.store.versions import EVALUATIONS, KEPT_VERSIONS, VERSIONS, Versions, append_line, append_log, log_entries, read_lines

MANIFEST = "network.json"
LOG = "log.jsonl"
SUFFIXES = (".safetensors", ".skops")
"""Endings of files of weights."""
COMPONENT = re.compile(r"(?P<hash>[0-9a-f]{64})\.(json|safetensors|skops)")
"""Names of components' files."""
LARGEST_DESCRIPTION = 2**20
"""Bytes of the file that has a component's kind and configuration, at most."""
AGAIN = "Call refresh(), for the network moved on; what was being learned, learn again on the present version"
BEHIND = f"Call refresh() if the network moved on. Else: {RESTORE[0].lower()}{RESTORE[1:]}"


@dataclass(frozen=True)
class Change:
    """What a commit writes besides the manifest.

    Args:
        components: new components.
        columns: per file of columns, the row where they begin and float32 rows (rows, width) that are appended.
        files: content of new files in `dispatcher/`, by name: covariances and metrics.
    """

    components: tuple[Component, ...]
    columns: dict[str, tuple[int, np.ndarray]]
    files: dict[str, bytes]


class Store:
    """A folder that holds one network.

    Args:
        path: the folder.
        lock_seconds: how long a commit waits for another one to finish.
        trust: whether the user vouches for whoever made the folder, or components whose makers are known. What this object writes is.
    """

    def __init__(self, path: Path, *, lock_seconds: float = 30.0, trust: bool | frozenset[str] = False) -> None:
        self.path = path
        self.trust: bool | frozenset[str] = trust or frozenset()
        self._scratch, self._dispatcher = path / SCRATCH, path / "dispatcher"
        self._folders = (path / "components", self._dispatcher, self._scratch, path / VERSIONS)
        self.history = Versions(path, path / MANIFEST, self._scratch)
        self.lock_seconds = lock_seconds
        self.sums: dict[str, CommonCovariance] = {}  # the last of each type, by key

    def exists(self) -> bool:
        """Whether the folder holds a network.

        Raises:
            StoreError: if there is something else under this name.
        """
        if os.path.lexists(self.path / MANIFEST):
            return True
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path}", expected="a folder", got="a file", do="Choose another name for the network")
        # A crash while the folder was being made may have left its parts, and nothing of value.
        names = [child.name for child in self.path.iterdir()] if self.path.exists() else []
        foreign = [name for name in names if name not in PARTS and not is_litter(name)]
        if foreign or not all(is_litter(file.name) for file in plain_files(self.path / "components")):
            got = f"no {MANIFEST}, but {', '.join(sorted(foreign)[:3]) or 'components'}"
            raise StoreError(
                f"{self.path}", expected="a network, or an empty or absent folder", got=got, do="Choose another folder, or restore it"
            )
        return False

    def create(self, settings: dict[str, Any]) -> Manifest:
        """Make an empty network; if another process does so first, that one is opened."""
        with explained(f"creating the network {self.path}"):
            require_own_folders(self._folders)
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
        with self.locked():
            if not os.path.lexists(self.path / MANIFEST):
                with explained(f"creating the network {self.path}"):
                    write_atomic(self.path / MANIFEST, dump_manifest(Manifest(id=new_id(), settings=settings))[0], self._scratch)
                    sync_folder(self.path)
        return self.read()

    def read(self, known: Manifest | None = None) -> Manifest:
        """The manifest as it is on disk now.

        Args:
            known: one that was read or written before; what has not changed is taken from it.
        """
        try:
            require_own_folders(self._folders)
            content = read_plain(self.path / MANIFEST)
        except OSError as error:
            raise StoreError(f"{self.path}", expected=f"a folder with {MANIFEST}", got=error.strerror or str(error)) from error
        if known is not None and same_file(content, known):
            return known
        return parse_manifest(content, str(self.path / MANIFEST), known)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the write lock.

        Raises:
            ConflictError: if another process holds it for longer than `lock_seconds`.
        """
        with explained(f"locking the network {self.path}"):
            require_own_folders(self._folders)
        return write_lock(self.path, self.lock_seconds)

    def write(self, before: Manifest, after: Manifest, change: Change, keep: int = KEPT_VERSIONS) -> Manifest:
        """Make `after` the network's version and return it as it was written.

        The caller holds the lock and has read `before` under it. Everything that `after` names is on disk before network.json is
        replaced; that one step is the commit.

        Args:
            keep: how many versions can be returned to from then on, `after` counted.

        Raises:
            ConflictError: if something else took the place of `before` meanwhile: the folder was restored, or the lock did not hold.
        """
        content, written = dump_manifest(replace(after, id=before.id or new_id()))
        if not isinstance(self.trust, bool):
            self.trust |= {component.hash for component in change.components}
        # Of these files some may be there: earlier versions need them.
        parts = [*map(self._dispatcher.joinpath, change.files)]
        parts += [path for component in change.components for path in self._component_paths(component)]
        new = [path for path in parts if not os.path.lexists(path)]
        try:
            with explained(f"writing version {after.version} of {self.path}"):
                sweep(self._scratch)
                append_log(self.path / LOG, before, self._scratch)
                self._write_parts(change)
                if keep > 1:
                    self.history.keep(before.version)
                self._require_present(before)
                write_atomic(self.path / MANIFEST, content, self._scratch)
                sync_folder(self.path)
        except ConflictError:
            raise  # what is in the folder is another writer's by now
        except BaseException:
            # Also on Ctrl-C. A manifest that was replaced already stands, and so do its parts.
            if not self._may_stand(after):
                self._undo(before, change, new)
            raise
        with suppress(OSError):  # the commit stands; what fails here is made good by the next one
            append_log(self.path / LOG, after, self._scratch)
            self.history.drop(after.version, keep)
            self._drop_unnamed_statistics(after)
        return written

    def component(self, name: str) -> Component:
        """Read a component; its content is checked against its hash."""
        kind, config, path, _ = self._described(name)
        try:
            return load(kind, config, path, name, trust=isinstance(self.trust, bool) or name in self.trust)
        except StoreError as error:
            if os.path.lexists(path):
                raise
            gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))  # while it was read: another writer cleaned up
            raise self._unreadable(f"component {name[:12]}: file {path.name}", "readable", gone, name) from error

    def component_files(self, name: str) -> dict[str, bytes]:
        """Content of a component's two files, by their names in `components/`, checked against its hash. No module is made of it."""
        kind, config, path, description = self._described(name)
        try:
            payload = read_plain(path)
        except OSError as error:
            raise self._unreadable(f"component {name[:12]}: file {path.name}", "readable", error, name) from error
        if content_hash(kind, config, payload) != name:
            raise StoreError(f"component {name[:12]}: content of {path.name}", expected="that of its hash", got="other content", do=RESTORE)
        return {path.with_suffix(".json").name: description, path.name: payload}

    def component_size(self, name: str) -> int:
        """Bytes that a component's files take; what another writer removes meanwhile takes none."""
        size = 0
        for path in plain_files(self.path / "components"):
            with suppress(FileNotFoundError):
                size += path.lstat().st_size if path.stem == name else 0
        return size

    def columns(self, record: TypeRecord) -> np.ndarray:
        """All rows of a type, float32 (rows, width), memory-mapped; `check_columns` tells whether a task's are as they were written."""
        path = self._dispatcher / record.columns
        try:
            # "c": what is written to the array, and nothing does so, would stay in this process; torch wants arrays it may write to.
            with open_plain(path) as file:
                return np.memmap(file, dtype="<f4", mode="c", shape=(record.rows, record.width))
        except (OSError, ValueError, OverflowError) as error:
            raise self._unreadable(f"{path}", f"{record.rows} rows of {record.width} numbers", error, record.columns) from error

    def check_columns(self, rows: np.ndarray, record: TypeRecord, statistics: StatisticsRecord) -> None:
        """Compare a task's rows, among all rows of its type, with their hash.

        Raises:
            StoreError: if they are not those that were written.
        """
        mine = rows[statistics.first : statistics.first + statistics.rows]
        if hashlib.sha256(mine.tobytes()).hexdigest() != statistics.sha256:
            raise StoreError(
                f"{self._dispatcher / record.columns}", expected="rows that match their hash", got="changed content", do=RESTORE
            )

    def covariance(self, name: str, width: int) -> np.ndarray:
        """The covariance of this hash, packed, float32 (width · (width + 1) / 2,), checked against the hash."""
        file = covariance_file(name)
        return read_triangle(self.dispatcher_file(file, name), width, "<f4", f"{self._dispatcher / file}")

    def pooled(self, record: TypeRecord) -> np.ndarray:
        """What formats 1 to 6 added up of the tasks of a type, float64, checked against its hash."""
        content = self.dispatcher_file(record.pooled, record.pooled_sha256)
        return read_triangle(content, record.width, "<f8", f"{self._dispatcher / record.pooled}")

    def holds(self, name: str) -> bool:
        """Whether there is a file of this name in `dispatcher/`."""
        return os.path.lexists(self._dispatcher / name)

    def dispatcher_file(self, name: str, sha256: str) -> bytes:
        """Content of a file in `dispatcher/`, checked against its hash."""
        path = self._dispatcher / name
        try:
            content = read_plain(path)
        except OSError as error:
            raise self._unreadable(f"{path}", "readable", error, name) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreError(f"{path}", expected="content that matches its hash", got="a changed or cut file", do=RESTORE)
        return content

    def log(self, manifest: Manifest) -> list[dict[str, Any]]:
        """The entries up to a version, oldest first."""
        entries = [entry for entry in log_entries(self.path / LOG) if entry["version"] <= manifest.version]
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
            append_line(self.path / EVALUATIONS, entry, self._scratch)

    def _write_parts(self, change: Change) -> None:
        for component in change.components:
            payload, description = self._component_paths(component)
            write_atomic(payload, component.payload or b"", self._scratch)
            write_atomic(description, _describe(component.kind.name, component.config), self._scratch)
        for name, (first, rows) in change.columns.items():
            append_at(self._dispatcher / name, first * rows.shape[1] * 4, rows.astype("<f4").tobytes(), self._scratch)
        for name, content in change.files.items():
            write_atomic(self._dispatcher / name, content, self._scratch)
        sync_folder(self.path / "components")
        sync_folder(self._dispatcher)

    def _component_paths(self, component: Component) -> tuple[Path, Path]:
        base = self.path / "components" / component.hash
        return base.with_suffix(component.kind.files.suffix), base.with_suffix(".json")

    def _described(self, name: str) -> tuple[str, Config, Path, bytes]:
        """A component's kind, its configuration, where its content is, and the description that says so."""
        described = self.path / "components" / f"{name}.json"
        try:
            content = read_plain(described, LARGEST_DESCRIPTION)
            head = json.loads(content)
            kind, config = head["kind"], dict(head["config"])
            if _describe(kind, config) != content:
                raise ValueError("changed after it was written")
            # Whichever is there: a kind that is not installed can be copied and checked all the same.
            payloads = [path for path in map(described.with_suffix, SUFFIXES) if os.path.lexists(path)]
            return kind, config, payloads[0] if payloads else described.with_suffix(SUFFIXES[0]), content
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._unreadable(f"component {name[:12]}: {described.name}", "its kind and configuration", error, name) from error

    def _unreadable(self, what: str, expected: str, error: Exception, name: str) -> StoreError:
        """The error for a file that cannot be read.

        Args:
            name: of the component, or of the file in `dispatcher/`. What the present version does not name went by a `gc`.
        """
        got = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        if not isinstance(error, FileNotFoundError):
            return StoreError(what, expected=expected, got=got, do=RESTORE)
        with suppress(StoreError):
            present = self.read()
            if name not in present.components and not any(name in record.files for record in present.types.values()):
                return ConflictError(what, expected=expected, got=got, do=AGAIN)
        return StoreError(what, expected=expected, got=got, do=BEHIND)

    def _undo(self, before: Manifest, change: Change, new: Iterable[Path]) -> None:
        with suppress(OSError):
            self.history.forget(before.version)
            for path in new:
                path.unlink(missing_ok=True)
            sweep(self._scratch)
            for name, (first, rows) in change.columns.items():
                cut(self._dispatcher / name, first * rows.shape[1] * 4)

    def _require_present(self, before: Manifest) -> None:
        if before.checksum and ends_as(self.path / MANIFEST, before):
            return
        if before.checksum or self.read() != before:
            got = "another one that took its place meanwhile"
            raise ConflictError(f"writing to {self.path}", expected=f"version {before.version} as it was read", got=got, do=AGAIN)

    def _may_stand(self, manifest: Manifest) -> bool:
        try:
            return self.read().version >= manifest.version
        except StoreError:
            return True  # parts too many do no harm, parts too few do

    def rows_in_use(self, present: Manifest) -> dict[str, int]:
        """By the name of each file of columns, how many of its rows are taken in the present or a kept version."""
        rows: dict[str, int] = {}
        for manifest in (present, *self._kept(present)):
            for record in manifest.types.values():
                rows[record.columns] = max(record.rows, rows.get(record.columns, 0))
        return rows

    def _kept(self, present: Manifest) -> Iterator[Manifest]:
        """The earlier versions whose manifests are whole."""
        for number in self.history.numbers(present.version):
            with suppress(StoreError):
                yield self.history.read(number, present)

    def drop_unnamed(self, present: Manifest, kept: Iterable[Manifest]) -> None:
        """Remove components and statistics that none of these versions names; no other version is kept. For the lock's holder."""
        named = {name for manifest in (present, *kept) for name in manifest.components}
        for path in plain_files(self.path / "components"):
            match = COMPONENT.fullmatch(path.name)
            if match and match["hash"] not in named:
                remove_file(path)
        self._drop_unnamed_statistics(present)
        sweep(self._scratch)

    def sizes(self) -> dict[Path, int]:
        """Bytes of each file that holds components, statistics or an earlier version."""
        folders = (self.path / "components", self._dispatcher, self.path / VERSIONS)
        return {path: path.lstat().st_size for folder in folders for path in plain_files(folder)}

    def _drop_unnamed_statistics(self, present: Manifest) -> None:
        """Remove files of the dispatcher that no kept version names, also those of writers who died before their commit."""
        named = {name for types in (present.types, *self.history.types()) for record in types.values() for name in record.files}
        for path in plain_files(self._dispatcher):
            if path.name not in named:
                remove_file(path)


def _describe(kind: str, config: Config) -> bytes:
    """Content of the file beside a component's weights."""
    return canonical_json({"kind": kind, "config": dict(config)}).encode()


PARTS = frozenset({"components", "dispatcher", SCRATCH, VERSIONS, LOCK, LOG, EVALUATIONS, MANIFEST + TEMPORARY})
