"""Records: dictionaries of what jobs measured, and how they are selected, grouped and averaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Record = dict[str, Any]
Figure = str | Callable[[Record], Any]
"""A field of a record, by name or computed from the whole record."""
MEASURED = ("given", "found", "routed", "label", "untrained", "seconds", "examples", "weights", "activated")
OWN = frozenset({"method", "seed", "kind", "shots", "after", "task", "test", *MEASURED})
"""Fields of an experiment's records, and the argument of `where`; a setting that is called so has another name there."""


def setting_fields(settings: Mapping[str, Any]) -> Record:
    """Settings as fields of a record: JSON values, or the text of what is none; beside the record's own.

    Args:
        settings: by name; `examples` becomes "setting examples".
    """
    return {f"setting {name}" if name in OWN else name: json.loads(json.dumps(value, default=repr)) for name, value in settings.items()}


class Records(list[Record]):
    """Records in the order in which they were made. Every selection is `Records` again."""

    def where(self, test: Callable[[Record], bool] = lambda record: True, **fields: Any) -> Records:
        """Records that pass the test and have these values; a field that a record lacks counts as None."""
        return Records(record for record in self if test(record) and all(record.get(name) == value for name, value in fields.items()))

    def by(self, *fields: str) -> dict[Any, Records]:
        """Groups of records with equal values of the fields, in the order in which the values come first.

        The keys are values, or tuples of values if there are several fields. Lists count as tuples.
        """
        groups: dict[Any, Records] = {}
        for record in self:
            values = [record.get(name) for name in fields]
            key = tuple(tuple(value) if isinstance(value, list) else value for value in values)
            groups.setdefault(key[0] if len(fields) == 1 else key, Records()).append(record)
        return groups

    def distinct(self, field: str) -> list[Any]:
        """The values of a field, each once, in the order in which they come first."""
        return [*self.by(field)]

    def values(self, figure: Figure, scale: float = 1.0) -> list[float]:
        """The figure of every record that has it."""
        of = (lambda record: record.get(figure)) if isinstance(figure, str) else figure
        return [scale * value for value in map(of, self) if value is not None]

    def mean(self, figure: Figure, scale: float = 1.0) -> float:
        """Mean of the figure over the records."""
        return float(np.mean(self.values(figure, scale)))

    def by_seed(self, figure: Figure, scale: float = 1.0) -> dict[int, float]:
        """For each seed, in ascending order, the mean of the figure."""
        return {seed: mine.mean(figure, scale) for seed, mine in sorted(self.by("seed").items())}


def differences(mine: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """One less the other, paired by seed; seeds that only one of them has are left out."""
    return [mine[seed] - other[seed] for seed in mine if seed in other]
