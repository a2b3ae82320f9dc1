"""What every method has to keep, and every kind of model with it: one suite for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from senpath import METHODS, Audio, Network
from senpath.learning import propose
from senpath.pathways import pathways_touched
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
QUICK = {"hidden": 16, "epochs": 2, "augment": 0.0}
QUICK_ALLOCATION = {"steps": 200, "layers": 2, "components": 2, "learning_rate": 3e-3}
SHORT = {"generations": 2, "children": 2, "cycles": 1, "examples": 100}
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "sen": {
        "mlp": QUICK,
        "distorted mlp": {**QUICK, "augment": 1.0, "model": "mlp"},
        "cnn": {**QUICK, "model": "cnn"},
        "svm": {"model": "svm"},
        "svm alone": {"model": "svm", "links": "none"},
        "forest": {"model": RandomForestClassifier(20)},
        "logistic": {"model": LogisticRegression(max_iter=300)},
        "zero-shot": {"epochs": 0},
        "guarded": {**QUICK, "guard": True},
        "per class": {**QUICK, "source": "per-class", "links": "similar"},
    },
    "munet": {
        "vit": SHORT,
        "learned rates": {**SHORT, "root": "mlp", "learned_rates": True, "compute_penalty": 0.9},
        "adapters": {**SHORT, "root": "mlp", "clone": "none", "adapters": "all"},
    },
    "allocation": {
        "learned": {"layers": 2, "width": 4, "components": ("3x3", "max", "identity"), "steps": 10, "p0": 0.6, "budget": 0.5},
        "shared": {"layers": 1, "width": 4, "components": 1, "steps": 10, "allocation": "shared"},
    },
}
"""For every method, settings to try it with."""
TOYS: dict[str, dict[str, Any]] = {
    "sen": {"hidden": 64, "epochs": 60},
    "munet": {"root": "mlp", "cycles": 2},
    "allocation": QUICK_ALLOCATION,
}
"""For every method, settings under which it solves a toy task."""
TOKENS = {"moe"}
"""Methods that read tokens of texts alone: tests/methods/moe asks of them what is asked here."""
ANY = [method for method in METHODS if method not in TOKENS]
CASES = [pytest.param(method, settings, id=f"{method}-{name}") for method, found in SETTINGS.items() for name, settings in found.items()]


def test_every_method_is_tried() -> None:
    assert {*ANY} == set(SETTINGS) == set(TOYS)


@pytest.fixture
def task(fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled]) -> Labelled:
    """A new task that resembles what the base network knows: 12 examples of each class."""
    return few(fresh[0], words[fresh[1]], 12)


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_earlier_components_stay_untouched(
    base: Network, task: Labelled, fresh: Labelled, contents: Any, method: str, settings: dict[str, Any]
) -> None:
    files = contents(base.path / "components")
    pathway, inputs = base.view.pathway("digits"), encode_examples(base.view, *fresh).inputs
    logits, live = base.view.logits("digits", inputs), [base.view.component(name) for name in pathway.components]
    base.learn("new", *task, method=method, **settings)
    assert files.items() <= contents(base.path / "components").items()
    assert base.view.pathway("digits") == pathway
    assert torch.equal(base.view.logits("digits", inputs), logits)
    assert all(not module.training for component in live for module in component.module.modules())
    base.verify()


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_a_seed_reproduces(base: Network, task: Labelled, method: str, settings: dict[str, Any]) -> None:
    state = torch.get_rng_state()
    proposals = [
        propose(base.view, METHODS[method](**settings, random_state=seed), "new", encode_examples(base.view, *task)) for seed in (3, 3, 4)
    ]
    assert torch.equal(torch.get_rng_state(), state)
    first, again, other = ([component.hash for component in proposal.components] for proposal in proposals)
    assert first == again
    if "hidden" in settings or method in ("munet", "allocation"):  # the others draw nothing that their answers depend on
        assert first != other
    assert proposals[0].pathways[0].links == proposals[1].pathways[0].links
    np.testing.assert_array_equal(proposals[0].statistics["new"].columns, proposals[1].statistics["new"].columns)


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_saved_equals_loaded(base: Network, task: Labelled, fresh: Labelled, method: str, settings: dict[str, Any]) -> None:
    base.learn("new", *task, method=method, **settings)
    inputs, again = encode_examples(base.view, *fresh).inputs, Network(base.path)
    assert torch.equal(base.view.logits("new", inputs), again.view.logits("new", inputs))
    assert base.view.pathway("new") == again.view.pathway("new")
    live, loaded = base.predict(fresh[0][:50]), again.predict(fresh[0][:50])
    assert list(live.task) == list(loaded.task)
    np.testing.assert_array_equal(live.confidence, loaded.confidence)
    assert base.tasks["new"] == again.tasks["new"]


@pytest.mark.parametrize(("method", "settings"), [case for case in CASES if "source" not in case.values[1]])
def test_two_pathways_at_most_in_strict_mode(halves: Network, task: Labelled, method: str, settings: dict[str, Any]) -> None:
    halves.learn("new", *task, method=method, **settings)
    answers = halves.predict(task[0], strict=True, admit=1e-9, reject=False)
    for names in answers.candidates:
        assert 1 <= len(pathways_touched([halves.view.pathway(name) for name in names])) <= 2
    assert sum(len(names) for names in answers.candidates) > len(task[0])


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_proposing_writes_nothing(base: Network, task: Labelled, unchanged: Any, method: str, settings: dict[str, Any]) -> None:
    told: list[tuple[str, int, int]] = []
    with unchanged(base.path):
        made = METHODS[method](**settings)
        proposal = propose(base.view, made, "new", encode_examples(base.view, *task), lambda *step: told.append(step))
    assert made.name == method
    assert proposal.version == base.version == 1
    assert [pathway.task for pathway in proposal.pathways] == ["new"]
    inside = {child for component in proposal.components for child in component.children}
    assert {component.hash for component in proposal.components} <= proposal.pathways[0].references | inside
    last = {stage: (done, total) for stage, done, total in told}
    assert "dispatcher" in last
    assert all(done == total for done, total in last.values())


@pytest.mark.parametrize("method", ANY)
def test_it_solves_digits(tmp_path: Path, train: Labelled, fresh: Labelled, method: str) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, method=method, **TOYS[method])
    assert (net.predict(fresh[0], task="digits").label == fresh[1]).mean() >= 0.9


@pytest.mark.parametrize("method", ANY)
def test_it_solves_a_table(tmp_path: Path, iris: Labelled, method: str) -> None:
    net, (x, y) = Network(tmp_path / "n.sen"), iris
    net.learn("iris", x[:100], y[:100], method=method)
    assert (net.predict(x[100:], task="iris").label == y[100:]).mean() >= 0.9


@pytest.mark.parametrize("method", ANY)
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
    assert net.view.component(net.view.pathway("glide").components[0]).kind == kind
    x, y = tones(40, 1)
    assert (net.predict(x, task="glide").label == y).mean() >= 0.9
    net.verify()
