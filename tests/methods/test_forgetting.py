"""Graceful forgetting: chosen earlier tasks' hidden layers move with a new task, and nothing else does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from torch.utils.data import TensorDataset

import senpath as sp
from senpath.learning import propose
from senpath.snapshot import encode_examples, try_out

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def new(fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled]) -> Labelled:
    return few(fresh[0], words[fresh[1]], 20)


def learn(net: sp.Network, new: Labelled, quick: dict[str, Any], **settings: Any) -> sp.Learned:
    return net.learn("new", *new, **{**quick, "hidden": 4, "may_change": ["digits"], **settings})


def test_only_what_may_change_changes(base: sp.Network, train: Labelled, fresh: Labelled, new: Labelled, quick: dict[str, Any]) -> None:
    base.learn("reader", train[0][:50], train[1][:50], **quick)  # borrows from "digits"
    inputs = encode_examples(base.view, *fresh).inputs
    reader, digits = base.view.logits("reader", inputs), base.view.pathway("digits")
    found = learn(base, new, quick)
    moved = base.view.pathway("digits")
    assert moved.components[0] != digits.components[0]
    assert moved.components[1:] == digits.components[1:]
    assert [change.record["along_with"] for change in moved.provenance.revisions] == ["new"]
    assert base.view.pathway("new").links[0].reads == moved.components[:1]
    assert torch.equal(base.view.logits("reader", inputs), reader)
    assert base.view.pathway("reader").links[0].reads == digits.components[:1]
    assert found.changed == {"digits": sp.TaskChange()}
    base.verify()
    assert sp.Network(base.path).tasks == base.tasks


def test_the_loss_is_measured_where_data_is_given(base: sp.Network, fresh: Labelled, new: Labelled, quick: dict[str, Any]) -> None:
    held = fresh[0][400:], fresh[1][400:]
    before = float((base.predict(held[0], task="digits").label == held[1]).mean())
    change = learn(base, new, quick, measure={"digits": held}).changed["digits"]
    after = float((base.predict(held[0], task="digits").label == held[1]).mean())
    assert (change.examples, change.before, change.after) == (len(held[1]), pytest.approx(before), pytest.approx(after))
    assert change.lost == pytest.approx(before - after)
    assert base.log[-1]["changed"]["digits"]["after"] == pytest.approx(after)


def test_remembering_costs_the_earlier_task_less(base: sp.Network, fresh: Labelled, new: Labelled, quick: dict[str, Any]) -> None:
    held = fresh[0][400:], fresh[1][400:]
    examples = encode_examples(base.view, *new)
    lost = {}
    for remember in (0.0, 10.0):
        proposal = propose(base.view, sp.Sen(**{**quick, "hidden": 4, "may_change": ["digits"], "remember": remember}), "new", examples)
        test = encode_examples(base.view, *held)
        answers = try_out(base.view, proposal, test.inputs, 1).argmax(1)
        lost[remember] = float((answers != test.targets).float().mean())
    assert lost[10.0] < lost[0.0]


def test_no_units_of_its_own(base: sp.Network, fresh: Labelled, words: np.ndarray, new: Labelled, quick: dict[str, Any]) -> None:
    learn(base, new, quick, hidden=0)
    assert base.view.pathway("new").components == ()
    assert base.tasks["new"].weights == 33 * 10  # a link from 32 units
    assert float((base.predict(fresh[0][400:], task="new").label == words[fresh[1][400:]]).mean()) > 0.8


def test_a_seed_reproduces(base: sp.Network, new: Labelled, quick: dict[str, Any]) -> None:
    examples = encode_examples(base.view, *new)
    made = [
        propose(base.view, sp.Sen(**{**quick, "hidden": 4, "may_change": ["digits"], "random_state": seed}), "new", examples)
        for seed in (1, 1, 2)
    ]
    first, again, other = ([part.hash for part in proposal.components] for proposal in made)
    assert first == again != other


def test_what_is_measured_is_given_as_to_evaluate(base: sp.Network, fresh: Labelled, new: Labelled, quick: Any, tmp_path: Path) -> None:
    x, y = fresh[0][-100:], fresh[1][-100:]
    np.savez(tmp_path / "held.npz", x=x, y=y)
    ways = [(x, y), str(tmp_path / "held.npz"), TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), encode_examples(base.view, x, y)]
    start = base.version
    found = []
    for way in ways:
        found.append(learn(base, new, quick, epochs=1, measure={"digits": way}).changed["digits"])
        base.rollback(start)
    assert found[0].examples == 100
    assert {change.before for change in found} == {found[0].before}


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no such task": ({"may_change": ["none"]}, sp.UnknownTaskError, "task 'none': expected one that the network has learned"),
    "one name": ({"may_change": "digits"}, sp.InputError, "setting 'may_change': expected a list of different tasks' names, got 'digits'"),
    "twice": ({"may_change": ["digits", "digits"]}, sp.InputError, "setting 'may_change': expected a list of different tasks' names"),
    "an estimator": (
        {"may_change": ["forest"]},
        sp.InputError,
        "may_change: task 'forest': expected one with a hidden .* scikit-learn",
    ),
    "a table": ({"may_change": ["table"]}, sp.InputError, "may_change: task 'table': expected a task of type 'image', got 'table-"),
    "guarded": ({"guard": True}, sp.InputError, "may_change: expected a torch model that is trained, without guard"),
    "a model": ({"model": "svm"}, sp.InputError, "may_change: expected a torch model"),
    "remember": ({"remember": -1}, sp.InputError, "setting 'remember': expected a number from 0 to 1000, got -1"),
    "no units, nothing to share": ({"may_change": [], "hidden": 0}, sp.InputError, "setting 'hidden': expected a whole number from 2"),
    "measuring another": ({"measure": {"forest": None}}, sp.InputError, "measure"),
}


@pytest.fixture(scope="module")
def several(built_once: Callable[[str, Callable[[Path], object]], Path], _base: Path, train: Labelled, iris: Labelled) -> Path:
    """The folder of a network that knows digits, a forest of digits, and a table. Not to be changed."""

    def build(path: Path) -> None:
        net = sp.Network(shutil.copytree(_base, path))
        net.learn("forest", train[0][:60], train[1][:60], model=RandomForestClassifier(5))
        net.learn("table", *iris, model="mlp", epochs=1)

    return built_once("digits, forest and table.sen", build)


@pytest.mark.parametrize(("given", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(
    several: Path, train: Labelled, new: Labelled, quick: dict[str, Any], unchanged: Any, given: dict[str, Any], error: type[Exception],
    match: str,
) -> None:  # fmt: skip
    if "measure" in given:
        given = {"measure": {"forest": (train[0][:60], train[1][:60])}}
    with unchanged(several), pytest.raises(error, match=match):
        learn(sp.Network(several), new, quick, **given)


def test_several_at_once_may_not_change_one(base: sp.Network, new: Labelled, quick: dict[str, Any], unchanged: Any) -> None:
    tasks = {"a": new, "b": new}
    with unchanged(base.path), pytest.raises(sp.InputError, match="task 'a': may_change: expected one task to be learned, got several"):
        base.learn_many(tasks, **quick, may_change=["digits"])
