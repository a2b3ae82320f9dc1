"""A folder with a subfolder per class, or with files and a table of their labels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from senpath.errors import InputError
from senpath.inputs.sources.found import Data, Refusals, counted
from senpath.inputs.sources.media import MODALITY, NAMES, look

LABEL_TABLES = ("metadata.csv", "labels.csv", "metadata.tsv", "labels.tsv", "metadata.jsonl", "labels.jsonl", "metadata.parquet")
"""Names of the table beside the files; the first that is there counts."""
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
"""Subfolders of these names are parts of a data set, not classes."""


def label_table(folder: Path) -> Path | None:
    """The table of labels in a folder, if there is one."""
    return next((folder / name for name in LABEL_TABLES if (folder / name).is_file()), None)


def read_folder(folder: Path, modality: str | None, refusals: Refusals) -> Data:
    """Pictures, sounds or texts; the first subfolder on the way to a file names its class.

    Args:
        modality: of the files to take; None takes what there is, if it is of one kind.

    Raises:
        InputError: if there is nothing to learn, it is of several kinds, or a file cannot be read.
    """
    classes = sorted(_class_folders(folder))
    if classes and {child.name.lower() for child in classes} <= PARTS:
        training = next((part for part in classes if part.name.lower().startswith("train")), classes[0])
        do = f"Choose one of them, such as {training}"
        raise InputError(f"folder {folder}", expected="a subfolder per class", got=f"{_named(classes)}, parts of a data set", do=do)
    found = [(child.name, file) for child in classes for file in _files_below(child)]
    known = [(label, file) for label, file in found if file.suffix.lower() in MODALITY]
    modality = modality or _one_modality(folder, [file for _, file in known])
    chosen = [(label, file) for label, file in known if MODALITY[file.suffix.lower()] == modality]
    if not chosen:
        do = "Files beside a table of their labels need metadata.csv with the columns file_name and label"
        raise InputError(f"folder {folder}", expected="a subfolder per class with pictures, sounds or texts", got="none", do=do)
    places, items, about = look([(str(file.relative_to(folder)), str(file), file) for _, file in chosen], modality, refusals)
    refusals.require_some(len(items), f"folder {folder}")
    labels = np.array([chosen[place][0] for place in places])
    others = len(found) - len(chosen)
    ignored = f"; {counted(others, 'file')} of other kinds left out" if others else ""
    return Data(items, labels, modality, f"{about} in {counted(len({*labels}), 'folder')}{ignored}", tuple(refusals.skipped))


def _class_folders(folder: Path) -> Iterator[Path]:
    """A link to a folder is one too, unless it leads back."""
    for child in folder.iterdir():
        if child.is_dir() and not child.name.startswith(".") and not folder.resolve().is_relative_to(child.resolve()):
            yield child


def _files_below(folder: Path) -> Iterator[Path]:
    """All files, sorted; links to folders, which may lead round, are not followed."""

    def stop(error: OSError) -> None:
        raise InputError(f"folder {folder}", expected="one that can be read", got=str(error)) from error

    for place, folders, files in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from sorted(Path(place, name) for name in files if not name.startswith("."))


def _one_modality(folder: Path, files: list[Path]) -> str:
    """What the files are, if all are of one kind; any if there are none."""
    first = {MODALITY[file.suffix.lower()]: file for file in reversed(files)}
    if len(first) > 1:
        got = " and ".join(f"{NAMES[modality][1]} ({file.relative_to(folder)})" for modality, file in sorted(first.items()))
        do = f"Learn a task of each: modality={' or '.join(map(repr, sorted(first)))} takes these alone"
        raise InputError(f"folder {folder}", expected="one data type", got=got, do=do)
    return next(iter(first), "image")


def _named(folders: list[Path]) -> str:
    return " and ".join(repr(folder.name) for folder in folders[:3])
