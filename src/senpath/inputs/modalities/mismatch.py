"""Inputs that are of none of some types: how far they are from one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from senpath.errors import InputError
from senpath.inputs.modalities import Group
from senpath.inputs.modalities.in_memory import NO_FETCHING, is_url
from senpath.inputs.modalities.picture_types import own_range
from senpath.inputs.modalities.table import column_names, has_names, table_columns, unnamed_columns
from senpath.types import DataType

NAMED = 10
"""Columns that a message names at most."""


def no_type(group: Group, known: Mapping[str, DataType], task: str | None = None) -> InputError:
    """Says that no task can read inputs, and how far they are from what one could.

    Args:
        known: the types that come into question, by key.
        task: the task that was asked for; `known` has its type alone then.
    """
    what = "no task reads" if task is None else f"task {task!r} does not read"
    if not known:
        return InputError("nothing learned yet", do="`learn` comes first")
    ranges = [own.range for kind in known.values() if (own := own_range(kind)) is not None]
    if group.modality == "image" and ranges:
        expected = " or ".join(f"floats from {low:.3g} to {high:.3g}" for low, high in ranges)
        do = "Prepare them as those that were learned, or learn pictures of 0 … 1 or 0 … 255"
        return InputError(f"{what} pictures of these numbers", expected=f"{expected}, as the learned ones have", got="others", do=do)
    if group.modality == "text" and is_url(group.items[0]):
        return InputError(f"{what} addresses", expected="an input itself", got=repr(group.items[0])[:100], do=NO_FETCHING)
    tables = [data_type for data_type in known.values() if data_type.modality == "table"]
    if group.modality != "table" or not tables:
        kinds = " or ".join(dict.fromkeys(data_type.modality for data_type in known.values()))
        do = "An array (n, columns) is a table; pictures are (n, h, w), and one of another size goes into a list"
        do = do if "image" in kinds and group.modality == "table" else ""
        return InputError(f"{what} {group.modality} data", expected=f"{kinds} data", do=do)
    what += " this table"
    try:
        names = column_names(group.items)
    except InputError as error:
        return error
    columns = min(map(table_columns, tables), key=lambda each: (len({*each} - {*names}), len({*names} - {*each})))
    if not has_names(group.items):
        return _no_width(what, len(names), tables)
    missing, unknown = [name for name in columns if name not in names], [name for name in names if name not in columns]
    if not missing:
        fitting = [each for each in map(table_columns, tables) if {*each} <= {*names}]
        got = f"columns of {len(fitting)} tables: {'; '.join(map(listed, fitting[:3]))}"
        return InputError(what, expected="the columns of one table", got=got, do="Give the task's name, or leave columns out")
    got = f"columns {listed(missing)} missing" + (f", {listed(unknown)} unknown" if unknown else "")
    do = "A table that was learned without names is asked without: frame.to_numpy()" if columns == unnamed_columns(len(columns)) else ""
    return InputError(what, expected=f"columns {listed(columns)}", got=got, do=do)


def _no_width(what: str, width: int, tables: Sequence[DataType]) -> InputError:
    widths = sorted({len(columns) for columns in map(table_columns, tables) if columns == unnamed_columns(len(columns))})
    named = [columns for columns in map(table_columns, tables) if columns != unnamed_columns(len(columns))]
    expected = [f"{' or '.join(map(str, widths))} columns"] if widths else []
    expected += [f"columns with names: {'; '.join(map(listed, named[:3]))}"] if named else []
    do = "A data frame, or a list of dicts, has names" if named else ""
    return InputError(what, expected=", or ".join(expected), got=f"rows of {width} numbers without names", do=do)


def listed(names: Iterable[str]) -> str:
    """Names of columns, the first few of them."""
    names = [*names]
    return ", ".join(map(repr, names[:NAMED])) + (f", … ({len(names)} in all)" if len(names) > NAMED else "")
