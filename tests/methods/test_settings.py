"""Every setting is checked before anything is learned, and what was chosen is noted down."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from raising import raises_error
from sklearn.linear_model import Ridge
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC

from senpath import (
    AllocationSettings,
    ExtendSettings,
    InputError,
    MoeSettings,
    MunetSettings,
    Network,
    PruneSettings,
    Sen,
    SenSettings,
)
from senpath.methods import METHODS, REVISIONS, find_method
from senpath.settings import Expected, OfMachine, Settings

UNITS = "a whole number from 2 to 65536, or from 0 with may_change"
WRONG: list[tuple[str, Any, str]] = [
    ("links", "some", "one of all, similar, none"),
    ("links", None, "one of all, similar, none"),
    ("links", [], "one of all, similar, none"),
    ("source", "two", "one of one, per-class"),
    ("start", "zero", "one of copy, random, or None"),
    ("threshold", -0.1, "a number from 0 to 1"),
    ("threshold", 1.1, "a number from 0 to 1"),
    ("threshold", None, "a number from 0 to 1"),
    ("threshold", float("nan"), "a number from 0 to 1"),
    ("threshold", "0.7", "a number from 0 to 1"),
    ("threshold", True, "a number from 0 to 1"),
    ("min_separability", 2, "a number from 0 to 1, or None"),
    ("remember", -1, "a number from 0 to 1000"),
    ("may_change", "old", "a list of different tasks' names"),
    ("may_change", ["a", "a"], "a list of different tasks' names"),
    ("may_change", ["a", 1], "a list of different tasks' names"),
    ("hidden", 1, UNITS),
    ("hidden", 7.5, UNITS),
    ("hidden", True, UNITS),
    ("hidden", None, UNITS),
    ("hidden", 65_537, UNITS),
    ("augment", -1, "a number from 0 to 3, or None"),
    ("augment", "yes", "a number from 0 to 3, or None"),
    ("guard", "no", "True or False"),
    ("guard", 1, "True or False"),
    ("epochs", -1, "a whole number from 0 to 1000000, or None"),
    ("epochs", 0.5, "a whole number from 0 to 1000000, or None"),
    ("epochs", 3.0, "a whole number from 0 to 1000000, or None"),
    ("batch_size", 0, "a whole number from 1 to 1000000, or None"),
    ("batch_size", 2.5, "a whole number from 1 to 1000000, or None"),
    ("learning_rate", 0, "a number from 1e-08 to 10, or None"),
    ("learning_rate", float("inf"), "a number from 1e-08 to 10, or None"),
    ("random_state", -1, "a whole number from 0 to 4294967295"),
    ("random_state", 2**32, "a whole number from 0 to 4294967295"),
    ("random_state", None, "a whole number from 0 to 4294967295"),
    ("random_state", 1.5, "a whole number from 0 to 4294967295"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
@pytest.mark.parametrize("maker", [SenSettings, Sen])
def test_a_wrong_setting_says_what_is_right(maker: Callable[..., Any], name: str, value: Any, expected: str) -> None:
    with raises_error(InputError) as caught:
        maker(**{name: value})
    error = caught.value
    assert (error.what, error.expected, error.got) == (f"setting {name!r}", expected, repr(value))


def test_numbers_of_numpy_and_lists_are_taken() -> None:
    given = SenSettings(
        hidden=np.int64(8), threshold=np.float32(0.5), guard=np.bool_(False), may_change=["a", "b"], random_state=np.uint8(3)
    )
    assert given == SenSettings(hidden=8, threshold=0.5, guard=False, may_change=("a", "b"), random_state=3)
    assert {type(value) for value in (given.hidden, given.random_state)} == {int}
    assert replace(given, hidden=9).hidden == 9
    with raises_error(InputError, "setting 'hidden'", got="-1"):
        replace(given, hidden=-1)


@pytest.mark.parametrize("settings", [SenSettings, MunetSettings, AllocationSettings, MoeSettings, PruneSettings, ExtendSettings])
def test_every_setting_says_what_it_takes_and_what_it_is_for(settings: type[Settings]) -> None:
    assert [setting.name for setting in settings.describe()] == [field.name for field in fields(settings)]
    for setting in settings.describe():
        assert setting.about
        assert setting.default
        assert not re.search(r"typing|<class|Annotated|\[", setting.takes), setting


OF_MACHINE = {("munet", "jobs"), ("munet", "ray"), ("munet", "work")}
COUNTS = "batch_size blocks depth epochs random_state steps width layers components experts capacity generations children cycles examples"
COUNTS += " validation hidden batch tasks_per_update validate_every least_steps checks"
"""Settings that are a number of what is learned or learned from, or a seed."""


def test_settings_of_the_machine_are_said_to_be() -> None:
    kinds = {name: find_method(name) for name in METHODS} | REVISIONS
    settings = [(name, setting) for name, kind in kinds.items() for setting in kind.settings_class.describe()]  # type: ignore[attr-defined]
    assert {(name, setting.name) for name, setting in settings if setting.of_machine} == OF_MACHINE
    free = [(name, each.name) for name, each in settings if re.search(r"a (string|path|whole number)", each.takes)]
    assert {(name, each) for name, each in free if each not in COUNTS.split()} == OF_MACHINE, "say whether a new one is `OfMachine`"


def test_what_takes_any_string_or_path_is_of_the_machine() -> None:
    class Mine(Settings, owner="method mine"):
        place: str | None = None
        file: Annotated[Path | int, Expected("a file")] = 1
        word: Literal["a", "b"] = "a"
        workers: Annotated[int, OfMachine()] = 1
        rate: float = 1.0

    assert Mine.of_machine() == {"place", "file", "workers"}


def test_every_setting_is_checked() -> None:
    checked_later = {"model"}
    assert {name for name, _, _ in WRONG} | checked_later == {field.name for field in fields(SenSettings)}


@pytest.mark.parametrize("name", ["epoch", "Hidden", "shots", ""])
def test_an_unknown_setting_lists_the_known_ones(name: str) -> None:
    with raises_error(InputError, f"setting {name!r} of method sen", expected=re.compile("^one of model, hidden, links, .*random_state$")):
        Sen(**{name: 1})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "mpl",
            "model: expected one of auto, mlp, wide-and-deep, cnn, pooled-cnn, .*, a torch module, or a scikit-learn .*, got 'mpl'",
        ),
        (None, "model: expected one of auto, .*got None"),
        (7, "model: expected one of auto, .*got 7"),
        ("lstm", r"model 'lstm': expected sequences \(sounds, clips\), got image inputs"),
        (SVC, "model: expected a scikit-learn classifier, got <class .*SVC"),
        (Ridge(), r"model: expected a scikit-learn classifier, got Ridge\(\)"),
        (SimpleNamespace(fit=print), "model: expected a scikit-learn classifier, got namespace"),
        (SelfTrainingClassifier(), "model: expected a scikit-learn classifier, got SelfTrainingClassifier"),
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
    provenance = by_name.provenance
    chosen = {"epochs": 1, "hidden": 5, "links": "similar", "random_state": 3}
    assert provenance.settings == {**vars(SenSettings()), **chosen, "may_change": []}
    assert (provenance.method, provenance.examples, provenance.fewest_per_class) == ("sen", 60, int(np.bincount(y).min()))
    assert provenance.record["training"]["steps"] == 1
    made = base.learn("made", x, y, method=Sen(**chosen))
    assert made.provenance.settings == provenance.settings
    assert made.provenance.data == provenance.data != base.tasks["digits"].provenance.data
    assert Network(base.path).tasks["made"].provenance == made.provenance
