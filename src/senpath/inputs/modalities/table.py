"""Rows of numbers and of words of few values. Other columns make another data type.

Numbers are standardised with the mean and spread of the first task's rows; a word becomes a 1 among 0s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array, require_finite, require_unicode
from senpath.errors import InputError
from senpath.inputs.modalities.columns import different_words, read_column, wrong_value
from senpath.inputs.modalities.rows import Rows
from senpath.types import DataType


class TableModality:
    """Arrays (n, columns), data frames, `Rows`, or lists of rows (arrays or dicts).

    Columns with names may come in any order.
    """

    name = "table"

    def define(self, items: Any) -> DataType:
        table = read_table(items)
        columns = {name: read_column(name, values) for name, values in zip(table.names, table.columns, strict=True)}
        categories = {name: different_words(name, column.values.tolist()) for name, column in columns.items() if column.words}
        for name, words in categories.items():
            require_unicode(words, f"column {name!r}, word")
        values = _matrix(table, categories)
        counted = torch.tensor([name in categories for name in table.names for _ in categories.get(name, [name])])
        scale = values.std(0, correction=0)
        options = {
            "columns": table.names,
            "fingerprint": fingerprint(table.names),
            "mean": torch.where(counted, 0, values.mean(0)).tolist(),
            "scale": torch.where((scale > 0) & ~counted, scale, 1).tolist(),
        }
        return DataType("table", (values.shape[1],), {**options, "categories": categories} if categories else options)

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        table, options = read_table(items), data_type.options
        if sorted(table.names) != sorted(options["columns"]):
            raise InputError("table", expected=f"columns {options['columns']}", got=table.names)
        values = _matrix(table.ordered(options["columns"]), options.get("categories", {}))
        mean, scale = (torch.tensor(options[name], dtype=torch.float64) for name in ("mean", "scale"))
        encoded = ((values - mean) / scale).float()
        require_finite(encoded, "standardised row")
        return encoded


@dataclass(frozen=True)
class Table:
    """Columns as they were given.

    Args:
        names: of the columns; those of an array are x0, x1, …
        columns: an array of values each.
        named: whether the names are the user's.
    """

    names: list[str]
    columns: Sequence[np.ndarray]
    named: bool = True

    def ordered(self, names: list[str]) -> Table:
        """The same columns in this order."""
        places = {name: place for place, name in enumerate(self.names)}
        return self if names == self.names else Table(names, [self.columns[places[name]] for name in names])


def fingerprint(columns: Sequence[str]) -> str:
    """Eight hexadecimal digits that stand for the columns and their order."""
    return hashlib.sha256("\x1f".join(columns).encode()).hexdigest()[:8]


def table_key(items: Any, known: Iterable[DataType] = ()) -> str:
    """The key of the data type that rows are of: that of known columns in whatever order, or a new one's."""
    names = _names(items)
    same = [columns for kind in known if kind.modality == "table" and sorted(columns := table_columns(kind)) == sorted(names)]
    return f"table-{fingerprint(names if names in same or not same else same[0])}"


def table_columns(kind: DataType) -> list[str]:
    """The names of a type's columns, in its order; behind a pretrained encoder those that it reads."""
    columns: list[str] = (kind.options if "columns" in kind.options else kind.options["reads"]["options"])["columns"]
    return columns


def table_width(columns: Sequence[str], categories: Mapping[str, Sequence[str]]) -> int:
    """How many numbers a row becomes."""
    return sum(len(categories.get(name, [name])) for name in columns)


def read_table(items: Any) -> Table:
    """The columns of rows in any form.

    Raises:
        InputError: for rows of different columns or length, names that are the same, or no column.
    """
    if isinstance(items, Rows):
        table = Table(items.columns, [items.column(name) for name in items.columns])
    elif hasattr(items, "columns") and hasattr(items, "to_numpy"):
        return _from_frame(items)
    elif len(items) and isinstance(items[0], dict):
        table = _from_dicts(items)
    else:
        array = _stack(items)
        table = Table([f"x{index}" for index in range(array.shape[1])], [*array.T], named=False)
    _require_names(table.names)
    return table


def _names(items: Any) -> list[str]:
    """The names of the columns; values are not looked at."""
    if hasattr(items, "columns") and hasattr(items, "to_numpy"):
        names = [str(name) for name in items.columns]
    elif len(items) and isinstance(items[0], dict):
        names = [str(name) for name in items[0]]
    else:
        names = [f"x{index}" for index in range(_stack(items).shape[1])]
    _require_names(names)
    return names


def _from_frame(frame: Any) -> Table:
    names = [str(name) for name in frame.columns]
    _require_names(names)  # a name that is there twice finds two columns
    return Table(names, [np.asarray(frame[name].to_numpy()) for name in frame.columns])


def _from_dicts(rows: Sequence[Any]) -> Table:
    names = [str(name) for name in rows[0]]
    if len({*names}) == len(names):
        found = [_by_name(row, names, index) for index, row in enumerate(rows)]
        return Table(names, [_objects([row[name] for row in found]) for name in names])
    return Table(names, [])


def _by_name(row: Any, names: Sequence[str], index: int) -> dict[str, Any]:
    found = {str(name): value for name, value in row.items()} if isinstance(row, dict) else {}
    if found.keys() != {*names} or len(row) != len(names):
        raise InputError(
            f"row {index}", expected=f"columns {list(names)}", got=list(row) if isinstance(row, dict) else "a row without names"
        )
    return found


def _objects(values: Sequence[Any]) -> np.ndarray:
    """Values as they are, also where they are sequences."""
    found = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        found[place] = value
    return found


def _require_names(columns: Sequence[str]) -> None:
    if not columns:
        raise InputError("table", expected="at least one column", got="none")
    if len({*columns}) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
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


def _matrix(table: Table, categories: Mapping[str, Sequence[str]]) -> torch.Tensor:
    """float64 (n, numbers): a time stamp has more digits than float32."""
    parts = [_part(table, place, categories.get(name)) for place, name in enumerate(table.names)]
    values = torch.from_numpy(np.ascontiguousarray(np.concatenate(parts, axis=1)))
    require_finite(values.float(), "row")
    return values


def _part(table: Table, place: int, words: Sequence[str] | None) -> np.ndarray:
    """The numbers (n, 1) of a column, or 1 where it has each word, (n, words)."""
    name, values = table.names[place], table.columns[place]
    column = read_column(name, values, words=words is not None)
    if len(column.wrong) and (table.named or values.dtype.kind not in "fiub"):
        first = int(column.wrong[0])
        raise wrong_value(f"row {first}", name, column, values[first])
    return column.values[:, None] if words is None else (column.values[:, None] == np.array([*words], dtype=object)).astype(np.float64)
