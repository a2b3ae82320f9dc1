"""What the dispatcher knows of a task, put together with what further examples of it say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from senpath.routing.collect import EXAMPLES_PER_COLUMN
from senpath.routing.statistics import TaskStatistics


@dataclass(frozen=True)
class Column:
    """One column of a task.

    Args:
        mean: float32 (features,).
        count: examples behind it.
        of: its class, an index; None where that is not known.
    """

    mean: np.ndarray
    count: float
    of: int | None


def columns_of(statistics: TaskStatistics, classes: Sequence[int | None]) -> list[Column]:
    """The columns of a task, of these classes."""
    return [Column(mean, float(count), of) for mean, count, of in zip(statistics.columns, statistics.counts.tolist(), classes, strict=True)]


def merge_columns(before: Sequence[Column], new: Sequence[Column], classes: int) -> list[Column]:
    """The columns of a task that gets further examples: those that it has, in their order, then the added ones.

    A class that has one column and gets one has the mean of all its examples then. A class that the task did not have gets all its
    columns. Any other gets further ones if they stand for EXAMPLES_PER_COLUMN examples together; fewer say nothing that its columns
    do not.

    Args:
        classes: how many the task had; later ones are new.
    """
    found = list(before)
    added: list[Column] = []
    for of in dict.fromkeys(column.of for column in new):
        mine = [column for column in new if column.of == of]
        places = [place for place, column in enumerate(before) if column.of == of]
        if len(places) == 1 and len(mine) == 1:
            found[places[0]] = _mean(before[places[0]], mine[0])
        elif (of is not None and of >= classes) or sum(column.count for column in mine) >= EXAMPLES_PER_COLUMN:
            added += mine
    return found + added


def merge_limits(before: float, seen: int, new: float, examples: int) -> float:
    """The mean of two limits, weighted by the examples that each was read off; distances are in the same features for ever."""
    return (before * seen + new * examples) / max(1, seen + examples)


def _mean(one: Column, other: Column) -> Column:
    count = one.count + other.count
    mean = (one.mean.astype(np.float64) * one.count + other.mean.astype(np.float64) * other.count) / count
    return Column(mean.astype(np.float32), count, one.of)
