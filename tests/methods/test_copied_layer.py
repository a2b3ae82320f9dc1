"""Borrowing the source's hidden layer alone: a start for the own one, and nothing of the source runs afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from senpath import Network
from senpath.pathways import count_activation, pathways_touched
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
STILL: dict[str, Any] = {"hidden": 32, "epochs": 1, "batch_size": 20, "learning_rate": 1e-8, "augment": 0.0}
"""Training that moves next to nothing, yet something: in the first step the output layer is zero and the hidden one stays."""


@pytest.fixture
def named(fresh: Labelled, words: np.ndarray) -> Labelled:
    """Digits that the base network has not seen, under their English names."""
    return fresh[0][:200], words[fresh[1][:200]]


@pytest.fixture
def learned(base: Network, named: Labelled) -> Network:
    """The base network after it has learned "named" from the copied layer alone."""
    base.learn("named", *named, links="none", start="copy", **STILL)
    return base


def hidden(net: Network, task: str, data: Labelled) -> torch.Tensor:
    """What a task's own hidden layer says."""
    return net.view.component(net.view.pathway(task).components[0])(encode_examples(net.view, *data).inputs)


def test_the_own_layer_starts_as_the_sources(learned: Network, named: Labelled) -> None:
    torch.testing.assert_close(hidden(learned, "named", named), hidden(learned, "digits", named), rtol=0, atol=1e-4)
    assert learned.tasks["named"].provenance.record["copied_from"] == "digits"
    assert learned.tasks["named"].provenance.sources_tried["digits"] > 0.9


def test_nothing_of_the_source_runs_afterwards(learned: Network, named: Labelled) -> None:
    pathway = learned.view.pathway("named")
    assert pathway.links == ()
    assert learned.tasks["named"].transfers == ()
    assert "link_examples" not in learned.tasks["named"].provenance.record
    assert pathways_touched([pathway]) == {"named"}
    active = count_activation([pathway], learned.view.manifest.components)
    assert (active.sources, active.source_weights, active.link_weights) == ((), 0, 0)
    assert active.components == set(pathway.components)
    assert active.total == 64 * 32 + 32 + 32 * 10 + 10
    assert not active.components & set(learned.view.pathway("digits").components)
    learned.verify()


def test_without_a_step_the_layer_is_the_sources_own(base: Network, named: Labelled) -> None:
    cost = base.learn("named", *named, links="none", start="copy", hidden=32, epochs=0).cost
    body, head = base.view.pathway("named").components
    assert body == base.view.pathway("digits").components[0]
    assert not base.view.logits("named", encode_examples(base.view, *named).inputs).any()
    assert cost.updated == base.view.component(head).weights  # a layer that is there already is not kept twice
    assert base.tasks["named"].provenance.record["copied_from"] == "digits"


def test_finding_the_source_is_paid_for_while_learning(learned: Network) -> None:
    cost = learned.log[-1]["cost"]
    assert cost["read"] == learned.tasks["digits"].weights
    assert cost["updated"] == learned.tasks["named"].weights


def test_it_learns_from_a_few_examples_better_than_from_scratch(
    base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled]
) -> None:
    x, y = fresh[0], words[fresh[1]]
    how: dict[str, Any] = {"links": "none", "hidden": 32, "epochs": 60, "batch_size": 10, "augment": 0.0, "learning_rate": 1e-3}
    base.learn("copied", *few(x[:400], y[:400], 2), start="copy", **how)
    base.learn("alone", *few(x[:400], y[:400], 2), **how)
    right = {task: (base.predict(x[400:], task=task).label == y[400:]).mean() for task in ("copied", "alone")}
    assert right["copied"] > right["alone"] + 0.05


def test_where_nothing_is_similar_it_starts_at_random(base: Network, fresh: Labelled) -> None:
    labels = np.random.default_rng(0).integers(0, 6, len(fresh[0]))
    for task, how in {"mixed up": {"start": "copy"}, "random": {"start": "random"}}.items():
        base.learn(task, fresh[0], labels, links="none", **how, **STILL)
    assert base.view.pathway("mixed up").components == base.view.pathway("random").components
    assert "copied_from" not in base.tasks["mixed up"].provenance.record


def test_a_source_of_another_size_is_not_copied(base: Network, named: Labelled) -> None:
    for task, start in {"named": "copy", "random": "random"}.items():
        base.learn(task, *named, links="none", start=start, **{**STILL, "hidden": 8})
    assert base.view.pathway("named").components == base.view.pathway("random").components
    assert "copied_from" not in base.tasks["named"].provenance.record


def test_of_several_sources_the_one_with_most_to_lend_is_copied(halves: Network, fresh: Labelled, words: np.ndarray) -> None:
    mine = fresh[1] >= 4  # all of "high", and one of "low"
    for task, source in {"one": "one", "each": "per-class"}.items():
        halves.learn(task, fresh[0][mine], words[fresh[1][mine]], links="none", start="copy", source=source, **STILL)
        assert halves.tasks[task].provenance.record["copied_from"] == "high"
        assert halves.view.pathway(task).links == ()


def test_a_scikit_learn_model_has_no_layer_to_copy(base: Network, named: Labelled) -> None:
    for task, start in {"named": "copy", "alone": None}.items():
        base.learn(task, *named, links="none", start=start, model="svm")
    assert base.view.pathway("named").components == base.view.pathway("alone").components
    assert base.view.pathway("named").links == ()
    assert "copied_from" not in base.tasks["named"].provenance.record


@pytest.mark.parametrize(("classes", "kept"), [(10, True), (2, False)])
def test_the_guard_judges_the_copied_layer_too(
    base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], classes: int, kept: bool
) -> None:
    # A zero is told from a one by any layer: there is nothing to gain.
    mine = fresh[1] < classes
    data = few(fresh[0][mine], words[fresh[1][mine]], 5)
    base.learn("named", *data, links="none", start="copy", guard=True, **{**STILL, "epochs": 20, "learning_rate": 1e-3})
    notes = base.tasks["named"].provenance.record
    assert notes["guard"]["kept"] is kept
    assert ("copied_from" in notes) is kept
    assert base.view.pathway("named").links == ()


@pytest.mark.parametrize("links", ["all", "similar"])
def test_beside_links_the_layer_is_copied_unless_told_otherwise(base: Network, named: Labelled, links: str) -> None:
    for task, how in {"default": {}, "copy": {"start": "copy"}, "random": {"start": "random"}}.items():
        base.learn(task, *named, links=links, **how, **STILL)
    default, copied, random = (base.view.pathway(task) for task in ("default", "copy", "random"))
    assert default.components == copied.components != random.components
    assert default.links == copied.links != ()
    torch.testing.assert_close(hidden(base, "default", named), hidden(base, "digits", named), rtol=0, atol=1e-4)
    assert [base.tasks[task].provenance.record.get("copied_from") for task in ("default", "copy", "random")] == ["digits", "digits", None]


def test_alone_a_task_is_learned_as_in_an_empty_network(base: Network, tmp_path: Path, named: Labelled, quick: dict[str, Any]) -> None:
    empty = Network(tmp_path / "empty.sen")
    empty.learn("named", *named, **quick)
    costs = [base.learn(task, *named, links="none", **how, **quick).cost for task, how in (("a", {}), ("b", {"start": "random"}))]
    for task in ("a", "b"):
        assert base.view.pathway(task).components == empty.view.pathway("named").components
        assert base.tasks[task].provenance.sources_tried == {}
        assert "copied_from" not in base.tasks[task].provenance.record
    assert [cost.read for cost in costs] == [0, 0]


def test_a_task_of_links_alone_has_no_layer_that_was_copied(base: Network, named: Labelled) -> None:
    base.learn("named", *named, start="copy", epochs=0, hidden=32)
    assert base.view.pathway("named").components == ()
    assert "copied_from" not in base.tasks["named"].provenance.record
