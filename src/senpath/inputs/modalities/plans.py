"""How each column of a table becomes numbers: chosen at a type's first task, and kept with the type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from senpath.arrays import as_word, object_array
from senpath.inputs.modalities.columns import MAX_WORDS, NO_VALUE, Column, ColumnForm, Rows, plain_word, read_column, wrong_value
from senpath.inputs.modalities.hashing import buckets_of
from senpath.inputs.modalities.sparse import SparseRows
from senpath.inputs.modalities.text import TextModality
from senpath.types import DataType

WORD_BUCKETS, TEXT_BUCKETS = 256, 256
"""Numbers for words of too many different values, and for each half of the counts of a text; fewer where there are many such columns."""
ALL_BUCKETS = 4096
"""Numbers for all such columns of a table together, about."""
FEWEST_BUCKETS = 16
SENTENCE = 2.0
"""Words that a value has on average, from which on a column of many different values holds texts."""
TIME_NUMBERS = 7
"""A date as days, and as places in the circles of the year, the week and the day."""
YEAR_DAYS = 365.2425
LAST_DAY = 2_932_896
"""The last of the year 9999, from 1970 on: what is later has no date."""
FORMS = {
    "numbers": "of numbers",
    "words": "of words",
    "times": "of dates or times",
    "hashed": f"of words of more than {MAX_WORDS} values (hashed)",
    "texts": "of texts (hashed words)",
    "empty": "without a value",
}
"""What columns of each kind are called behind "2 columns"."""
READ_AS: Mapping[str, ColumnForm | None] = {"numbers": "numbers", "times": "times", "empty": None}
"""What the values of a column are read as; "words" for all others."""


@dataclass(frozen=True)
class ColumnPlan:
    """How one column becomes numbers.

    Args:
        name: of the column.
        form: one of `FORMS`. "numbers" are one number; "words" a 1 among 0s; "times" `TIME_NUMBERS`; "hashed" a 1 or −1 among 0s, by the
            hash of the word; "texts" hashed counts of words and of letter groups; "empty", a column that had no value, none.
        words: of a column of words.
        buckets: of "hashed"; half of those of "texts".
        marked: whether one more number says that the value is missing.
    """

    name: str
    form: str
    words: tuple[str, ...] = ()
    buckets: int = 0
    marked: bool = False

    @property
    def width(self) -> int:
        """How many numbers it becomes."""
        own = {"numbers": 1, "times": TIME_NUMBERS, "words": len(self.words), "hashed": self.buckets, "texts": 2 * self.buckets}
        return own.get(self.form, 0) + self.marked

    @property
    def is_measure(self) -> bool:
        """Whether its first number has a unit, so that it is standardised, and a median that stands for missing ones."""
        return self.form in ("numbers", "times")

    def read(self, values: np.ndarray, *, gaps: bool = True) -> Column:
        """The column's values.

        Args:
            gaps: whether some words stand for a missing value, as in all types but those of old folders.
        """
        column = read_column(self.name, values, form=READ_AS.get(self.form, "words"), known=self.words if gaps else NO_VALUE)
        return replace(column, values=self._meant(column.values)) if self.form == "words" else column

    def _meant(self, words: np.ndarray) -> np.ndarray:
        """Words as the plan has them: 3.0 for 3, and True for 1, where that is how another program writes a word that is known."""
        known = {*map(as_word, self.words)}
        if {*words} <= known | {None}:
            return words
        told = Counter(map(plain_word, known))
        meant = {plain_word(word): word for word in known if told[plain_word(word)] == 1}
        return object_array([word if word is None or word in known else meant.get(plain_word(word), word) for word in words])

    def encode(self, column: Column) -> np.ndarray:
        """Its numbers, float64 (n, width); those of a missing measure NaN, else all 0 but the mark."""
        numbers = np.zeros((len(column.values), self.width))
        missing = column.missing if self.form != "numbers" or self.marked else None
        if self.form == "numbers":
            numbers[:, 0] = column.values
        elif self.form == "times":
            numbers[:, :TIME_NUMBERS] = _of_times(column.values)
        elif self.form == "words":
            numbers[:, : len(self.words)] = column.values[:, None] == object_array([*map(as_word, self.words)])
        elif missing is not None and self.form != "empty":
            self._hash(column.values, np.flatnonzero(~missing), numbers)
        if self.marked and missing is not None:
            numbers[:, -1] = missing
        return numbers

    def _hash(self, words: np.ndarray, rows: np.ndarray, numbers: np.ndarray) -> None:
        """Encode these rows' words."""
        if self.form == "texts":
            data_type = DataType("text", (2 * self.buckets,), {"buckets": self.buckets})
            numbers[rows, : 2 * self.buckets] = TextModality().encode(words[rows], data_type).numpy()
        elif len(rows):
            places, signs = buckets_of([word.encode() for word in words[rows]], self.buckets)
            numbers[rows, places] = signs


def choose_plan(name: str, column: Column) -> ColumnPlan:
    """How a column of a type's first rows becomes numbers; `share_buckets` comes after."""
    missing = column.missing
    values = column.values[~missing]
    form: str = column.form
    if not len(values):
        form = "empty"
    elif form == "words" and len(distinct := {*values}) > MAX_WORDS:
        form = "texts" if sum(value.count(" ") + 1 for value in values) >= SENTENCE * len(values) else "hashed"
    elif form == "words":
        return ColumnPlan(name, form, tuple(sorted(distinct)), marked=bool(missing.any()))
    buckets = {"hashed": WORD_BUCKETS, "texts": TEXT_BUCKETS}.get(form, 0)
    return ColumnPlan(name, form, (), buckets, form != "empty" and bool(missing.any()))


def share_buckets(plans: Sequence[ColumnPlan]) -> list[ColumnPlan]:
    """The plans of a table; where many columns are hashed, each has fewer buckets."""
    hashed = sum(plan.buckets > 0 for plan in plans)
    most = max(FEWEST_BUCKETS, ALL_BUCKETS // max(1, hashed))
    return [replace(plan, buckets=min(plan.buckets, most)) if plan.buckets > most else plan for plan in plans]


def plans_of(options: Mapping[str, Any]) -> list[ColumnPlan]:
    """The plans that a type's options hold, see `options_of`."""
    words, forms, gaps = options.get("categories", {}), options.get("forms", {}), {*options.get("gaps", ())}
    plans = []
    for name in options["columns"]:
        form = forms.get(name, {"form": "words" if name in words else "numbers"})
        plans.append(ColumnPlan(name, form["form"], tuple(words.get(name, ())), form.get("buckets", 0), name in gaps))
    return plans


def options_of(plans: Sequence[ColumnPlan]) -> dict[str, Any]:
    """The options from which `plans_of` makes these plans, but for the names of the columns; none where all are plain numbers."""
    words = {plan.name: [*plan.words] for plan in plans if plan.form == "words"}
    forms = {
        plan.name: {"form": plan.form} | ({"buckets": plan.buckets} if plan.buckets else {})
        for plan in plans
        if plan.form not in ("numbers", "words")
    }
    gaps = [plan.name for plan in plans if plan.marked]
    return {name: value for name, value in (("categories", words), ("forms", forms), ("gaps", gaps)) if value}


def fits_options(options: Mapping[str, Any]) -> bool:
    """Whether what a file says of a type's columns is what `options_of` could have written."""
    columns, words, forms, gaps = options.get("columns"), options.get("categories", {}), options.get("forms", {}), options.get("gaps", [])
    if not _are_names(columns) or not isinstance(words, dict) or not isinstance(forms, dict) or not _are_names(gaps):
        return False
    known = all(choices and _are_names(choices) and len({*choices}) == len(choices) for choices in words.values())
    names = set[str](columns or ())
    told = words.keys() <= names and forms.keys() <= names and {*gaps} <= names and not words.keys() & forms.keys()
    return known and told and all(map(_fits_form, forms.values()))


def _fits_form(form: Any) -> bool:
    if not isinstance(form, dict) or form.get("form") not in FORMS:
        return False
    buckets = form.get("buckets", 0)
    return isinstance(buckets, int) and ((1 <= buckets <= ALL_BUCKETS) if form["form"] in ("hashed", "texts") else buckets == 0)


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def read_planned(rows: Rows | SparseRows, plan: ColumnPlan, start: int = 0, *, gaps: bool = True) -> Column:
    """A column of rows as its plan reads it.

    Args:
        start: what errors call the first row.
        gaps: see `ColumnPlan.read`.

    Raises:
        InputError: for a value of another kind, or where there may be no gaps for a missing one.
    """
    values = rows.column(as_word(plan.name))
    column = plan.read(values, gaps=gaps)
    wrong = column.wrong if gaps else np.union1d(column.wrong, np.flatnonzero(column.missing))
    if len(wrong) and (rows.named or values.dtype.kind not in "fiub"):
        first = int(wrong[0])
        raise wrong_value(f"row {start + first}", plan.name, column, values[first])
    return column


def described(plans: Iterable[ColumnPlan]) -> str:
    """Such as "3 columns of numbers and 1 column of words"."""
    counts: dict[str, int] = {}
    for plan in plans:
        counts[plan.form] = counts.get(plan.form, 0) + 1
    parts = [f"{counts[form]:,} column{'s' if counts[form] > 1 else ''} {said}" for form, said in FORMS.items() if form in counts]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def column_notes(rows: Rows | SparseRows, options: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands for values that are missing in rows, and which words none of the type's first rows had: a line for each such column.

    Args:
        options: of the type that rows are encoded as.

    Raises:
        InputError: for a value that no such column can have.
    """
    if "fill" not in options:  # in types of old folders nothing may be missing
        return ()
    notes, start = [], 0
    for plan in plans_of(options):
        note = _note(plan, read_planned(rows, plan), options["fill"][start] if plan.is_measure else None)
        notes += [f"column {plan.name!r}: {note}"] if note else []
        start += plan.width
    return tuple(notes)


def unmarked_gaps(rows: Rows, options: Mapping[str, Any]) -> dict[int, list[str]]:
    """For each row, by its place, the columns without a value of which the type does not mark that: none was missing when it was learned.

    Args:
        options: of the type that rows were encoded as.
    """
    gaps: dict[int, list[str]] = {}
    for plan in plans_of(options) if "fill" in options else ():
        if plan.form != "empty" and not plan.marked:
            for place in np.flatnonzero(read_planned(rows, plan).missing).tolist():
                gaps.setdefault(place, []).append(plan.name)
    return gaps


def _note(plan: ColumnPlan, column: Column, median: float | None) -> str:
    missing = column.missing
    count, said = int(missing.sum()), list[str]()
    if plan.form == "empty":
        return "not read, for there was no value when its type was first learned"
    if count:
        stands = f" read as the median, {_measured(plan, median)}," if median is not None else ""
        mark = "marked as such" if plan.marked else "not marked, for none was missing when its type was first learned"
        said.append(f"{'the value is' if len(missing) == 1 else f'{count:,} value' + 's' * (count > 1)} missing,{stands} {mark}")
    new = sorted({*column.values[~missing]} - {*map(as_word, plan.words)}) if plan.form == "words" else []
    if new:
        said.append(f"{len(new):,} new word{'s' if len(new) > 1 else ''}, such as {new[0]!r:.60}, read as none of those that are known")
    return "; ".join(said)


def _measured(plan: ColumnPlan, value: float) -> str:
    if plan.form != "times" or not abs(value) <= LAST_DAY:
        return f"{value:g}"
    return str(np.datetime64(round(value * 86_400), "s"))


def _of_times(times: np.ndarray) -> np.ndarray:
    """Days since 1970 and six places in circles, float64 (n, 7): in the circles' middle, and on no day, where there is no time."""
    missing = np.isnat(times)
    moments = times.astype("datetime64[us]").astype(np.float64) / 86_400e6
    moments[missing] = 0.0
    in_year = (times.astype("datetime64[D]") - times.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.float64)
    turns = np.stack([in_year / YEAR_DAYS, np.floor(moments) / 7, moments], axis=1) % 1
    circles = np.concatenate([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)
    circles[missing], moments[missing] = 0.0, np.nan
    return np.concatenate([moments[:, None], circles], axis=1)
