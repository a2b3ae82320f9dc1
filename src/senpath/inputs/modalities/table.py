"""Rows of numbers, words, dates and texts, with gaps. Rows of other columns are another data type.

Numbers are standardised with the mean and spread of the first task's rows, whose median stands for missing ones; a word becomes a 1 among
0s. `senpath.inputs.modalities.plans` has all kinds of column.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from senpath.arrays import (
    NUMBERS_AT_ONCE,
    as_array,
    as_word,
    bent,
    in_proportion,
    object_array,
    require_finite,
    require_unicode,
    rounding_of,
    spread_of,
    unmasked,
)
from senpath.errors import InputError
from senpath.inputs.limits import require_few_columns
from senpath.inputs.modalities.columns import SINGLE, SMALLER, Rows, array_of, is_frame, read_column, row_of, values_of
from senpath.inputs.modalities.plans import (
    ColumnPlan,
    choose_plan,
    column_notes,
    options_of,
    plans_of,
    read_planned,
    share_buckets,
    unmarked_gaps,
)
from senpath.inputs.modalities.sparse import SparseRows, is_sparse, sparse_rows
from senpath.types import DataType

STRAIGHT = 30.0
"""Standardised numbers up to this are read as they are. Of what is beyond the logarithm counts: no wrong cell outweighs all others, and a
table in another unit can still be learned."""


class TableModality:
    """Arrays (n, columns), data frames, sparse matrices, `Rows`, or lists of rows (arrays or dicts).

    Columns with names may come in any order.
    """

    name = "table"

    def define(self, items: Any) -> DataType:
        rows = read_rows(items)
        require_few_columns("table", len(rows.columns))
        plans = share_buckets([choose_plan(name, read_column(name, rows.column(name))) for name in rows.columns])
        for plan in plans:
            require_unicode(plan.words, f"column {plan.name!r}, word")
        mean, scale, fill = _scales(rows, plans)
        if not mean:
            raise InputError("table", expected="at least one column with a value", got="none")
        options = {
            "columns": rows.columns,
            "fingerprint": fingerprint(rows.columns),
            "mean": mean,
            "scale": scale,
            "fill": fill,
            "straight": STRAIGHT,
        }
        return DataType("table", (len(mean),), {**options, **options_of(plans)})

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        options = data_type.options
        rows, plans = read_rows(items, table_columns(data_type)), plans_of(options)
        mean, scale = (torch.tensor(options[name], dtype=torch.float64) for name in ("mean", "scale"))
        fill = np.array(options["fill"]) if "fill" in options else None
        encoded = torch.zeros(len(rows), *data_type.shape, dtype=torch.float32)
        size = max(1, NUMBERS_AT_ONCE // data_type.shape[0])
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            part = part.dense() if isinstance(part, SparseRows) else part
            matrix, told = _matrix(part, plans, start, gaps=fill is not None)
            if fill is not None and not told.all():
                first = start + int(np.flatnonzero(~told)[0])
                raise InputError(f"row {first}", expected="at least one value", got="none", do="Leave the row out")
            values = _filled(matrix, fill, start)
            standardised = (values - mean) / scale
            encoded[start : start + size] = bent(standardised, options["straight"]) if "straight" in options else standardised
        require_finite(encoded, "standardised row")
        return encoded


def notes_of(items: Any, data_type: DataType) -> tuple[str, ...]:
    """What is to be said of how rows are encoded, see `senpath.inputs.modalities.plans.column_notes`; nothing of what is no table."""
    if data_type.modality != "table" or data_type.encoder is not None:
        return ()
    items = sparse_rows(items) if is_sparse(items) else unmasked(items)
    items = [*map(row_of, items)] if isinstance(items, list | tuple) else items
    return column_notes(read_rows(items, table_columns(data_type)), data_type.options)


def gaps_of(items: Any, places: np.ndarray, data_type: DataType) -> dict[int, list[str]]:
    """Of rows at these places those with gaps that are not marked, see `unmarked_gaps`; nothing of what is no table, or sparse."""
    if data_type.modality != "table" or data_type.encoder is not None or is_sparse(items):
        return {}
    some = items if is_frame(items) or isinstance(items, Rows | np.ndarray) else [items[place] for place in places]
    if isinstance(some, list) and all(isinstance(row, dict) for row in some) and _whole(some, table_columns(data_type)):
        return {}
    rows = read_rows(unmasked(some), table_columns(data_type))
    if isinstance(rows, SparseRows):
        return {}
    gaps = unmarked_gaps(rows if isinstance(some, list) else rows[places], data_type.options)
    return {int(places[place]): names for place, names in gaps.items()}


def _whole(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> bool:
    """Whether rows have a number in each of these columns, which is quickly seen and so of most."""
    return all(isinstance(value := row.get(name), int | float) and value == value for row in rows for name in columns)


def _scales(rows: Rows | SparseRows, plans: Sequence[ColumnPlan]) -> tuple[list[float], list[float], list[float]]:
    """What the numbers of rows are lessened by, then divided by, and what stands for missing ones: 0, 1 and 0 for all but measures."""
    mean: list[float] = []
    scale: list[float] = []
    fill: list[float] = []
    at_once = max(1, NUMBERS_AT_ONCE // max(1, len(rows)))
    for start in range(0, len(plans), at_once):
        part = plans[start : start + at_once]
        own = [plan for plan in part if plan.width and not plan.buckets]
        scaled = iter(zip(*(_scales_of(rows, own) if own else ([], [], [])), strict=True))
        for lessened, divided, stands in (
            next(scaled) if not plan.buckets else (0.0, 1.0, 0.0) for plan in part for _ in range(plan.width)
        ):
            mean.append(lessened)
            scale.append(divided)
            fill.append(stands)
    return mean, scale, fill


def _scales_of(rows: Rows | SparseRows, plans: Sequence[ColumnPlan]) -> tuple[list[float], list[float], list[float]]:
    """`_scales` of a few columns."""
    wide = [(plan, place) for plan in plans for place in range(plan.width)]
    numbers, measured = _matrix(rows, plans)[0], np.array([plan.is_measure and place == 0 for plan, place in wide], dtype=bool)
    stands = np.where(measured, _medians(numbers, measured), 0.0)
    values, is_measure = in_proportion(_filled(numbers, stands)), torch.from_numpy(measured)
    spread = spread_of(values, torch.tensor([rounding_of(rows.column(plan.name).dtype) for plan, _ in wide]))
    mean = torch.where(is_measure, values.mean(0), 0)
    return mean.tolist(), torch.where((spread > 0) & is_measure, spread, 1).tolist(), stands.tolist()


def _medians(numbers: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """The median of each measure's numbers that are there, and anything for the other columns."""
    medians = np.zeros(numbers.shape[1])
    gaps = np.isnan(numbers).any(0)
    whole, some = np.flatnonzero(measured & ~gaps), np.flatnonzero(measured & gaps)
    medians[whole] = np.median(numbers[:, whole], axis=0) if len(numbers) else 0.0
    medians[some] = np.nanmedian(numbers[:, some], axis=0)
    return medians


def _filled(numbers: np.ndarray, fill: np.ndarray | None, start: int = 0) -> torch.Tensor:
    """The numbers with those that are missing filled in, as a tensor that is checked to be finite in single precision, too."""
    values = torch.from_numpy(numbers if fill is None else np.where(np.isnan(numbers), fill, numbers))
    require_finite(values, "row", range(start, start + len(values)))
    large = (~torch.isfinite(values.float())).nonzero()
    if len(large):
        row, column = large[0].tolist()
        raise InputError(f"row {start + row}", expected=SINGLE, got=f"{values[row, column]:g}", do=SMALLER)
    return values


def fingerprint(columns: Sequence[str]) -> str:
    """32 hexadecimal digits that stand for the columns and their order."""
    return hashlib.sha256(json.dumps(list(columns)).encode()).hexdigest()[:32]


def old_fingerprint(columns: Sequence[str]) -> str:
    """The eight digits that folders of formats 1 to 6 have for a table's type, which keeps them."""
    return hashlib.sha256("\x1f".join(columns).encode()).hexdigest()[:8]


def table_key(items: Any, known: Iterable[DataType] = ()) -> str:
    """The key of the data type of rows: that of a known type with the same columns in any order, or a new one."""
    names = column_names(items)
    same = same_columns(names, known)
    return next((kind.key for kind in same if table_columns(kind) == names), same[0].key) if same else new_key(names)


def new_key(columns: Sequence[str]) -> str:
    """The key of a table's type that no network has yet; see `DataType.key`."""
    return f"table-{fingerprint(columns)}"


def same_columns(names: Iterable[str], known: Iterable[DataType]) -> list[DataType]:
    """Types of tables that have these columns, in whatever order."""
    wanted = sorted(map(as_word, names))
    return [kind for kind in known if kind.modality == "table" and sorted(table_columns(kind)) == wanted]


def known_table(items: Any, known: Iterable[DataType]) -> DataType | None:
    """The type that rows are read as: that of the same columns, else that of the most columns among theirs, if it is the only one.

    Rows without names have to have as many columns as the type.
    """
    names = column_names(items)
    tables = [kind for kind in known if kind.modality == "table"]
    place = fitting_table(names, [table_columns(kind) for kind in tables], named=has_names(items))
    return None if place is None else tables[place]


def fitting_table(names: Sequence[str], tables: Sequence[Sequence[str]], *, named: bool = True) -> int | None:
    """Which of these tables' columns rows have: the same ones, else the most among theirs, if only one table has so many.

    Args:
        names: the rows' columns.
        named: whether the names are the user's; without them all columns count.
    """
    same = [place for place, columns in enumerate(tables) if sorted(columns) == sorted(names)]
    if same:
        return next((place for place in same if [*tables[place]] == [*names]), same[0])
    within = [place for place, columns in enumerate(tables) if {*columns} < {*names}] if named else []
    most = max((len(tables[place]) for place in within), default=0)
    widest = [place for place in within if len(tables[place]) == most]
    return widest[0] if len(widest) == 1 else None


def unnamed_columns(width: int) -> list[str]:
    """What the columns of an array are called."""
    return [f"x{index}" for index in range(width)]


def table_columns(data_type: DataType) -> list[str]:
    """The names of a type's columns in their one form, in its order; behind a pretrained encoder those that it reads."""
    options = data_type.options if "columns" in data_type.options else data_type.options["reads"]["options"]
    return [*map(as_word, options["columns"])]


def read_rows(items: Any, wanted: Sequence[str] | None = None) -> Rows | SparseRows:
    """Rows in any form, by column.

    Args:
        wanted: columns to read of rows that may have others beside them; None reads all.

    Raises:
        InputError: for rows of different columns or length, names that occur twice, no column, or without a wanted one.
    """
    if not is_frame(items) and not has_names(items):
        stacked = _stack(items)
        items = Rows(dict(zip(unnamed_columns(stacked.shape[1]), stacked.T, strict=True)), named=False)
    names = column_names(items)
    _require_columns(names, wanted, named=has_names(items))
    if isinstance(items, Rows | SparseRows):
        return items
    if is_frame(items):
        read = {*(wanted or names)}
        keys = {name: key for name, key in zip(names, items.columns, strict=True) if name in read}
        return Rows({name: values_of(items[key]) for name, key in keys.items()})
    rows = [_by_name(row, names, index) for index, row in enumerate(items)]
    return Rows({name: object_array([row[name] for row in rows]) for name in wanted or names})


def has_names(items: Any) -> bool:
    """Whether the columns of these rows have names of the user's."""
    if isinstance(items, Rows | SparseRows):
        return items.named
    return is_frame(items) or (len(items) > 0 and isinstance(items[0], dict))


def _require_columns(names: Sequence[str], wanted: Sequence[str] | None, *, named: bool) -> None:
    """Refuse rows that lack a column; those without names may have no others either."""
    if wanted is not None and not ({*wanted} <= {*names} if named else sorted(wanted) == sorted(names)):
        raise InputError("table", expected=f"columns {[*wanted]}", got=names)


def column_names(items: Any) -> list[str]:
    """The names of the columns."""
    if not is_frame(items) and not has_names(items):
        return unnamed_columns(_stack(items).shape[1])
    names = [as_word(str(name)) for name in (items.columns if is_frame(items) else items[0])]
    if not names:
        raise InputError("table", expected="at least one column", got="none")
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("columns", expected="names that differ", got=f"{twice!r} twice")
    require_unicode(names, "column")
    return names


def _by_name(row: Any, names: Sequence[str], index: int) -> dict[str, Any]:
    values = {as_word(str(name)): value for name, value in row.items()} if isinstance(row, dict) else {}
    if values.keys() != {*names} or len(row) != len(names):
        got = list(row) if isinstance(row, dict) else "a row without names"
        raise InputError(f"row {index}", expected=f"columns {list(names)}", got=got)
    return values


def _stack(items: Any) -> np.ndarray:
    if isinstance(items, torch.Tensor):
        items = as_array(items)
    elif not isinstance(items, np.ndarray):
        shapes = {np.shape(row) for row in items}
        if len(shapes) != 1:
            raise InputError("rows", expected="all of one length", got=f"shapes {sorted(shapes)}")
        items = np.stack([_as_row(row) for row in items])
    if items.ndim != 2 or not items.shape[1]:
        raise InputError("table", expected="shape (rows, columns)", got=f"shape {items.shape}")
    return np.asarray(items)


def _as_row(row: Any) -> np.ndarray:
    if isinstance(row, torch.Tensor):
        return as_array(row)
    return array_of(row) if isinstance(row, list | tuple) else np.asarray(unmasked(row))


def _matrix(rows: Rows | SparseRows, plans: Sequence[ColumnPlan], start: int = 0, *, gaps: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, and which rows have a value at all: float64 (n, numbers), bool (n,).

    Not float32, since a time stamp has more digits than it holds. NaN where a measure is missing.

    Args:
        start: what errors call the first row.
        gaps: whether values may be missing; in types of old folders they may not.
    """
    filled, matrix, told = 0, np.empty((len(rows), sum(plan.width for plan in plans))), np.zeros(len(rows), dtype=bool)
    for plan in plans:
        column = read_planned(rows, plan, start, gaps=gaps)
        matrix[:, filled : filled + plan.width] = plan.encode(column)
        filled += plan.width
        if not told.all():
            told |= ~column.missing
    return matrix, told
