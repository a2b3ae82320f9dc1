"""Learning in turn: what is measured, when, and where it stands in the matrix."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_digits

from senpath import InputError, Network, SenSettings, UnknownTaskError
from senpath.evaluation.baselines import Pnn, Shared, Single
from senpath.evaluation.protocol import Split, Stage, accuracy_matrix, learn_in_turn
from senpath.evaluation.strategy import Growing, Strategy
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
SETTINGS = SenSettings(hidden=16, epochs=15, batch_size=20, augment=0.0, learning_rate=1e-2)
UNTRAINED = {"middle": 0.3, "iris": 0.5, "low": 0.2, "high": 0.25}


@pytest.fixture(scope="module")
def splits(iris: Labelled) -> dict[str, Split]:
    """Digits in three tasks, in an order that is not the alphabet's, and among them a task of another type."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.images[order] / 16, bunch.target[order]
    digits = {name: np.isin(y, classes) for name, classes in {"middle": (4, 5, 6), "low": (0, 1, 2, 3), "high": (7, 8, 9)}.items()}
    raw = {name: (x[mine], y[mine]) for name, mine in digits.items()}
    raw = {"middle": raw["middle"], "iris": iris, "low": raw["low"], "high": raw["high"]}
    view = Network().view
    return {task: Split(encode_examples(view, a[:100], b[:100]), encode_examples(view, a[100:], b[100:])) for task, (a, b) in raw.items()}


@pytest.fixture(scope="module")
def stages(splits: dict[str, Split]) -> list[Stage]:
    """Of a strategy that takes the digits alone."""
    return list(learn_in_turn(Shared(), splits, SETTINGS))


def test_tasks_come_in_their_order_without_those_of_another_type(stages: list[Stage]) -> None:
    assert [stage.task for stage in stages] == ["middle", "low", "high"]
    assert [list(stage.accuracies) for stage in stages] == [["middle"], ["middle", "low"], ["middle", "low", "high"]]


@pytest.mark.parametrize("start", [Single(), Pnn()])
def test_what_is_left_out_depends_on_the_strategy(splits: dict[str, Split], start: Strategy) -> None:
    found = list(learn_in_turn(start, splits, replace(SETTINGS, epochs=0)))
    expected = [name for name in splits if name != "iris" or isinstance(start, Single)]
    assert [stage.task for stage in found] == expected
    assert list(found[-1].accuracies) == expected


def test_each_stage_goes_on_from_the_one_before(splits: dict[str, Split]) -> None:
    start = Single()
    found = list(learn_in_turn(start, splits, replace(SETTINGS, epochs=0)))
    assert found[0].before is start
    assert all(later.before is earlier.after for earlier, later in pairwise(found))


def test_every_accuracy_is_what_the_strategy_then_had(stages: list[Stage], splits: dict[str, Split]) -> None:
    for stage in stages:
        assert stage.accuracies == {name: stage.after.accuracy(name, splits[name].test) for name in stage.accuracies}
        assert stage.accuracies[stage.task] > 0.85
    assert stages[-1].accuracies["middle"] < stages[0].accuracies["middle"]  # it forgets: when it is measured matters


def test_all_tasks_are_learned_with_the_same_settings(stages: list[Stage], splits: dict[str, Split]) -> None:
    strategy: Strategy = Shared()
    for stage in stages:
        strategy = strategy.learn(stage.task, splits[stage.task].train, SETTINGS)
        assert strategy.accuracy(stage.task, splits[stage.task].test) == stage.accuracies[stage.task]


def test_untouched_is_before_any_step(stages: list[Stage], splits: dict[str, Split]) -> None:
    for stage in stages:
        blank = stage.before.learn(stage.task, splits[stage.task].train, replace(SETTINGS, epochs=0))
        assert stage.untouched == blank.accuracy(stage.task, splits[stage.task].test) < stage.accuracies[stage.task] - 0.2


def test_untouched_a_network_answers_by_what_it_borrows(splits: dict[str, Split]) -> None:
    low = splits["low"]
    renamed = Split(*(replace(each, classes=("zero", "one", "two", "three")) for each in (low.train, low.test)))
    first, second = learn_in_turn(Growing(), {"low": low, "named": renamed}, SETTINGS)
    assert first.untouched < 0.4
    assert second.untouched > 0.9


def test_what_is_learned_already_is_measured_too(stages: list[Stage], splits: dict[str, Split]) -> None:
    known = {"middle": splits["middle"], "low": splits["low"]}
    (last,) = learn_in_turn(stages[1].after, {"high": splits["high"]}, SETTINGS, known)
    assert last.task == "high"
    assert list(last.accuracies) == ["middle", "low", "high"]
    assert (last.accuracies, last.untouched) == (stages[2].accuracies, stages[2].untouched)
    assert list(known) == ["middle", "low"]  # the caller's own stays as it was


def test_a_stage_is_given_before_the_next_task_is_learned(splits: dict[str, Split]) -> None:
    train = splits["high"].train
    small = replace(train, data_type=replace(train.data_type, shape=(1, 4, 4)), inputs=train.inputs[:, :, :4, :4])
    turns = learn_in_turn(Shared(), {"low": splits["low"], "small": Split(small, small)}, SETTINGS)
    assert next(turns).task == "low"
    with pytest.raises(InputError, match=r"^task 'small': expected inputs and a model as the shared backbone has them"):
        next(turns)


def test_the_matrix_has_every_accuracy_in_its_place(stages: list[Stage]) -> None:
    found = accuracy_matrix(stages, UNTRAINED)
    assert found.tasks == ("middle", "low", "high")
    a, untouched = [stage.accuracies for stage in stages], [stage.untouched for stage in stages]
    expected = [
        [a[0]["middle"], untouched[1], np.nan],
        [a[1]["middle"], a[1]["low"], untouched[2]],
        [a[2]["middle"], a[2]["low"], a[2]["high"]],
    ]
    np.testing.assert_array_equal(found.values, expected)
    np.testing.assert_array_equal(found.untrained, [0.3, 0.2, 0.25])
    assert found.fwt == pytest.approx((untouched[1] - 0.2 + untouched[2] - 0.25) / 2)
    assert found.bwt < 0


def test_tasks_known_before_are_no_part_of_the_matrix(stages: list[Stage], splits: dict[str, Split]) -> None:
    rest = {name: splits[name] for name in ("low", "high")}
    found = accuracy_matrix(list(learn_in_turn(stages[0].after, rest, SETTINGS, {"middle": splits["middle"]})), UNTRAINED)
    assert found.tasks == ("low", "high")
    np.testing.assert_array_equal(found.values, accuracy_matrix(stages, UNTRAINED).values[1:, 1:])


def test_where_nothing_was_learned_there_is_no_matrix(stages: list[Stage], splits: dict[str, Split]) -> None:
    nothing = list(learn_in_turn(stages[0].after, {"iris": splits["iris"]}, SETTINGS))
    assert nothing == []
    with pytest.raises(InputError, match="accuracy matrix: expected at least one task"):
        accuracy_matrix(nothing, UNTRAINED)


def test_test_data_is_encoded_as_the_training_data_is(iris: Labelled) -> None:
    x, y = iris
    split = Split.of((x[:100], y[:100]), (3 * x[100:] + 7, y[100:]))
    assert split.test.data_type == split.train.data_type
    low, high = x[:100].min(0), x[:100].max(0)
    scaled = np.ptp(split.train.inputs.numpy(), axis=0) / (high - low)
    expected = split.train.inputs[0].numpy() + scaled * (3 * x[100] + 7 - x[0])
    np.testing.assert_allclose(split.test.inputs[0].numpy(), expected, rtol=1e-4)


def test_test_data_of_one_class_counts_it_as_the_training_data_does(iris: Labelled) -> None:
    x, y = iris
    split = Split.of((x[:100], y[:100]), (x[100:][y[100:] == 2], y[100:][y[100:] == 2]))
    assert set(split.test.targets.tolist()) == {2}
    assert split.test.classes == split.train.classes


def test_a_label_that_was_not_learned_is_refused(iris: Labelled) -> None:
    x, y = iris
    two = y != 1
    with pytest.raises(InputError, match="labels y: expected labels that were learned, 0, 2, got 1"):
        Split.of((x[two], y[two]), (x, y))


def test_test_data_of_another_type_is_refused(iris: Labelled) -> None:
    x, y = iris
    with pytest.raises(InputError, match="inputs: expected table data, got image data"):
        Split.of((x, y), (np.zeros((3, 8, 8)), [0, 1, 2]))


def test_a_matrix_needs_an_untrained_accuracy_for_every_task(stages: list[Stage]) -> None:
    with pytest.raises(InputError, match="untrained accuracies: expected one for each of middle, low, high, got low"):
        accuracy_matrix(stages, {"low": 0.2})


@pytest.mark.parametrize("start", [Single(), Shared(), Pnn(), Growing()])
def test_a_task_that_was_not_learned_is_named(splits: dict[str, Split], start: Strategy) -> None:
    with pytest.raises(UnknownTaskError, match="task 'low': expected one that"):
        start.accuracy("low", splits["low"].test)
    learned = start.learn("high", splits["high"].train, replace(SETTINGS, epochs=0))
    with pytest.raises(UnknownTaskError, match=r"task 'low': expected one that .*high"):
        learned.activated("low")
