"""Tensors, arrays and texts that users pass, checked before anything is made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from numbers import Real
from typing import Any
from unicodedata import category, combining, normalize

import numpy as np
import torch

from senpath.errors import InputError

BYTE_ORDER_MARK = "\ufeff"
INVISIBLE = "\u200b\u2060"
"""Characters without width that no word needs at its ends."""
MANY_MARKS = 64
"""Accents and other marks on one letter from which on they are put into their order here: Python takes the square of their number."""
PLANE, LAST_MARK = 0xFFFF, 0x1F000
"""The last letter of Unicode's first plane; no mark's number is larger than the second."""


def composed(text: str) -> str:
    """The one form of a text among those that look alike: composed (Unicode's NFC), without byte order marks."""
    return text if text.isascii() else normalize("NFC", _with_marks_in_order(text.replace(BYTE_ORDER_MARK, "")))


def _with_marks_in_order(text: str) -> str:
    """A text whose composed form is the same, and takes no longer than its length to be found."""
    if len(text) < MANY_MARKS:
        return text
    runs, parts = _marks()
    return runs.sub(lambda run: _in_order(run[0].translate(parts)), text)


def _in_order(text: str) -> str:
    """A text with the marks behind each letter in the order of their classes."""
    groups = groupby(text, lambda letter: combining(letter) > 0)
    return "".join("".join(sorted(group, key=combining) if marks else group) for marks, group in groups)


@cache
def _marks() -> tuple[re.Pattern[str], dict[int, str]]:
    """Runs of `MANY_MARKS` and more, and the marks that stand for several (Unicode Standard Annex 15).

    Beyond the first plane, where there are few, any letter is taken for a mark: a pattern with more ranges would take ten times as long.
    """
    parts = {code: normalize("NFD", chr(code)) for code in range(LAST_MARK)}
    marks = [code for code, part in parts.items() if combining(part[0])]
    ranges = [[code for _, code in run] for _, run in groupby(enumerate(marks), lambda pair: pair[1] - pair[0])]
    letters = "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in ranges if run[0] <= PLANE)
    pattern = f"[{letters}{chr(PLANE + 1)}-{chr(LAST_MARK)}]{{{MANY_MARKS},}}"
    return re.compile(pattern), {code: parts[code] for code in marks if parts[code] != chr(code)}


def as_word(text: str) -> str:
    """A word, a label or a column's name in its one form: composed, without blanks around it."""
    word = composed(text).strip()
    return word if word.isascii() else word.strip(INVISIBLE).strip()


THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d*)?\s*")
"""Numbers such as 1,234,567.8."""


def written_number(text: str) -> str:
    """A number that was written with commas between thousands without these; another text as it is.

    Raises:
        ValueError: for digits with underscores between them, which Python takes for a number, and nobody else does.
    """
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text


def unmasked(values: Any) -> Any:
    """An array of numpy's special kinds as a plain one; anything else as it is.

    A value that is masked is missing: NaN among numbers, None among words.
    """
    if isinstance(values, np.ma.MaskedArray):
        if values.dtype.names is not None or not np.ma.getmaskarray(values).any():
            return np.asarray(values.data)
        present: Any = np.asarray(values.data, dtype=np.float64 if values.dtype.kind in "fiub" else object)
        return np.where(np.ma.getmaskarray(values), np.nan if values.dtype.kind in "fiub" else None, present)
    if isinstance(values, np.ndarray) and values.dtype.kind == "T":  # strings of any length, which numpy has since its second version
        return values.astype(object)
    return np.asarray(values) if isinstance(values, np.matrix) else values


def as_numpy(values: Any) -> Any:
    """An array of another library, such as JAX, as one of numpy; anything else as it is."""
    if isinstance(values, np.ndarray | np.generic | torch.Tensor) or hasattr(values, "to_numpy"):
        return values
    return np.asarray(values) if all(hasattr(values, name) for name in ("__array__", "shape", "dtype")) else values


LONGEST_NAME, LONGEST_DESCRIPTION = 200, 2000
UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, half characters and breaks of lines: no part of a name."""


def is_name(text: object) -> bool:
    """Whether this can be the name of a task or a concept: it is printable, not blank, and not too long."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_NAME:
        return False
    if text.isascii():  # most are, and a network has many
        return text.isprintable()
    return not any(category(letter) in UNPRINTABLE for letter in text)


def is_description(text: object) -> bool:
    """Whether this can say what a task is for: it is printable but for line breaks, and not too long; "" says nothing."""
    if not isinstance(text, str) or len(text) > LONGEST_DESCRIPTION:
        return False
    return not any(category(letter) in UNPRINTABLE for letter in text.replace("\n", ""))


def as_array(values: torch.Tensor) -> np.ndarray:
    """A tensor's numbers; numpy has no bfloat16, so that becomes float32.

    Raises:
        InputError: if the tensor is sparse or otherwise no plain array.
    """
    try:
        plain = values.detach().cpu()
        array: np.ndarray = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    except (TypeError, RuntimeError) as error:
        raise InputError("tensor", expected="a dense one of numbers", got=f"{values.dtype}, {values.layout}") from error
    return array


def names_of_columns(table: Any) -> list[Any] | None:
    """The names of a data frame's columns, or of an Arrow table's, whose `columns` are its values; None of what has none."""
    if not hasattr(table, "columns"):
        return None
    return [*(table.column_names if hasattr(table, "to_pylist") and hasattr(table, "schema") else table.columns)]


def object_array(values: Sequence[object]) -> np.ndarray:
    """An array of these objects, whatever they are: (n,)."""
    return np.fromiter(values, dtype=object, count=len(values))


def plain_array(values: np.ndarray) -> np.ndarray:
    """An array of objects (n,) as one of bool, int64 or float64 if all of them are of Python's bool, int or float, and fit."""
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (float, np.float64)):
        if len(values) and all(type(value) is kind for value in values):
            return values.astype(dtype) if kind is float or all(-(2**63) <= value < 2**63 for value in values) else values
    return values


def json_value(value: Any) -> Any:
    """What JSON has for a label, a number or several of them: lists for tuples, None for what is not finite."""
    if type(value) in (str, int):  # most are
        return value
    if isinstance(value, dict):
        return {str(name): json_value(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(part) for part in value]
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value.tolist() if value.dtype.kind != "f" or np.isfinite(value).all() else json_value(value.tolist())
    if hasattr(value, "tolist"):
        return json_value(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_number(value: object) -> float:
    """A real number, of Python's or numpy's types, as Python has it; NaN for anything else, True and False too."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


ROUNDING = 1e-13
"""Numbers that differ by less, as a share of their size, differ by how they were computed; in float32 and float16 by a few last places."""


def rounding_of(dtype: np.dtype[Any]) -> float:
    """Up to which share of their size numbers of this type may differ by rounding alone."""
    return max(4 * float(np.finfo(dtype).eps), ROUNDING) if np.issubdtype(dtype, np.floating) else ROUNDING


def spread_of(values: torch.Tensor, rounding: float | torch.Tensor = ROUNDING) -> torch.Tensor:
    """The standard deviation of each column of (n, columns); 0 where they differ by rounding alone, for nothing can be divided by that.

    Args:
        rounding: what counts as that, as a share of the column's size; one for all columns, or one for each.
    """
    spread = values.std(0, correction=0)
    return torch.where(spread > rounding * values.abs().amax(0), spread, 0)


OUT_OF_PROPORTION = 5.0
"""Times what all but the furthest cells of a column are from its median, at most: what is further counts as being there."""
FURTHEST = 200
"""One cell of so many, and one of fewer, is not asked how far the others may be."""
LEAST_CELLS = 20
"""Fewer do not tell a wrong cell from a rare one."""
NUMBERS_AT_ONCE = 2**20
"""Of a table that are looked at together, so that memory does not grow with it."""


def in_proportion(values: torch.Tensor) -> torch.Tensor:
    """Numbers (n, columns) without cells that are out of all proportion to their column: these are brought to the edge.

    One wrong cell of 999,999,999 would else set its column's mean and spread, and outweigh all others in learning.
    """
    if len(values) < LEAST_CELLS:
        return values
    kept = values
    at_once = max(1, NUMBERS_AT_ONCE // len(values))
    for start in range(0, values.shape[1], at_once):
        part = values[:, start : start + at_once]
        middle = part.median(0).values
        distances = (part - middle).abs()
        usual = distances.kthvalue(len(values) - max(1, len(values) // FURTHEST), 0).values
        differ = torch.where(distances > 0, distances, torch.nan).nanmedian(0).values  # where nearly all cells are the same
        reach = OUT_OF_PROPORTION * torch.where(usual > 0, usual, differ.nan_to_num(torch.inf))
        if bool((distances > reach).any()):
            kept = values.clone() if kept is values else kept
            kept[:, start : start + at_once] = torch.clamp(part, middle - reach, middle + reach)
    return kept


def require_unicode(texts: Iterable[object], what: str) -> None:
    """Refuse half characters, as in the names of folders in another encoding: no file of a network can hold them."""
    for text in texts:
        try:
            str(text).encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{what} {text!r}", expected="text that UTF-8 can hold", got=str(error)) from error


def require_finite(values: torch.Tensor, what: str, positions: Sequence[int] | None = None) -> None:
    """Refuse NaN and infinity, naming the first input that holds one."""
    bad = ~torch.isfinite(values).flatten(1).all(1)
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        raise InputError(
            f"{what} {positions[first] if positions is not None else first}",
            expected="finite numbers",
            got=f"NaN or infinity ({int(bad.sum())} of {len(values)} inputs)",
            do="Remove these rows or fill their gaps",
        )


def bent(numbers: torch.Tensor, straight: float) -> torch.Tensor:
    """Numbers of which those beyond `straight` are brought nearer, in the same order: of their distance the logarithm counts."""
    far = numbers.abs() > straight
    return torch.where(far, numbers.sign() * (straight + (numbers.abs() / straight).clamp(min=1.0).log()), numbers)


FURTHEST_BENT = 80.0
"""Beyond `straight`, what bent numbers are read back from at most: the exponential of more has no place in float32."""


def unbent(numbers: torch.Tensor, straight: float) -> torch.Tensor:
    """The numbers that `bent` was given, as far as float32 tells them: six digits."""
    beyond = (numbers.abs() - straight).clamp(0.0, FURTHEST_BENT)
    return torch.where(beyond > 0, numbers.sign() * straight * beyond.exp(), numbers)
