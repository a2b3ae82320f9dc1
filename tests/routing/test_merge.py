"""Columns of a task put together with those of further examples."""

from __future__ import annotations

import numpy as np
import pytest

from senpath.routing import MeanColumn, merge_columns, merge_limits


def column(value: float, count: float, of: int | None) -> MeanColumn:
    return MeanColumn(np.full(3, value, dtype=np.float32), count, of)


def described(columns: list[MeanColumn]) -> list[tuple[float, float, int | None]]:
    return [(float(found.mean[0]), found.count, found.of) for found in columns]


def test_one_column_and_one_become_the_mean_of_all() -> None:
    found = merge_columns([column(1, 5, 0), column(2, 5, 1)], [column(4, 10, 0)], 2)
    assert described(found) == [(3, 15, 0), (2, 5, 1)]


def test_new_classes_come_behind() -> None:
    found = merge_columns([column(1, 5, 0)], [column(9, 1, 2), column(4, 3, 1), column(5, 3, 1)], 1)
    assert described(found) == [(1, 5, 0), (9, 1, 2), (4, 3, 1), (5, 3, 1)]


def test_several_columns_of_one_class_stand_beside_the_one_it_has() -> None:
    found = merge_columns([column(1, 5, 0)], [column(2, 30, 0), column(3, 30, 0)], 1)
    assert described(found) == [(1, 5, 0), (2, 30, 0), (3, 30, 0)]


@pytest.mark.parametrize(("count", "added"), [(19, 0), (20, 1)])
def test_a_class_of_several_columns_gets_more_for_many_examples_alone(count: int, added: int) -> None:
    before = [column(1, 20, 0), column(2, 20, 0), column(3, 20, 1), column(4, 20, 1)]
    assert described(merge_columns(before, [column(7, count, 1)], 2)) == described(before) + [(7, count, 1)] * added


@pytest.mark.parametrize(("count", "added"), [(19, 0), (20, 1)])
def test_columns_of_unknown_classes_are_left_alone(count: int, added: int) -> None:
    before = [column(1, 20, None), column(2, 20, None)]
    assert described(merge_columns(before, [column(7, count, 0)], 1)) == described(before) + [(7, count, 0)] * added
    assert described(merge_columns(before, [column(7, 1, 1)], 1)) == [*described(before), (7, 1, 1)]


@pytest.mark.parametrize("of", [0, 1])
def test_what_is_refused_so_far_gets_a_column_of_its_own_however_few_it_is(of: int) -> None:
    before = [column(1, 20, 0), column(3, 20, 1), column(4, 20, 1)]
    new = [column(9, 3, of), column(2, 3, 1)]
    merged = merge_columns(before, new, 2, lambda mean: bool(mean[0] > 8))
    assert described(merged) == [*described(before), (9, 3, of)]


def test_a_limit_is_weighted_by_examples() -> None:
    assert merge_limits(1.0, 30, 4.0, 10) == 1.75
    assert merge_limits(1.0, 0, 4.0, 10) == 4.0
