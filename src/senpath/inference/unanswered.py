"""Inputs that get no answer: what is said of each, and which ones of a batch cannot be read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError

SPARED = "predict(…, errors={!r}) answers None and says why"
POSITION = re.compile(r"^(input|(?:standardised )?row|image|recording|text|encoded input) (\d+)\b")
"""The beginning of an error about one of several inputs."""


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


def renumbered(text: str, places: Sequence[int]) -> str:
    """What is said of an input, by its place among more inputs.

    Args:
        text: an error's text, or a reason, which names it by its place among those that were asked about.
        places: where each of these is.
    """

    def name(match: re.Match[str]) -> str:
        return f"{match[1]} {places[int(match[2])]}" if int(match[2]) < len(places) else match[0]

    return POSITION.sub(name, text)


def refusal(error: InputError, level: str, row: int, count: int, inputs: int) -> InputError:
    """The error to raise about inputs that get no answer and are not to be spared.

    Args:
        level: of `errors`, that spares them.
        row: the place of the first.
        count: how many there are.
        inputs: how many are asked about in all.
    """
    named = of_input(error, row, f" and {count - 1:,} more" if count > 1 else "")
    spared = SPARED.format(level) if inputs > 1 else ""
    return InputError(named.what, expected=named.expected, got=named.got, do=". ".join(filter(None, [named.do, spared])))


def too_far(task: str, ood_score: float, gaps: Sequence[str] = ()) -> str:
    """Why an input beyond its likeliest task's limit has no answer.

    Args:
        gaps: of a row, the columns without a value where none was missing when their type was first learned.
    """
    score = math.ceil(ood_score * 100) / 100 if math.isfinite(ood_score) else ood_score
    shown = f"{score:,.0f}" if 100 <= score < 1e6 else f"{score:.3g}"
    names = ", ".join(map(repr, gaps))
    why = f"; it has no value in {names}, where none was missing before: what stands for it, such as the median, may be why"
    return f"further from {task!r}, the likeliest task, than its own examples: {shown} of the limit" + (why if gaps else "")


NAMED = 5
"""Columns that a warning names, at most."""


def of_test_data(task: str, error: InputError, *, guessed: bool = False) -> InputError:
    """An error about inputs that a task is measured with, of which none can be spared as `predict` spares them.

    Args:
        guessed: whether it was guessed which column of a table has the labels.
    """
    do = error.do or ""
    for level in ("none", "skip"):
        do = do.replace(SPARED.format(level), "").removesuffix(". ")
    if guessed and "missing" in (error.got or ""):
        do = "The column of the labels was guessed; if another one has them, name it"
    do = do or "Leave out what the task does not read, or name the task whose data it is"
    return InputError(f"test data of {task!r}: {error.what}", expected=error.expected, got=error.got, do=do)


def in_spite_of(gaps: Mapping[int, Sequence[str]], tasks: Sequence[str | None] | np.ndarray) -> str:
    """What is to be said of rows that are answered although they have gaps; "" where there are none.

    Args:
        gaps: see `senpath.inference.Prediction`.
        tasks: the task that answers each input, or None.
    """
    filled = [row for row in gaps if tasks[row] is not None]
    if not filled:
        return ""
    names = [*dict.fromkeys(name for row in filled for name in gaps[row])]
    some = ", ".join(map(repr, names[:NAMED])) + (", …" if len(names) > NAMED else "")
    rows = f"{len(filled):,} inputs, the first at place {filled[0]}, have" if len(filled) > 1 else f"input {filled[0]} has"
    what = f"{rows} no value in {some}, where none was missing when the type was first learned"
    return f"{what}: answered as if what stands for it, such as the median, were its value"


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
