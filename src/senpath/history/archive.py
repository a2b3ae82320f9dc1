"""One task in one file: a zip archive of a network that has this task alone, with a list of what is in it."""

from __future__ import annotations

import hashlib
import os
import re
import struct
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

from senpath.confined import BLOCK, LARGEST_FILE, open_plain
from senpath.errors import FormatVersionError, InputError, SenpathError, StoreError, TaskExistsError
from senpath.history.checkout import Checkout, verify
from senpath.inputs.modalities.picture_types import beside, encodes_as
from senpath.inputs.modalities.table import same_columns, table_columns
from senpath.pathways import Link
from senpath.progress import silent
from senpath.routing import TaskStatistics, is_covariance
from senpath.snapshot.dispatchers import mean_covariance
from senpath.snapshot.examples import check_task
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.task_info import TaskInfo, task_info
from senpath.snapshot.view import View
from senpath.store import Change, Manifest, Store, TypeRecord
from senpath.store.copies import contents
from senpath.store.files import explained, replacing, require_free, scratch_folder
from senpath.store.manifest import CHECKSUM, dump_manifest
from senpath.store.pages import LARGEST
from senpath.store.records import STRICT, covariance_file
from senpath.store.store import MANIFEST
from senpath.types import DataType

FORMAT, FORMAT_VERSION = "senpath-task", 2
HEAD = "task.json"
LARGEST_HEAD = 2**24
COMPONENT, STATISTICS = r"components/[0-9a-f]{64}\.(json|safetensors|skops)", r"dispatcher/[a-z0-9-]{1,100}\.(columns|covariance|pooled)"
MEMBER = re.compile(rf"network\.json|{COMPONENT}|{STATISTICS}")
MOST_MEMBERS, DIRECTORY = 2**14, 2**22
"""Members of an archive, and bytes of the list of them at its end, at most."""
MEMBER_HEADER = 30
"""Bytes in front of a member's name."""
END = struct.Struct("<4s4H2LH")
"""The last record of a zip archive: signature, disks, entries, bytes and place of the list, length of a comment."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of all members, so that one task makes one file whenever it is exported."""
ELSEWHERE = "elsewhere"
"""Identity of a task of another network that is not known."""
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


def export(store: Store, view: View, task: str, path: Path, *, overwrite: bool) -> None:
    """Write a task's file; see `Network.export`.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if the file is there and may not be replaced.
        StoreError: if it cannot be written, or a file of the network is damaged.
    """
    view.pathway(task)
    require_free(path, overwrite, "an exported task", is_task_file)
    manifest, change = _alone(store, view, task)
    files = {MANIFEST: dump_manifest(manifest, inline=LARGEST)[0], **dict(contents(store, manifest, change))}
    with explained(f"exporting task {task!r} to {path}"), replacing(path) as file:
        _fill(file, {HEAD: _dump_head(files), **files}.items())


def import_task(checkout: Checkout, path: Path, name: str | None, *, trust: bool = False) -> TaskInfo:
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
    with _opened(path, trust=trust) as (source, manifest):
        task = next(iter(manifest.tasks)) if name is None else name
        try:
            check_task(task, view)
        except TaskExistsError as error:
            got = "one the network has learned"
            raise TaskExistsError(f"task {task!r}", expected="a new name", got=got, do="Give another one with name=…") from error
        with _blamed(path, source.where):
            theirs = View(source, manifest, torch.device("cpu"))
            verify(source, theirs, silent)
            theirs.dispatcher(next(iter(manifest.types)))
        return task_info(checkout.commit(_proposal(source, theirs, view, task)), task)


def is_task_file(path: Path) -> bool:
    """Whether `export` wrote this file, of whatever format version; it may be damaged."""
    with suppress(*UNREADABLE), _archive(path) as archive:
        head = from_json(_read(archive, HEAD, LARGEST_HEAD))
        return isinstance(head, dict) and head.get("format") == FORMAT
    return False


def _alone(store: Store, view: View, task: str) -> tuple[Manifest, Change]:
    """The manifest of a network that has this task alone, and its statistics.

    Where no covariance is kept of the task, the mean of those of its type stands for it.
    """
    record, pathway = view.tasks[task], view.pathway(task)
    kind, kept = view.manifest.types[pathway.data_type], record.statistics
    everything = store.columns(kind)
    store.check_columns(everything, kind, kept)
    rows = np.array(everything[kept.first : kept.first + kept.rows])
    covariances, files, columns = {}, {}, f"{pathway.data_type}.columns"
    if kind.covariances or kind.pooled:
        content = mean_covariance(store, kind, [task] if task in kind.covariances else None).astype("<f4").tobytes()
        covariances[task] = hashlib.sha256(content).hexdigest()
        files[covariance_file(covariances[task])] = content
    alone = TypeRecord(kind.data_type, kind.features, kept.rows, kind.width, columns, covariances)
    names = sorted(pathway.references | {kind.features} | ({kept.gate} if kept.gate is not None else set()))
    manifest = Manifest(
        version=1,
        settings=view.manifest.settings,
        components={name: view.manifest.components[name] for name in names},
        types={pathway.data_type: alone},
        tasks={task: replace(record, statistics=replace(kept, first=0), version=1)},
    )
    return manifest, Change((), {columns: (0, rows)}, files)


def _proposal(source: Store, theirs: View, view: View, task: str) -> Proposal:
    old, record = next(iter(theirs.tasks.items()))
    key, kept = record.pathway.data_type, record.statistics
    kind = theirs.manifest.types[key]
    data_type = _type_here(view, kind.data_type, kind.features)
    gated = view.settings.dispatcher == "binary"
    if gated and kept.gate is None:
        raise InputError(
            f"task {old!r}", expected="one with a gate, as dispatcher 'binary' needs", got="one without", do="Learn it from examples"
        )
    links = tuple(_known(link, view) for link in record.pathway.links)
    pathway = replace(record.pathway, task=task, data_type=data_type.key, links=links, id=record.pathway.identity)
    parts = {name: theirs.with_payload(name) for name in record.pathway.references}
    statistics = TaskStatistics(
        columns=np.array(source.columns(kind)),
        counts=np.array(kept.counts),
        covariance=_covariance(source, kind),
        figures=kept.figures,
        gate=theirs.with_payload(kept.gate) if gated and kept.gate is not None else None,
        owners=kept.owners,
    )
    return Proposal(
        version=view.version,
        pathways=(pathway,),
        components=tuple(parts.values()),
        statistics={task: statistics},
        types={} if data_type.key in view.types else {data_type.key: (data_type, theirs.with_payload(kind.features))},
        descriptions={task: record.description},
        entry={"imported": old},
    )


def _known(link: Link, view: View) -> Link:
    """A link that says which task it reads from: one of this network has its name by chance, unless it has the layers too."""
    source = view.tasks[link.source].pathway if link.source in view.tasks else None
    here = source is not None and source.components[: len(link.reads)] == link.reads
    return link if link.source_id or here else replace(link, source_id=ELSEWHERE)


def _covariance(source: Store, kind: TypeRecord) -> np.ndarray | None:
    """Of the only task; anyone may have written the file."""
    if not kind.covariances and not kind.pooled:
        return None
    packed = mean_covariance(source, kind)
    if not is_covariance(packed, kind.width):
        raise StoreError(f"covariance of {kind.data_type.key}", expected="that of numbers", got="a matrix that is none", do=AGAIN)
    return packed.astype("<f4")


def _type_here(view: View, data_type: DataType, features: str) -> DataType:
    """The type that inputs of a task of another network's type are of in this one: one that it has, or a new one.

    Raises:
        InputError: if this network encodes such inputs otherwise, or has another feature map for them.
    """
    fixed = view.settings.image_shape
    known = list(view.types.values())
    if data_type.modality == "image" and (fixed is None or data_type.form != "image"):
        same = [kind for kind in known if kind.modality == "image" and encodes_as(kind, data_type)]
        here = same[0] if same else beside(data_type, [kind for kind in known if kind.modality == "image"])
    elif data_type.modality == "table":  # one of them may have an older key
        here = next(iter(same_columns(table_columns(data_type), known)), data_type)
    else:
        here = view.types.get(data_type.key, data_type)
    record = view.manifest.types.get(here.key)
    if record is None:
        if data_type.form == "image" and fixed is not None and data_type != DataType("image", tuple(fixed)):
            raise InputError("images of the task", expected=f"shape {fixed}, as the network has", got=f"shape {data_type.shape}")
        if "name" in here.options and here.encoder is not None:
            view.encoders.of(here)  # pictures without a task will be read through it too
        return here
    do = "Import it into a network whose first task of this type came from the same network"
    if not encodes_as(here, data_type):
        got = f"shape {data_type.shape}" if data_type.shape != here.shape else "other options of it"
        raise InputError(f"data type {data_type.key!r}", expected=f"the network's encoding, shape {here.shape}", got=got, do=do)
    if record.features != features:
        expected = f"the network's feature map {record.features[:12]}"
        raise InputError(f"data type {data_type.key!r}", expected=expected, got=f"feature map {features[:12]}", do=do)
    return here


@contextmanager
def _opened(path: Path, *, trust: bool) -> Iterator[tuple[Store, Manifest]]:
    """The network that the archive holds, unpacked while this is open."""
    with scratch_folder() as folder:
        _unpack(path, folder)
        store = Store(folder, trust=trust)
        with _blamed(path, folder):
            manifest = store.read()
        if len(manifest.tasks) != 1:
            raise StoreError(f"task file {path}", expected="one task", got=f"{len(manifest.tasks)}")
        yield store, manifest


@contextmanager
def _blamed(path: Path, folder: Path | str) -> Iterator[None]:
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
        with _archive(path) as archive:
            head = _parse_head(_read(archive, HEAD, LARGEST_HEAD), path)
            for part in ("components", "dispatcher"):
                (folder / part).mkdir()
            for name, member in head.members.items():
                _unpack_member(archive, name, member, folder)
    except SenpathError:
        raise
    except FileNotFoundError as error:
        raise StoreError(f"task file {path}", expected="a file", got="nothing of that name") from error
    except UNREADABLE as error:
        raise _foreign(path, f"{type(error).__name__}: {error}") from error


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive as `export` makes it: members stored as they are, one behind the other, so that they are no longer than the file.

    Raises:
        ValueError: if it is another one.
    """
    with open_plain(path.resolve(), most=2**63) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END.size))
        last = file.read()
        signature, _, _, _, entries, listed, _, _ = END.unpack(last) if len(last) == END.size else (b"",) * 8
        if signature != b"PK\5\6":
            raise zipfile.BadZipFile("no zip archive that ends with the list of its members")
        if entries > MOST_MEMBERS or listed > DIRECTORY:
            raise ValueError(f"{entries} members")
        with zipfile.ZipFile(file) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.header_offset)
            ends = [member.header_offset + MEMBER_HEADER + len(member.filename) + member.compress_size for member in members]
            starts = [*(member.header_offset for member in members[1:]), size]
            apart = all(end <= start for end, start in zip(ends, starts, strict=True))
            if not apart or len({member.filename for member in members}) < len(members):
                raise ValueError("members that overlap, or have one name")
            yield archive


def _stored(archive: zipfile.ZipFile, name: str, most: int) -> zipfile.ZipInfo:
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size or member.file_size > most:
        raise ValueError(f"{name} of {member.file_size} bytes, compression {member.compress_type}")
    return member


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(_stored(archive, name, most)) as file:
        return file.read(most)


def _unpack_member(archive: zipfile.ZipFile, name: str, member: _Member, folder: Path) -> None:
    stored = _stored(archive, name, min(member.bytes, LARGEST_FILE))
    if not MEMBER.fullmatch(name):
        raise ValueError(f"another {name}")
    digest, length = hashlib.sha256(), 0
    with archive.open(stored) as file, open_plain(folder / name, new=True) as copy:
        while block := file.read(BLOCK):
            digest.update(block)
            length += copy.write(block)
    if digest.hexdigest() != member.sha256 or length != member.bytes:
        raise ValueError(f"another {name}")


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
