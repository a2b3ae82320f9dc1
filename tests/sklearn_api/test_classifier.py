"""A classifier by scikit-learn's conventions: its own checks, and what senpath adds to them."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.utils.estimator_checks import check_classifiers_train, estimator_checks_generator, parametrize_with_checks

import senpath as sp
from senpath.learning import propose
from senpath.sklearn import TASK, SENClassifier
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"hidden": 16, "epochs": 60, "learning_rate": 0.02, "augment": 0}


MLP = {**QUICK, "model": "mlp"}
"""Of tables the model by default asks which settings are best, which takes longer."""


@pytest.mark.slow("scikit-learn's own checks, a hundred small learnings")
@parametrize_with_checks([SENClassifier(**MLP)])
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


OF_FEW = ("check_fit2d_1sample", "check_fit2d_1feature", "check_classifiers_one_label", "check_classifiers_classes", "check_dict_unchanged")
"""Checks by data of which settings can hardly be chosen; choosing takes five times as long as learning."""


@pytest.mark.slow("scikit-learn's own checks")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=check.func.__name__)
        for estimator, check in estimator_checks_generator(SENClassifier(**QUICK))
        if check.func.__name__ in OF_FEW
    ],
)
def test_its_choice_of_settings_passes_them_too(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow("learns with the defaults")
def test_the_defaults_learn_as_scikit_learn_expects() -> None:
    check_classifiers_train("SENClassifier", SENClassifier())  # the one check that may depend on how long training takes


@pytest.fixture(scope="module")
def low(digits: Labelled, tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """A network that knows the digits below 5, and a table; no test may change it."""
    net = sp.Network(tmp_path_factory.mktemp("source") / "low.sen")
    x, y = digits
    net.learn("low", x[y < 5], y[y < 5], epochs=20, hidden=32)
    net.learn("wine", load_wine(as_frame=True).data, load_wine().target, **QUICK)
    return net


def few(digits: Labelled, shots: int = 5) -> Labelled:
    """Some of the digits from 5 on, by the classes' names."""
    x, y = digits
    rows = np.concatenate([np.flatnonzero(y == digit)[:shots] for digit in range(5, 10)])
    return x[rows], np.array(list("abcdefghij"))[y[rows]]


def test_it_learns_what_the_network_learns(iris: Labelled) -> None:
    x, y = iris
    net = sp.Network()
    net.learn("iris", x[:100], y[:100], random_state=3, **QUICK)
    found = SENClassifier(**QUICK, random_state=3).fit(x[:100], y[:100])
    np.testing.assert_allclose(found.predict_proba(x[100:]), net.predict(x[100:], task="iris").probabilities["iris"], atol=1e-6)
    assert list(found.network_.tasks) == [TASK]
    assert found.score(x[100:], y[100:]) > 0.9


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_a_data_frame_keep_their_names(iris: Labelled, frame: Any) -> None:
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    x = frame(dict(zip(names, iris[0].T, strict=True)))
    found = SENClassifier(**MLP).fit(x, iris[1])
    assert found.feature_names_in_.tolist() == names
    assert found.n_features_in_ == 4
    plain = SENClassifier(**MLP).fit(*iris)
    assert np.array_equal(found.predict_proba(x), plain.predict_proba(iris[0]))
    (kept,) = found.network_.view.manifest.types.values()
    assert kept.data_type.options["columns"] == names
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        found.predict(x[names[::-1]])


def tones() -> tuple[list[sp.Audio], list[str]]:
    time = np.arange(1600) / 8000
    pitch = [300 if index % 2 else 1500 for index in range(12)]
    sounds = [sp.Audio(np.sin(2 * np.pi * hertz * (1 + index / 100) * time), 8000) for index, hertz in enumerate(pitch)]
    return sounds, ["low" if hertz < 1000 else "high" for hertz in pitch]


def texts() -> tuple[list[str], list[str]]:
    words = ("warm", "cold", "old", "new", "big", "small")
    return [f"the {word} {kind} {part}" for kind, part in (("cat", "purrs"), ("dog", "barks")) for word in words], ["cat"] * 6 + ["dog"] * 6


def test_images(digits: Labelled) -> None:
    x, y = digits
    found = SENClassifier(**QUICK)
    assert cross_val_score(found, x, y, cv=[(np.arange(100), np.arange(100, 400))]).mean() > 0.7
    found.fit(x[:20], y[:20])
    assert not hasattr(found, "n_features_in_")
    assert np.array_equal(found.predict(list(x[200:220])), found.predict(x[200:220]))
    assert np.array_equal(found.predict([Image.fromarray(image) for image in x[200:220]]), found.predict(x[200:220]))


@pytest.mark.parametrize(("inputs", "model"), [(texts, "auto"), (texts, LogisticRegression()), (tones, "mlp")])
def test_inputs_that_are_no_numbers(inputs: Callable[[], tuple[list[Any], list[str]]], model: Any) -> None:
    x, y = inputs()
    found = SENClassifier(model, **{**QUICK, "epochs": None}).fit(x, y)
    assert found.predict(x).tolist() == y
    assert not hasattr(found, "n_features_in_")
    if inputs is texts:  # as pandas and numpy hold them
        for column in (pd.Series(x, index=range(5, 5 + len(x))), np.array(x), np.array(x, dtype=object)):
            assert np.array_equal(found.predict_proba(column), found.predict_proba(x))
    with pytest.raises(sp.InputError, match=r"no task reads table data: expected (text|audio) data"):
        found.predict(np.zeros((2, 4)))


def test_files(digits: Labelled, tmp_path: Path) -> None:
    for index, image in enumerate(digits[0][:20]):
        Image.fromarray(image).save(tmp_path / f"{index:02}.png")
    paths = sorted(tmp_path.iterdir())
    found = SENClassifier(**QUICK).fit(paths, digits[1][:20])
    assert np.array_equal(found.predict_proba(paths), found.predict_proba(digits[0][:20]))


def test_learning_anew_forgets_what_the_last_inputs_were(iris: Labelled) -> None:
    found = SENClassifier(**MLP).fit(pd.DataFrame(iris[0], columns=list("abcd")), iris[1])
    assert not hasattr(found.fit(*texts()), "feature_names_in_")
    assert found.classes_.tolist() == ["cat", "dog"]
    assert not hasattr(found.fit(*iris), "feature_names_in_")
    assert found.n_features_in_ == 4


@pytest.mark.parametrize("labels", [[True, False], ["yes", "no"], [5.0, -2.0], np.array(["é", "z"], dtype=object)])
def test_answers_are_labels_as_they_were_given(iris: Labelled, labels: Any) -> None:
    y = np.asarray(labels)[(iris[1] > 0).astype(int)]
    found = SENClassifier(**MLP).fit(iris[0], y)
    assert found.classes_.tolist() == sorted(labels)
    assert found.predict(iris[0]).dtype == y.dtype
    assert found.score(iris[0], y) > 0.9


@pytest.mark.slow("a search learns many times")
def test_in_scikit_learns_tools() -> None:
    x, y = load_wine(return_X_y=True)
    x, y = x[::3], y[::3]
    pipeline = make_pipeline(StandardScaler(), SENClassifier(LogisticRegression(), links="none"))
    search = GridSearchCV(pipeline, {"senclassifier__model__C": [1e-6, 1.0]}, cv=2).fit(x, y)
    assert search.best_params_ == {"senclassifier__model__C": 1.0}
    assert search.best_score_ > 0.9
    grid = GridSearchCV(SENClassifier(**QUICK), {"hidden": [2, 16]}, cv=2).fit(x, y)
    assert grid.best_estimator_.get_params()["epochs"] == QUICK["epochs"]


@pytest.mark.slow("starts a process of its own")
def test_it_travels_without_code_of_the_network(digits: Labelled, low: sp.Network, tmp_path: Path) -> None:
    x, y = few(digits)
    found = SENClassifier(**QUICK, source=low).fit(x, y)
    content = pickle.dumps(found)
    assert b"torch" not in content
    joblib.dump(found, tmp_path / "classifier.joblib")
    for other in (pickle.loads(content), joblib.load(tmp_path / "classifier.joblib"), copy.deepcopy(found)):  # noqa: S301
        assert np.array_equal(other.predict_proba(x), found.predict_proba(x))
        assert other.classes_.tolist() == list("fghij")
        assert other.source == low.path
    unfitted = pickle.loads(pickle.dumps(SENClassifier(hidden=5)))  # noqa: S301
    assert unfitted.hidden == 5
    with pytest.raises(NotFittedError, match="not fitted yet"):
        unfitted.predict(x)


def test_it_borrows_from_a_network_that_it_leaves_alone(
    digits: Labelled, low: sp.Network, unchanged: Callable[[Path], AbstractContextManager[None]]
) -> None:
    x, y = few(digits)
    settings = {**QUICK, "hidden": 32}
    with unchanged(low.path):
        found = SENClassifier(**settings, source=low).fit(x, y)
        by_path = SENClassifier(**settings, source=str(low.path)).fit(x, y)
    assert {source for source, _ in found.network_.tasks[TASK].transfers} == {"low"}
    assert np.array_equal(by_path.predict_proba(x), found.predict_proba(x))
    net = sp.Network(low.path)
    proposal = propose(net.view, sp.Sen(**settings), "high", encode_examples(net.view, x, y))
    assert found.network_.view.pathway(TASK).components == proposal.pathways[0].components
    twin = clone(found)
    assert twin.source is low
    assert not hasattr(twin, "network_")


@pytest.mark.slow("reads a pretrained model, and exports")
def test_inputs_are_read_with_the_encoders_of_the_source(tmp_path: Path) -> None:
    x, y = texts()
    found = SENClassifier(**QUICK, source=sp.Network(tmp_path / "net.sen", encoders={"text": "minilm"})).fit(x, y)
    assert found.network_.encoders == {"text": "minilm"}
    assert found.predict(["a cat purrs", "every dog barks"]).tolist() == ["cat", "dog"]
    other = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert np.array_equal(other.predict_proba(x), found.predict_proba(x))
    found.network_.export_onnx(TASK, tmp_path / "task.onnx")
    about = {entry.key: entry.value for entry in onnx.load(tmp_path / "task.onnx").metadata_props}
    assert about["encoding"].startswith("what the pretrained encoder answers")
    assert json.loads(about["data_type"])["options"]["encoder"]["name"] == "minilm"


def test_it_may_borrow_from_a_scikit_learn_model(digits: Labelled, tmp_path: Path) -> None:
    x, y = digits
    net = sp.Network(tmp_path / "net.sen")
    net.learn("forest", x[y < 5], y[y < 5], model=RandomForestClassifier(n_estimators=10))
    found = SENClassifier("svm", source=net).fit(*few(digits, 10))
    assert found.network_.tasks[TASK].transfers
    found.network_.verify()


def test_a_table_is_scaled_as_the_network_scales_it(low: sp.Network) -> None:
    frame = load_wine(as_frame=True).data
    found = SENClassifier(**QUICK, source=low).fit(frame[:60], load_wine().target[:60])
    (kept,) = found.network_.view.manifest.types.values()
    assert kept.data_type == low.view.manifest.types[kept.data_type.key].data_type


def test_what_is_learned_moves_into_a_network(digits: Labelled, tmp_path: Path) -> None:
    x, y = few(digits)
    found = SENClassifier(**QUICK).fit(x, y)
    found.network_.export(TASK, tmp_path / "high.sentask")
    net = sp.Network(tmp_path / "net.sen")
    net.import_task(tmp_path / "high.sentask", name="high")
    assert np.array_equal(net.predict(x, task="high").label, found.predict(x))


@pytest.mark.slow("learns several times")
def test_random_state(iris: Labelled) -> None:
    def weights(random_state: Any) -> str:
        return str(SENClassifier(hidden=4, epochs=1, random_state=random_state).fit(*iris).network_.view.pathway(TASK).components[0])

    assert weights(0) == weights(0) == weights(np.int64(0)) != weights(1)
    assert weights(np.random.RandomState(5)) == weights(np.random.RandomState(5))
    assert weights(None) != weights(None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, r"setting 'hidden': expected a whole number from 2 to 65536, or from 0 with may_change, got 0"),
        ({"model": "tree"}, r"model: expected one of auto, mlp, wide-and-deep, cnn, pooled-cnn, lstm, svm, forest"),
        ({"model": "cnn"}, r"model 'cnn': expected images, got table inputs"),
        ({"links": "some"}, r"setting 'links': expected one of all, similar, none"),
        ({"source": 3}, r"source: expected a Network, or the path of its folder, got 3"),
        ({"random_state": "x"}, r"'x' cannot be used to seed"),
        ({"random_state": -1}, r"setting 'random_state': expected a whole number from 0"),
    ],
)
def test_parameters_that_cannot_be_used(iris: Labelled, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SENClassifier(**settings).fit(*iris)


def test_a_source_that_is_opened_on_the_users_word_alone(iris: Labelled, tmp_path: Path) -> None:
    sp.Network(tmp_path / "net.sen").learn("spread", *iris, model=LabelSpreading())
    with pytest.raises(sp.StoreError, match="LabelSpreading"):
        SENClassifier(**QUICK, source=tmp_path / "net.sen").fit(*iris)
    trusting = SENClassifier(**QUICK, source=tmp_path / "net.sen", trust=True).fit(*iris)
    assert {source for source, _ in trusting.network_.tasks[TASK].transfers} == {"spread"}
    other = pickle.loads(pickle.dumps(trusting))  # noqa: S301
    assert other.predict(iris[0][:9]).tolist() == trusting.predict(iris[0][:9]).tolist()


def test_a_source_that_is_not_there(iris: Labelled, tmp_path: Path) -> None:
    with pytest.raises(sp.StoreError, match="expected the folder of a network, got none"):
        SENClassifier(source=tmp_path / "none.sen").fit(*iris)
    assert not (tmp_path / "none.sen").exists()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 3)), [[0, 2], [1, 0], [1, 1], [0, 0]], "expected one for each input, or 0 and 1 for each of several"),
        (np.zeros((4, 3)), [["a"], ["a", "b"], [], ["b"]], "inhomogeneous|legacy multi-label"),
        (np.zeros((4, 3)), [0.5, 1.5, 2.0, 3.0], "Unknown label type: continuous"),
        (np.zeros((4, 8, 8)), None, "requires y to be passed"),
        (np.zeros((4, 8, 8)), [0, 1, 0], "inconsistent numbers of samples"),
        (np.zeros((4, 8, 8)), [0, 0, 0, 0], "expected two classes or more, got one class"),
        (np.zeros((0, 8, 8)), [], "inputs: expected at least one, got none"),
        (["a", "b", "c", sp.Audio(np.ones(10), 8000)], [0, 1, 0, 1], "expected one data type, got text and audio"),
    ],
)
def test_data_that_cannot_be_used(x: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SENClassifier(**QUICK).fit(x, y)
