"""Rows of numbers, standardised with the mean and spread of the first task's rows. Other columns make another data type."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.modalities.base import require_finite
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
            "mean": values.double().mean(0).tolist(),
            "scale": torch.where(scale > 0, scale, 1).tolist(),
        }
        return DataType("table", (len(columns),), options)

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        columns, values = read_table(items)
        if columns != data_type.options["columns"]:
            raise InputError("table", expected=f"columns {data_type.options['columns']}", got=columns)
        mean, scale = (torch.tensor(data_type.options[name], dtype=torch.float32) for name in ("mean", "scale"))
        return (values - mean) / scale


def fingerprint(columns: Sequence[str]) -> str:
    """Eight hexadecimal digits that stand for the columns and their order."""
    return hashlib.sha256("\x1f".join(columns).encode()).hexdigest()[:8]


def read_table(items: Any) -> tuple[list[str], torch.Tensor]:
    """Column names and float32 (n, columns). Arrays have the columns x0, x1, …

    Raises:
        InputError: for anything but finite numbers, or rows of different length.
    """
    if hasattr(items, "columns") and hasattr(items, "to_numpy"):
        columns, array = [str(name) for name in items.columns], items.to_numpy()
    elif len(items) and isinstance(items[0], dict):
        columns = [str(name) for name in items[0]]
        for index, row in enumerate(items):
            if [str(name) for name in row] != columns:
                raise InputError(f"row {index}", expected=f"columns {columns}", got=list(row))
        array = np.array([list(row.values()) for row in items])
    else:
        array = _stack(items)
        columns = [f"x{index}" for index in range(array.shape[1])]
    if array.dtype.kind not in "fiub":
        array = _to_numbers(array, columns)
    values = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    require_finite(values, "row")
    return columns, values


def _stack(items: Any) -> np.ndarray:
    if isinstance(items, torch.Tensor):
        items = items.detach().cpu().numpy()
    elif not isinstance(items, np.ndarray):
        lengths = {len(row) for row in items}
        if len(lengths) != 1:
            raise InputError("rows", expected="all of one length", got=f"lengths {sorted(lengths)}")
        items = np.stack([np.asarray(row) for row in items])
    if items.ndim != 2 or not items.shape[1]:
        raise InputError("table", expected="shape (rows, columns)", got=f"shape {items.shape}")
    return np.asarray(items)


def _to_numbers(array: np.ndarray, columns: Sequence[str]) -> np.ndarray:
    for index, name in enumerate(columns):
        try:
            array[:, index].astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"column {name!r}", expected="numbers", got=str(error), do="Encode words as numbers first") from error
    return array.astype(np.float64)
