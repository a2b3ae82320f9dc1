"""What people meant and did not say: which columns name rows, which can be labels, whether a first line is a header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from senpath.errors import InputError, warn
from senpath.inputs.modalities.columns import MAX_WORDS, Rows, is_frame, is_missing, read_column, values_of
from senpath.tasks import Regression
from senpath.tasks.labels import label_values

TEXT_COLUMNS = ("text", "sentence", "utterance", "question", "query", "review", "comment", "content")
"""Names of columns that hold texts, if their values are words."""
ID_COLUMNS = ("id", "uuid", "guid", "key", "index", "row_id", "sample_id", "filename", "file_name", "file_path", "path", "name")
"""Names of columns that say which row it is: never guessed to be labels, if their values differ."""
ROW_NAMES = re.compile(r"__index_level_\d+__|Unnamed: 0(\.\d+)*")
"""Names under which pandas writes a table's index, and reads one that was written without a name."""
ROW_NUMBERS = ("index", "level_0")
"""Names that pandas gives to an index that becomes a column; it is one if its values are whole numbers that all differ."""
ROWS_OF_A_CLASS = 5
"""Fewer rows for each label, on average, may agree with a column by chance."""
LOOKED_AT = 1000
"""Rows that a first line is compared with."""
WORDS_OF_A_TEXT = 3
"""Words from which on a name may be a text."""
MANY = 5
"""More labels than these are no few examples of a class each, if all differ."""


def names_rows(name: str, columns: Mapping[str, np.ndarray]) -> bool:
    """Whether one of these columns is the index of a data frame."""
    if ROW_NAMES.fullmatch(name):
        return True
    try:
        numbers = columns[name].astype(np.float64) if name in ROW_NUMBERS else np.zeros(0)
    except (TypeError, ValueError, OverflowError):
        return False
    return len(numbers) > 1 and bool((numbers == numbers.round()).all()) and len(np.unique(numbers)) == len(numbers)


def require_plausible(table: str, name: str, labels: Sequence[object], others: Sequence[str], kind: str | None) -> None:
    """Refuse a column that nobody named as that of the labels, if it can hardly be it.

    Args:
        table: what errors call the table.
        name: of the column.
        labels: its values.
        others: names of the other columns.
        kind: of the task, if it is known; numbers to be predicted may all differ.

    Raises:
        InputError: if it is called as texts or the names of rows are, or its words or whole numbers all differ.
    """
    if kind == Regression.name or not all(isinstance(label, str | int | np.integer | np.bool_) for label in labels):
        return
    many, distinct = len(labels) > MANY, len({*labels})
    got = ""
    if many and distinct == len(labels):
        got = f"the last column, {name!r}, whose {distinct:,} values all differ"
    elif name.lower() in TEXT_COLUMNS or (name.lower() in ID_COLUMNS and 2 * distinct > len(labels)):
        got = f"the last column, {name!r}, which by its name holds {'texts' if name.lower() in TEXT_COLUMNS else 'names of rows'}"
    if got:
        columns = ", ".join(map(repr, others[:10])) + (", …" if len(others) > 10 else "")
        do = f"Say which column holds them, label='…' or --label …; there are also {columns or 'no others'}"
        raise InputError(table, expected="a column of labels", got=got, do=do)


def warn_of_labels_again(labels: Sequence[Any], rows: Rows) -> None:
    """Warn of columns that are the labels in other words, such as the number of a class beside its name: nothing else would be learned."""
    given = [*map(str, labels)]
    classes = len({*given})
    if not 2 <= classes <= MAX_WORDS or len(given) < ROWS_OF_A_CLASS * classes:
        return
    again = [repr(name) for name in rows.columns if _is_one_to_one(rows.column(name), given, classes)]
    if 0 < len(again) < len(rows.columns):
        which = (
            f"column {again[0]} has a value of its own" if len(again) == 1 else f"columns {', '.join(again[:5])} have values of their own"
        )
        warn(f"{which} for each label: if these are the label in other words, leave them out, or little else will be learned")


def _is_one_to_one(values: np.ndarray, labels: Sequence[str], classes: int) -> bool:
    """Whether each value stands beside one label, and each label beside one value."""
    label_of: dict[str, str] = {}
    for value, label in zip(values, labels, strict=True):
        if label_of.setdefault(str(value), label) != label or len(label_of) > classes:
            return False
    return len(label_of) == classes


def require_same_rows(x: Any, y: Any) -> None:
    """Refuse inputs and labels of pandas whose indexes say that they are of other rows, or in another order: they would be paired by place.

    An index that only counts the rows says nothing, unless the other one has the same numbers in another order.

    Raises:
        InputError: naming the first row that differs.
    """
    of_x, of_y = getattr(x, "index", None), getattr(y, "index", None)
    if of_x is None or of_y is None or not (hasattr(of_x, "equals") and hasattr(of_y, "equals")):  # lists have a method of that name
        return
    if len(of_x) != len(of_y) or of_x.equals(of_y):  # another number of labels is refused where they are counted
        return
    counting = any([*index] == [*range(len(index))] for index in (of_x, of_y))
    reordered = {*of_x} == {*of_y}
    if reordered or not counting:
        first = next(place for place, (one, other) in enumerate(zip(of_x, of_y, strict=True)) if one != other)
        got = f"indexes {'in another order' if reordered else 'of other rows'}: row {first} is {of_x[first]!r} in x, {of_y[first]!r} in y"
        do = "Bring them together, y.reindex(x.index), or pass arrays, such as y.to_numpy(), if they are in order as they are"
        raise InputError("labels y", expected="the index of x, in its order", got=got, do=do)


def without_labels(x: Any, y: Any, kind: str | None) -> Any:
    """A data frame without the columns that are its labels themselves, as in learn(task, frame, frame["kind"]); all else as it is.

    Warns of columns that are labels which have no name, as in learn(task, frame, frame["kind"].to_numpy()).
    """
    if not is_frame(x) or isinstance(x, Rows):  # which were read with their labels
        return x
    labels = {name: y[name] for name in y.columns} if is_frame(y) else {getattr(y, "name", None): y} if hasattr(y, "equals") else {}
    same = [name for name in x.columns if name in labels and _are_equal(x[name], labels[name])]
    x = x[[name for name in x.columns if name not in same]] if same else x
    values = label_values(y) if kind != Regression.name and len({*x.columns}) == len(x.columns) else []
    if getattr(values, "ndim", 1) == 1 and 0 < len(values) == len(x):
        warn_of_labels_again([*values], Rows({str(name): values_of(x[name]) for name in x.columns}))
    return x


def _are_equal(column: Any, labels: Any) -> bool:
    """Whether two columns hold the same, perhaps as another type, such as categories."""
    return bool(column.equals(labels)) or [*map(str, column.to_list())] == [*map(str, labels.to_list())]


def require_header_line(columns: Mapping[str, np.ndarray], what: str) -> None:
    """Refuse names of columns that are the first row of a table without a header.

    They are, if at least one of them is a number or a word of its column, and each fits the values below it: a number among numbers of
    its size, or a word that occurs. Numbers that count up, as a data frame without names has them, are names.

    Raises:
        InputError: if the names look like values.
    """
    if len(columns) < 2 or [*columns] in ([str(place + first) for place in range(len(columns))] for first in (0, 1)):
        return
    fits = []
    for name, values in columns.items():
        fits.append(_fits(name, values[:LOOKED_AT]))
        if fits[-1] is False:
            return
    if True in fits:
        got = ", ".join([*columns][:5]) + (", …" if len(columns) > 5 else "")
        do = "Write the names of the columns into the first line"
        raise InputError(what, expected="a header line", got=f"a first line that looks like the others: {got}", do=do)


def _fits(name: str, values: np.ndarray) -> bool | None:
    """Whether a name could be one of a column's values; None if that cannot be said."""
    if values.dtype.kind not in "fiubOU" or not any(not is_missing(value) for value in values.flat):
        return None
    try:
        column = read_column(name, values)
    except InputError:  # files, pictures or other objects, of which their reader says whether they can be read
        return None
    as_value = read_column(name, np.array([name], dtype=object))
    if column.form != as_value.form:
        return False
    if column.form == "words":
        known = {*column.values.tolist()}
        texts = len(known) == len(values) and name.count(" ") >= WORDS_OF_A_TEXT - 1  # which all differ, this one too
        return True if name in known else False if len(known) <= MAX_WORDS and not texts else None
    numbers = np.delete(column.values, np.union1d(column.wrong, np.flatnonzero(column.missing))).astype(np.float64)
    if len(numbers) < 2:
        return False
    low, high, value = numbers.min(), numbers.max(), as_value.values.astype(np.float64)[0]
    return bool(low - (high - low) <= value <= high + (high - low))
