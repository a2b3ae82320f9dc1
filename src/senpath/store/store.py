"""A network in its store: reading it at one version, and the one way of making the next."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import uniform
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

import numpy as np

from senpath.components import Component, Config, canonical_json, content_hash, load
from senpath.confined import LARGEST_FILE, read_plain
from senpath.errors import ConflictError, SenpathError, StoreError
from senpath.routing import CommonCovariance, Metric
from senpath.store.address import Place
from senpath.store.ahead import fetch_opening
from senpath.store.change import Change, OvertakenError
from senpath.store.files import explained
from senpath.store.folder_objects import ROOT
from senpath.store.journals import Journals
from senpath.store.manifest import RESTORE, Manifest, dump_manifest, new_id, parse_manifest, same_file
from senpath.store.objects import Bundle, ChangedError, Objects
from senpath.store.pages import PAGES, fetched_from
from senpath.store.places import objects_at, unreachable
from senpath.store.records import StatisticsRecord, TypeRecord, covariance_file
from senpath.store.roots import Roots
from senpath.store.triangles import read_triangle
from senpath.store.unneeded import drop_unnamed_parts
from senpath.store.versions import KEPT_VERSIONS, Versions, parts_of

MANIFEST = ROOT
AGAIN = "Call refresh(), for the network moved on; what was being learned, learn again on the present version"
UNSURE = "Call refresh(), which tells whether it went well; if not, look at the connection and try again"
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds that a writer who was overtaken waits at most before it tries again; twice as many each time, up to the second."""
BEHIND = f"Call refresh() if the network moved on. Else: {RESTORE[0].lower()}{RESTORE[1:]}"


class Store:
    """The objects that hold one network.

    Args:
        at: the folder, an address in object storage, or other objects.
        lock_seconds: how long a commit waits for other writers, or tries again because they are faster.
        trust: whether the user vouches for whoever made the folder, or components whose makers are known. What this object writes is.
    """

    def __init__(self, at: Place | Objects, *, lock_seconds: float = 30.0, trust: bool | frozenset[str] = False) -> None:
        self.objects: Objects = at if isinstance(at, Objects) else objects_at(at)
        self.where = self.objects.where
        self.trust: bool | frozenset[str] = trust or frozenset()
        self.history, self.journals = Versions(self.objects), Journals(self.objects, self.locked)
        self.lock_seconds = lock_seconds
        self.sums: dict[str, CommonCovariance] = {}  # the last of each type, by key
        self.metrics: dict[str, tuple[str, Metric]] = {}  # likewise, each with the hash of its file
        self._roots = Roots()

    def opened(self) -> Manifest | None:
        """The manifest as it is now; None where there is no network yet.

        Raises:
            StoreError: if there is something else under this name.
        """
        with suppress(FileNotFoundError):
            return self.read(missing=FileNotFoundError)
        try:
            foreign = [*self.objects.foreign()]
        except NotADirectoryError as error:
            raise StoreError(self.where, expected="a folder", got="a file", do="Choose another name for the network") from error
        except OSError as error:
            raise unreachable(self.where, error) from error
        if foreign:
            got = f"no {MANIFEST}, but {', '.join(foreign[:3])}"
            raise StoreError(
                self.where, expected="a network, or an empty or absent folder", got=got, do="Choose another folder, or restore it"
            )
        return None

    def create(self, settings: dict[str, Any]) -> Manifest:
        """Make an empty network; if another process does so first, that one is opened."""
        with explained(f"creating the network {self.where}"):
            self.objects.create()
        with self.locked(), explained(f"creating the network {self.where}"), suppress(FileExistsError):
            self.objects.write_new(MANIFEST, dump_manifest(Manifest(id=new_id(), settings=settings))[0])
        return self.read()

    def read(self, known: Manifest | None = None, missing: type[FileNotFoundError] | None = None) -> Manifest:
        """The manifest as it is now.

        Args:
            known: one that was read or written before; what has not changed is taken from it.
            missing: raised if there is none; by default that is a StoreError as any other.
        """
        tag = self._roots.tag(known)
        while True:
            try:
                answer = self.objects.read(MANIFEST, tag)
            except OSError as error:
                if missing is not None and isinstance(error, FileNotFoundError):
                    raise
                raise unreachable(self.where, error) from error
            if known is not None and answer is None:
                return known
            content, tag = answer or (b"", "")
            manifest = known if known is not None and same_file(content, known) else self._parsed(content, tag, known)
            if manifest is not None:
                self._roots.remember(manifest, content, tag)
                return manifest
            tag = ""

    def _parsed(self, content: bytes, tag: str, known: Manifest | None) -> Manifest | None:
        """The manifest in this content; None if a page of it is gone because there is a newer one by now."""
        try:
            ahead = partial(fetch_opening, self.objects) if known is None else None
            return parse_manifest(content, f"{self.where}/{MANIFEST}", fetched_from(self.objects), known, ahead)
        except OSError as error:
            with suppress(OSError):
                if self.objects.read(MANIFEST, tag) is not None and isinstance(error, FileNotFoundError):
                    return None
            got = error.strerror or str(error)
            raise StoreError(f"{self.where}/{PAGES}", expected="the pages that network.json names", got=got, do=RESTORE) from error

    def require_writable(self) -> None:
        """Refuse early what could not be committed in the end.

        Raises:
            StoreError: if it is plain that nothing can be written.
        """
        with explained(f"writing to the network {self.where}"):
            self.objects.require_writable()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, where writers take turns.

        Raises:
            ConflictError: if another process holds the lock for longer than `lock_seconds`.
        """
        with explained(f"locking the network {self.where}"):
            lock = self.objects.locked(self.lock_seconds)
        with lock:
            yield

    def update(
        self, known: Manifest, make: Callable[[Manifest], tuple[Manifest, Change] | None], keep: int = KEPT_VERSIONS
    ) -> tuple[Manifest, Manifest]:
        """Make the next version from whatever is the present one, and give that and the next.

        Where writers do not take turns, another may be faster: then it is made again, from what that one made.

        Args:
            known: a version that was read before; what has not changed is taken from it.
            make: the next version and what it needs, from the present one; None leaves that as it is. It may be called several times.
            keep: see `write`.

        Raises:
            ConflictError: if others hold the lock, or are faster, for longer than `lock_seconds`.
        """
        until, pause, turns = monotonic() + self.lock_seconds, FIRST_PAUSE, self.objects.takes_turns
        fresh = turns or not self._roots.knows(known)  # without a lock what is known will do at first: the write says if it is old
        while True:
            with self.locked():
                before = self.read(known) if fresh else known
                try:
                    made = make(before)
                except SenpathError:
                    if fresh:
                        raise
                    made = None
                if made is None:
                    if fresh:
                        return before, before
                    fresh = True
                    continue
                try:
                    return before, self.write(before, *made, keep)
                except OvertakenError:
                    if turns or monotonic() >= until:
                        raise
            if fresh:
                sleep(uniform(0, pause))
                pause = min(2 * pause, LONGEST_PAUSE)
            known, fresh = before, True

    def write(self, before: Manifest, after: Manifest, change: Change, keep: int = KEPT_VERSIONS) -> Manifest:
        """Make `after` the network's version and return it as it was written.

        The caller holds the lock, if there is one, and has read `before` under it. Everything that `after` names lasts before
        network.json is replaced; that one step is the commit.

        Args:
            keep: how many versions can be returned to from then on, `after` counted.

        Raises:
            ConflictError: if something else took the place of `before` meanwhile: another writer was faster, the folder was restored,
                or the lock did not hold.
        """
        after = replace(after, id=before.id or new_id())
        if not self.objects.takes_turns:  # so that no other writer's version is the same to the byte
            after = replace(after, last={**after.last, "commit": token_hex(8)})
        content, pages, written = dump_manifest(after)
        if not isinstance(self.trust, bool):
            self.trust |= {component.hash for component in change.components}
        try:
            with explained(f"writing version {after.version} of {self.where}", "" if self.objects.takes_turns else UNSURE):
                self.objects.begin()
                self.journals.add_to_log(before)
                types = self._append_columns(before, after, change)
                if types != after.types:  # tasks may be arranged in other pages by that, too
                    content, pages, written = dump_manifest(replace(after, types=types))
                self._write_parts(change, pages)
                root, tag = self._roots.of(before)
                if keep > 1 or not self.objects.takes_turns:
                    self.history.keep(before.version, root)
                self._roots.remember(written, content, self.objects.replace(MANIFEST, content, tag))
        except ChangedError as error:
            if self._is_beneath(content, after.version):
                return written
            # What is there is another writer's by now.
            got = "another one that took its place meanwhile"
            raise OvertakenError(
                f"writing to {self.where}", expected=f"version {before.version} as it was read", got=got, do=AGAIN
            ) from error
        except BaseException:
            # Also on Ctrl-C. A manifest that was replaced already stands, and so do its parts.
            if not self._may_stand(after):
                with suppress(OSError):
                    self.objects.undo()
            raise
        finally:
            if not self.objects.takes_turns:
                self.objects.undo()
        if self.objects.takes_turns:
            with suppress(OSError):  # the commit stands; what fails here is made good by the next one
                self.journals.add_to_log(after)
                self.history.drop(after.version, keep)
                drop_unnamed_parts(self.objects, [parts_of(written), *self.history.parts()])
        return written

    def component(self, name: str) -> Component:
        """Read a component; its content is checked against its hash."""
        try:
            return self._load(name)
        except StoreError:
            if not self.objects.forget(name):
                raise
            return self._load(name)  # from the store itself

    def _load(self, name: str) -> Component:
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
        return {f"{name}.json": description, f"{name}{path.suffix}": payload}

    def component_size(self, name: str) -> int:
        """Bytes that a component takes in the store; what another writer removes meanwhile takes none."""
        return self.objects.component_size(name)

    def columns(self, record: TypeRecord) -> np.ndarray:
        """All rows of a type, float32 (rows, width), memory-mapped; `check_columns` tells whether a task's are as they were written."""
        name = f"dispatcher/{record.columns}"
        try:
            return self.objects.columns(name, record.rows, record.width, record.segments)
        except (OSError, ValueError, OverflowError) as error:
            expected = f"{record.rows} rows of {record.width} numbers"
            raise self._unreadable(f"{self.where}/{name}", expected, error, record.columns) from error

    def check_columns(self, rows: np.ndarray, record: TypeRecord, statistics: StatisticsRecord) -> None:
        """Compare a task's rows, among all rows of its type, with their hash.

        Raises:
            StoreError: if they are not those that were written.
        """
        mine = rows[statistics.first : statistics.first + statistics.rows]
        if hashlib.sha256(mine.tobytes()).hexdigest() != statistics.sha256:
            raise StoreError(
                f"{self.where}/dispatcher/{record.columns}", expected="rows that match their hash", got="changed content", do=RESTORE
            )

    def covariance(self, name: str, width: int) -> np.ndarray:
        """The covariance of this hash, packed, float32 (width · (width + 1) / 2,), checked against the hash."""
        file = covariance_file(name)
        most = width * (width + 1) * 2
        return read_triangle(self.dispatcher_file(file, name, most), width, "<f4", f"{self.where}/dispatcher/{file}")

    def pooled(self, record: TypeRecord) -> np.ndarray:
        """What formats 1 to 6 added up of the tasks of a type, float64, checked against its hash."""
        content = self.dispatcher_file(record.pooled, record.pooled_sha256, record.width * (record.width + 1) * 4)
        return read_triangle(content, record.width, "<f8", f"{self.where}/dispatcher/{record.pooled}")

    def holds(self, name: str) -> bool:
        """Whether there is, or may be, a file of this name in `dispatcher/`."""
        return self.objects.holds(f"dispatcher/{name}")

    def dispatcher_file(self, name: str, sha256: str, most: int = LARGEST_FILE) -> bytes:
        """Content of a file in `dispatcher/`, of so many bytes at most, checked against its hash."""
        where = f"{self.where}/dispatcher/{name}"
        try:
            content = self.objects.blob(f"dispatcher/{name}", sha256, most)
        except OSError as error:
            raise self._unreadable(where, "readable", error, name) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreError(where, expected="content that matches its hash", got="a changed or cut file", do=RESTORE)
        return content

    def _append_columns(self, before: Manifest, after: Manifest, change: Change) -> dict[str, TypeRecord]:
        """Append the rows of a version, and give its types with the segments that their columns are in by then."""
        types = dict(after.types)
        for key, record in after.types.items():
            if record.columns in change.columns:
                first, rows = change.columns[record.columns]
                known = before.types.get(key)
                earlier = known.segments if known is not None and known.columns == record.columns else ()
                name, content = f"dispatcher/{record.columns}", rows.astype("<f4").tobytes()
                types[key] = replace(record, segments=self.objects.append(name, first, record.width, content, earlier))
        return types

    def _write_parts(self, change: Change, pages: Mapping[str, bytes]) -> None:
        """Write what else a version needs."""
        bundles = [
            Bundle(part.hash, part.kind.files.suffix, part.payload or b"", _describe(part.kind.name, part.config))
            for part in change.components
        ]
        files = {f"dispatcher/{name}": content for name, content in change.files.items()}
        self.objects.write_parts(bundles, files | {f"{PAGES}/{name}.json": content for name, content in pages.items()})

    def _described(self, name: str) -> tuple[str, Config, Path, bytes]:
        """A component's kind, its configuration, where its content is, and the description that says so."""
        try:
            content, path = self.objects.component(name)
            head = json.loads(content)
            kind, config = head["kind"], dict(head["config"])
            if _describe(kind, config) != content:
                raise ValueError("changed after it was written")
            return kind, config, path, content
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._unreadable(f"component {name[:12]}: {name}.json", "its kind and configuration", error, name) from error

    def _unreadable(self, what: str, expected: str, error: Exception, name: str) -> StoreError:
        """The error for an object that cannot be read.

        Args:
            name: of the component, or of the file in `dispatcher/`. What the present version does not name went by a `gc`.
        """
        got = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        if not isinstance(error, FileNotFoundError):
            full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
            return StoreError(what, expected=expected, got=got, do="" if full else RESTORE)
        with suppress(StoreError):
            present = self.read()
            if name not in present.components and not any(name in record.files for record in present.types.values()):
                return ConflictError(what, expected=expected, got=got, do=AGAIN)
        return StoreError(what, expected=expected, got=got, do=BEHIND)

    def _is_beneath(self, content: bytes, version: int) -> bool:
        """Whether this is a version on which others have been built since: then it was written, and the answer was lost."""
        with suppress(OSError):
            return not self.objects.takes_turns and self.history.content(version) == content
        return False

    def _may_stand(self, manifest: Manifest) -> bool:
        try:
            return self.read().version >= manifest.version
        except StoreError:
            return True  # parts too many do no harm, parts too few do


def _describe(kind: str, config: Config) -> bytes:
    """Content of the file beside a component's weights."""
    return canonical_json({"kind": kind, "config": dict(config)}).encode()
