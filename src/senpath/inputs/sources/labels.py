"""Which column of a table holds the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inputs.modalities.columns import is_missing
from senpath.inputs.sources.sheet import Sheet

LABEL_COLUMN = "label"
LABELS = (LABEL_COLUMN, "labels", "class", "target", "y")
"""Names by which a column of labels is known, the surest first."""


def label_column(sheet: Sheet, told: str | None) -> tuple[str, str]:
    """The column of labels, and how it was found, in words.

    Raises:
        InputError: if there is no column of the name told.
    """
    if told is not None:
        if told not in sheet.columns:
            raise InputError(sheet.name, expected=f"a column {told!r} of labels", got=f"the columns {', '.join(map(repr, sheet.columns))}")
        return told, ""
    lower = {name.lower(): name for name in reversed([*sheet.columns])}
    named = next((lower[name] for name in LABELS if name in lower), None)
    if named is not None:
        return named, ""
    of_classes = next((name for name in sheet.columns if name in sheet.classes), None)
    return (of_classes, "") if of_classes is not None else ([*sheet.columns][-1], " (the last column)")


def read_column_of_labels(sheet: Sheet, name: str) -> tuple[Any, Mapping[int, InputError]]:
    """The labels of all rows, and what is wrong with those that are none."""
    values = sheet.columns[name]
    if name in sheet.classes:
        known = dict(enumerate(sheet.classes[name]))
        values = np.array([known.get(place) for place in values.tolist()], dtype=object)
    missing = [row for row, value in enumerate(values.tolist()) if is_missing(value)]
    where = {row: f"{sheet.name}, {sheet.where(row)}, column {name!r}" for row in missing}
    return values, {row: InputError(place, expected="a label", got="no value") for row, place in where.items()}


def plain_labels(values: np.ndarray, *, classes: bool = False) -> Any:
    """Labels as they are learned: words or numbers in an array, collections of labels in a list.

    Words that are all numbers, and not all of them whole, are numbers here as they are in a data frame.

    Args:
        classes: whether words are known to be names of classes.
    """
    plain = values.tolist()
    if not all(isinstance(value, str) for value in plain):
        return values if values.dtype != object else plain
    words = np.array(plain)
    numbers = None if classes else _fractions(words)
    return words if numbers is None else numbers


def _fractions(words: np.ndarray) -> np.ndarray | None:
    """The numbers that words are, float64; None where one is none, or all are whole, as names of classes may be."""
    try:
        numbers = words.astype(np.float64)
    except ValueError:
        return None
    return numbers if bool(np.isfinite(numbers).all()) and bool((numbers != numbers.round()).any()) else None
