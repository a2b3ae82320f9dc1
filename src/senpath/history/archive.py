"""One task in one file: a zip archive of a network that has this task alone, with a list of what is in it."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from senpath.errors import FormatVersionError, InputError, SenpathError, StoreError, TaskExistsError
from senpath.history.checkout import Checkout, verify
from senpath.inputs.modalities.table import same_columns, table_columns
from senpath.progress import silent
from senpath.routing import TaskStatistics
from senpath.snapshot.examples import check_task
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.view import TaskInfo, View, task_info
from senpath.store import Change, Manifest, Store
from senpath.store.copies import contents
from senpath.store.files import explained, replacing, require_free
from senpath.store.folder import MANIFEST
from senpath.store.manifest import CHECKSUM, STRICT, dump_manifest
from senpath.types import DataType

FORMAT, FORMAT_VERSION = "senpath-task", 1
HEAD = "task.json"
LARGEST_HEAD = 2**24
MEMBER = re.compile(r"network\.json|components/[0-9a-f]{64}\.(json|safetensors|skops)|dispatcher/[a-z0-9-]+\.(columns|pooled)")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of all members, so that one task makes one file whenever it is exported."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError, KeyError)
"""What reading a damaged archive may end in."""


@dataclass(frozen=True)
class _Member:
    """One file of the archive."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class _Head:
    """What the archive says of itself."""

    format: str
    format_version: int
    members: dict[str, _Member]

    __pydantic_config__ = STRICT


_HEAD = TypeAdapter(_Head)


def export(checkout: Checkout, task: str, path: Path, *, overwrite: bool) -> None:
    """Write a task's file; see `Network.export`.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if the file is there and may not be replaced.
        StoreError: if it cannot be written, or a file of the network is damaged.
    """
    store, view = checkout.store, checkout.view
    view.pathway(task)
    require_free(path, overwrite, "an exported task", is_task_file)
    manifest, change = _alone(store, view, task)
    files = {MANIFEST: dump_manifest(manifest)[0], **dict(contents(store, manifest, change))}
    with explained(f"exporting task {task!r} to {path}"), replacing(path) as file:
        _fill(file, {HEAD: _dump_head(files), **files}.items())


def import_task(checkout: Checkout, path: Path, name: str | None) -> TaskInfo:
    """Commit the task of a file; see `Network.import_task`.

    Raises:
        StoreError: if the file is damaged or no exported task.
        FormatVersionError: if a newer senpath wrote it.
        TaskExistsError: if the name is taken.
        InputError: if the network has the task's data type with another encoding or other features, or dispatches in a way that
            the file is not made for.
    """
    checkout.refresh()
    view = checkout.view
    with _opened(path) as (source, manifest):
        task = next(iter(manifest.tasks)) if name is None else name
        try:
            check_task(task, view)
        except TaskExistsError as error:
            got = "one the network has learned"
            raise TaskExistsError(f"task {task!r}", expected="a new name", got=got, do="Give another one with name=…") from error
        with _blamed(path, source.path):
            theirs = View(source, manifest, torch.device("cpu"))
            verify(source, theirs, silent)
            theirs.dispatcher(next(iter(manifest.types)))
        checkout.commit(_proposal(source, theirs, view, task))
    return task_info(checkout.view, task)


def is_task_file(path: Path) -> bool:
    """Whether `export` wrote this file, of whatever format version; it may be damaged."""
    with suppress(*UNREADABLE), zipfile.ZipFile(path) as archive:
        head = from_json(_read(archive, HEAD, LARGEST_HEAD))
        return isinstance(head, dict) and head.get("format") == FORMAT
    return False


def _alone(store: Store, view: View, task: str) -> tuple[Manifest, Change]:
    """The manifest of a network that has this task alone, and its statistics.

    The task's own covariance is not kept apart from the others of its type, so their mean stands for it.
    """
    record, pathway = view.tasks[task], view.pathway(task)
    kind, kept = view.manifest.types[pathway.data_type], record.statistics
    everything = store.columns(kind)
    store.check_columns(everything, kind, kept)
    rows = np.array(everything[kept.first : kept.first + kept.rows])
    mean = (store.pooled(kind) / kind.summed).tobytes()
    columns, pooled = f"{pathway.data_type}.columns", f"{pathway.data_type}.pooled"
    alone = replace(
        kind, columns=columns, rows=kept.rows, pooled=pooled, pooled_sha256=hashlib.sha256(mean).hexdigest(), summed=1, metric=None
    )
    names = sorted(pathway.references | {kind.features} | ({kept.gate} if kept.gate is not None else set()))
    manifest = Manifest(
        version=1,
        settings=view.manifest.settings,
        components={name: view.manifest.components[name] for name in names},
        types={pathway.data_type: alone},
        tasks={task: replace(record, statistics=replace(kept, first=0), version=1)},
    )
    return manifest, Change((), {columns: (0, rows)}, {pooled: mean})


def _proposal(source: Store, theirs: View, view: View, task: str) -> Proposal:
    old, record = next(iter(theirs.tasks.items()))
    key, kept = record.pathway.data_type, record.statistics
    kind = theirs.manifest.types[key]
    _require_same_type(view, kind.data_type, kind.features)
    gated = view.settings.dispatcher == "binary"
    if gated and kept.gate is None:
        raise InputError(
            f"task {old!r}", expected="one with a gate, as dispatcher 'binary' needs", got="one without", do="Learn it from examples"
        )
    parts = {name: theirs.with_payload(name) for name in record.pathway.references}
    statistics = TaskStatistics(
        columns=np.array(source.columns(kind)),
        counts=np.array(kept.counts),
        pooled=source.pooled(kind),
        figures=kept.figures,
        gate=theirs.with_payload(kept.gate) if gated and kept.gate is not None else None,
    )
    return Proposal(
        version=view.version,
        pathways=(replace(record.pathway, task=task),),
        components=tuple(parts.values()),
        statistics={task: statistics},
        types={} if key in view.manifest.types else {key: (kind.data_type, theirs.with_payload(kind.features))},
        entry={"imported": old},
    )


def _require_same_type(view: View, data_type: DataType, features: str) -> None:
    record = view.manifest.types.get(data_type.key)
    if record is None and data_type.modality == "table":  # one of them may have an older key
        record = next((view.manifest.types[kind.key] for kind in same_columns(table_columns(data_type), view.types.values())), None)
    if record is None:
        shape = view.settings.image_shape
        if data_type.form == "image" and shape is not None and data_type != DataType("image", tuple(shape)):
            raise InputError("images of the task", expected=f"shape {shape}, as the network has", got=f"shape {data_type.shape}")
        return
    do = "Import it into a network whose first task of this type came from the same network"
    if record.data_type != data_type:
        got = f"shape {data_type.shape}" if data_type.shape != record.data_type.shape else "other options of it"
        raise InputError(f"data type {data_type.key!r}", expected=f"the network's encoding, shape {record.data_type.shape}", got=got, do=do)
    if record.features != features:
        expected = f"the network's feature map {record.features[:12]}"
        raise InputError(f"data type {data_type.key!r}", expected=expected, got=f"feature map {features[:12]}", do=do)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Store, Manifest]]:
    """The network that the archive holds, unpacked while this is open."""
    with tempfile.TemporaryDirectory(prefix="senpath-", ignore_cleanup_errors=True) as folder:
        _unpack(path, Path(folder))
        store = Store(Path(folder))
        with _blamed(path, store.path):
            manifest = store.read()
        if len(manifest.tasks) != 1:
            raise StoreError(f"task file {path}", expected="one task", got=f"{len(manifest.tasks)}")
        yield store, manifest


@contextmanager
def _blamed(path: Path, folder: Path) -> Iterator[None]:
    """What is wrong with the unpacked files is wrong with the archive."""
    try:
        yield
    except FormatVersionError:
        raise FormatVersionError(f"task file {path}", expected="a format that is known", got="a newer one", do=UPGRADE) from None
    except SenpathError as error:
        got = str(error).replace(f"{folder}{os.sep}", "")
        raise StoreError(f"task file {path}", expected="parts that fit each other", got=got, do=AGAIN) from error


def _unpack(path: Path, folder: Path) -> None:
    """Write the members that the head lists, and nothing else, into a folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            head = _parse_head(_read(archive, HEAD, LARGEST_HEAD), path)
            for part in ("components", "dispatcher"):
                (folder / part).mkdir()
            for name, member in head.members.items():
                content = _read(archive, name, member.bytes)
                if not MEMBER.fullmatch(name) or hashlib.sha256(content).hexdigest() != member.sha256:
                    raise ValueError(f"another {name}")
                (folder / name).write_bytes(content)
    except SenpathError:
        raise
    except FileNotFoundError as error:
        raise StoreError(f"task file {path}", expected="a file", got="nothing of that name") from error
    except UNREADABLE as error:
        raise _foreign(path, f"{type(error).__name__}: {error}") from error


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Content of a member, which is stored as it is, so that it is no longer than the archive."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
        raise ValueError(f"{name} of {member.file_size} bytes, compression {member.compress_type}")
    with archive.open(member) as file:
        return file.read()


def _dump_head(files: dict[str, bytes]) -> bytes:
    members = {name: _Member(len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()}
    body = _HEAD.dump_json(_Head(FORMAT, FORMAT_VERSION, members))[:-1]
    return body + CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def _parse_head(content: bytes, path: Path) -> _Head:
    head = from_json(content)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise _foreign(path, "another archive")
    version = head.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise FormatVersionError(f"task file {path}", expected=f"format version {FORMAT_VERSION} or older", got=version, do=UPGRADE)
    body, _, rest = content.rpartition(CHECKSUM)
    if rest != hashlib.sha256(body).hexdigest().encode() + b'"}\n':
        raise _foreign(path, f"a {HEAD} that was changed")
    try:
        return _HEAD.validate_json(body + b"}")
    except ValidationError as error:
        first = error.errors()[0]
        raise _foreign(path, f"{first['msg']} at {'.'.join(map(str, first['loc']))} of {HEAD}") from error


def _foreign(path: Path, got: str) -> StoreError:
    return StoreError(f"task file {path}", expected="an exported task, whole", got=got, do=AGAIN)


def _fill(file: IO[bytes], files: Iterable[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


AGAIN = "Copy or export it again"
UPGRADE = "Upgrade senpath"
