"""Any model can be a pathway, and any pathway can be borrowed from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from senpath import Audio, InputError, Network
from senpath.methods.sen.model import MODELS
from senpath.sklearn import SENClassifier
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
CLASSIFIERS = {
    "svm": "svm",
    "forest": "forest",
    "own SVC": SVC(C=3),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
}


grows_trees = pytest.mark.slow("grows and reads hundreds of trees")


@pytest.mark.parametrize("model", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_classifier_alone(tmp_path: Path, train: Labelled, fresh: Labelled, model: Any) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, model=model)
    assert (net.predict(fresh[0], task="digits").label == fresh[1]).mean() > 0.9
    (component,) = (net.view.component(name) for name in net.view.pathway("digits").components)
    assert component.kind.name == "estimator.v1"
    assert net.tasks["digits"].weights == component.weights > 0
    p = net.predict(fresh[0][:20], task="digits").probabilities["digits"]
    np.testing.assert_allclose(p.sum(1), 1)


def test_an_svm_answers_as_scikit_learns_own(tmp_path: Path, train: Labelled, fresh: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, model="svm")
    own = SVC(break_ties=True).fit(train[0].reshape(len(train[0]), -1).astype(np.float32), train[1])
    expected = own.predict(fresh[0].reshape(len(fresh[0]), -1).astype(np.float32))
    assert list(net.predict(fresh[0], task="digits").label) == list(expected)


@pytest.mark.parametrize("model", ["svm", pytest.param("forest", marks=grows_trees)])
def test_a_classifier_borrows(base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], model: str) -> None:
    x, y = few(fresh[0], words[fresh[1]], 4)
    tests, truth = fresh[0][400:], words[fresh[1][400:]]
    base.learn("alone", x, y, model=model, links="none")
    base.learn("borrowing", x, y, model=model)
    accuracy = {task: (base.predict(tests, task=task).label == truth).mean() for task in ("alone", "borrowing")}
    assert accuracy["borrowing"] > accuracy["alone"] + 0.03
    (link,) = base.view.pathway("borrowing").links
    assert (link.source, len(link.transfers)) == ("digits", 10)
    assert base.view.pathway("alone").links == ()
    activated = base.predict(tests[:1], task="borrowing").activated[0]
    assert activated.source_weights == 64 * 32 + 32
    assert activated.link_weights == 33 * 10


def test_one_example_a_class_is_too_few_for_links_to_a_classifier(base: Network, fresh: Labelled, few: Callable[..., Labelled]) -> None:
    with pytest.raises(InputError, match=r"links to a scikit-learn model: expected two examples of each class or more.*links='none'"):
        base.learn("new", *few(fresh[0], fresh[1], 1), model="svm")
    base.learn("new", *few(fresh[0], fresh[1], 1), model="forest", links="none")


@pytest.mark.parametrize("model", ["svm", pytest.param("forest", marks=grows_trees)])
def test_a_classifier_is_borrowed_from(
    tmp_path: Path, train: Labelled, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], model: str
) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, model=model)
    net.learn("named", *few(fresh[0], words[fresh[1]], 10), epochs=0)
    (link,) = net.view.pathway("named").links
    assert link.reads == net.view.pathway("digits").components  # it has no hidden layer, so its answer is read
    answers = net.predict(fresh[0], task="named").label
    assert (answers == words[fresh[1]]).mean() > 0.9
    source = net.view.logits("digits", encode_examples(net.view, *fresh).inputs)
    named = net.view.logits("named", encode_examples(net.view, *fresh).inputs)
    order = [list(words).index(name) for name in net.tasks["named"].classes_]
    torch.testing.assert_close(named, source[:, order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", ["svm", "mlp"])
def test_a_classifier_is_learned_on_top_of_a_classifier(
    tmp_path: Path, train: Labelled, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], model: str
) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, model="svm")
    net.learn("named", *few(fresh[0], words[fresh[1]], 5), model=model, hidden=16)
    assert net.tasks["named"].transfers
    assert (net.predict(fresh[0], task="named").label == words[fresh[1]]).mean() > 0.85
    Network(net.path).verify()


@pytest.mark.parametrize("channels", [1, pytest.param(3, marks=pytest.mark.slow("learns a thousand pictures in colour"))])
def test_a_cnn(tmp_path: Path, train: Labelled, fresh: Labelled, channels: int) -> None:
    net = Network(tmp_path / "n.sen", image_shape=(channels, 8, 8))
    net.learn("digits", *train, model="cnn", hidden=32, epochs=12, batch_size=32, augment=0.0)
    assert [net.view.component(name).kind.name for name in net.view.pathway("digits").components] == ["cnn.v1", "linear.v1"]
    assert (net.predict(fresh[0], task="digits").label == fresh[1]).mean() > 0.9
    net.learn("named", fresh[0][:50], fresh[1][:50], model="cnn", hidden=32, epochs=1)
    assert net.tasks["named"].transfers


def test_a_task_may_mix_models_with_its_source(base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled]) -> None:
    base.learn("named", *few(fresh[0], words[fresh[1]], 5), model="cnn", hidden=16, epochs=5)
    own, (link,) = base.view.pathway("named").components, base.view.pathway("named").links
    assert base.view.component(own[0]).kind.name == "cnn.v1"
    assert [base.view.component(name).kind.name for name in link.reads] == ["mlp.v1"]
    assert (base.predict(fresh[0], task="named").label == words[fresh[1]]).mean() > 0.8


def test_an_estimator_made_elsewhere_is_refused_before_anything_is_written(base: Network, fresh: Labelled, unchanged: Any) -> None:
    class Mine(LogisticRegression):  # its code would be needed to load it again
        pass

    with unchanged(base.path), pytest.raises(InputError, match="estimator Mine: expected only types of numpy, scipy and scikit-learn"):
        base.learn("new", *fresh, model=Mine(max_iter=200), links="none")


def test_an_estimator_that_cannot_answer_is_refused() -> None:
    net = Network()
    with pytest.raises(
        InputError, match=r"estimator KNeighborsClassifier\(n_neighbors=50\): expected one that fits the examples, got .*n_samples_fit"
    ):
        net.learn("few", np.random.default_rng(0).normal(size=(20, 3)), [0, 1] * 10, model=KNeighborsClassifier(50))
    assert net.version == 0


def test_the_model_follows_the_size_of_pictures() -> None:
    random = np.random.default_rng(0)
    kinds = {}
    for shape in ((32, 32), (33, 32), (18, 18, 3), (20, 20, 3), (60, 100)):
        net = Network()
        net.learn("t", random.random((8, *shape)), [0, 1] * 4, epochs=1, learning_rate=1e-3, hidden=4)
        part = net.view.component(net.view.pathway("t").components[0])
        kinds[shape] = (part.kind.name, part.config.get("pool"))
        net.predict(random.random((2, *shape)))
    small, large = ("mlp.v1", None), "pooled-cnn.v1"
    assert kinds == {
        (32, 32): small,
        (33, 32): (large, [2, 2]),
        (18, 18, 3): small,
        (20, 20, 3): (large, [1, 1]),
        (60, 100): (large, [2, 2]),
    }


@pytest.mark.filterwarnings("error")
def test_bright_large_pictures_are_told_apart() -> None:
    # Bright, in colour, and larger than what the MLP was made for: its hidden units died of it.
    digits = load_digits()
    x = np.stack([np.kron(1 - digits.images[:150] / 40, np.ones((1, 5, 5)))] * 3, -1)
    net = Network()
    assert net.learn("bright", x, digits.target[:150], epochs=25, augment=0).warning is None
    assert (net.predict(x, task="bright").label == digits.target[:150]).mean() > 0.9


SOUNDS = [Audio(np.random.default_rng(place).normal(size=4000).astype("float32") / 8, 8000) for place in range(12)]
INPUTS = {
    "pictures": np.random.default_rng(0).random((12, 9, 9)),
    "large pictures": np.random.default_rng(0).random((12, 40, 40, 3)),
    "tables": np.random.default_rng(0).random((12, 4)),
    "sounds": SOUNDS,
    "texts": [f"a {word} day {place}" for place, word in enumerate(["warm", "cold"] * 6)],
}
TARGETS = {"classification": [0, 1] * 6, "multilabel": [{"a"}, {"a", "b"}, set()] * 4, "regression": np.arange(12) / 7}


@pytest.mark.slow("every model by every type of data and kind of task")
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("model", [*MODELS, "svm", "forest"])
def test_every_model_learns_every_type_of_data_or_says_why_not(model: str, kind: str) -> None:
    refused = set()
    for name, x in INPUTS.items():
        net = Network()
        trained = {"epochs": 1, "learning_rate": 1e-3, "hidden": 4} if model in MODELS else {}
        with suppress(InputError):  # any other error fails
            net.learn("t", x, TARGETS[kind], kind=kind, model=model, **trained)
            assert len(net.predict(x, task="t")) == 12
        if not net.version:
            refused.add(name)
    pictures = {"pictures", "large pictures"}
    expected = {"cnn": {*INPUTS} - pictures, "pooled-cnn": {*INPUTS} - pictures, "lstm": {*INPUTS} - {"sounds"}}.get(model, set())
    assert refused == ({*INPUTS} if (model, kind) == ("svm", "multilabel") else expected)


@pytest.mark.parametrize("labels", [(1, 2), (-1, 1), ("n", "y"), (False, True)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_weights_of_classes_are_those_of_their_labels(labels: tuple[Any, Any], wrapped: bool) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2))
    y = np.array(labels)[(x[:, 0] + random.normal(0, 2, 200) > 0).astype(int)]
    plain = LogisticRegression(class_weight={labels[0]: 100.0})
    model = make_pipeline(StandardScaler(), plain) if wrapped else plain
    net = Network()
    net.learn("t", x, y, model=model)
    assert {*net.predict(x, "t").label.tolist()} == {labels[0]} == {*model.fit(x, y).predict(x).tolist()}
    assert {*SENClassifier(model=model).fit(x, y).predict(x).tolist()} == {labels[0]}
    with pytest.raises(InputError, match=r"class_weight of the model: expected labels of the task, .*, got 7"):
        net.learn("wrong", x, y, model=LogisticRegression(class_weight={7: 2.0}))


@pytest.mark.parametrize(
    ("model", "kind", "why"),
    [
        (FixedThresholdClassifier(LogisticRegression(), threshold=0.9), None, "answers its likeliest class"),
        (make_pipeline(StandardScaler(), TunedThresholdClassifierCV(LogisticRegression())), None, "answers its likeliest class"),
        (RadiusNeighborsRegressor(1.0), "regression", "answers far from its examples"),
        (RadiusNeighborsClassifier(1.0), None, "answers far from its examples"),
        (DummyClassifier(strategy="stratified"), None, "the same to an input whatever is beside it"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_models_whose_answers_are_none_are_refused(model: Any, kind: str | None, why: str) -> None:
    x, y = load_iris(return_X_y=True)
    with pytest.raises(InputError, match=why):
        Network().learn("t", x, x[:, 0] if kind else (y == 1).astype(int), kind=kind, model=model)


def test_numbers_that_are_hardly_any_are_learned() -> None:
    x, _ = load_iris(return_X_y=True)
    net = Network()
    net.learn("t", x, x[:, 0] * 5e-324, kind="regression", epochs=1)
    assert np.isfinite(net.predict(x[:3], "t").label).all()
