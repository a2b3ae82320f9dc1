"""What all answers offer besides their arrays: one by one, as columns, as JSON, and as a table in a notebook."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar, overload

import numpy as np

from senpath.arrays import json_value
from senpath.errors import InputError, MissingExtraError
from senpath.inference.thumbnails import shown
from senpath.notebook.html import SHOWN, Html, block, more, percent, table, word
from senpath.store.files import as_path

A = TypeVar("A", bound=tuple[Any, ...])


class InputAnswer(NamedTuple):
    """The answer to one input; see `Prediction` for what each is.

    Example:
        >>> answer = net.predict(x[:2])[0]
        >>> answer.task, answer.label, answer.reason
        ('low', 0, None)
    """

    task: str | None
    label: Any
    confidence: float
    ood_score: float
    reason: str | None


class ThingAnswer(NamedTuple):
    """The answer to one thing that several modalities tell of; see `MultimodalPrediction`.

    Example:
        >>> answers = net.predict({"image": x[:2], "table": tiny_task("iris")[0][:2]})
        >>> answers[0].concept, answers[0].reason
        ('iris', None)
    """

    concept: str | None
    label: Any
    confidence: float
    tasks: tuple[str, ...]
    reason: str | None


class Answered(ABC, Generic[A]):
    """Answers to several inputs.

    `answers[3]` is one; `answers[:3]`, `answers[[0, 5]]` and `answers[answers.confidence < 0.5]` are several, and a loop takes one by one.
    """

    _one: type[A]
    samples: tuple[Any, ...] = ()
    """What is kept of the first inputs, to show them."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _columns(self) -> dict[str, np.ndarray]:
        """Arrays (n,), by the fields of one answer, in their order."""

    @abstractmethod
    def _picked(self, rows: np.ndarray) -> Self:
        """The answers at these places, int64, in this order."""

    def _shown(self, rows: np.ndarray) -> tuple[Any, ...]:
        """What is kept of the inputs at these places."""
        return tuple(self.samples[row] if row < len(self.samples) else None for row in rows[:SHOWN].tolist())

    def __iter__(self) -> Iterator[A]:
        return (self._one(*values) for values in zip(*(column.tolist() for column in self._columns().values()), strict=True))

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> A: ...

    @overload
    def __getitem__(self, index: Any) -> Self: ...

    def __getitem__(self, index: Any) -> A | Self:
        if isinstance(index, int | np.integer) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"answer {index}: there are {len(self)}")
            return self._one(*(column[index : index + 1 or None].tolist()[0] for column in self._columns().values()))
        try:
            places = index if isinstance(index, slice) else np.asarray(index)
            none = isinstance(places, np.ndarray) and places.shape == (0,)  # of no type, as numpy makes [] one of floats
            rows = np.arange(len(self))[:0] if none else np.arange(len(self))[places]
        except (IndexError, TypeError, ValueError) as error:
            expected = f"a place below {len(self)}, a slice, or an array of places or of {len(self)} truths"
            raise InputError("index of answers", expected=expected, got=str(error)) from error
        if rows.ndim != 1:
            raise InputError("index of answers", expected="one axis", got=f"{rows.ndim}")
        return self._picked(rows)

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns of plain Python values, by name: `task`, `label`, `confidence`, `ood_score` and `reason`; of things told in several
        modalities `concept`, `label`, `confidence`, `tasks` and `reason`.
        """
        return {name: column.tolist() for name, column in self._columns().items()}

    def to_pandas(self) -> Any:
        """The columns of `to_dict` as a pandas data frame, one row per input.

        Raises:
            MissingExtraError: if pandas is not installed.
        """
        try:
            import pandas as pd  # large, and no dependency
        except ImportError as error:
            raise MissingExtraError("data frame", expected="pandas", got="not installed", do="pip install pandas") from error
        return pd.DataFrame(self._columns())

    def to_json(self, path: str | Path | None = None) -> str:
        """A JSON list of one object per input, with the names of `to_dict`; numbers that are not finite are null.

        Args:
            path: also write it there, as UTF-8.
        """
        columns = {name: json_value(column) for name, column in self._columns().items()}
        records = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        text = json.dumps(records, ensure_ascii=False)
        if path is not None:
            as_path("file for the answers", path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str:
        columns = self._columns()
        first = {name: column[:SHOWN].tolist() for name, column in columns.items()}
        first["confidence"] = [percent(value) for value in first["confidence"]]
        told = any(reason is not None for reason in first["reason"])
        names = [name for name in columns if name != "reason" or told]
        pictures = [shown(item) for item in self.samples]
        inputs = {"input": [*pictures, *[Html()] * (SHOWN - len(pictures))]} if any(pictures) else {}
        values = [*inputs.values(), *(map(_cell, first[name]) for name in names)]
        rows = [(place, *row) for place, row in enumerate(zip(*values, strict=False))]
        head = ["", *inputs, *(name.replace("_", " ") for name in names)]
        numeric = [place for place, name in enumerate(head) if name in ("", "confidence", "ood score")]
        return block(repr(self), table(head, rows, numeric), more(len(self), len(rows), "answers"))


def _cell(value: Any) -> Html:
    if value is None or value == ():
        return Html('<span style="opacity:.5">–</span>')
    return Html(word(", ".join(map(str, value)) if isinstance(value, tuple | list) else value, 160))
