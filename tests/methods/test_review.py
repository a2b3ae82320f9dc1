"""Review: an earlier task borrows from a later one, and only if it gains."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.learning import propose_revision
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
FAST = {"hidden": 32, "epochs": 40, "augment": 0.0, "learning_rate": 1e-2}


@pytest.fixture
def grown(
    built_once: Callable[[str, Callable[[Path], object]], Path],
    fresh: Labelled,
    train: Labelled,
    few: Callable[..., Labelled],
    words: np.ndarray,
    tmp_path: Path,
) -> tuple[sp.Network, Labelled]:
    """Learned "early" from five examples of each digit's name, then "late", the same digits, from a thousand. A copy of the test's own."""
    x, y = few(fresh[0], words[fresh[1]], 5)

    def build(path: Path) -> None:
        net = sp.Network(path)
        net.learn("early", x, y, **FAST)
        net.learn("late", *train, links="none", **FAST)

    return sp.Network(shutil.copytree(built_once("reviewed.sen", build), tmp_path / "net.sen")), (x, y)


def accuracy(net: sp.Network, task: str, x: np.ndarray, y: np.ndarray) -> float:
    return float((net.predict(x, task=task).label == y).mean())


def test_an_earlier_task_gains_and_the_later_one_stays(
    grown: tuple[sp.Network, Labelled], fresh: Labelled, words: np.ndarray, contents: Any
) -> None:
    net, (x, y) = grown
    tests = fresh[0][300:], words[fresh[1][300:]]
    before, files = accuracy(net, "early", *tests), contents(net.path / "components")
    late = net.view.logits("late", encode_examples(net.view, *fresh).inputs)
    found = net.review("early", x, y)
    assert found.changed
    assert found.version == net.version == 3
    assert "by cross-validation, borrowing from 'late'" in found.reason
    assert accuracy(net, "early", *tests) > before + 0.05
    assert {source for source, _ in net.tasks["early"].transfers} == {"late"}
    assert files.items() <= contents(net.path / "components").items()
    assert torch.equal(net.view.logits("late", encode_examples(net.view, *fresh).inputs), late)
    assert list(net.tasks) == ["early", "late"]
    again = sp.Network(net.path)
    again.verify()
    assert accuracy(again, "early", *tests) == accuracy(net, "early", *tests)


def test_the_dispatcher_stays(grown: tuple[sp.Network, Labelled], fresh: Labelled) -> None:
    net, (x, y) = grown
    inputs = encode_examples(net.view, *fresh).inputs
    before, record = net.view.dispatcher("image").probabilities(inputs), net.view.tasks["early"].statistics
    assert net.review("early", x, y).changed
    np.testing.assert_array_equal(net.view.dispatcher("image").probabilities(inputs), before)
    assert net.view.tasks["early"].statistics == record


def test_a_seed_reproduces(grown: tuple[sp.Network, Labelled]) -> None:
    net, (x, y) = grown
    examples = encode_examples(net.view, x, y)
    proposals = [propose_revision(net.view, sp.Review(), "early", examples) for _ in range(2)]
    first, again = ([part.hash for part in proposal.components] for _, proposal in proposals)  # type: ignore[misc]
    assert first == again


def test_what_was_reviewed_can_be_reviewed_again(grown: tuple[sp.Network, Labelled], train: Labelled, words: np.ndarray) -> None:
    net, (x, y) = grown
    assert net.review("early", x, y).changed
    found = net.review("early", x, y)
    assert not found.changed
    assert found.reason == "no later task suits it better than 'late', from which it borrows already"
    # It is still a source itself, and can be reviewed for what comes after.
    net.learn("third", train[0][:200], words[train[1][:200]], **FAST)
    net.verify()


@pytest.fixture
def declined(grown: tuple[sp.Network, Labelled], unchanged: Any) -> Callable[..., str]:
    """A function: asks for a review that has to be declined, with nothing written, and answers with the reason."""
    net, _ = grown

    def ask(task: str, x: Any, y: Any, **settings: Any) -> str:
        with unchanged(net.path):
            found = net.review(task, x, y, **settings)
        assert not found.changed
        assert found.version == net.version
        return found.reason

    return ask


def test_the_latest_task_has_nothing_to_borrow(declined: Callable[..., str], train: Labelled) -> None:
    assert declined("late", *train) == "no task of its type was learned after it"


def test_what_is_not_similar_is_not_borrowed(base: sp.Network, train: Labelled) -> None:
    by_chance = np.random.default_rng(0).permutation(train[1])
    base.learn("by chance", train[0], by_chance, links="none", **{**FAST, "epochs": 5})
    found = base.review("digits", *train, threshold=1.0)
    assert not found.changed
    assert found.reason.startswith("no later task is similar enough: the most similar is 'by chance' with 0.")
    assert found.reason.endswith(", and 1 is asked for")


def test_less_data_than_it_was_learned_from_is_declined(declined: Callable[..., str], grown: tuple[sp.Network, Labelled]) -> None:
    x, y = grown[1]
    assert declined("early", x[:20], y[:20]).startswith("it was learned from 50 examples and 20 are given")


def test_a_class_without_examples_is_declined(declined: Callable[..., str], grown: tuple[sp.Network, Labelled]) -> None:
    x, y = grown[1]
    most = y != "zero"
    assert declined("early", np.concatenate([x[most], x[most]]), np.concatenate([y[most], y[most]])) == "there are no examples of 'zero'"


def test_no_gain_no_change(grown: tuple[sp.Network, Labelled], train: Labelled, declined: Callable[..., str]) -> None:
    net, _ = grown
    noise = np.random.default_rng(0).random((60, 8, 8))
    net.learn("noise", noise, np.arange(60) % 2, links="none", **FAST)
    reason = declined("late", *train, threshold=0.3, epochs=3)
    assert reason.endswith("by cross-validation, so it stays as it is")


def test_scikit_learn_models_are_declined(train: Labelled) -> None:
    net = sp.Network()
    net.learn("forest", train[0][:100], train[1][:100], model="forest")
    net.learn("late", *train, links="none", **FAST)
    assert net.review("forest", train[0][:100], train[1][:100]).reason.startswith("it is a scikit-learn model")


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no such task": ({"task": "none"}, sp.UnknownTaskError, "task 'none': expected one that the network has learned: early, late"),
    "no data": ({"x": None, "y": None}, sp.InputError, "review of task 'early': expected the examples that it was learned from"),
    "labels of its own": (
        {"y": ["what"] * 50},
        sp.InputError,
        "labels y: expected labels that were learned, 'eight', .* got 'what'",
    ),
    "numbers for words": ({"y": [1] * 50}, sp.InputError, "labels y: expected labels that were learned"),
    "other inputs": ({"x": np.zeros((50, 3))}, sp.InputError, "inputs: expected image data, got table data"),
    "unknown setting": ({"depth": 3}, sp.InputError, "setting 'depth' of method sen: expected one of "),
    "another model": ({"model": "cnn"}, sp.InputError, "setting 'model': expected settings that a review has"),
    "threshold": ({"threshold": 2}, sp.InputError, "setting 'threshold': expected a number from 0 to 1, got 2"),
}


@pytest.mark.parametrize(("given", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(
    grown: tuple[sp.Network, Labelled], unchanged: Any, given: dict[str, Any], error: type[Exception], match: str
) -> None:
    net, (x, y) = grown
    with unchanged(net.path), pytest.raises(error, match=match):
        net.review(**{"task": "early", "x": x, "y": y, **given})


def test_a_task_that_changed_meanwhile_is_a_conflict(grown: tuple[sp.Network, Labelled]) -> None:
    net, (x, y) = grown
    _, proposal = propose_revision(net.view, sp.Review(), "early", encode_examples(net.view, x, y))  # type: ignore[misc]
    assert sp.Network(net.path).review("early", x, y).changed
    with pytest.raises(sp.ConflictError, match="proposal for 'early': expected the task as version 2 had it, got one changed in version 3"):
        net.commit(proposal)


def test_a_source_learned_anew_under_its_name_is_another_one(
    base: sp.Network, train: Labelled, fresh: Labelled, few: Callable[..., Labelled]
) -> None:
    x, y = few(*fresh, 5)
    base.learn("few", x, y, **FAST)
    assert {source for source, _ in base.tasks["few"].transfers} == {"digits"}
    base.remove("digits")
    base.learn("digits", *train, links="none", random_state=1, **FAST)
    found = base.review("few", x, y)
    assert found.changed or "by cross-validation" in found.reason
    strict = base.predict(fresh[0][500:600], strict=True)
    base.verify()
    assert all(len(ran.tasks) + (ran.source_weights > 0) <= 2 for ran in strict.activated)


def test_what_was_noted_of_a_task_stays(base: sp.Network, train: Labelled, fresh: Labelled, few: Callable[..., Labelled]) -> None:
    x, y = few(*fresh, 5)
    net = sp.Network()
    net.learn("early", x[y < 9], y[y < 9], **FAST)
    net.extend("early", x[y == 9], y[y == 9], most_lost=1)
    net.learn("late", *train, links="none", **FAST)
    extended, owners = net.tasks["early"].provenance.revisions, net.view.tasks["early"].statistics.owners
    assert [change.revision for change in extended] == ["extend"]
    assert net.review("early", x, y).changed
    assert net.tasks["early"].classes_ == tuple(range(10))
    assert net.view.tasks["early"].statistics.owners == owners != ()
    revisions = net.tasks["early"].provenance.revisions
    assert (revisions[:1], revisions[1].revision) == (extended, "review")


def test_a_task_without_units_of_its_own_gets_some(
    base: sp.Network, train: Labelled, fresh: Labelled, few: Callable[..., Labelled]
) -> None:
    x, y = few(*fresh, 5)
    base.learn("few", x, y, **{**FAST, "hidden": 0, "may_change": ["digits"]})
    base.learn("late", *train, links="none", **FAST)
    assert base.review("few", x, y, epochs=5).reason.startswith("no later task suits it better than 'digits'")


def test_a_pruned_task_is_declined(grown: tuple[sp.Network, Labelled]) -> None:
    net, (x, y) = grown
    assert net.prune("early", 0.5).changed
    assert net.review("early", x, y).reason == "it was pruned, and would be learned again at its full size"
