"""Tasks of several labels and of numbers: learned, dispatched, linked and stored like any other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from torch.utils.data import TensorDataset

import senpath as sp
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
LOOPS = (0, 6, 8, 9)
NAMES = ("big", "even", "loop")


@pytest.fixture(scope="module")
def data() -> Labelled:
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return bunch.images[order] / 16, bunch.target[order]


def several(y: np.ndarray) -> list[set[str]]:
    """What holds of each digit."""
    return [{name for name, holds in zip(NAMES, (digit >= 5, digit % 2 == 0, digit in LOOPS), strict=True) if holds} for digit in y]


def ink(x: np.ndarray) -> np.ndarray:
    """How much of a picture's left and right half is dark."""
    return np.stack([x[:, :, :4].mean((1, 2)), x[:, :, 4:].mean((1, 2))], 1) * 100 + 7


@pytest.fixture(scope="module")
def net(data: Labelled, tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    x, y = data
    net = sp.Network(tmp_path_factory.mktemp("kinds") / "net.sen")
    net.learn("digits", x[:800], y[:800], epochs=20)
    net.learn("properties", x[:100], several(y[:100]), threshold=0.6)
    net.learn("ink", x[:200], ink(x[:200]), kind="regression")
    return net


def test_several_labels(net: sp.Network, data: Labelled) -> None:
    x, y = data[0][1000:], data[1][1000:]
    assert net.tasks["properties"].kind == "multilabel"
    assert net.tasks["properties"].classes_ == NAMES
    found = net.predict(x, task="properties")
    assert all(isinstance(labels, tuple) and set(labels) <= set(NAMES) for labels in found.label)
    right = np.mean([set(labels) == true for labels, true in zip(found.label, several(y), strict=True)])
    assert right > 0.6  # 0.25 or so by the most frequent set
    chances = found.probabilities["properties"]
    assert ((chances > 0.5) == [[name in labels for name in NAMES] for labels in found.label]).all()
    np.testing.assert_allclose(found.confidence, np.maximum(chances, 1 - chances).prod(1))
    assert {entry[:2] for entry in net.predict(x[:1], task="properties").top(3)[0]} == {("properties", name) for name in NAMES}


def test_borrowing_what_a_hidden_layer_says(net: sp.Network, data: Labelled) -> None:
    transfers = net.tasks["properties"].transfers
    assert {source for source, _ in transfers} == {"digits"}
    assert {transfer.target for _, transfer in transfers} == set(NAMES)
    assert max(transfer.share for _, transfer in transfers) >= 0.6
    mine = np.flatnonzero(net.predict(data[0][1000:]).task == "properties")
    why = next(why for place in mine if (why := net.explain(data[0][1000 + place])).label)
    assert [(use.source, use.output) for use in why.links] == [("digits", label) for label in why.label]


def test_numbers(net: sp.Network, data: Labelled) -> None:
    x = data[0][1000:]
    found = net.predict(x, task="ink")
    answers = np.array(found.label.tolist())
    assert answers.shape == (len(x), 2)
    left = 1 - ((answers - ink(x)) ** 2).sum(0) / ((ink(x) - ink(x).mean(0)) ** 2).sum(0)
    assert left.min() > 0.6
    assert "ink" not in found.probabilities
    assert found.top(5)[0] == [("ink", found.label[0], 1.0)]
    measured = sp.evaluate(net, {"ink": (x, ink(x)), "properties": (x, several(data[1][1000:]))})
    assert measured.scores["ink"].accuracy == pytest.approx(left.mean(), abs=1e-4)
    assert 0.7 < measured.scores["properties"].accuracy <= 1


def test_one_number_is_a_number(data: Labelled) -> None:
    diabetes = load_diabetes()
    net = sp.Network()
    net.learn("progression", diabetes.data[:300], diabetes.target[:300], kind="regression", model=Ridge(alpha=0.1))
    found = net.predict(diabetes.data[300:])
    assert all(isinstance(value, float) for value in found.label[found.task == "progression"])
    expected = Ridge(alpha=0.1).fit(diabetes.data[:300].astype(np.float32), diabetes.target[:300]).predict(diabetes.data[300:310])
    given = net.predict(diabetes.data[300:310], task="progression").label.astype(float)
    assert np.corrcoef(given, expected)[0, 1] > 0.9


def test_where_probabilities_do_not_compare_the_likelier_task_answers(net: sp.Network, data: Labelled) -> None:
    found, looked_at = net.predict(data[0][1000:1400]), 0
    for index in np.flatnonzero([len(names) == 2 and found.task[place] is not None for place, names in enumerate(found.candidates)]):
        if {net.tasks[name].kind for name in found.candidates[index]} != {"classification"}:
            looked_at += 1
            assert found.task[index] == found.candidates[index][0]
    assert looked_at > 50


def test_stored_and_read_again(net: sp.Network, data: Labelled) -> None:
    x = data[0][1000:1100]
    again = sp.Network(net.path)
    again.verify()
    for task in ("properties", "ink"):
        assert again.tasks[task] == net.tasks[task]
        assert again.predict(x, task=task).label.tolist() == net.predict(x, task=task).label.tolist()


def test_the_report_and_the_table_have_them(net: sp.Network, tmp_path: Path) -> None:
    sp.report(net, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "properties" in page
    assert "ink" in page


WAYS: dict[str, Any] = {
    "sets": lambda y: several(y),
    "lists": lambda y: [sorted(labels) for labels in several(y)],
    "a data frame": lambda y: pd.DataFrame([[name in labels for name in NAMES] for labels in several(y)], columns=list(NAMES)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_of_giving_labels_is_one(data: Labelled, way: Any) -> None:
    x, y = data[0][:60], data[1][:60]
    net = sp.Network()
    net.learn("a", x, way(y), epochs=1)
    assert net.tasks["a"].classes_ == NAMES
    assert net.tasks["a"].provenance.fewest_per_class == min(sum(name in labels for labels in several(y)) for name in NAMES)


def test_rows_of_bits_from_a_dataset(data: Labelled) -> None:
    x, y = data[0][:60], data[1][:60]
    bits = np.array([[name in labels for name in NAMES] for labels in several(y)], dtype=np.float32)
    one, other = sp.Network(), sp.Network()
    one.learn("a", x, bits, epochs=1)
    other.learn("a", TensorDataset(torch.from_numpy(x).float(), torch.from_numpy(bits)), epochs=1)
    assert one.tasks["a"].classes_ == other.tasks["a"].classes_ == (0, 1, 2)
    assert one.predict(x, task="a").label.tolist() == other.predict(x, task="a").label.tolist()


MODELS: dict[str, Any] = {
    "forest": "forest",
    "one against the rest": OneVsRestClassifier(LogisticRegression()),
    "given": RandomForestClassifier(20),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_scikit_learn_models_of_several_labels(data: Labelled, model: Any) -> None:
    x, y = data
    net = sp.Network()
    net.learn("properties", x[:300], several(y[:300]), model=model)
    assert sp.evaluate(net, {"properties": (x[1000:], several(y[1000:]))}).scores["properties"].accuracy > 0.75
    net.verify()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"kind": "ranking"}, "kind of task: expected one of classification, multilabel, regression, or None, got 'ranking'"),
    "words as numbers": ({"y": ["a"] * 20, "kind": "regression"}, "numbers y of a regression: expected numbers, got "),
    "no number": ({"y": [np.nan] * 20, "kind": "regression"}, "numbers y of a regression: expected finite numbers up to .*, got NaN"),
    "too few": ({"y": [1.0] * 3, "kind": "regression"}, r"numbers y of a regression: expected shape \(20,\) .*, got shape \(3, 1\)"),
    "too few sets": ({"y": [{"a"}] * 3}, "labels y: expected 20 collections of labels, one per input, got 3"),
    "fractions": ({"y": np.arange(20) / 3}, "labels y: expected whole numbers or strings, .* kind='regression'"),
    "a classifier for numbers": (
        {"y": np.arange(20.0), "kind": "regression", "model": LogisticRegression()},
        "model: expected a scikit-learn regressor, got LogisticRegression",
    ),
}


@pytest.mark.parametrize(("given", "match"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_learned_is_refused(data: Labelled, given: dict[str, Any], match: str) -> None:
    net = sp.Network()
    with pytest.raises(sp.InputError, match=match):
        net.learn("a", data[0][:20], **{"y": data[1][:20], **given})
    assert net.version == 0


def test_constant_numbers_are_answered(data: Labelled) -> None:
    net = sp.Network()
    net.learn("same", data[0][:30], np.full(30, 3.5), kind="regression", epochs=3)
    assert net.predict(data[0][30:40], task="same").label.astype(float) == pytest.approx(3.5, abs=0.2)


@pytest.mark.parametrize(
    ("y", "kind"), [(lambda x, y: x.mean((1, 2)), "regression"), (lambda x, y: (y == 0)[:, None].astype(int), "multilabel")]
)
def test_a_single_output_borrows_too(data: Labelled, y: Any, kind: str) -> None:
    net = sp.Network()
    net.learn("digits", data[0][:600], data[1][:600], hidden=32, epochs=10)
    net.learn("one", data[0][:200], y(data[0][:200], data[1][:200]), kind=kind, threshold=0.1, epochs=3)
    assert {source for source, _ in net.tasks["one"].transfers} == {"digits"}
    net.verify()


def test_what_never_changes_is_similar_to_nothing(data: Labelled) -> None:
    net = sp.Network()
    net.learn("digits", data[0][:600], data[1][:600], hidden=32, epochs=4)
    by_chance = np.random.default_rng(0).integers(0, 2, (60, 3)).astype(float)
    by_chance[:, 2] = 0
    net.learn("noise", data[0][:60], by_chance, kind="multilabel", epochs=2)
    assert net.tasks["noise"].transfers == ()


def test_zero_shot_numbers_keep_their_means(data: Labelled) -> None:
    x, y = data
    net = sp.Network()
    net.learn("digits", x[:600], y[:600], hidden=32, epochs=10)
    numbers = np.stack([1000 + 50 * (y == 0), 500 + np.random.default_rng(0).normal(size=len(y))], 1)
    net.learn("zero", x[:300], numbers[:300], kind="regression", epochs=0, links="all", threshold=0.3)
    answers = np.array(net.predict(x[600:800], task="zero").label.tolist())
    np.testing.assert_allclose(answers.mean(0), numbers[600:800].mean(0), rtol=0.05)


def test_a_bad_regression_is_recorded_and_reported(data: Labelled, tmp_path: Path) -> None:
    net, random = sp.Network(), np.random.default_rng(0)
    net.learn("noise", data[0][:60], random.normal(size=60) * 3, kind="regression", links="none", epochs=5)
    measured = sp.evaluate(net, {"noise": (data[0][600:800], random.normal(size=200))}, record=True)
    assert measured.scores["noise"].accuracy < 0
    assert sp.recorded_evaluations(net)[0].evaluation.scores == measured.scores
    sp.report(net, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 0


@pytest.fixture(scope="module")
def frames(data: Labelled) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Sixty pictures, two numbers of each and three bits of each, the columns named."""
    x, y = data[0][:60], data[1][:60]
    bits = pd.DataFrame([[name in labels for name in NAMES] for labels in several(y)], columns=list(NAMES))
    return x, pd.DataFrame(ink(x), columns=["mean", "top"]), bits


@pytest.fixture(scope="module")
def _named(frames: tuple[np.ndarray, pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = sp.Network(tmp_path_factory.mktemp("kinds") / "named.sen")
    net.learn("numbers", frames[0], frames[1], kind="regression", epochs=1, hidden=8, links="none")
    net.learn("bits", frames[0], frames[2], epochs=1, hidden=8, links="none")
    return net.path


@pytest.fixture
def named(_named: Path, tmp_path: Path) -> sp.Network:
    """Knows the numbers and the bits. A copy of the test's own."""
    return sp.Network(shutil.copytree(_named, tmp_path / "named.sen"))


def test_columns_go_by_name(named: sp.Network, frames: tuple[np.ndarray, pd.DataFrame, pd.DataFrame]) -> None:
    x, numbers, bits = frames
    for task, y in (("numbers", numbers), ("bits", bits)):
        turned = y[y.columns[::-1]]
        accuracy = [sp.evaluate(named, {task: (x, way)}).scores[task].accuracy for way in (y, turned, y.to_numpy())]
        assert accuracy[0] == accuracy[1] == accuracy[2]
        like = encode_examples(named.view, x, y, kind=named.tasks[task].kind)
        assert torch.equal(encode_examples(named.view, x, turned, like=like).targets, like.targets)


COLUMNS: dict[str, tuple[str, Any, str]] = {
    "another name": ("numbers", {"mean": 1.0, "bottom": 2.0}, "columns of y: expected the task's, 'mean', 'top', got .* without 'top'"),
    "a number less": ("numbers", {"top": 1.0}, "columns of y: expected the task's, 'mean', 'top', got 'top' without 'mean'"),
    "a number more": ("numbers", {"top": 1.0, "mean": 1.0, "low": 1.0}, "columns of y: expected the task's alone, .* got 'low'"),
    "a label less": ("bits", {"big": 1, "even": 0}, "columns of y: expected the task's, 'big', 'even', 'loop', got .* without 'loop'"),
}


@pytest.mark.parametrize(("task", "row", "match"), COLUMNS.values(), ids=COLUMNS)
def test_columns_that_the_task_does_not_have(
    named: sp.Network, data: Labelled, unchanged: Any, task: str, row: dict[str, float], match: str
) -> None:
    with unchanged(named.path):
        with pytest.raises(sp.InputError, match=match):
            named.extend(task, data[0][:4], pd.DataFrame([row] * 4))
        with pytest.raises(sp.InputError, match=match):
            sp.evaluate(named, {task: (data[0][:4], pd.DataFrame([row] * 4))})


def test_further_examples_need_no_label(named: sp.Network, data: Labelled) -> None:
    x = data[0][100:130]
    assert named.extend("bits", x, [set() for _ in x]).changed
    assert named.extend("bits", x, np.zeros((30, 3)), finetune=True, epochs=1, most_lost=1).changed
    assert 0 <= sp.evaluate(named, {"bits": (x, [()] * 30)}).scores["bits"].accuracy <= 1
    with pytest.raises(sp.InputError, match="inputs: expected at least one, got none"):
        named.extend("bits", x[:0], [])


def test_one_label_each_of_a_multilabel_task(named: sp.Network, data: Labelled) -> None:
    x, y = data[0][:30], [{"even"} if digit % 2 == 0 else {"big"} for digit in data[1][:30]]
    assert named.extend("bits", x, y).changed
    named.learn("said", x, y, kind="multilabel", epochs=1)
    assert named.tasks["said"].classes_ == ("big", "even")
    assert named.tasks["said"].kind == "multilabel"


def test_many_tasks_of_one_kind(data: Labelled, tmp_path: Path) -> None:
    x, y = data[0][:60], data[1][:60]
    one, many = sp.Network(tmp_path / "one.sen"), sp.Network(tmp_path / "many.sen")
    one.learn("size", x, y, kind="regression", epochs=1, hidden=4)
    many.learn_many({"size": (x, y), "ink": (x, ink(x))}, kind="regression", epochs=1, hidden=4)
    assert {info.kind for info in many.tasks.values()} == {"regression"}
    assert many.tasks["ink"].classes_ == (0, 1)
    assert many.tasks["size"].provenance.data == one.tasks["size"].provenance.data
    coded = encode_examples(many.view, x, y)
    with pytest.raises(sp.InputError, match="task 'c': kind of task: expected 'classification', as the encoded examples say, or None, got"):
        many.learn_many({"c": coded}, kind="regression")
    with pytest.raises(sp.InputError, match=r"task 'c': kind of task: expected one of classification, .* got 'ranking'"):
        many.learn_many({"c": (x, y)}, kind="ranking")
