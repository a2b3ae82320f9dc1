"""The figures of continual learning are those that their papers define."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from senpath import InputError
from senpath.evaluation.metrics import FORMULAS, AccuracyMatrix
from tests.raising import raises_error

SHARES = st.floats(0, 1)
NAN = float("nan")


def matrix(values: Any, untrained: Any) -> AccuracyMatrix:
    values = np.array(values, dtype=float)
    return AccuracyMatrix(tuple(f"task {index}" for index in range(len(values))), values, np.array(untrained, dtype=float))


@st.composite
def matrices(draw: st.DrawFn, least: int = 1) -> AccuracyMatrix:
    size = draw(st.integers(least, 5))
    return matrix(draw(arrays(float, (size, size), elements=SHARES)), draw(arrays(float, size, elements=SHARES)))


@pytest.mark.parametrize(
    ("values", "untrained", "expected"),
    [
        pytest.param(
            [[0.9, 0.2, 0.1], [0.7, 0.8, 0.3], [0.6, 0.7, 0.95]],
            [0.1, 0.15, 0.2],
            # (.6 + .7 + .95) / 3; (−.3 − .1) / 2; (.05 + .1) / 2; (.3 + .1) / 2
            {"ACC": 0.75, "BWT": -0.2, "FWT": 0.075, "forgetting": 0.2},
            id="each task falls",
        ),
        pytest.param(
            [[0.5, 0.0, 0.0], [0.8, 0.6, 0.0], [0.7, 0.9, 0.8]],
            [0.0, 0.25, 0.5],
            # The first task is best after the second: (.2 + .3) / 2 against (.1 − .3) / 2.
            {"ACC": 0.8, "BWT": 0.25, "FWT": -0.375, "forgetting": -0.1},
            id="best in between",
        ),
        pytest.param([[1, 0.5], [0, 0.5]], [0.5, 0.25], {"ACC": 0.25, "BWT": -1.0, "FWT": 0.25, "forgetting": 1.0}, id="two tasks"),
    ],
)
def test_figures_are_those_computed_by_hand(values: Any, untrained: Any, expected: dict[str, float]) -> None:
    found = matrix(values, untrained)
    assert found.figures == pytest.approx(expected)
    assert (found.acc, found.bwt, found.fwt, found.forgetting) == tuple(found.figures.values())


@given(matrices(least=2))
def test_figures_are_their_formulas_written_out(found: AccuracyMatrix) -> None:
    r, b, last = found.values, found.untrained, len(found.tasks) - 1
    expected = {
        "ACC": sum(r[last, task] for task in range(last + 1)) / (last + 1),
        "BWT": sum(r[last, task] - r[task, task] for task in range(last)) / last,
        "FWT": sum(r[task - 1, task] - b[task] for task in range(1, last + 1)) / last,
        "forgetting": sum(max(r[row, task] for row in range(task, last)) - r[last, task] for task in range(last)) / last,
    }
    assert found.figures == pytest.approx(expected, abs=1e-12)


@given(matrices(least=2))
def test_forgetting_is_at_least_what_backward_transfer_lost(found: AccuracyMatrix) -> None:
    assert found.forgetting >= -found.bwt - 1e-12


@given(st.integers(2, 5), SHARES)
def test_where_nothing_changes_nothing_is_transferred_or_forgotten(size: int, share: float) -> None:
    found = matrix(np.full((size, size), share), np.full(size, share))
    assert found.acc == pytest.approx(share)
    assert (found.bwt, found.fwt, found.forgetting) == (0, 0, 0)


def test_one_task_has_an_accuracy_and_no_other_figure() -> None:
    assert matrix([[0.7]], [0.1]).figures == pytest.approx({"ACC": 0.7, "BWT": NAN, "FWT": NAN, "forgetting": NAN}, nan_ok=True)


def test_what_no_formula_reads_need_not_be_measured() -> None:
    values = [[0.9, 0.2, 0.1], [0.7, 0.8, 0.3], [0.6, 0.7, 0.95]]
    measured = matrix(values, [0.1, 0.15, 0.2])
    values[0][2] = NAN
    assert matrix(values, [NAN, 0.15, 0.2]).figures == measured.figures


@pytest.mark.parametrize(
    ("place", "lost"),
    [((2, 1), {"ACC", "BWT", "forgetting"}), ((0, 0), {"BWT", "forgetting"}), ((1, 0), {"forgetting"}), ((0, 1), {"FWT"})],
)
def test_a_figure_that_lacks_a_measurement_is_not_made_up(place: tuple[int, int], lost: set[str]) -> None:
    values = np.full((3, 3), 0.5)
    values[place] = NAN
    figures = matrix(values, np.full(3, 0.1)).figures
    assert {name for name, value in figures.items() if np.isnan(value)} == lost
    assert np.isnan(matrix(np.full((3, 3), 0.5), [0.1, NAN, 0.1]).fwt)


def test_every_figure_has_its_formula() -> None:
    assert list(matrix([[0.7]], [0.1]).figures) == list(FORMULAS)


@pytest.mark.parametrize(
    ("values", "untrained", "got"),
    [
        ((2, 3), (2,), r"got \(2, 3\) and \(2,\)"),
        ((3, 3), (2,), r"got \(3, 3\) and \(2,\)"),
        ((2, 2), (3,), r"got \(2, 2\) and \(3,\)"),
        ((2, 2), (2, 1), r"got \(2, 2\) and \(2, 1\)"),
        ((4,), (2,), r"got \(4,\) and \(2,\)"),
    ],
)
def test_a_matrix_of_another_shape_is_refused(values: tuple[int, ...], untrained: tuple[int, ...], got: str) -> None:
    expected = r"accuracy matrix: expected \(2, 2\) values and \(2,\) untrained, for 2 tasks, "
    with pytest.raises(InputError, match=f"^{expected}{got}$"):
        AccuracyMatrix(("a", "b"), np.zeros(values), np.zeros(untrained))


@pytest.mark.parametrize("value", [-0.01, 1.01, float("inf"), -float("inf"), 97.5])
@pytest.mark.parametrize("where", ["values", "untrained"])
def test_what_is_no_share_is_refused(value: float, where: str) -> None:
    parts = {"values": np.full((2, 2), 0.5), "untrained": np.full(2, NAN)}
    parts[where].flat[1] = value
    with pytest.raises(InputError, match=r"^accuracy matrix: expected at least one task, shares in 0 … 1, got none, or other numbers$"):
        AccuracyMatrix(("a", "b"), **parts)


def test_no_task_is_refused() -> None:
    with pytest.raises(InputError, match=r"^accuracy matrix: expected at least one task"):
        AccuracyMatrix((), np.zeros((0, 0)), np.zeros(0))


def test_lists_are_as_good_as_arrays() -> None:
    matrix = AccuracyMatrix(["a", "b"], [[0.9, 0.5], [0.7, 0.9]], [0.5, 0.5])  # type: ignore[arg-type]
    assert matrix.figures == AccuracyMatrix(("a", "b"), np.array([[0.9, 0.5], [0.7, 0.9]]), np.array([0.5, 0.5])).figures
    assert matrix.tasks == ("a", "b")
    for values in ([[0.9, 0.5], [0.7]], [["x", 0.5], [0.7, 0.9]]):
        with raises_error(InputError, "accuracy matrix", expected="numbers as values"):
            AccuracyMatrix(("a", "b"), values, [0.5, 0.5])  # type: ignore[arg-type]
