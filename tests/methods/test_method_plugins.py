"""Methods of other packages: by their place, by registration, by an entry point; and what is said of those that are none."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from raising import raises_error

from senpath import InputError, Network, methods

Labelled = tuple[np.ndarray, np.ndarray]
TOY = '''
"""Nearest class mean."""

import torch

from senpath.components import Linear, freeze
from senpath.snapshot import MethodResult


class Nearest:
    """The class whose mean is nearest."""

    name = "nearest"

    def __init__(self, random_state=0, scale=1.0):
        self.scale = scale

    def propose(self, view, task, examples, progress):
        x = examples.inputs
        means = torch.stack([x[examples.targets == index].mean(0) for index in range(len(examples.classes))])
        config = {"inputs": x.shape[1], "outputs": len(means)}
        head = Linear(**config)
        head.load_state_dict({"weight": self.scale * means, "bias": -self.scale * (means**2).sum(1) / 2})
        return MethodResult((freeze("linear.v1", config, head),), settings={"scale": self.scale})


function = print
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that can be imported, with a method in it and an entry point that offers it as "offered"."""
    (tmp_path / "toy_of_tests.py").write_text(TOY)
    (tmp_path / "toy_that_fails.py").write_text("1 / 0")
    information = tmp_path / "toy_of_tests-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-of-tests\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[senpath.methods]\noffered = toy_of_tests:Nearest\nbroken = toy_that_fails:Nearest\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "toy_of_tests"
    for name in ("toy_of_tests", "toy_that_fails"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["toy_of_tests:Nearest", "offered"])
def test_a_method_of_another_package_learns(toy: str, tmp_path: Path, iris: Labelled, name: str) -> None:
    net = Network(tmp_path / "n.sen")
    learned = net.learn("iris", *iris, method=name, scale=3.0)
    assert (learned.provenance.method, learned.provenance.settings) == ("nearest", {"scale": 3.0})
    assert np.mean(net.predict(iris[0], task="iris").label == iris[1]) > 0.8
    net.verify()


def test_a_method_is_registered(toy: str, tmp_path: Path, iris: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods.registry, "METHODS", dict(methods.METHODS))
    nearest = methods.find_method("toy_of_tests:Nearest")
    methods.register("nearest", nearest)
    methods.register("nearest", nearest)  # once more is no mistake
    assert methods.known_methods() == ["sen", "munet", "allocation", "moe", "nearest", "offered", "broken"]
    assert Network(tmp_path / "n.sen").learn("iris", *iris, method="nearest").provenance.method == "nearest"
    with raises_error(InputError, "name of a method 'sen'", expected="a new one"):
        methods.register("sen", nearest)
    with raises_error(InputError, "name of a method", expected="a word without a colon", got="'a:b'"):
        methods.register("a:b", nearest)
    with raises_error(InputError, "method 'other'", expected="a class with a method `propose`", got="dict"):
        methods.register("other", dict)


@pytest.mark.parametrize(
    ("name", "what", "expected", "got"),
    [
        ("magic", "method", "one of sen, munet, allocation, moe, offered, broken, or package:Class", "'magic'"),
        ("no_such_module:Nearest", "method 'no_such_module:Nearest'", "a module that can be imported", "ModuleNotFoundError: No module"),
        (":Nearest", "method ':Nearest'", "a module that can be imported", "ValueError: Empty module name"),
        ("toy_of_tests:Farthest", "method 'toy_of_tests:Farthest'", "a name that the module toy_of_tests has", "'Farthest'"),
        ("toy_of_tests:", "method 'toy_of_tests:'", "a name that the module toy_of_tests has", "''"),
        ("toy_of_tests:function", "method 'toy_of_tests:function'", "a class with a method `propose`", "print"),
        (
            "toy_that_fails:Nearest",
            "method 'toy_that_fails:Nearest'",
            "a module that can be imported",
            "ZeroDivisionError: division by zero",
        ),
        ("broken", "method 'toy_that_fails:Nearest'", "a module that can be imported", "ZeroDivisionError"),
    ],
)
def test_what_is_no_method_is_refused(toy: str, name: str, what: str, expected: str, got: str) -> None:
    with raises_error(InputError, re.compile(f"^{re.escape(what)}$"), expected=expected, got=got):
        methods.make_method(name, {})


def test_settings_that_a_method_of_another_package_does_not_take(toy: str) -> None:
    with raises_error(InputError, "settings of 'offered'", expected="those that it takes", got="'hidden'"):
        methods.make_method("offered", {"hidden": 3})


@pytest.mark.parametrize("method", [None, 3, methods.Sen])
def test_what_is_neither_a_name_nor_a_method(method: object) -> None:
    with raises_error(InputError, "method", expected="package:Class, or a method", got=repr(method)):
        methods.make_method(method, {})  # type: ignore[arg-type]
