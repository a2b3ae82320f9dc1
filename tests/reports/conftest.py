"""Networks to report on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import FLOWERS, grow, shuffled_digits

import senpath as sp
from senpath.learning import propose
from senpath.pathways import Provenance
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
SEARCH = {"method": "munet", "schedule": "evolve", "root": "mlp", "generations": 2, "children": 2, "cycles": 1, "examples": 200}
WORDS = {"good": "a fine day", "bad": "an awful night"}


@pytest.fixture(scope="session")
def tests() -> dict[str, Labelled | tuple[list[str], list[str]]]:
    """Test data of the tasks of `mixed` that are measured."""
    x, y = shuffled_digits()
    found: dict[str, Labelled | tuple[list[str], list[str]]] = {}
    for name, mine in (("low", y < 5), ("high", y >= 5)):
        found[name] = x[mine][500:600], y[mine][500:600]
    found["mood"] = [f"{text} {n}" for text in WORDS.values() for n in range(20, 24)], [word for word in WORDS for _ in range(4)]
    return found


@pytest.fixture(scope="session")
def mixed(built_once: Callable[[str, Callable[[Path], object]], Path], tests: dict[str, Labelled], iris: Labelled) -> sp.Network:
    """Images, a table and texts; links, a support vector machine, a zero-shot task, a method of its own. Measured after each of three."""

    def build(path: Path) -> None:
        net = sp.Network(path)
        x, y = shuffled_digits()
        low, high = y < 5, y >= 5
        mood = [f"{text} {n}" for text in WORDS.values() for n in range(10)], [word for word in WORDS for _ in range(10)]
        for name, data, settings in (
            ("low", (x[low][:400], y[low][:400]), {"epochs": 20}),
            ("high", (x[high][:50], y[high][:50]), {"epochs": 5, "threshold": 0.3, "min_separability": 0}),
            ("mood", mood, {"epochs": 5}),
        ):
            net.learn(name, *data, hidden=16, **settings)
            sp.evaluate(net, {task: tests[task] for task in net.tasks}, record=True)
        net.learn("iris", *iris, model="svm", links="none")
        net.learn("zero-shot", x[high][:50], y[high][:50], epochs=0, threshold=0.3)
        commit_by_hand(net, iris)
        assert net.tasks["high"].transfers
        assert net.tasks["zero-shot"].transfers

    return sp.Network(built_once("mixed.sen", build))


def commit_by_hand(net: sp.Network, iris: Labelled) -> None:
    """What a method might do that the report knows nothing of."""
    proposal = propose(net.view, sp.Sen(epochs=1, hidden=4, links="none"), "odd", encode_examples(net.view, *iris))
    provenance = Provenance("other", {"threshold": "none at all"}, record={"copied_from": 3, "generation": [1, {"a": None}]})
    pathway = replace(proposal.pathways[0], provenance=provenance)
    net.commit(replace(proposal, pathways=(pathway,), entry={"method": 7, "settings": ["odd"], "examples": "many", "tree": {"depth": 3}}))


@pytest.fixture(scope="session")
def many(built_once: Callable[[str, Callable[[Path], object]], Path]) -> sp.Network:
    """200 tasks, each linked to the one before, measured at every twentieth."""
    names = [f"task {place}" for place in range(200)]
    return sp.Network(built_once("many.sen", lambda path: grow(path, names, links=True, every=20)))


@pytest.fixture(scope="session")
def searched(built_once: Callable[[str, Callable[[Path], object]], Path], digits: Labelled) -> sp.Network:
    """Three real searches, and a task of another method between them; the first task is measured."""

    def build(path: Path) -> None:
        x, y = digits
        net = sp.Network(path)
        net.learn("low", x[y < 5], y[y < 5], **SEARCH)
        net.learn("flowers", FLOWERS.data, FLOWERS.target, epochs=1, hidden=4)
        net.learn("high", x[y >= 5], y[y >= 5], **SEARCH, clone="none", random_state=3)
        net.learn("odd", x[y % 2 == 1], y[y % 2 == 1], **SEARCH, adapters="all")
        sp.evaluate(net, {"low": (x[y < 5], y[y < 5])}, record=True)

    return sp.Network(built_once("searched.sen", build))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a report is written."""
    return tmp_path / "report.html"
