"""Tasks that `allocation` and `moe` learned: what changes them, what borrows from them, and what is declined, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import senpath as sp

Labelled = tuple[Any, np.ndarray]
Unchanged = Callable[[Path], AbstractContextManager[None]]
QUICK: dict[str, Any] = {"method": "allocation", "layers": 2, "components": 3, "width": 8, "steps": 60, "budget": 0.3}
MIXED: dict[str, Any] = {"method": "moe", "epochs": 1, "least_steps": 30, "blocks": 2}
BORROWS: dict[str, Any] = {"hidden": 16, "epochs": 5, "augment": 0.0, "threshold": 0.1, "min_separability": 0}
WINES = ["a dry red", "an oaky red", "a bold red", "a light red", "a crisp white", "a sweet white", "an old white", "a cold white"]
TEAS = ["a green cup", "a fresh green", "green leaves", "a mild green", "a black cup", "a strong black", "black leaves", "a bitter black"]


@pytest.fixture(scope="module")
def _learned(built_once: Callable[[str, Callable[[Path], object]], Path], train: Labelled) -> Path:
    def build(path: Path) -> None:
        net, (x, y) = sp.Network(path, encoders={"text": "random-tokens"}), train
        net.learn_many({"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5])}, **QUICK)
        net.learn_many({"wine": (WINES, [0, 0, 0, 0, 1, 1, 1, 1]), "tea": (TEAS, [0, 0, 0, 0, 1, 1, 1, 1])}, **MIXED)

    return built_once("joint.sen", build)


@pytest.fixture
def net(_learned: Path, tmp_path: Path) -> sp.Network:
    """Knows "low" and "high", digits learned by `allocation`, and "wine" and "tea", texts learned by `moe`. The test's own copy."""
    return sp.Network(shutil.copytree(_learned, tmp_path / "net.sen"))


@pytest.fixture
def some(fresh: Labelled) -> Labelled:
    """Digits below 5 that no task has seen."""
    mine = fresh[1] < 5
    return fresh[0][mine][:60], fresh[1][mine][:60]


def logits(net: sp.Network, task: str, x: Any) -> torch.Tensor:
    data_type = net.view.manifest.types[net.view.pathway(task).data_type].data_type
    return net.view.logits(task, net.view.encode(x, data_type))


def data_of(task: str, train: Labelled) -> Labelled:
    x, y = train
    texts = {"wine": WINES, "tea": TEAS}
    return (texts[task], np.repeat([0, 1], 4)) if task in texts else (x[y < 5], y[y < 5])


@pytest.mark.parametrize(("task", "method"), [("low", "allocation"), ("wine", "moe")])
def test_a_review_is_declined(net: sp.Network, train: Labelled, unchanged: Unchanged, task: str, method: str) -> None:
    with unchanged(net.path):
        found = net.review(task, *data_of(task, train))
    assert not found.changed
    assert found.reason == f"it was learned by the method '{method}', and a review would learn it again by 'sen'"


@pytest.mark.parametrize("what", ["weights", "units"])
@pytest.mark.parametrize(("task", "count"), [("low", 7), ("wine", 5)])
def test_what_is_long_is_not_pruned(net: sp.Network, unchanged: Unchanged, what: str, task: str, count: int) -> None:
    with unchanged(net.path):
        found = net.prune(task, 0.5, what=what)
    assert not found.changed
    assert found.reason == f"it consists of {count} layers, not of a backbone and an output layer"


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_it_is_extended_by_classes_and_its_old_rows_stay(net: sp.Network, train: Labelled) -> None:
    x, y = train
    before, shared = net.view.pathway("low"), logits(net, "high", x[y >= 5][:20])
    nines = x[y == 9][:40]
    assert net.extend("low", nines, np.full(len(nines), 9)).changed
    after = net.view.pathway("low")
    assert after.components[:-1] == before.components[:-1]
    assert after.children == before.children
    rows = [net.view.component(path.components[-1]).module.weight for path in (before, after)]
    assert np.array_equal(rows[0], rows[1][:5])
    assert after.classes == (0, 1, 2, 3, 4, 9)
    assert torch.equal(logits(net, "high", x[y >= 5][:20]), shared)
    net.verify()


def test_examples_are_added(net: sp.Network, some: Labelled) -> None:
    before = net.view.pathway("low").components
    assert net.extend("low", *some).changed
    assert net.view.pathway("low").components == before
    net.verify()


def test_it_cannot_move(net: sp.Network, some: Labelled) -> None:
    found = net.extend("low", *some, finetune=True)
    assert not found.changed
    assert "nothing of 'low' can move: it consists of 7 layers" in found.reason


def test_its_hidden_layers_cannot_be_trained_on_with_another_task(net: sp.Network, some: Labelled) -> None:
    with pytest.raises(sp.InputError, match=r"may_change: task 'low': expected one with a hidden layer that can be trained, got none: "):
        net.learn("new", *some, may_change=["low"], **BORROWS)


@pytest.mark.parametrize("method", ["sen", "munet"])
def test_later_tasks_are_added_by_other_methods_and_nothing_moves(
    net: sp.Network, some: Labelled, train: Labelled, method: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    x, _ = train
    before = logits(net, "low", x[:30])
    settings = BORROWS if method == "sen" else {"root": "mlp", "generations": 1, "children": 2, "cycles": 1, "examples": 200}
    learned = net.learn("later", *some, method=method, **settings)
    if method == "sen":
        assert {source for source, _ in learned.transfers} == {"low"}
        activation = net.predict(some[0][:1], task="later").activated[0]
        children = {name for inside in net.view.pathway("later").children.values() for name in inside}
        assert children
        assert children <= activation.components
        assert activation.source_weights > 0
    assert torch.equal(logits(net, "low", x[:30]), before)
    net.verify()


@pytest.mark.parametrize(("method", "settings"), [("sen", BORROWS), ("moe", MIXED)])
def test_later_texts_too(net: sp.Network, method: str, settings: dict[str, Any]) -> None:
    before = {task: logits(net, task, WINES) for task in ("wine", "tea")}
    net.learn("again", WINES, [0, 0, 0, 0, 1, 1, 1, 1], **{"method": method, **settings})
    assert all(torch.equal(logits(net, task, WINES), found) for task, found in before.items())
    net.verify()


def test_the_log_names_all_tasks_of_a_commit(net: sp.Network, tmp_path: Path) -> None:
    first, second = net.log
    assert (first["tasks"], first["method"]) == (["low", "high"], "allocation")
    assert (second["tasks"], second["method"], second["examples"]) == (["wine", "tea"], "moe", 16)
    assert set(first["learned"]) == {"low", "high"}
    assert set(second["learned"]) == {"wine", "tea"}
    sp.report(net, tmp_path / "net.html")
    page = (tmp_path / "net.html").read_text()
    assert "Components in use" in page
    assert "Experts" in page
    assert "32 tokens of 128 numbers, of the encoder random-tokens" in page


def test_they_are_routed_without_a_task(net: sp.Network, train: Labelled) -> None:
    x, y = train
    found = net.predict(x[y < 5][:100], reject=False)
    assert np.mean(found.task == "low") > 0.8
    texts = net.predict(WINES + TEAS, reject=False)
    assert np.mean(texts.task == np.repeat(["wine", "tea"], 8)) > 0.8


@pytest.mark.parametrize("task", ["low", "wine"])
def test_removed_and_given_back(net: sp.Network, tmp_path: Path, task: str) -> None:
    net.export(task, tmp_path / "one.sentask")
    version = net.version
    net.remove(task)
    net.verify()
    net.rollback(version)
    net.verify()
    other = sp.Network(encoders={"text": "random-tokens"})
    other.import_task(tmp_path / "one.sentask")
    other.verify()
    assert other.view.pathway(task).components == net.view.pathway(task).components
