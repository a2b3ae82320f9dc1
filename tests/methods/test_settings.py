"""Every setting is checked before anything is learned, and what was chosen is noted down."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

from senpath import InputError, Network, Sen, SenSettings

WRONG: list[tuple[str, Any, str]] = [
    ("links", "some", "setting 'links': expected one of all, similar, none, got 'some'"),
    ("links", None, "setting 'links': expected one of"),
    ("links", [], "setting 'links': expected one of"),
    ("source", "two", "setting 'source': expected one of one, per-class, got 'two'"),
    ("start", "zero", "setting 'start': expected one of copy, random, None, got 'zero'"),
    ("threshold", -0.1, "setting 'threshold': expected a number from 0 to 1, got -0.1"),
    ("threshold", 1.1, "setting 'threshold': expected a number from 0 to 1, got 1.1"),
    ("threshold", None, "setting 'threshold': expected a number from 0 to 1, got None"),
    ("threshold", float("nan"), "setting 'threshold': expected a number from 0 to 1, got nan"),
    ("threshold", "0.7", "setting 'threshold': expected a number from 0 to 1, got '0.7'"),
    ("apart", 2, "setting 'apart': expected a number from 0 to 1, got 2"),
    ("remember", -1, "setting 'remember': expected a number from 0 to 1000, got -1"),
    ("may_change", "old", "setting 'may_change': expected a list of different tasks' names, got 'old'"),
    ("may_change", ["a", "a"], "setting 'may_change': expected a list of different tasks' names"),
    ("hidden", 1, "setting 'hidden': expected a number from 2 to 65536, got 1"),
    ("hidden", 7.5, "setting 'hidden': expected a whole number, got 7.5"),
    ("hidden", True, "setting 'hidden': expected a number from 2 to 65536, got True"),
    ("hidden", None, "setting 'hidden': expected a number"),
    ("augment", -1, "setting 'augment': expected a number from 0 to 3, got -1"),
    ("augment", "yes", "setting 'augment': expected a number from 0 to 3, got 'yes'"),
    ("guard", "no", "setting 'guard': expected True or False, got 'no'"),
    ("guard", 1, "setting 'guard': expected True or False, got 1"),
    ("epochs", -1, r"setting 'epochs': expected a number from 0 to 1e\+06, got -1"),
    ("epochs", 0.5, "setting 'epochs': expected a whole number, got 0.5"),
    ("batch_size", 0, r"setting 'batch_size': expected a number from 1 to 1e\+06, got 0"),
    ("batch_size", 2.5, "setting 'batch_size': expected a whole number, got 2.5"),
    ("learning_rate", 0, "setting 'learning_rate': expected a number from 1e-08 to 10, got 0"),
    ("learning_rate", float("inf"), "setting 'learning_rate': expected a number from 1e-08 to 10, got inf"),
    ("random_state", -1, "setting 'random_state': expected a number from 0 to"),
    ("random_state", 2**32, "setting 'random_state': expected a number from 0 to"),
    ("random_state", None, "setting 'random_state': expected a number from 0 to"),
    ("random_state", 1.5, "setting 'random_state': expected a whole number, got 1.5"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_a_wrong_setting_says_what_is_right(name: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SenSettings(**{name: value})
    with pytest.raises(InputError, match=message):
        Sen(**{name: value})


def test_every_setting_is_checked() -> None:
    checked_later = {"model"}
    assert {name for name, _, _ in WRONG} | checked_later == {field.name for field in fields(SenSettings)}


@pytest.mark.parametrize("name", ["epoch", "Hidden", "shots", ""])
def test_an_unknown_setting_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match=f"setting '{name}' of method sen: expected one of model, hidden, links, .*random_state"):
        Sen(**{name: 1})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("mpl", "model: expected one of auto, mlp, skip, cnn, lstm, svm, forest, or a scikit-learn classifier, got 'mpl'"),
        (None, "model: expected one of auto, .*got None"),
        (7, "model: expected one of auto, .*got 7"),
        ("lstm", r"model 'lstm': expected sequences \(sounds\), got image inputs"),
        (SVC, "model: expected a scikit-learn classifier, got <class .*SVC"),
        (Ridge(), r"model: expected a scikit-learn classifier, got Ridge\(\)"),
        (SimpleNamespace(fit=print), "model: expected a scikit-learn classifier, got namespace"),
        (SVC(decision_function_shape="ovo"), "answer of SVC: expected one score for each of 10 classes, got 45"),
    ],
)
def test_a_model_that_cannot_be_used(base: Network, fresh: Any, unchanged: Any, model: Any, message: str) -> None:
    with unchanged(base.path), pytest.raises(InputError, match=message):
        base.learn("new", *fresh, model=model, links="none")
    assert base.version == 1


def test_a_table_has_no_pictures_for_a_cnn(base: Network, iris: Any) -> None:
    with pytest.raises(InputError, match="model 'cnn': expected images, got table inputs"):
        base.learn("iris", *iris, model="cnn")


@pytest.mark.parametrize("model", ["svm", "forest", SVC()])
def test_zero_shot_is_links_alone_so_no_estimator_is_fitted(base: Network, fresh: Any, model: Any) -> None:
    with pytest.raises(InputError, match=r"epochs=0 \(links alone\): expected a torch model, got .*Leave out model"):
        base.learn("new", *fresh, model=model, epochs=0)


def test_settings_belong_to_a_method_that_has_none_yet(base: Network, fresh: Any) -> None:
    with pytest.raises(InputError, match=r"settings: expected none beside a method that has its own, got \['hidden'\]"):
        base.learn("new", *fresh, method=Sen(), hidden=4)
    with pytest.raises(InputError, match=r"method: expected one of sen.*got 'sem'"):
        base.learn("new", *fresh, method="sem")


def test_what_was_chosen_is_noted(base: Network, fresh: Any) -> None:
    x, y = fresh[0][:60], fresh[1][:60]
    by_name = base.learn("by name", x, y, epochs=1, hidden=5, links="similar", random_state=3)
    notes = by_name.notes
    assert notes["settings"] == {**vars(SenSettings()), "epochs": 1, "hidden": 5, "links": "similar", "random_state": 3, "may_change": []}
    assert (notes["method"], notes["examples"], notes["fewest_per_class"]) == ("sen", 60, int(np.bincount(y).min()))
    assert notes["training"]["steps"] == 1
    made = base.learn("made", x, y, method=Sen(epochs=1, hidden=5, links="similar", random_state=3))
    assert made.notes["settings"] == notes["settings"]
    assert made.notes["data"] == notes["data"] != base.tasks["digits"].notes["data"]
    assert Network(base.path).tasks["made"].notes == made.notes
