"""Numbers as they are written where a comma stands before decimals: 1,5 and 1.234,5."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from senpath.arrays import THOUSANDS
from senpath.inputs.modalities.columns import is_missing

GROUPS = "[.' \u00a0\u202f\u2019]"
"""What stands between thousands there."""
BETWEEN = re.compile(GROUPS)
DECIMAL_COMMA = re.compile(rf"\s*[+-]?(\d+|\d{{1,3}}({GROUPS}\d{{3}})+),\d+\s*")
"""Numbers such as 1234,5 and 1.234,5."""
GROUPED = re.compile(rf"\s*[+-]?\d{{1,3}}({GROUPS}\d{{3}})+(,\d+)?\s*")
"""Numbers such as 1.234 and 1.234,5."""
WHOLE = re.compile(r"\s*[+-]?\d+\s*")


def has_decimal_comma(words: Iterable[str]) -> bool:
    """Whether one of these is a number with a comma that cannot stand between thousands."""
    return any("," in word and DECIMAL_COMMA.fullmatch(word) and not THOUSANDS.fullmatch(word) for word in words)


def with_points(words: Sequence[str], *, usual: bool, others: bool) -> Sequence[str]:
    """A column's words, with numbers as other programs write them, 1234.5, if they are written with decimal commas.

    What a column has decides for all of it: 1,234 is 1.234 beside 1,5, but 1234 beside 1,234.5; and 2.000 is 2000 beside 1.234,5, but not
    beside 48.13.

    Args:
        usual: whether decimal commas are usual in the file, so that 1,234 is 1.234 unless the column says otherwise. Where they are not,
            columns that hold other words beside numbers are left alone.
        others: whether other columns of the file have decimal commas.
    """
    decimals = has_decimal_comma(words)
    if not decimals and (not usual or any(map(_has_thousands, words))):
        return words
    if not usual and not all(DECIMAL_COMMA.fullmatch(word) or WHOLE.fullmatch(word) or is_missing(word) for word in words):
        return words
    numbered = not any("." in word and not GROUPED.fullmatch(word) for word in words)
    groups = numbered and (decimals or others or any(word.count(".") > 1 for word in words))
    return [_with_point(word, groups=groups) for word in words]


def _has_thousands(word: str) -> bool:
    """Whether this is a number whose commas can only stand between thousands, as 1,234.5."""
    return "," in word and THOUSANDS.fullmatch(word) is not None and not DECIMAL_COMMA.fullmatch(word)


def _with_point(word: str, *, groups: bool) -> str:
    if DECIMAL_COMMA.fullmatch(word) or (groups and GROUPED.fullmatch(word)):
        return BETWEEN.sub("", word).replace(",", ".")
    return word
