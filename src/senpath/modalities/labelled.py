"""Labelled data as people have it: arrays, a torch Dataset or DataLoader, a folder with one subfolder a class, a table in a file."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from senpath.errors import InputError
from senpath.modalities.kinds import IMAGE_FILES, SOUND_FILES

LABEL_COLUMN = "label"


def read_labelled(x: Any, y: Any = None) -> tuple[Any, Any]:
    """Raw inputs and their labels.

    Args:
        x: inputs, with `y` their labels; or, without `y`, a torch Dataset of pairs, a DataLoader of batches of pairs, a folder whose
            subfolders are named after the classes, a `.csv` with a column "label" (else its last), or a `.npz` with arrays x and y.

    Raises:
        InputError: for anything else, or if a file cannot be read.
    """
    if isinstance(x, DataLoader | Dataset):
        _refuse_labels(y, type(x).__name__)
        return _from_batches(x) if isinstance(x, DataLoader) else _from_dataset(x)
    if isinstance(x, str | Path):
        _refuse_labels(y, "a path")
        return _from_path(Path(x))
    if y is None:
        raise InputError(
            "labels y", expected="one label per input", got="None", do="Pass y, or a folder, file, Dataset or DataLoader that holds both"
        )
    return x, y


def _refuse_labels(y: Any, what: str) -> None:
    if y is not None:
        raise InputError("labels y", expected=f"None beside {what}, which holds its own labels", got=type(y).__name__)


def _from_dataset(data: Dataset[Any]) -> tuple[Any, Any]:
    if not hasattr(data, "__len__"):
        raise InputError("torch Dataset", expected="one with a length", got=f"{type(data).__name__} without", do="Put it into a DataLoader")
    pairs = [_pair(data[index], f"item {index} of the Dataset") for index in range(len(data))]
    return [_input(x) for x, _ in pairs], [_scalar(y) for _, y in pairs]


def _from_batches(loader: DataLoader[Any]) -> tuple[Any, Any]:
    inputs: list[Any] = []
    labels: list[Any] = []
    for index, batch in enumerate(loader):
        x, y = _pair(batch, f"batch {index} of the DataLoader")
        inputs.extend(_input(item) for item in x)
        labels.extend(_scalar(item) for item in y)
    return inputs, labels


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise InputError(what, expected="inputs and labels, (x, y)", got=f"a {type(value).__name__} without labels")
    return value[0], value[1]


def _input(item: Any) -> Any:
    return item.numpy() if isinstance(item, torch.Tensor) and item.ndim == 1 else item


def _scalar(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    if value.ndim > 1:
        raise InputError("label", expected="one number, or a row of them", got=f"shape {tuple(value.shape)}")
    return value.numpy() if value.numel() != 1 else value.item()


def _from_path(path: Path) -> tuple[Any, Any]:
    if path.is_dir():
        return _from_folder(path)
    if not path.exists():
        raise InputError(f"data {path}", expected="a folder or file", got="nothing of that name")
    if path.suffix == ".csv":
        return _from_csv(path)
    if path.suffix == ".npz":
        return _from_npz(path)
    raise InputError(f"data {path}", expected="a folder with a subfolder per class, a .csv or a .npz file", got=path.suffix or "no ending")


def _from_folder(path: Path) -> tuple[Any, Any]:
    files: list[Path] = []
    labels: list[str] = []
    for folder in sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")):
        found = sorted(file for file in folder.iterdir() if file.suffix.lower() in (*IMAGE_FILES, *SOUND_FILES, ".txt"))
        files += found
        labels += [folder.name] * len(found)
    if not files:
        raise InputError(f"folder {path}", expected="a subfolder per class with pictures, sounds or texts", got="none")
    return files, np.array(labels)


def _from_csv(path: Path) -> tuple[Any, Any]:
    header, rows = _read_csv(path)
    label = header.index(LABEL_COLUMN) if LABEL_COLUMN in header else len(header) - 1
    return _items(header, rows, label), np.array([row[label] for row in rows])


def _rows_without_labels(path: Path) -> list[Any]:
    header, rows = _read_csv(path)
    return _items(header, rows, header.index(LABEL_COLUMN) if LABEL_COLUMN in header else None)


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first column
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputError(f"table {path}", expected="a .csv in UTF-8 with a header line", got=str(error)) from error
    if not header or len(set(header)) < len(header):
        raise InputError(f"table {path}", expected="a header line of names that differ", got=header or "none")
    for number, row in enumerate(rows, start=2):
        if row and len(row) != len(header):
            raise InputError(f"table {path}, line {number}", expected=f"{len(header)} values", got=len(row))
    return header, [row for row in rows if row]


def _items(header: Sequence[str], rows: Sequence[Sequence[str]], label: int | None) -> list[Any]:
    names = [name for index, name in enumerate(header) if index != label]
    return [_row(names, [value for index, value in enumerate(row) if index != label]) for row in rows]


def _row(names: Sequence[str], values: Sequence[str]) -> Any:
    """One column named text is a text; anything else a row of a table."""
    if list(names) == ["text"]:
        return values[0]
    return {name: _number(value) for name, value in zip(names, values, strict=True)}


def _number(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


def _from_npz(path: Path, *, labels: bool = True) -> tuple[Any, Any]:
    try:
        # Opened here: given a damaged file by name, numpy leaves it open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"] if labels else None
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"arrays {path}", expected="a .npz with x and y, no objects", got=f"{type(error).__name__}: {error}") from error


def read_unlabelled(files: Sequence[Path]) -> tuple[list[str], list[Any]]:
    """Inputs to predict from files, with a name for each.

    Args:
        files: pictures, sounds, texts; or tables and arrays that hold several inputs (a label column or array is left out).

    Raises:
        InputError: if a file is missing or of another kind.
    """
    names: list[str] = []
    items: list[Any] = []
    for file in files:
        if not file.is_file():
            raise InputError(f"file {file}", expected="a file", got="a folder" if file.is_dir() else "nothing of that name")
        if file.suffix in (".csv", ".npz"):
            found = list(_rows_without_labels(file) if file.suffix == ".csv" else _from_npz(file, labels=False)[0])
            names += [f"{file.name}[{index}]" for index in range(len(found))]
            items += found
        else:
            names.append(file.name)
            items.append(file)
    return names, items
