"""Scikit-learn estimators as plain arrays: they answer as scikit-learn's own, and a file of them cannot lie."""

from __future__ import annotations

import io
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import senpath as sp
from senpath.components import ESTIMATOR, PLAIN, Component, Estimator, canonical_json, content_hash, freeze, freeze_estimator, load, thaw
from senpath.components.estimators.skops_files import read_members
from senpath.errors import InputError, StoreError
from senpath.tasks import TASK_KINDS, Classification, TaskKind

TWO, FIVE = {"random_state": 0, "n_estimators": 2}, {"random_state": 0, "n_estimators": 5}


def logistic() -> Any:
    return LogisticRegression(max_iter=300)


CLASSIFIERS: list[Any] = [
    logistic(), LinearDiscriminantAnalysis(), SGDClassifier(loss="log_loss", random_state=0), Perceptron(random_state=0),
    SGDClassifier(loss="modified_huber", random_state=0), RidgeClassifier(), LinearSVC(random_state=0), DummyClassifier(),
    GaussianNB(), MultinomialNB(), ComplementNB(), BernoulliNB(binarize=3.0), NearestCentroid(),
    QuadraticDiscriminantAnalysis(reg_param=0.5),
    DecisionTreeClassifier(max_depth=5, random_state=0), RandomForestClassifier(**FIVE), ExtraTreesClassifier(max_leaf_nodes=8, **FIVE),
    GradientBoostingClassifier(subsample=0.5, **TWO), GradientBoostingClassifier(init="zero", **TWO), AdaBoostClassifier(**FIVE),
    HistGradientBoostingClassifier(max_iter=2, random_state=0),
    SVC(), SVC(kernel="poly"), SVC(kernel="linear", break_ties=True), NuSVC(nu=0.1, kernel="sigmoid"),
    KNeighborsClassifier(), KNeighborsClassifier(3, weights="distance"), KNeighborsClassifier(p=3), KNeighborsClassifier(metric="cosine"),
    MLPClassifier(5, max_iter=5, random_state=0), MLPClassifier((5, 4), activation="tanh", max_iter=5, random_state=0),
    make_pipeline(StandardScaler(), PCA(5), logistic()), make_pipeline(MinMaxScaler(), PCA(5, whiten=True), SVC()),
    make_pipeline(RobustScaler(), SimpleImputer(), SelectKBest(k=4), GaussianNB()),
    make_pipeline(SelectKBest(k=4), MaxAbsScaler(), PolynomialFeatures(2), logistic()),
    make_pipeline(FeatureUnion([("a", Normalizer()), ("b", PCA(2))]), DecisionTreeClassifier(max_depth=3, random_state=0)),
    make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 3])], remainder="passthrough"), GaussianNB()),
    GridSearchCV(logistic(), {"C": [0.1, 1.0]}, cv=2), RandomizedSearchCV(SVC(), {"C": [0.1, 1.0]}, n_iter=1, cv=2, random_state=0),
    CalibratedClassifierCV(LinearSVC(random_state=0), cv=2), CalibratedClassifierCV(GaussianNB(), cv=2, method="isotonic"),
    CalibratedClassifierCV(logistic(), cv=2, method="temperature"),
    VotingClassifier([("a", GaussianNB()), ("b", logistic())], voting="soft", weights=[1, 2]),
    VotingClassifier([("a", GaussianNB()), ("b", logistic()), ("c", KNeighborsClassifier())]),
    StackingClassifier([("a", GaussianNB()), ("b", SVC())], logistic(), cv=2),
    StackingClassifier([("a", GaussianNB())], SVC(), cv=2, passthrough=True),
    BaggingClassifier(SVC(), 2, max_features=0.5, random_state=0),
    BaggingClassifier(make_pipeline(StandardScaler(), logistic()), 2, random_state=0),
    OneVsRestClassifier(logistic()), OneVsRestClassifier(LinearSVC(random_state=0)), OneVsOneClassifier(LinearSVC(random_state=0)),
]  # fmt: skip
REGRESSORS: list[Any] = [
    Ridge(), LinearRegression(), ElasticNet(), PoissonRegressor(), LinearSVR(random_state=0), SVR(),
    make_pipeline(StandardScaler(), SVR(C=100.0)),
    DecisionTreeRegressor(max_depth=4, random_state=0), RandomForestRegressor(**FIVE), GradientBoostingRegressor(loss="huber", **TWO),
    HistGradientBoostingRegressor(max_iter=2, loss="poisson", random_state=0), KNeighborsRegressor(),
    KNeighborsRegressor(weights="distance"),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0), BaggingRegressor(random_state=0, n_estimators=2, max_features=0.5),
    VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=3, random_state=0))]),
    StackingRegressor([("a", Ridge()), ("b", KNeighborsRegressor())], Ridge(), cv=2),
    TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2),
]  # fmt: skip
SEVERAL: list[Any] = [
    RandomForestClassifier(**FIVE), KNeighborsClassifier(), MLPClassifier(5, max_iter=5, random_state=0), OneVsRestClassifier(GaussianNB()),
    MultiOutputClassifier(GaussianNB()), make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=4, random_state=0)),
]  # fmt: skip


def shuffled(x: np.ndarray, y: np.ndarray, most: int = 200) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(x))[:most]
    return x[order].astype(np.float32), y[order]


WINE = shuffled(*load_wine(return_X_y=True))
DATA = {"wine": WINE, "digits": shuffled(*load_digits(return_X_y=True)), "two": shuffled(*load_breast_cancer(return_X_y=True))}


def agrees(estimator: Any, x: np.ndarray, y: np.ndarray, kind: TaskKind, outputs: int) -> Component:
    """Fitted on half of the data, a plain component answers to the other half as scikit-learn's own, also once it was read from a file."""
    half = len(x) // 2
    fitted = clone(estimator).fit(x[:half], y[:half])
    component = freeze_estimator(fitted, x[:half], outputs, kind)
    assert component.kind is PLAIN, component
    outputs_of_it = kind.estimator_outputs(fitted, x[half:], outputs)
    (expected,) = kind.values([torch.from_numpy(outputs_of_it)])
    for answering in (component, thaw(component.kind, json.loads(json.dumps(component.config)), component.payload or b"")):
        (answers,) = kind.values([answering(torch.from_numpy(x[half:]))])
        np.testing.assert_allclose(answers, expected, rtol=1e-6 if not kind.has_labels else 0, atol=1e-6)
        assert (answers.argmax(1) == expected.argmax(1)).all()
    assert component(torch.from_numpy(x[:0])).shape == (0, outputs)
    return component


def name_of(estimator: Any) -> str:
    return repr(estimator).partition("(")[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name_of)
@pytest.mark.parametrize("data", ["wine", *(pytest.param(name, marks=pytest.mark.slow("many fits")) for name in ("digits", "two"))])
def test_classifiers(data: str, estimator: Any) -> None:
    if data == "digits" and isinstance(estimator, QuadraticDiscriminantAnalysis):
        pytest.skip("distances of thousands in float32, as scikit-learn has them, are rounded by the order of sums")
    x, y = DATA[data]
    agrees(estimator, x, y, Classification(), int(y.max()) + 1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", REGRESSORS, ids=name_of)
def test_regressors(estimator: Any) -> None:
    agrees(estimator, *shuffled(*load_diabetes(return_X_y=True)), TASK_KINDS["regression"], 1)


@pytest.mark.parametrize("estimator", [Ridge(), RandomForestRegressor(**TWO), MultiOutputRegressor(SVR())], ids=name_of)
def test_regressors_of_several_numbers(estimator: Any) -> None:
    x, _ = WINE
    agrees(estimator, x[:, :10], x[:, 10:12].astype(float), TASK_KINDS["regression"], 2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", SEVERAL, ids=name_of)
def test_classifiers_of_several_labels(estimator: Any) -> None:
    x, y = DATA["digits"]
    agrees(estimator, x, np.stack([y > 5, y % 2 == 0, y == 3], 1).astype(int), TASK_KINDS["multilabel"], 3)


def test_a_label_that_never_held_does_not_hold() -> None:
    x, y = WINE
    labels = np.stack([y == 0, y == 9], 1).astype(int)
    component = agrees(RandomForestClassifier(**TWO), x, labels, TASK_KINDS["multilabel"], 2)
    assert (component(torch.from_numpy(x))[:, 1] < -10).all()


def test_a_single_label() -> None:
    x, y = WINE
    agrees(GaussianNB(), x, (y == 0).astype(int), TASK_KINDS["multilabel"], 1)


@pytest.mark.filterwarnings("ignore")
def test_probabilities_of_an_svm() -> None:
    for data in ("wine", "two"):
        x, y = DATA[data]
        agrees(make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)), x, y, Classification(), int(y.max()) + 1)


# What a file may not say


def frozen(estimator: Any) -> Component:
    x, y = WINE
    return freeze_estimator(clone(estimator).fit(x, y), x, 3, Classification())


def read(component: Component, config: Any, payload: bytes, folder: Path) -> Component:
    path = folder / "component.safetensors"
    path.write_bytes(payload)
    return load(component.kind, config, path, content_hash(component.kind, config, payload))


FOREST, NEAREST, VECTORS = RandomForestClassifier(max_depth=3, **TWO), KNeighborsClassifier(3), SVC()
LIES: list[tuple[Any, str, Callable[[np.ndarray], object]]] = [
    (FOREST, "left", lambda array: array.__setitem__(0, 10**6)),
    (FOREST, "right", lambda array: array.__setitem__(0, 10**6)),
    (FOREST, "left", lambda array: array.__setitem__(0, 0)),
    (FOREST, "right", lambda array: array.__setitem__(0, -5)),
    (FOREST, "feature", lambda array: array.__setitem__(0, 13)),
    (FOREST, "feature", lambda array: array.__setitem__(0, -2)),
    (FOREST, "roots", lambda array: array.__setitem__(1, 10**6)),
    (FOREST, "roots", lambda array: array.__setitem__(0, 1)),
    (FOREST, "threshold", lambda array: array.__setitem__(0, np.nan)),
    (FOREST, "values", lambda array: array.__setitem__((0, 0), np.inf)),
    (NEAREST, "labels", lambda array: array.__setitem__(0, -1)),
    (NEAREST, "labels", lambda array: array.__setitem__(0, 2**40)),
    (NEAREST, "points", lambda array: array.__setitem__((0, 0), np.nan)),
    (VECTORS, "0.counts", lambda array: array.__setitem__(0, 10**9)),
    (VECTORS, "0.counts", lambda array: array.__setitem__(0, -1)),
]


@pytest.mark.parametrize(("estimator", "name", "lie"), LIES)
def test_an_array_that_lies(estimator: Any, name: str, lie: Callable[[np.ndarray], object], tmp_path: Path) -> None:
    component = frozen(estimator)
    arrays = {key: value.copy() for key, value in load_arrays(component.payload or b"").items()}
    lie(arrays[name])
    with pytest.raises(StoreError, match="estimator: expected the arrays of an estimator's steps, got ValueError: expected"):
        read(component, component.config, save(arrays), tmp_path)


@pytest.mark.parametrize("estimator", [FOREST, NEAREST, VECTORS, GaussianNB(), MLPClassifier(4, max_iter=5, random_state=0)], ids=name_of)
@pytest.mark.filterwarnings("ignore")
def test_arrays_of_other_shapes_types_or_names(estimator: Any, tmp_path: Path) -> None:
    component = frozen(estimator)
    arrays = load_arrays(component.payload or b"")
    for name, array in arrays.items():
        shorter = () if name == "roots" else (array[:-1],)  # fewer trees are a forest too
        for other in (*shorter, array[None], array[:0], array.astype(np.float16), array.astype(np.int32)):
            with pytest.raises(StoreError, match="the arrays of an estimator's steps"):
                read(component, component.config, save({**arrays, name: np.ascontiguousarray(other)}), tmp_path)
        if name.rpartition(".")[2] not in ("bias", "subtract", "divide", "multiply", "add"):  # those may be missing
            with pytest.raises(StoreError, match="the arrays of an estimator's steps"):
                read(component, component.config, save({key: value for key, value in arrays.items() if key != name}), tmp_path)
    with pytest.raises(StoreError, match="the arrays of an estimator's steps"):
        read(component, component.config, save({**arrays, "more": np.zeros(1)}), tmp_path)


def deep(step: Any, levels: int) -> Any:
    for _ in range(levels):
        step = {"name": "chain", "parts": [step]}
    return step


PASSING = {"name": "scale", "rounded": False}
DOUBLED = {"name": "concat", "parts": [PASSING, PASSING]}


@pytest.mark.parametrize(
    "step",
    [
        {"name": "chain", "parts": [DOUBLED] * 40},
        deep(PASSING, 40),
        {"name": "concat", "parts": [PASSING] * 20_001},
        {"name": "chain", "parts": []},
        {"name": "map", "function": "system"},
        {"name": "scale", "rounded": 1},
        {"name": "scale"},
        {"name": "os.system"},
        "scale",
        None,
        [],
    ],
    ids=lambda step: str(step)[:20],
)
def test_steps_that_are_none_or_too_many(step: Any, tmp_path: Path) -> None:
    component = frozen(GaussianNB())
    config = {**component.config, "step": step}
    with pytest.raises(StoreError, match="estimator: expected the arrays of an estimator's steps, got"):
        read(component, config, save({}), tmp_path)


def test_inputs_of_another_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected inputs of 13 numbers, not 12"):
        frozen(GaussianNB())(torch.zeros(2, 12))


# What is kept in the skops format


def skops_payload(estimator: Any) -> bytes:
    x, y = WINE
    return freeze(ESTIMATOR, {"outputs": 3}, Estimator(estimator.fit(x, y), 3, Classification())).payload or b""


def read_skops(payload: bytes, folder: Path, *, trust: bool = False) -> Component:
    path = folder / "component.skops"
    path.write_bytes(payload)
    return load(ESTIMATOR, {"outputs": 3}, path, content_hash(ESTIMATOR, {"outputs": 3}, payload), trust=trust)


@pytest.mark.parametrize("estimator", [SVC(), RandomForestClassifier(**TWO), GradientBoostingClassifier(**TWO), GaussianNB()], ids=name_of)
def test_a_skops_file_of_a_known_estimator_opens_as_plain_arrays(estimator: Any, tmp_path: Path) -> None:
    x, _ = WINE
    component = read_skops(skops_payload(estimator), tmp_path)
    expected = Classification().estimator_outputs(estimator, x, 3)
    np.testing.assert_array_equal(component(torch.from_numpy(x)).numpy(), expected)


def test_another_estimator_is_opened_on_the_users_word_alone(tmp_path: Path) -> None:
    x, _ = WINE
    estimator = GaussianProcessClassifier()
    payload = skops_payload(estimator)
    with pytest.raises(StoreError) as raised:
        read_skops(payload, tmp_path)
    assert raised.value.expected == "an estimator that is opened as plain arrays (docs/howto/estimators.md)"
    assert "sklearn.gaussian_process._gpc.GaussianProcessClassifier" in str(raised.value.got)
    assert "trust=True" in str(raised.value.do)
    trusted = read_skops(payload, tmp_path, trust=True)
    assert (trusted(torch.from_numpy(x)).argmax(1).numpy() == estimator.predict(x)).all()


def with_member(payload: bytes, change: Callable[[dict[str, bytes]], object], how: int = zipfile.ZIP_STORED) -> bytes:
    members = read_members(payload)
    change(members)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_deflated_parts_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    payload = skops_payload(GaussianNB())
    bomb = with_member(payload, lambda members: members.__setitem__("0.npy", npy(np.zeros(2**23))), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**20
    tracemalloc.start()
    for trust in (False, True):
        with pytest.raises(StoreError, match="expected a skops file, got ValueError: expected parts that are stored"):
            read_skops(bomb, tmp_path, trust=trust)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_header_that_asks_for_more_than_there_is(tmp_path: Path) -> None:
    large = npy(np.zeros(3)).replace(b"(3,), }", b"(3000000000000,), }"[:7] + b"00000000000,), }")
    for header in (
        large,
        npy(np.zeros(3))[:-1],
        npy(np.zeros(3)) + b"x",
        b"",
        b"\x93NUMPY\x09\x00",
        npy(np.zeros(3)).replace(b"<f8", b"|O8"),
    ):
        payload = with_member(skops_payload(GaussianNB()), lambda members, header=header: members.__setitem__("0.npy", header))
        with pytest.raises(StoreError, match="expected a skops file"):
            read_skops(payload, tmp_path)


def test_a_pipeline_that_would_read_files_does_not_run(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    pipeline = make_pipeline(CountVectorizer(input="filename"), LogisticRegression()).fit([str(secret), str(secret)], [0, 1])
    payload = freeze(ESTIMATOR, {"outputs": 2}, Estimator(pipeline, 2, Classification())).payload or b""
    with pytest.raises(StoreError, match="trust=True"):
        read_skops(payload, tmp_path)


def with_nodes(estimator: Any, **fields: int) -> Any:
    lying = deepcopy(estimator)
    tree = lying.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    for name, value in fields.items():
        nodes[name][0] = value
    tree.__setstate__({**state, "nodes": nodes})
    return lying


@pytest.mark.parametrize("fields", [{"left_child": 10**6}, {"right_child": 0}, {"feature": 13}, {"feature": 10**9}])
def test_trees_of_an_old_file_that_lead_nowhere(fields: dict[str, int], tmp_path: Path) -> None:
    x, y = WINE
    lying = with_nodes(RandomForestClassifier(**TWO).fit(x, y), **fields)
    payload = freeze(ESTIMATOR, {"outputs": 3}, Estimator(lying, 3, Classification())).payload or b""
    with pytest.raises((StoreError, ValueError), match="expected branches to later nodes of the tree, and columns of the input"):
        read_skops(payload, tmp_path)(torch.from_numpy(x))


# In a network


@pytest.fixture
def kept(tmp_path: Path) -> sp.Network:
    """A network with an estimator that has no steps."""
    net = sp.Network(tmp_path / "net.sen")
    net.learn("wine", *WINE, model=GaussianProcessClassifier())
    return net


def test_a_network_with_another_estimator(kept: sp.Network, tmp_path: Path) -> None:
    x, _ = WINE
    before = kept.predict(x[:5], task="wine").label.tolist()  # in this process it is known who made it
    kept.refresh()
    kept.verify()
    for ask in (lambda net: net.verify(), lambda net: net.predict(x[:5], task="wine")):
        with pytest.raises(StoreError, match=r"GaussianProcessClassifier, of which there are none .*trust=True"):
            ask(sp.Network(kept.path))
    trusting = sp.Network(kept.path, trust=True)
    trusting.verify()
    assert trusting.predict(x[:5], task="wine").label.tolist() == before
    kept.export("wine", tmp_path / "wine.sentask")
    other = sp.Network(tmp_path / "other.sen")
    with pytest.raises(StoreError, match=r"task file .*trust=True"):
        other.import_task(tmp_path / "wine.sentask")
    assert not other.tasks
    other.import_task(tmp_path / "wine.sentask", trust=True)
    assert other.predict(x[:5], task="wine").label.tolist() == before
    with pytest.raises(InputError, match="trust: expected True or False, got 1"):
        sp.Network(kept.path, trust=1)  # type: ignore[arg-type]


def test_a_hard_vote_is_certain_of_its_label(tmp_path: Path) -> None:
    x, y = WINE
    vote = VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier(random_state=0))])
    net = sp.Network(tmp_path / "net.sen")
    net.learn("wine", x, y, model=vote)
    assert net.predict(x, task="wine").label.tolist() == vote.fit(x, y).predict(x).tolist()


def test_one_file_cannot_stand_for_another_kind(tmp_path: Path) -> None:
    """A forged folder: verifying a task whose estimator's arrays lie says so, and nothing runs."""
    net = sp.Network(tmp_path / "net.sen")
    net.learn("wine", *WINE, model=FOREST)
    copy = shutil.copytree(net.path, tmp_path / "copy.sen")
    (name,) = net.view.pathway("wine").components
    path = copy / "components" / f"{name}.safetensors"
    arrays = load_arrays(path.read_bytes())
    arrays["feature"] = np.full_like(arrays["feature"], 10**9)
    config = json.loads(path.with_suffix(".json").read_text())["config"]
    forged = content_hash(PLAIN, config, save(arrays))
    (copy / "components" / f"{forged}.safetensors").write_bytes(save(arrays))
    (copy / "components" / f"{forged}.json").write_text(canonical_json({"kind": PLAIN.name, "config": config}))
    with pytest.raises(StoreError, match="columns of the input"):
        sp.Network(copy)._at.store.component(forged)


def test_of_neighbours_at_one_distance_the_first_count() -> None:
    x, y = np.zeros((6, 2), dtype=np.float32), np.array([2, 2, 1, 1, 0, 0])
    component = freeze_estimator(KNeighborsClassifier(3, algorithm="brute").fit(x, y), x, 3, Classification())
    assert component.kind is PLAIN
    np.testing.assert_allclose(component(torch.from_numpy(x[:1])).exp().numpy(), [[0, 1 / 3, 2 / 3]], atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.__setitem__("0.npy", members["0.npy"].replace(b"}", b"(")),
        lambda members: members.__setitem__("schema.json", members["schema.json"].replace(b"DictNode", b"ListNode")),
        lambda members: members.__setitem__("schema.json", b"[" * 100_000),
        lambda members: members.pop("schema.json"),
    ],
)  # fmt: skip
def test_a_skops_file_whose_parts_are_none(change: Callable[[dict[str, bytes]], object], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="scikit-learn component: expected"):
        read_skops(with_member(skops_payload(GaussianNB()), change), tmp_path)
