"""Rows of numbers, standardised with the mean and spread of the first task's rows. Other columns make another data type."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.modalities.base import as_array, require_finite, require_unicode
from senpath.types import DataType


class TableModality:
    """Arrays (n, columns), data frames, or lists of rows (arrays or dicts)."""

    name = "table"

    def define(self, items: Any) -> DataType:
        columns, values = read_table(items)
        scale = values.std(0, correction=0)
        options = {
            "columns": columns,
            "fingerprint": fingerprint(columns),
            "mean": values.mean(0).tolist(),
            "scale": torch.where(scale > 0, scale, 1).tolist(),
        }
        return DataType("table", (len(columns),), options)

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        columns, values = read_table(items)
        if columns != data_type.options["columns"]:
            raise InputError("table", expected=f"columns {data_type.options['columns']}", got=columns)
        mean, scale = (torch.tensor(data_type.options[name], dtype=torch.float64) for name in ("mean", "scale"))
        encoded = ((values - mean) / scale).float()
        require_finite(encoded, "standardised row")
        return encoded


def fingerprint(columns: Sequence[str]) -> str:
    """Eight hexadecimal digits that stand for the columns and their order."""
    return hashlib.sha256("\x1f".join(columns).encode()).hexdigest()[:8]


def read_table(items: Any) -> tuple[list[str], torch.Tensor]:
    """Column names and float64 (n, columns): a time stamp has more digits than float32. Arrays have the columns x0, x1, …

    Raises:
        InputError: for anything but finite numbers, or rows of different length.
    """
    if hasattr(items, "columns") and hasattr(items, "to_numpy"):
        columns, array = [str(name) for name in items.columns], items.to_numpy()
    elif len(items) and isinstance(items[0], dict):
        columns = [str(name) for name in items[0]]
        array = np.stack([_values(row, columns, index) for index, row in enumerate(items)])
    else:
        array = _stack(items)
        columns = [f"x{index}" for index in range(array.shape[1])]
    _require_names(columns)
    if array.dtype.kind not in "fiub":
        array = _to_numbers(array, columns)
    values = torch.from_numpy(np.require(array, np.float64, ["C", "W"]))
    require_finite(values.float(), "row")
    return columns, values


def _values(row: Any, columns: Sequence[str], index: int) -> np.ndarray:
    """The values of a row with names, as they are."""
    if not isinstance(row, dict) or [str(name) for name in row] != columns:
        raise InputError(f"row {index}", expected=f"columns {columns}", got=list(row) if isinstance(row, dict) else "a row without names")
    values = np.empty(len(columns), dtype=object)
    for place, value in enumerate(row.values()):
        values[place] = value
    return values


def _require_names(columns: Sequence[str]) -> None:
    if not columns:
        raise InputError("table", expected="at least one column", got="none")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise InputError("columns", expected="names that differ", got=f"{twice!r} twice")
    require_unicode(columns, "column")


def _stack(items: Any) -> np.ndarray:
    if isinstance(items, torch.Tensor):
        items = as_array(items)
    elif not isinstance(items, np.ndarray):
        shapes = {np.shape(row) for row in items}
        if len(shapes) != 1:
            raise InputError("rows", expected="all of one length", got=f"shapes {sorted(shapes)}")
        items = np.stack([as_array(row) if isinstance(row, torch.Tensor) else np.asarray(row) for row in items])
    if items.ndim != 2 or not items.shape[1]:
        raise InputError("table", expected="shape (rows, columns)", got=f"shape {items.shape}")
    return np.asarray(items)


def _to_numbers(array: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    if array.dtype.kind not in "OUS":
        raise InputError("table", expected="numbers", got=f"dtype {array.dtype}")
    for index, name in enumerate(columns):
        try:
            array[:, index].astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"column {name!r}", expected="numbers", got=str(error), do="Encode words as numbers first") from error
    return array.astype(np.float64)
