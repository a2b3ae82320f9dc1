"""What is recorded is what was measured, whatever tasks are called."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import senpath as sp
from senpath.evaluation import latest_by_version, record_evaluation
from senpath.testing import ConstantMethod
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
NAME = "evaluations.jsonl"
SHARES = st.floats(0, 1)
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20).filter(str.strip)
SCORES = st.builds(sp.TaskScore, st.integers(1, 10**6), SHARES, SHARES, SHARES, SHARES, SHARES, st.floats(0, 2), SHARES)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, iris: Labelled) -> sp.Network:
    net = sp.Network(tmp_path_factory.mktemp("records") / "n.sen")
    net.learn("None", iris[0][:100], iris[1][:100], epochs=20)
    return net


@pytest.fixture
def clean(net: sp.Network) -> sp.Network:
    """The network without anything recorded."""
    (net.path / NAME).unlink(missing_ok=True)
    return net


def test_figures_are_kept_as_measured(clean: sp.Network, iris: Labelled) -> None:
    strange = np.concatenate([iris[0][100:], iris[0][:20] + 50])
    tests = {"None": (strange, np.concatenate([iris[1][100:], iris[1][:20]]))}
    plain = sp.evaluate(clean, tests)
    assert not (clean.path / NAME).exists()
    measured = sp.evaluate(clean, tests, record=True)
    assert measured == plain
    assert None in measured.confusion["None"]  # refused, beside a task of that name
    (recorded,) = sp.recorded_evaluations(sp.Network(clean.path))
    assert recorded.evaluation == measured
    assert recorded.version == clean.version == 1
    line = json.loads((clean.path / NAME).read_text())
    assert line["refused"] == {"None": measured.confusion["None"][None]}


def test_figures_of_two_versions_are_not_recorded(tmp_path: Path, iris: Labelled) -> None:
    net = sp.Network(tmp_path / "n.sen")
    net.learn("iris", *iris, method=ConstantMethod())

    def follow(stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "evaluate" and not done:
            net.learn("another", *iris, method=ConstantMethod())

    with raises_error(sp.ConflictError, "figures of an evaluation", expected="version 1 from beginning to end", got="version 2 at the end"):
        sp.evaluate(net, {"iris": iris}, record=True, progress=follow)
    assert not (net.path / NAME).exists()


def test_nothing_measured_is_not_recorded(clean: sp.Network) -> None:
    sp.evaluate(clean, {}, record=True)
    assert sp.recorded_evaluations(clean) == []
    assert not (clean.path / NAME).exists()


@pytest.mark.parametrize("how", [{"reject": False}, {"admit": 0.5}])
def test_only_figures_that_compare_are_kept(clean: sp.Network, iris: Labelled, how: dict[str, Any]) -> None:
    with pytest.raises(sp.InputError, match=r"record: expected False beside admit or reject, got True\. Only figures"):
        sp.evaluate(clean, {"None": iris}, record=True, **how)
    assert not (clean.path / NAME).exists()


def test_a_reader_sees_what_was_measured_up_to_its_version(tmp_path: Path, iris: Labelled) -> None:
    writer = sp.Network(tmp_path / "n.sen")
    writer.learn("first", *iris, model="mlp", epochs=1)
    reader = sp.Network(tmp_path / "n.sen")
    sp.evaluate(writer, {"first": iris}, record=True)
    writer.learn("second", *iris, model="mlp", epochs=1)
    sp.evaluate(writer, {"first": iris}, record=True)
    sp.evaluate(reader, {"first": iris}, record=True)  # later, of the earlier version
    assert [entry.version for entry in sp.recorded_evaluations(writer)] == [1, 2, 1]
    assert [entry.version for entry in sp.recorded_evaluations(reader)] == [1, 1]
    assert [entry.version for entry in latest_by_version(sp.recorded_evaluations(writer))] == [1, 2]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_names_and_figures_come_back(data: st.DataObject) -> None:
    scores = data.draw(st.dictionaries(NAMES, SCORES, min_size=1, max_size=4))
    rows = st.dictionaries(st.one_of(st.none(), NAMES), st.integers(1, 10**6))
    evaluation = sp.Evaluation(scores, {task: data.draw(rows) for task in scores})
    with TemporaryDirectory() as folder:
        net = sp.Network(folder)
        record_evaluation(net, evaluation)
        (found,) = sp.recorded_evaluations(net)
    assert found.evaluation == evaluation


def test_of_one_version_the_latest_figures_of_each_task_count(clean: sp.Network) -> None:
    def score(accuracy: float) -> sp.TaskScore:
        return sp.TaskScore(10, accuracy, accuracy, 1, 1, 1, 1, 0)

    for found in ({"a": 0.1, "b": 0.2}, {"b": 0.3}, {"c": 0.4}):
        record_evaluation(clean, sp.Evaluation({task: score(value) for task, value in found.items()}, {task: {task: 10} for task in found}))
    (merged,) = latest_by_version(sp.recorded_evaluations(clean))
    assert {task: found.accuracy for task, found in merged.evaluation.scores.items()} == {"a": 0.1, "b": 0.3, "c": 0.4}
    assert set(merged.evaluation.confusion) == {"a", "b", "c"}


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(line: dict[str, Any]) -> None:
        for name in path[:-1]:
            line = line[name]
        del line[path[-1]]

    return change


def put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(line: dict[str, Any]) -> None:
        for name in path[:-1]:
            line = line[name]
        line[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (without("scores"), "Field required at scores"),
        (without("scores", "None", "first"), "Field required at scores.None.first"),
        (put(3, "scores"), "Input should be a valid dictionary at scores"),
        (put("much", "scores", "None", "accuracy"), "Input should be a valid number"),
        (put(1.5, "scores", "None", "accuracy"), "figures of 'None' out of their range"),
        (put(float("nan"), "scores", "None", "first"), "figures of 'None' out of their range"),
        (put(float("inf"), "scores", "None", "candidates"), "figures of 'None' out of their range"),
        (put(0, "scores", "None", "examples"), "figures of 'None' out of their range"),
        (put({}, "refused"), "scores, confusion and refused of different tasks"),
    ],
)
def test_a_line_that_is_no_measurement_is_named(
    clean: sp.Network, iris: Labelled, change: Callable[[dict[str, Any]], None], got: str
) -> None:
    sp.evaluate(clean, {"None": iris}, record=True)
    sp.evaluate(clean, {"None": iris}, record=True)
    first, second = (clean.path / NAME).read_text().splitlines()
    change(line := json.loads(second))
    (clean.path / NAME).write_text(f"{first}\n{json.dumps(line)}\n")
    message = re.escape(f"{clean.path / NAME}: line 2: expected a measurement, got ") + ".*" + re.escape(got)
    with pytest.raises(sp.StoreError, match=message):
        sp.recorded_evaluations(clean)


def test_what_is_not_defined_is_recorded_and_shown_as_such(tmp_path: Path, iris: Labelled) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("size", iris[0], iris[0][:, 0], kind="regression", method=ConstantMethod())
    measured = sp.evaluate(net, {"size": (np.full((1, 4), 500.0), [123.0])}, record=True)
    assert math.isnan(measured.scores["size"].accuracy)
    assert math.isnan(measured.scores["size"].accuracy_unlabelled)
    (recorded,) = sp.recorded_evaluations(net)
    assert math.isnan(recorded.evaluation.mean.accuracy)
    assert (recorded.evaluation.mean.refused, recorded.evaluation.confusion) == (1.0, measured.confusion)
    assert net.evaluations[0]["scores"]["size"]["accuracy"] is None
    sp.report(net, tmp_path / "r.html")
    assert "nan" not in (tmp_path / "r.html").read_text(encoding="utf-8").lower()
    nothing = sp.evaluate(net, {"size": (np.array([[500.0] * 4, [600.0] * 4]), [1.0, 2.0])}).scores["size"]
    assert (nothing.refused, nothing.accuracy_unlabelled) == (1.0, 0.0)


def test_one_can_be_removed(clean: sp.Network, iris: Labelled) -> None:
    for count in (10, 20, 30):
        sp.evaluate(clean, {"None": (iris[0][:count], iris[1][:count])}, record=True)
    first, second, third = sp.recorded_evaluations(clean)
    sp.remove_evaluation(clean, second)
    assert [entry.evaluation.scores["None"].examples for entry in sp.recorded_evaluations(clean)] == [10, 30]
    with raises_error(sp.InputError, "evaluation to remove", expected="one that is recorded", got=second.time):
        sp.remove_evaluation(clean, second)
    with raises_error(sp.ConflictError, "evaluation 1", expected="of noon", got=third.time, do="Read them again"):
        clean.remove_evaluation(1, "noon")
    for entry in (first, third):
        sp.remove_evaluation(clean, entry)
    for place in (0, -1, "0", True):
        with raises_error(sp.InputError, "evaluation to remove", expected="there is none", got=repr(place)):
            sp.remove_evaluation(clean, place)  # type: ignore[arg-type]
    assert clean.version == 1
