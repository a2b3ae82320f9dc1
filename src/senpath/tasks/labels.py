"""Labels as users give them: read, checked, indexed, and found among those of a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from decimal import Decimal
from enum import Enum
from numbers import Number
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array, as_numpy, as_word, composed, require_unicode
from senpath.errors import InputError

Label = bool | int | str
"""Of one task all are True and False, whole numbers, or strings."""

LARGEST_WHOLE = 2**64
"""Whole numbers are labels up to here; of floats up to 2**53, beyond which they have gaps."""
WHOLE = re.compile(r"[+-]?[0-9]{1,20}(\.0*)?")
AS_WRITTEN = re.compile(r"(0|-?[1-9][0-9]{0,19})(\.0*)?")
"""Whole numbers as a program writes them; 007 says more than the number."""
TRUTHS = {"true": 1, "false": 0}
NUMBERS_NEED = "Numbers to be predicted as such need kind='regression'"
EXPECTED = "whole numbers or strings"


def index_labels(y: Any, inputs: int) -> tuple[tuple[Label, ...], torch.Tensor]:
    """The labels that there are, sorted, and each input's place among them, int64 (n,); True beside whole numbers is 1.

    Args:
        y: labels; see `distinct_labels`.
        inputs: how many there have to be.

    Raises:
        InputError: for another number of labels than inputs, and for labels of any other kind than whole numbers and strings.
    """
    labels, places = distinct_labels(y, inputs)
    return tuple(of_one_kind(labels)), places


def of_one_kind(labels: Sequence[Label]) -> list[Label]:
    """Labels of a new task: True and False stay so where there is no other number among them."""
    truths = all(isinstance(label, bool) for label in labels)
    return [label if truths or isinstance(label, str) else int(label) for label in labels]


def distinct_labels(y: Any, inputs: int) -> tuple[list[Label], torch.Tensor]:
    """As `index_labels`, with each True and False as it was given.

    Args:
        y: a list, or what holds one label for each input: an array, a tensor, a series, a column. Whole numbers may be of any type, floats
            included; members of an `Enum` that are strings or whole numbers count as these.
    """
    values = one_per_input(y, inputs)
    if isinstance(values, np.ndarray):
        raw, places = np.unique(values, return_inverse=True)
        distinct: list[Any] = raw.tolist()
    else:
        keys: dict[tuple[type, Any], int] = {}
        try:
            places = np.array([keys.setdefault(_key(value), len(keys)) for value in values])
        except TypeError as error:  # what has no hash is no label
            raise InputError("labels y", expected=EXPECTED, got=str(error)) from error
        distinct = [value for _, value in keys]
    plain = list[Label]()
    for place, value in enumerate(distinct):
        label = plain_label(value)
        if label is None:
            raise _refused(value, np.flatnonzero(places == place))
        plain.append(label)
    if len({isinstance(label, str) for label in plain}) > 1:
        raise InputError("labels y", expected=EXPECTED, got="both")
    require_unicode((label for label in plain if isinstance(label, str)), "label")
    labels = sorted({*plain})
    order = {label: place for place, label in enumerate(labels)}
    return labels, torch.from_numpy(np.array([order[label] for label in plain], dtype=np.int64)[places])


def one_per_input(y: Any, inputs: int) -> np.ndarray | list[Any]:
    """Labels as an array (n,) of numbers or strings, or as a list of whatever they are.

    Raises:
        InputError: if they are of another shape, of another number than the inputs, or none.
    """
    if hasattr(y, "__next__"):
        do = "Make a list of what it gives: list(…)"
        raise InputError("labels y", expected="one label per input", got=f"a {type(y).__name__}", do=do)
    values = label_values(y)
    shape = values.shape if isinstance(values, np.ndarray) else (len(values),)
    if len(shape) != 1:
        do = "If each row marks one class, pass y.argmax(1); for several labels of an input, kind='multilabel'" if len(shape) == 2 else ""
        raise InputError("labels y", expected="shape (n,)", got=f"shape {shape}", do=do)
    if len(values) != inputs:
        raise InputError("labels y", expected=f"{inputs}, one per input", got=len(values))
    if not inputs:
        raise InputError("inputs", expected="at least two", got="none", do="Nothing can be learned from no data")
    if isinstance(values, list) and any(_has_axes(value) for value in values):
        first, found = next(place for place, value in enumerate(values) if _has_axes(value)), _shape_of(values)
        got = f"a {type(values[first]).__name__} of input {first}" if found == f"shape ({len(values)},)" else found
        raise InputError("labels y", expected="one label per input", got=got, do="Several labels of an input need kind='multilabel'")
    return values


def label_values(y: Any) -> np.ndarray | list[Any]:
    """Labels in any form: an array of numbers where y is one, or is a column of them, else the list of what y holds."""
    y = as_numpy(y)
    if isinstance(y, np.ndarray | torch.Tensor) and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if isinstance(y, torch.Tensor):
        return as_array(y)
    if isinstance(y, np.ma.MaskedArray) and y.ndim == 1:
        return list(y.tolist())  # None where a value is masked
    if isinstance(getattr(y, "dtype", None), np.dtype):
        array = np.asarray(y)
        plain = array.ndim != 1 or array.dtype.kind in "iubf"
        # Dates would become numbers, which nobody asked for.
        return array if plain else [*array] if array.dtype.kind in "mM" else list(array.tolist())
    if hasattr(y, "columns"):
        return label_values(np.asarray(y))
    for name in ("to_pylist", "to_list", "tolist"):
        if callable(listed := getattr(y, name, None)):
            values = listed()
            return values if isinstance(values, list) else np.asarray(values)
    if isinstance(y, Sized) and isinstance(y, Iterable) and not isinstance(y, str | bytes | Mapping | set | frozenset):
        return list(y)
    return np.asarray(y)


def _has_axes(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset | dict) or getattr(value, "ndim", 0) > 0


def _shape_of(values: Sequence[Any]) -> str:
    try:
        return f"shape {np.shape(values)}"
    except ValueError:
        return "rows of several lengths"


def _key(value: Any) -> tuple[type, Any]:
    """What is the same label, and no other: 1, 1.0 and True are equal in Python."""
    value = _unpacked(value)
    return type(value), value


def plain_label(given: Any) -> Label | None:
    """A label as Python has it; None for what is neither a whole number nor a string."""
    value: Any = _unpacked(given)
    if isinstance(value, str):
        return composed(str.__str__(value))  # not the text of a member of an Enum, which is its name
    if isinstance(value, bool):
        return value
    if isinstance(value, float | Decimal) and not is_missing(value) and -(2**53) < value < 2**53 and value == int(value):
        value = int(value)
    return int(value) if isinstance(value, int) and abs(value) < LARGEST_WHOLE else None


def _unpacked(value: Any) -> Any:
    """What an array or tensor without axes holds; dates stay as they are, which would become numbers."""
    if isinstance(value, torch.Tensor) or (isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "mM"):
        value = value.item()
        return float(value) if isinstance(value, np.longdouble) else value
    return value


def _refused(value: Any, where: np.ndarray) -> InputError:
    """What is wrong with a label that is none.

    Args:
        where: the inputs that have it.
    """
    which = f"input {where[0]}" + (f" and {len(where) - 1:,} more" if len(where) > 1 else "")
    if is_missing(value):
        return InputError("labels y", expected=EXPECTED, got=f"no label of {which}", do="Leave out these inputs, or give their labels")
    return InputError("labels y", expected=EXPECTED, got=f"{type(value).__name__} {value!r:.60} of {which}", do=_advice(value))


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN, and what pandas has for them."""
    if isinstance(value, float | Decimal | np.datetime64):
        return bool(value != value)
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _advice(value: Any) -> str:
    if isinstance(value, Enum):
        return "Give the members' values, such as [member.value for member in y]"
    if isinstance(value, bytes):
        return "Decode them"
    is_number = isinstance(value, Number) and not isinstance(value, np.timedelta64)
    return NUMBERS_NEED if is_number else "Give their text, such as [str(label) for label in y]"


def match_labels(given: Sequence[Label], known: Sequence[Label]) -> list[Label | None]:
    """For each label the one of a task that it means; None where it means none of them, or may mean several.

    A whole number may be given as text, or stand in a task of texts, as where a table was read by another program; so may True and False,
    which may also be 1 and 0 on either side. A text 007 means no number. Blanks around a text, which those in tables lose, mean nothing.

    Args:
        given: labels that differ.
        known: the task's labels.
    """
    same = {composed(label) if isinstance(label, str) else label: label for label in known}
    kind = type(known[0]) if known else None
    exact = [same.get(label) if type(label) is kind else None for label in given]
    taken = {label for label in exact if label is not None}
    words: dict[str, list[Label]] = {}
    for label in known:
        if isinstance(label, str):
            words.setdefault(as_word(label), []).append(label)
    meanings: dict[tuple[str, int], list[Label]] = {}
    for label in known:
        for meaning in _meanings(label, bits={*known} <= {0, 1}):
            meanings.setdefault(meaning, []).append(label)
    matched: list[Label | None] = []
    for label, found in zip(given, exact, strict=True):
        word = words.get(as_word(label), []) if found is None and isinstance(label, str) else []
        if len(word) == 1:
            matched.append(word[0])
            continue
        others = [one for meaning in _meant(label) for one in meanings.get(meaning, ())] if found is None else []
        others = [one for one in others if str(one) == str(label)] or others
        matched.append(others[0] if len(others) == 1 and others[0] not in taken else found)
    return matched


def _meant(given: Label) -> list[tuple[str, int]]:
    """What a label that is given may stand for in a task."""
    text = given.strip() if isinstance(given, str) else ""
    return [] if WHOLE.fullmatch(text) and not AS_WRITTEN.fullmatch(text) else _meanings(given, bits=False)


def _meanings(label: Label, *, bits: bool) -> list[tuple[str, int]]:
    """What a label may stand for: a whole number, or true or false.

    Args:
        bits: whether 1 and 0 may be true and false, and true and false 1 and 0.
    """
    if isinstance(label, bool):
        return [("truth", int(label)), *([("number", int(label))] if bits else [])]
    if isinstance(label, int):
        return [("number", label), *([("truth", label)] if bits else [])]
    text = label.strip()
    if WHOLE.fullmatch(text):
        return [("number", int(text.partition(".")[0]))]
    return [("truth", TRUTHS[text.lower()])] if text.lower() in TRUTHS else []


def require_known(given: Sequence[Label], known: tuple[Label, ...]) -> list[Label]:
    """The labels of a task that these mean.

    Raises:
        InputError: if one means none of them; says which the task has, and which came.
    """
    matched = match_labels(given, known)
    strange = tuple(label for label, mine in zip(given, matched, strict=True) if mine is None)
    if strange:
        do = "Leave out what the task has not learned, or extend it" if len(strange) < len(given) else ""
        raise InputError("labels y", expected=f"labels that were learned, {listed(known)}", got=listed(strange), do=do)
    return [label for label in matched if label is not None]


def join_labels(given: Sequence[Label], known: tuple[Label, ...], *, may_be_new: bool) -> tuple[list[Label], tuple[Label, ...]]:
    """What further labels mean in a task, and all its labels then: those that are new come behind the known ones, sorted.

    Raises:
        InputError: if there are new ones and may be none, or they are strings where the others are whole numbers, or the other way.
    """
    if not may_be_new:
        return require_known(given, known), known
    matched = match_labels(given, known)
    mine = [_of_kind(label, known) if match is None else match for label, match in zip(given, matched, strict=True)]
    new = {label for label in mine if label not in known}
    return mine, known + tuple(sorted(new))


def _of_kind(label: Label, known: tuple[Label, ...]) -> Label:
    """A label that is new to a task, as its other labels are."""
    if type(label) is type(known[0]):
        return label
    if isinstance(known[0], bool):
        raise InputError("new labels", expected="True or False, as the task's other labels are", got=repr(label))
    words = isinstance(known[0], str)
    meaning = dict(_meant(label))
    if "number" in meaning and (not words or all("number" in dict(_meanings(one, bits=False)) for one in known)):
        return str(meaning["number"]) if words else meaning["number"]
    what = "strings" if words else "whole numbers"
    raise InputError("new labels", expected=f"{what}, as the task's other labels are", got=repr(label))


def listed(names: Sequence[object]) -> str:
    """The first of the names, for an error."""
    return ", ".join(map(repr, names[:20])) + (f", … ({len(names):,} in all)" if len(names) > 20 else "")
