"""Files of pictures, sounds, clips and texts: checking that each can be read, and folders of them with a subfolder per class."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from senpath.arrays import as_word
from senpath.errors import InputError
from senpath.inputs.limits import require_plain_file
from senpath.inputs.modalities import MODALITY_BY_ENDING, modality_of_file
from senpath.inputs.modalities.audio import read_recording
from senpath.inputs.modalities.clips import read_clip
from senpath.inputs.modalities.picture_files import open_picture, unreadable
from senpath.inputs.modalities.text import read_text
from senpath.inputs.sources.dataset import Data, ErrorPolicy, counted
from senpath.types import Video

NOUNS = {
    "image": ("picture", "pictures"),
    "audio": ("sound", "sounds"),
    "video": ("clip", "clips"),
    "text": ("text", "texts"),
    "table": ("row", "rows"),
}
"""What one input and several of a modality are called."""
LABEL_TABLES = ("metadata.csv", "labels.csv", "metadata.tsv", "labels.tsv", "metadata.jsonl", "labels.jsonl", "metadata.parquet")
"""Names of a table of labels beside the files; the first that exists is read."""
TABLE_ENDINGS = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".xlsm", ".npz"})
"""Endings of files that hold several inputs."""
OF_SYSTEMS = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
"""Folders that systems and network storage add for themselves."""
ENDING = re.compile(r"\.[a-z0-9]{1,8}")
"""An ending as files have it."""
NAMED = 5
"""Endings and folders that are named, at most."""


@dataclass(frozen=True)
class FileBytes:
    """The bytes of a picture, a sound file or a clip that a table holds."""

    content: bytes


Source = Path | FileBytes


@dataclass(frozen=True)
class FileSummary:
    """What one file holds.

    Args:
        item: the input that stands for it.
        format: of the file, such as "PNG".
        size: (width, height) in pixels, or (hertz, 0).
        colour: "grey" or "colour", for a picture or a clip.
    """

    item: Any
    format: str = ""
    size: tuple[int, int] = (0, 0)
    colour: str = ""


def inspect_files(files: Sequence[tuple[str, str, Source]], modality: str, policy: ErrorPolicy) -> tuple[list[int], list[Any], str]:
    """Read every file once.

    Args:
        files: for each file the place to list it under if it is skipped, the name that errors call it, and the file.

    Returns:
        Indices of the files that can be read, the inputs that stand for them, and a description.
    """
    inspect = INSPECT[modality]
    kept, summaries = [], []
    for index, (place, name, file) in enumerate(files):
        try:
            if isinstance(file, Path) and not (modality == "video" and file.is_dir()):
                require_plain_file(file, f"{modality} {name}")
            summaries.append(inspect(file, name))
            kept.append(index)
        except InputError as error:
            policy.reject(place, error)
    return kept, [summary.item for summary in summaries], _describe(summaries, modality)


def _inspect_picture(file: Source, name: str) -> FileSummary:
    try:
        with open_picture(_opened(file)) as image:
            form, size, colour = str(image.format), image.size, "grey" if image.mode[:1] in "1LIF" else "colour"
            image.draft(None, (1, 1))  # a JPEG is read to its end, and an eighth of it computed
            image.load()
        return FileSummary(file if isinstance(file, Path) else open_picture(_opened(file)), form, size, colour)
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise unreadable(f"image {name}", error, _opened(file)) from error


def _inspect_sound(file: Source, name: str) -> FileSummary:
    recording = read_recording(_opened(file), name)
    if isinstance(file, Path):
        return FileSummary(file, file.suffix[1:].upper(), (recording.rate, 0))
    return FileSummary(recording, "", (recording.rate, 0))


def _inspect_text(file: Source, name: str) -> FileSummary:
    if isinstance(file, FileBytes):
        raise InputError(f"text {name}", expected="a text, or the name of a file", got="bytes")
    if not read_text(file).strip():
        raise InputError(f"text {name}", expected="at least one word", got="none")
    return FileSummary(file)


def _inspect_clip(file: Source, name: str) -> FileSummary:
    frames = read_clip(_opened(file), name)
    size, colour = (frames.shape[2], frames.shape[1]), "colour" if bool((frames != frames[..., :1]).any()) else "grey"
    if not isinstance(file, Path):
        return FileSummary(Video(frames), "", size, colour)
    by_itself = modality_of_file(file) == "video"
    return FileSummary(file if by_itself else Video(file), "frames" if file.is_dir() else file.suffix[1:].upper(), size, colour)


INSPECT: dict[str, Callable[[Source, str], FileSummary]] = {
    "image": _inspect_picture,
    "audio": _inspect_sound,
    "video": _inspect_clip,
    "text": _inspect_text,
}


def _opened(file: Source) -> Path | BytesIO:
    return file if isinstance(file, Path) else BytesIO(file.content)


def _describe(files: Sequence[FileSummary], modality: str) -> str:
    """Such as "3 pictures (JPEG and PNG, 64×64, colour)"."""
    formats = " and ".join(sorted({file.format for file in files} - {""}))
    sizes = sorted({file.size for file in files}, key=lambda size: (size[0] * max(1, size[1]), size))
    ends = [sizes[0], sizes[-1]] if len(sizes) > 1 else sizes
    span = " to ".join(f"{first}×{second}" if modality in ("image", "video") else f"{first:,}" for first, second in ends)
    colours = " and ".join(sorted({file.colour for file in files} - {""}))
    parts = [formats, span + (" Hz" if modality == "audio" else ""), colours] if modality != "text" else []
    details = ", ".join(part for part in parts if part)
    return counted(len(files), *NOUNS[modality]) + (f" ({details})" if details else "")


def label_table(folder: Path) -> Path | None:
    """The table of labels in a folder, if there is one."""
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def require_no_files_beside(table: Path) -> None:
    """Refuse to take the rows of a table for the inputs where files are beside it: they are meant, and no column names them.

    Raises:
        InputError: if there is a picture, a sound or a clip in the table's folder or below.
    """
    for file in _files_below(table.parent):
        if modality_of_file(file) not in (None, "text"):
            got = f"none, beside {file.relative_to(table.parent)}"
            do = "Name each with its folder and its ending in a column file_name; modality='table' reads the rows alone"
            raise InputError(f"table {table}", expected="a column that names the files beside it", got=got, do=do)


def read_folder(folder: Path, modality: str | None, policy: ErrorPolicy) -> Data:
    """Read pictures, sounds, clips or texts; the first subfolder on the way to a file names its class.

    Args:
        modality: of the files to take; None takes all, which have to be of one modality. For "video" a folder of pictures within a class's
            is a clip, of which they are the frames.

    Raises:
        InputError: if there is nothing to learn, files are of several modalities, or a file cannot be read.
    """
    classes = sorted(_class_folders(folder))
    files = [(child.name, file, modality_of_file(file, modality)) for child in classes for file in _files_below(child)]
    if modality == "video":
        files = _clips(folder, files)
    told, modality = modality, modality or _one_modality(folder, [(file, held) for _, file, held in files if held])
    labelled = [(label, file) for label, file, held in files if held == modality]
    if not labelled:
        raise _nothing(folder, told, [file for child in classes for file in _files_below(child)])
    kept, items, about = inspect_files([(str(file.relative_to(folder)), str(file), file) for _, file in labelled], modality, policy)
    policy.require_some(len(items), f"folder {folder}")
    labels = np.array([as_word(labelled[index][0]) for index in kept])
    parents = {file.parent for _, file in labelled if modality == "image"}
    frames = bool(parents) and all(parent.parent != folder for parent in parents) and len(parents) < len(labelled)
    clips = f"; with modality 'video' each of {counted(len(parents), 'folder')} of pictures is a clip" if frames else ""
    others = [file for _, file, held in files if held != modality]
    empty = sorted({child.name for child in classes} - {label for label, _ in labelled})
    ignored = f"; {counted(len(others), 'file')} of other kinds{_endings(others)} left out" if others else ""
    loose = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.name.startswith(".")]
    loose = [file for file in loose if modality_of_file(file, told) == modality]
    ignored += f"; {counted(len(loose), *NOUNS[modality])} in no folder ({loose[0].name}) left out" if loose else ""
    ignored += f"; no {NOUNS[modality][0]} in {', '.join(map(repr, empty[:NAMED]))}" if empty else ""
    return Data(items, labels, modality, f"{about} in {counted(len({*labels}), 'folder')}{ignored}{clips}", tuple(policy.skipped))


def _endings(files: Sequence[Path]) -> str:
    """The first few endings of files, in brackets; those that are none, as names of strangers may have, are left out."""
    endings = sorted({ending for file in files if ENDING.fullmatch(ending := file.suffix.lower())})
    return f" ({', '.join(endings[:NAMED])})" if endings else ""


def _nothing(folder: Path, told: str | None, files: Sequence[Path]) -> InputError:
    """What is wrong with a folder that has nothing to learn from, or nothing of the modality that was told."""
    others = {modality: file for file in reversed(files) if (modality := modality_of_file(file))}
    if told is None or not others:
        got = f"none, but {counted(len(files), 'file')} of other kinds{_endings(files)}" if files else "none"
        do = "Files beside a table of their labels need metadata.csv with the columns file_name and label"
        tables = [file for file in files if file.suffix.lower() in TABLE_ENDINGS]
        if tables:
            do = f"Name a table itself, such as {tables[0]}; make one of several first"
            return InputError(f"folder {folder}", expected="a subfolder per class with pictures, sounds, clips or texts", got=got, do=do)
        do = f"Convert them; what is read: {', '.join(MODALITY_BY_ENDING)}" if _endings(files) else do
        return InputError(f"folder {folder}", expected="a subfolder per class with pictures, sounds, clips or texts", got=got, do=do)
    got = " and ".join(f"{NOUNS[modality][1]} ({file.relative_to(folder)})" for modality, file in sorted(others.items()))
    do = f"Leave out modality={told!r} (--modality {told})"
    return InputError(f"folder {folder}", expected=f"a subfolder per class with {NOUNS[told][1]}", got=got, do=do)


def _clips(folder: Path, files: Sequence[tuple[str, Path, str | None]]) -> list[tuple[str, Path, str | None]]:
    """Files, and in place of pictures the folders that hold them: each is a clip."""
    clips: dict[Path, tuple[str, Path, str | None]] = {}
    for label, file, held in files:
        if held != "image":
            clips[file] = (label, file, held)
            continue
        if file.parent.parent == folder:
            do = f"Put the frames of each clip into a folder of its own: {label}/clip-1/{file.name}"
            raise InputError(
                f"folder {folder}", expected="clips, or a folder of frames for each", got=f"a picture, {label}/{file.name}", do=do
            )
        clips.setdefault(file.parent, (label, file.parent, "video"))
    return [*clips.values()]


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is no part of a data set: hidden, or made by a system for itself."""
    return name.startswith(".") or name in OF_SYSTEMS


def _class_folders(folder: Path) -> Iterator[Path]:
    """Subfolders, and links to folders unless they lead back."""
    for child in folder.iterdir():
        if child.is_dir() and not is_hidden(child.name) and not folder.resolve().is_relative_to(child.resolve()):
            yield child


def unwrapped(folder: Path, modality: str | None, deepest: int = 8) -> Path:
    """The folder that holds the data: data is often packed into one of its own, which then holds several, or a table of labels."""
    with suppress(OSError):  # of what may not be read its reader says so
        inside = [*_class_folders(folder)]
        if deepest and len(inside) == 1 and label_table(folder) is None:
            within = unwrapped(inside[0], modality, deepest - 1)
            loose = any(modality_of_file(file) for file in within.iterdir() if file.is_file())
            classes = [child for child in _class_folders(within) if modality != "video" or _holds_clips(child)]
            if label_table(within) is not None or (not loose and len(classes) > 1):
                return within
    return folder


def _holds_clips(folder: Path) -> bool:
    """Whether there are clips in a folder, or folders of frames: it is not one of these itself."""
    return any(child.is_dir() or modality_of_file(child, "video") == "video" for child in folder.iterdir())


def _files_below(folder: Path) -> Iterator[Path]:
    """All files, sorted; links to folders, which may form a circle, are not followed."""

    def stop(error: OSError) -> None:
        raise InputError(f"folder {folder}", expected="one that can be read", got=str(error)) from error

    for parent, folders, files in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield from sorted(Path(parent, name) for name in files if not name.startswith("."))


def _one_modality(folder: Path, files: Sequence[tuple[Path, str]]) -> str:
    """The modality that all files have; "image" if there are none."""
    first = {modality: file for file, modality in reversed(files)}
    if len(first) > 1:
        got = " and ".join(f"{NOUNS[modality][1]} ({file.relative_to(folder)})" for modality, file in sorted(first.items()))
        do = f"Learn a task of each: modality={' or '.join(map(repr, sorted(first)))} takes these alone"
        raise InputError(f"folder {folder}", expected="one data type", got=got, do=do)
    return next(iter(first), "image")
