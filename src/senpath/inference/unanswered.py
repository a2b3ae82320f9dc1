"""Inputs that get no answer: what is said of each, and which ones of a batch cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch

from senpath.errors import InputError
from senpath.inputs.modalities import Group
from senpath.inputs.modalities.table import column_names, has_names, table_columns, unnamed_columns
from senpath.types import DataType

NAMED = 10
"""Columns that a message names at most."""
POSITION = re.compile(r"^(?:input|(?:standardised )?row|image|recording|text|encoded input) \d+\b")
"""The beginning of an error about one of several inputs."""


def no_type(group: Group, known: Mapping[str, DataType], task: str | None) -> InputError:
    """Says that no task can read inputs, and how far they are from what one could.

    Args:
        known: the types that come into question, by key.
        task: the task that was asked for; `known` has its type alone then.
    """
    what = "no task reads" if task is None else f"task {task!r} does not read"
    if not known:
        return InputError("nothing learned yet", do="`learn` comes first")
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


def reason_of(error: InputError, level: str, row: int) -> str:
    """What `Prediction.reason` says of inputs that were spared, the first at this place.

    Args:
        level: of `errors`, that spares them.
    """
    if level == "skip":
        return of_input(error, row).message
    contrast = error.got or (f"expected {error.expected}" if error.expected else None)
    return error.what if contrast is None else f"{error.what}: {contrast}"


def of_input(error: InputError, row: int, more: str = "") -> InputError:
    """An error about one input, naming the input by its place among all.

    Args:
        more: added to the place.
    """
    what = POSITION.sub(f"input {row}{more}", error.what, count=1)
    what = what if what.startswith(f"input {row}") else f"input {row}{more}: {error.what}"
    return InputError(what, expected=error.expected, got=error.got, do=error.do or "")


def refusal(error: InputError, level: str, row: int, count: int, inputs: int) -> InputError:
    """The error to raise about inputs that get no answer and are not to be spared.

    Args:
        level: of `errors`, that spares them.
        row: the place of the first.
        count: how many there are.
        inputs: how many are asked about in all.
    """
    named = of_input(error, row, f" and {count - 1:,} more" if count > 1 else "")
    spared = f"errors={level!r} answers None and says why" if inputs > 1 else ""
    return InputError(named.what, expected=named.expected, got=named.got, do=". ".join(filter(None, [named.do, spared])))


Encode = Callable[[Any], torch.Tensor]
"""Encodes some raw inputs of one type, (n, …)."""


def first_unreadable(encode: Encode, items: Any) -> tuple[int, InputError] | None:
    """The place of the first input that cannot be read, and why; None if each can be read by itself."""
    start, stop = 0, len(items)
    while True:
        middle = start + (stop - start + 1) // 2
        try:
            encode(items[start:middle])
        except InputError as error:
            if middle - start == 1:
                return start, error
            stop = middle
        else:
            if middle == stop:
                return None
            start = middle


def readable(encode: Encode, items: Any, inputs: int, note: Callable[[int, InputError], None]) -> Iterator[tuple[torch.Tensor, slice]]:
    """Of inputs those that can be read, encoded, with their places; they are halved until it is known which cannot.

    Args:
        inputs: how many there are.
        note: told the place of each other one, and what is wrong with it.
    """
    stretches = [(0, inputs)]
    while stretches:
        start, stop = stretches.pop()
        try:
            yield encode(items[start:stop]), slice(start, stop)
        except InputError as error:
            if stop - start == 1:
                note(start, error)
            else:
                middle = (start + stop) // 2
                stretches += [(middle, stop), (start, middle)]
