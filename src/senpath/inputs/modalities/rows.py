"""Rows of a table with names, kept by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np


class Rows(Sequence[Any]):
    """Rows of a table: `rows[3]` is one of them, a dict; `rows[:3]` and `rows[[0, 5]]` are several.

    Args:
        columns: arrays of one length, by name.
    """

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self._columns = dict(columns)

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return list(self._columns)

    def column(self, name: str) -> np.ndarray:
        """One value of each row."""
        return self._columns[name]

    def to_numpy(self) -> np.ndarray:
        """The values alone, shape (rows, columns)."""
        return np.stack([*self._columns.values()], axis=1)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    @overload
    def __getitem__(self, place: int | np.integer[Any]) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, place: Any) -> Rows: ...

    def __getitem__(self, place: Any) -> dict[str, Any] | Rows:
        if isinstance(place, int | np.integer):
            return {name: _plain(values[place]) for name, values in self._columns.items()}
        return Rows({name: values[place] for name, values in self._columns.items()})


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
