"""What every method has to keep, with every kind of model: `senpath.testing.check_method`; and that it learns what can be learned."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from senpath import METHODS, Audio, Network
from senpath.testing import ConstantMethod, check_method

Labelled = tuple[np.ndarray, np.ndarray]
QUICK = {"hidden": 16, "epochs": 2, "augment": 0.0}
QUICK_ALLOCATION = {"steps": 200, "layers": 2, "components": 2, "learning_rate": 3e-3}
SHORT = {"generations": 2, "children": 2, "cycles": 1, "examples": 100}
SETTINGS: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "sen": {
        "mlp": (QUICK, {}),
        "distorted mlp": ({**QUICK, "augment": 1.0, "model": "mlp"}, {}),
        "cnn": ({**QUICK, "model": "cnn"}, {}),
        "pooled-cnn": ({**QUICK, "model": "pooled-cnn"}, {}),
        "svm": ({"model": "svm"}, {"kinds": ["classification", "regression"], "draws": False}),
        "svm alone": ({"model": "svm", "links": "none"}, {"kinds": ["classification", "regression"], "draws": False}),
        "forest": ({"model": RandomForestClassifier(20)}, {"kinds": ["classification", "multilabel"]}),
        "logistic": ({"model": LogisticRegression(max_iter=300)}, {"kinds": ["classification"], "draws": False}),
        "zero-shot": ({"epochs": 0}, {"draws": False}),
        "guarded": ({**QUICK, "guard": True}, {}),
        "per class": ({**QUICK, "source": "per-class", "links": "similar"}, {"strict": False}),
    },
    "munet": {
        "vit": ({**SHORT, "root": "vit"}, {}),
        "cnn": (SHORT, {}),
        "learned rates": ({**SHORT, "schedule": "evolve", "root": "mlp", "learned_rates": True, "compute_penalty": 0.9}, {}),
        "adapters": ({**SHORT, "root": "mlp", "clone": "none", "adapters": "all"}, {}),
    },
    "allocation": {
        "learned": ({"layers": 2, "width": 4, "components": ("3x3", "max", "identity"), "steps": 10, "p0": 0.6, "budget": 0.5}, {}),
        "shared": ({"layers": 1, "width": 4, "components": 1, "steps": 10, "allocation": "shared"}, {}),
    },
}
"""For every method, settings to check it with, and what is to be expected."""
TOYS: dict[str, dict[str, Any]] = {
    "sen": {"hidden": 64, "epochs": 60},
    "munet": {"root": "mlp", "cycles": 2},
    "allocation": QUICK_ALLOCATION,
}
"""For every method, settings under which it solves a toy task."""
TOKENS = {"moe"}
"""Methods that read tokens of texts alone: tests/methods/moe asks of them what is asked here."""
ANY = [method for method in METHODS if method not in TOKENS]
LONG = {
    "sen-cnn",
    "sen-guarded",
    "sen-zero-shot",
    "sen-pooled-cnn",
    "sen-forest",
    "munet-vit",
    "munet-cnn",
    "munet-learned rates",
    "allocation-learned",
}
"""Each takes more than a second; others of the same method are among the fast tests."""
trains_long = pytest.mark.slow("trains for seconds")
CASES = [
    pytest.param(method, *case, id=f"{method}-{name}", marks=trains_long if f"{method}-{name}" in LONG else ())
    for method, cases in SETTINGS.items()
    for name, case in cases.items()
]


def test_every_method_is_tried() -> None:
    assert {*ANY} == set(SETTINGS) == set(TOYS)


@pytest.mark.parametrize(("method", "settings", "expected"), CASES)
def test_it_keeps_its_promises(method: str, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    check_method(partial(METHODS[method], **settings), **expected)
    assert METHODS[method](**settings).name == method


def test_the_method_of_tests_keeps_them_too() -> None:
    check_method(ConstantMethod)
    check_method(partial(ConstantMethod, source="low"))


@pytest.mark.parametrize("method", ANY)
def test_it_solves_digits(tmp_path: Path, train: Labelled, fresh: Labelled, method: str) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, method=method, **TOYS[method])
    assert (net.predict(fresh[0], task="digits").label == fresh[1]).mean() >= 0.9


@pytest.mark.parametrize("method", [name if name == "sen" else pytest.param(name, marks=trains_long) for name in ANY])
def test_it_solves_a_table(tmp_path: Path, iris: Labelled, method: str) -> None:
    net, (x, y) = Network(tmp_path / "n.sen"), iris
    net.learn("iris", x[:100], y[:100], method=method)
    assert (net.predict(x[100:], task="iris").label == y[100:]).mean() >= 0.9


@pytest.mark.parametrize("method", [name if name == "sen" else pytest.param(name, marks=trains_long) for name in ANY])
def test_it_solves_texts(tmp_path: Path, method: str) -> None:
    animals, tools = ("cat", "dog", "horse", "cow"), ("saw", "hammer", "drill", "file")
    texts = [f"{opening} a {noun}" for noun in (*animals, *tools) for opening in ("I saw", "she has", "where is", "they sold", "this is")]
    labels = ["animal"] * 20 + ["tool"] * 20
    net = Network(tmp_path / "n.sen")
    net.learn("kind", texts, labels, method=method, **TOYS[method])
    found = net.predict(["we bought a horse", "we lost a hammer"], task="kind").label
    assert list(found) == ["animal", "tool"]


def tones(count: int, seed: int) -> tuple[list[Audio], np.ndarray]:
    """Rising and falling tones."""
    random, time = np.random.default_rng(seed), np.arange(2400) / 8000
    pitches = random.uniform(300, 1200, count)
    falling = np.arange(count) % 2
    waves = [np.sin(2 * np.pi * pitch * time * (1 + (0.5 - down) * 2 * time)) for pitch, down in zip(pitches, falling, strict=True)]
    return [Audio(wave.astype(np.float32), 8000) for wave in waves], falling


@pytest.mark.parametrize("method", ANY)
def test_it_solves_sounds(tmp_path: Path, method: str) -> None:
    net = Network(tmp_path / "n.sen")
    settings: dict[str, dict[str, Any]] = {"sen": {"epochs": 30}, "munet": {"generations": 8, "examples": 4_000}, "allocation": {}}
    net.learn("glide", *tones(60, 0), method=method, **{**TOYS[method], **settings[method]})
    kind = {"sen": "lstm.v1", "munet": "mlp.v1", "allocation": "dense.v1"}[method]
    assert net.view.component(net.view.pathway("glide").components[0]).kind.name == kind
    x, y = tones(40, 1)
    assert (net.predict(x, task="glide").label == y).mean() >= 0.9
    net.verify()
