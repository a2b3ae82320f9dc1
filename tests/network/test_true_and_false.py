"""Labels that are True and False come back as they were given, wherever a network is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import senpath as sp
from senpath.sklearn import SENClassifier
from senpath.testing import ConstantMethod
from tests.raising import raises_error

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3)).astype(np.float32)
Y = X[:, 0] > 0
GIVEN = {
    "numpy": Y,
    "python": Y.tolist(),
    "objects": Y.astype(object),
    "series": pd.Series(Y),
    "nullable": pd.Series(Y, dtype="boolean"),
}


@pytest.fixture
def net(tmp_path: Path) -> sp.Network:
    net = sp.Network(tmp_path / "net")
    net.learn("above", X, Y, method=ConstantMethod())
    return net


def test_they_come_back_from_python(net: sp.Network) -> None:
    answers = net.predict(X, task="above")
    assert net.tasks["above"].classes_ == (False, True)
    assert [type(label) for label in net.tasks["above"].classes_] == [bool, bool]
    assert answers.label.dtype == bool
    assert sp.Network(net.path).tasks["above"].classes_[0] is False
    assert json.loads(net.predict(X[:1], task="above").to_json())[0]["label"] is bool(answers.label[0])


@pytest.mark.parametrize("form", GIVEN)
def test_however_they_are_given(form: str) -> None:
    assert sp.Network().encode_examples(X, GIVEN[form]).classes == (False, True)


@pytest.mark.parametrize("truth", [Y, Y.astype(int), [str(label).lower() for label in Y.tolist()], [str(int(label)) for label in Y]])
def test_what_they_are_compared_with_may_have_another_form(net: sp.Network, truth: Any) -> None:
    right = float((net.predict(X, task="above").label == Y).mean())
    assert sp.evaluate(net, {"above": (X, truth)}).scores["above"].accuracy == right


def test_beside_whole_numbers_they_are_such_as_before() -> None:
    assert sp.Network().encode_examples(X, [True, 2, 0] * 20).classes == (0, 1, 2)
    assert str(sp.Network().encode_examples(X, [1, 0, 1] * 20).classes) == "(0, 1)"


def test_a_task_of_them_gets_no_other_label(net: sp.Network) -> None:
    net.extend("above", X, Y.astype(int), epochs=1)
    assert str(net.tasks["above"].classes_) == "(False, True)"
    with raises_error(sp.InputError, "new labels", expected="True or False", got="2"):
        net.extend("above", X[:4], [True, False, 2, 2])


def test_they_go_with_an_exported_task_and_its_figures(net: sp.Network, tmp_path: Path) -> None:
    net.export("above", tmp_path / "above.sentask")
    other = sp.Network(tmp_path / "other")
    assert str(other.import_task(tmp_path / "above.sentask").classes_) == "(False, True)"
    sp.evaluate(other, {"above": (X, Y)}, record=True)
    [entry] = sp.recorded_evaluations(other)
    assert str(entry.evaluation.by_class["above"].classes) == "(False, True)"
    other.verify()


def test_they_come_back_from_scikit_learn() -> None:
    model = SENClassifier(hidden=4, epochs=1).fit(X, Y)
    assert model.classes_.dtype == model.predict(X).dtype == bool


def test_they_come_back_from_a_server(net: sp.Network) -> None:
    pytest.importorskip("fastapi", reason="senpath[serve] is not installed")
    from fastapi.testclient import TestClient

    from senpath.server.app import create_app

    with TestClient(create_app(net.path), base_url="http://127.0.0.1") as client:
        said = client.post("/predict", json={"input": X[0].tolist(), "task": "above"}).json()
        assert isinstance(said["answers"][0]["label"], bool)
        assert client.get("/tasks/above").json()["classes"] == [False, True]
        draft = client.post("/drafts", json={"task": "more"}).json()["id"]
        client.post(f"/drafts/{draft}/examples", json={"examples": [{"input": "one", "label": True}]}).raise_for_status()
        assert client.get(f"/drafts/{draft}").json()["examples"][0]["label"] is True


def test_of_several_labels_too() -> None:
    net = sp.Network()
    net.learn("both", X, [{True} if label else {True, False} for label in Y], method=ConstantMethod())
    assert str(net.tasks["both"].classes_) == "(False, True)"
