"""Extending a task: more examples, new classes, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from senpath import ConflictError, Examples, Extend, InputError, Network, UnknownTaskError
from senpath.components import ClassLink
from senpath.learning import propose_revision
from senpath.learning.propose import learning_cost
from senpath.snapshot import encode_examples
from senpath.testing import ConstantMethod, tiny_task

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def high(fresh: Labelled) -> Labelled:
    """100 examples of the digits 5 … 9."""
    mine = np.flatnonzero(fresh[1] >= 5)[:100]
    return fresh[0][mine], fresh[1][mine]


@pytest.fixture
def tests(fresh: Labelled) -> Labelled:
    """Digits that were in no training data."""
    return fresh[0][400:], fresh[1][400:]


def accuracy(net: Network, task: str, tests: Labelled) -> float:
    return float((net.predict(tests[0], task=task).label == tests[1]).mean())


def of(data: Labelled, *digits: int) -> Labelled:
    mine = np.isin(data[1], digits)
    return data[0][mine], data[1][mine]


def head(net: Network, task: str) -> torch.nn.Module:
    return net.view.component(net.view.pathway(task).components[-1]).module


def same_rows(before: torch.nn.Module, after: torch.nn.Module) -> bool:
    names, rows = ("weight", "bias"), len(before.get_parameter("bias"))
    return all(torch.equal(before.get_parameter(name), after.get_parameter(name)[:rows]) for name in names)


@pytest.mark.slow("learns and extends with the defaults")
def test_new_classes_are_learned_the_old_rows_stay_and_all_is_on_disk(halves: Network, high: Labelled, tests: Labelled) -> None:
    before, other = halves.view.pathway("low"), halves.view.logits("high", encode_examples(halves.view, *tests).inputs)
    rows = head(halves, "low")
    found = halves.extend("low", *high)
    after = halves.view.pathway("low")
    assert (found.task, found.changed, found.version) == ("low", True, 3)
    assert "100 examples of 10 classes, 5 of them new" in found.reason
    assert after.components[:-1] == before.components[:-1]
    assert after.components[-1] != before.components[-1]
    assert same_rows(rows, head(halves, "low"))
    assert after.classes == tuple(range(10))
    assert torch.equal(halves.view.logits("high", encode_examples(halves.view, *tests).inputs), other)
    assert accuracy(halves, "low", of(tests, *range(5))) >= 0.6
    assert accuracy(halves, "low", of(tests, *range(5, 10))) >= 0.6
    halves.verify()
    again = Network(halves.path)
    inputs = encode_examples(again.view, *tests).inputs
    assert torch.equal(halves.view.logits("low", inputs), again.view.logits("low", inputs))
    assert halves.tasks["low"] == again.tasks["low"]
    live, loaded = halves.predict(tests[0]), again.predict(tests[0])
    assert list(live.task) == list(loaded.task)
    assert list(live.label) == list(loaded.label)


@pytest.mark.slow("learns and extends with the defaults")
def test_what_is_known_of_the_task_grows(halves: Network, high: Labelled) -> None:
    before = halves.tasks["low"]
    halves.extend("low", *high)
    halves.extend("low", high[0][:7], high[1][:7])
    after = halves.tasks["low"]
    assert after.examples == before.examples + 107
    assert after.method == "sen"
    extended = after.provenance.revisions_by("extend")
    assert [change.record["examples"] for change in extended] == [100, 7]
    assert extended[0].record["classes"] == [5, 6, 7, 8, 9]
    assert halves.log[-1]["method"] == "extend"
    assert after.weights == before.weights + 5 * 33


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_links_keep_their_rows(base: Network, fresh: Labelled, words: np.ndarray, few: Any, high: Labelled, quick: Any) -> None:
    x, y = few(*of(fresh, 0, 1, 2, 3, 4), 5)
    base.learn("names", x, words[y], **quick)
    (link,) = base.view.pathway("names").links
    module, rows = base.view.component(link.component).module, head(base, "names")
    assert isinstance(module, ClassLink)
    base.extend("names", high[0], words[high[1]], most_lost=1)
    (after,) = base.view.pathway("names").links
    grown = base.view.component(after.component).module
    assert isinstance(grown, ClassLink)
    assert after.reads == link.reads
    assert (grown.outputs, grown.classes.tolist()) == (10, module.classes.tolist())
    assert same_rows(module, grown)
    assert same_rows(rows, head(base, "names"))
    base.verify()


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
@pytest.mark.parametrize("new", [False, True])
def test_links_stay_where_the_own_part_moves(
    base: Network, fresh: Labelled, words: np.ndarray, few: Any, high: Labelled, quick: Any, new: bool
) -> None:
    x, y = few(*of(fresh, 0, 1, 2, 3, 4), 5)
    base.learn("names", x, words[y], **quick)
    (link,) = base.view.pathway("names").links
    more = high if new else (x, y)
    base.extend("names", more[0], words[more[1]], finetune=True, epochs=2, most_lost=1)
    (after,) = base.view.pathway("names").links
    assert (after.component == link.component) is not new
    assert same_rows(base.view.component(link.component).module, base.view.component(after.component).module)
    base.verify()


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_links_alone_get_rows(base: Network, fresh: Labelled, words: np.ndarray, few: Any, high: Labelled, tests: Labelled) -> None:
    x, y = few(*of(fresh, 0, 1, 2, 3, 4), 5)
    base.learn("names", x, words[y], epochs=0)
    (link,) = base.view.pathway("names").links
    module = base.view.component(link.component).module
    base.extend("names", high[0], words[high[1]])
    (after,) = base.view.pathway("names").links
    grown = base.view.component(after.component).module
    assert isinstance(grown, ClassLink)
    assert grown.classes.tolist() == list(range(10))
    assert same_rows(module, grown)
    assert accuracy(base, "names", (tests[0], words[tests[1]])) >= 0.8
    base.verify()


def test_more_of_the_old_classes_teach_the_dispatcher_alone(halves: Network, fresh: Labelled) -> None:
    before = halves.view.pathway("low")
    found = halves.extend("low", *of(fresh, 0, 1))
    after = halves.view.pathway("low")
    assert (after.components, after.links, after.classes) == (before.components, before.links, before.classes)
    assert found.changed
    assert "its pathway stays as it was; the dispatcher learned them" in found.reason
    assert len(halves.view.statistics("low").columns) > 5
    halves.verify()


def test_a_few_inputs_of_a_new_sort_let_their_like_in() -> None:
    random = np.random.default_rng(0)
    net = Network()
    net.learn("t", random.normal(size=(300, 6)), np.arange(300) % 2, method=ConstantMethod())
    usual, others = random.normal(size=(200, 6)), random.normal(size=(200, 6)) + 8
    refused = [(net.predict(some).ood_score > 1).mean() for some in (usual, others)]
    assert refused[0] < 0.1
    assert refused[1] == 1
    assert "say nothing new" in net.extend("t", random.normal(size=(10, 6)), np.arange(10) % 2).reason
    assert "the dispatcher learned them" in net.extend("t", random.normal(size=(12, 6)) + 8, np.arange(12) % 2).reason
    assert (net.predict(others).ood_score > 1).mean() < 0.6
    assert (net.predict(usual).ood_score > 1).mean() <= refused[0]


def test_what_may_move_moves_and_readers_keep_what_they_read(
    base: Network, fresh: Labelled, words: np.ndarray, few: Any, quick: Any, tests: Labelled
) -> None:
    base.learn("names", *few(fresh[0], words[fresh[1]], 5), **quick)
    inputs, before = encode_examples(base.view, *tests).inputs, base.view.pathway("digits")
    answers = base.view.logits("names", inputs)
    base.extend("digits", fresh[0][:200], fresh[1][:200], finetune=True)
    after = base.view.pathway("digits")
    assert not {*before.components} & {*after.components}
    assert base.view.pathway("names").links[0].reads == before.components[:-1]
    assert torch.equal(base.view.logits("names", inputs), answers)
    assert accuracy(base, "digits", tests) >= 0.9
    base.verify()


@pytest.mark.slow("trains, and measures on what it makes up")
def test_moving_learns_new_classes_and_holds_old_ones(halves: Network, high: Labelled, tests: Labelled, fresh: Labelled) -> None:
    old = of((fresh[0][:100], fresh[1][:100]), *range(5))
    halves.extend("low", np.concatenate([high[0], old[0]]), np.concatenate([high[1], old[1]]), finetune=True)
    assert accuracy(halves, "low", of(tests, *range(5))) >= 0.8
    assert accuracy(halves, "low", of(tests, *range(5, 10))) >= 0.8


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_a_pruned_body_stays_or_moves_as_it_is(halves: Network, high: Labelled) -> None:
    halves.prune("low", 0.5)
    body = halves.view.pathway("low").components[0]
    halves.extend("low", *high)
    assert halves.view.pathway("low").components[0] == body
    halves.extend("low", *high, finetune=True, epochs=1, most_lost=1)
    moved = halves.view.component(halves.view.pathway("low").components[0])
    assert moved.kind.name == "pruned.v1"
    assert moved.hash != body
    assert moved.weights == halves.view.component(body).weights
    halves.verify()


def test_a_scikit_learn_model_gets_no_new_classes(tmp_path: Path, fresh: Labelled, high: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("low", *of(fresh, *range(5)), model="svm")
    found = net.extend("low", *high)
    assert (found.changed, found.version) == (False, 1)
    assert "scikit-learn model cannot get new classes" in found.reason
    assert "scikit-learn model may not move" in net.extend("low", *of(fresh, 1), finetune=True).reason
    assert net.extend("low", *of(fresh, 1)).changed


def test_new_labels_of_several(tmp_path: Path, everything: Labelled) -> None:
    x, y = everything
    named = [{"even"} if digit % 2 == 0 else {"odd"} for digit in y]
    large = [{*names, "large"} if digit >= 5 else names for names, digit in zip(named, y, strict=True)]
    net = Network(tmp_path / "n.sen")
    net.learn("what", x[:400], named[:400], kind="multilabel", epochs=20)
    rows, before = head(net, "what"), net.view.logits("what", encode_examples(net.view, x[600:900], y[600:900]).inputs)
    net.extend("what", x[600:1000], large[600:1000])
    assert net.tasks["what"].classes_ == ("even", "odd", "large")
    assert same_rows(rows, head(net, "what"))
    after = net.view.logits("what", encode_examples(net.view, x[600:900], y[600:900]).inputs)
    torch.testing.assert_close(after[:, :2], before)
    right = [("large" in found) == (digit >= 5) for found, digit in zip(net.predict(x[1200:], task="what").label, y[1200:], strict=True)]
    assert np.mean(right) >= 0.75
    net.verify()


def test_numbers(tmp_path: Path, everything: Labelled) -> None:
    x, y = everything
    net = Network(tmp_path / "n.sen")
    net.learn("size", x[:300], 100.0 * y[:300], kind="regression", epochs=20)
    components = net.view.pathway("size").components
    assert net.extend("size", x[300:400], 100.0 * y[300:400]).changed
    assert net.view.pathway("size").components == components
    before = np.abs(net.predict(x[1200:], task="size").label.astype(float) - 100 * y[1200:]).mean()
    net.extend("size", x[300:800], 100.0 * y[300:800], finetune=True, epochs=20)
    assert np.abs(net.predict(x[1200:], task="size").label.astype(float) - 100 * y[1200:]).mean() < before
    net.verify()


def test_learning_and_extending_leave_the_dispatcher_as_learning_all_does(tmp_path: Path, iris: Labelled, few: Any) -> None:
    x, y = few(*iris, 10)
    first = np.concatenate([np.flatnonzero(y == label)[:5] for label in (0, 1, 2)])
    rest = np.setdiff1d(np.arange(len(y)), first)
    one, two = Network(tmp_path / "one.sen"), Network(tmp_path / "two.sen")
    one.learn("flowers", x[first], y[first], model="mlp", epochs=1)
    two.learn("flowers", x[first], y[first], model="mlp", epochs=1)  # which sets the table's scale
    one.extend("flowers", x[rest], y[rest])
    two.learn("all", x, y, model="mlp", epochs=1)
    mine, theirs = one.view.statistics("flowers"), two.view.statistics("all")
    np.testing.assert_allclose(mine.columns, theirs.columns, atol=1e-6)
    np.testing.assert_array_equal(mine.counts, theirs.counts)
    assert mine.figures["few"] == theirs.figures["few"] == 1
    assert one.view.tasks["flowers"].statistics.owners == (0, 1, 2)


def test_columns_are_the_same_in_any_number_of_steps(tmp_path: Path, iris: Labelled, few: Any) -> None:
    x, y = few(*iris, 9)
    nets = [Network(tmp_path / f"{steps}.sen") for steps in (1, 2)]
    for net, steps in zip(nets, (1, 2), strict=True):
        net.learn("flowers", x[y < 2], y[y < 2], model="mlp", epochs=1)
        rest = np.arange(len(y))[::-1]
        for part in np.array_split(rest[(y == 2)[rest] | (rest % 2 == 0)], steps):
            net.extend("flowers", x[part], y[part])
    one, two = (net.view.statistics("flowers") for net in nets)
    np.testing.assert_allclose(one.columns, two.columns, atol=1e-6)
    np.testing.assert_array_equal(one.counts, two.counts)


@pytest.mark.parametrize("classes", [1, 2])
def test_a_task_of_many_examples_gets_one_a_class(base: Network, fresh: Labelled, few: Any, classes: int) -> None:
    x, y = few(*of(fresh, *range(classes)), 1)
    before = base.view.statistics("digits")
    assert base.extend("digits", x, y).changed
    after = base.view.statistics("digits")
    assert after.figures == before.figures
    assert after.figures["few"] == 0
    assert base.extend("digits", *few(*of(fresh, 0), 8)).changed
    assert base.view.statistics("digits").figures["limit"] != before.figures["limit"]
    base.verify()


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_the_cost_counts_what_is_gone(halves: Network, high: Labelled) -> None:
    examples = encode_examples(halves.view, *high)
    pathway = halves.view.pathway("low")
    both = Examples(examples.data_type, examples.inputs, examples.targets + 5, pathway.classes + examples.classes)
    with halves.view.watch() as touched:
        _, proposal = propose_revision(halves.view, Extend(most_lost=1), "low", both)  # type: ignore[misc]
    cost = learning_cost(halves.view, touched, proposal)
    halves.commit(proposal)
    assert cost.total == halves.weights["total"]
    assert cost.updated == 10 * 33


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_a_seed_reproduces(iris: Labelled, quick: Any) -> None:
    net = Network()
    net.learn("low", *of(iris, 0, 1), **quick)  # rows of a table are made up in a moment
    examples = encode_examples(net.view, *of(iris, 1, 2))
    both = examples.__class__(examples.data_type, examples.inputs, examples.targets + 1, (0, 1, 2))
    state = torch.get_rng_state()
    for move, measured in ((False, {}), (True, {"most_lost": 1.0})):  # nothing is measured where all may be lost
        made = [
            propose_revision(net.view, Extend(finetune=move, epochs=1, random_state=seed, **measured), "low", both)[1]  # type: ignore[index]
            for seed in (3, 3, 4)
        ]
        first, again, other = ([component.hash for component in proposal.components] for proposal in made)
        assert first == again != other
        np.testing.assert_array_equal(made[0].statistics["low"].columns, made[1].statistics["low"].columns)
    assert torch.equal(torch.get_rng_state(), state)


def test_proposing_writes_nothing(halves: Network, high: Labelled, unchanged: Any) -> None:
    told: list[tuple[str, int, int]] = []
    examples = encode_examples(halves.view, *high)
    with unchanged(halves.path):
        propose_revision(halves.view, Extend(), "high", examples, lambda *step: told.append(step))
    assert {stage: done == total for stage, done, total in told} == {"dispatcher": True}


def test_another_writer_changed_the_task(halves: Network, high: Labelled) -> None:
    _, proposal = propose_revision(halves.view, Extend(), "high", encode_examples(halves.view, *high))  # type: ignore[misc]
    Network(halves.path).extend("high", *high)
    with pytest.raises(ConflictError, match="one changed in version 3 by another writer"):
        halves.commit(proposal)


def test_a_binary_dispatcher_declines(tmp_path: Path, fresh: Labelled, high: Labelled) -> None:
    net = Network(tmp_path / "n.sen", dispatcher="binary")
    net.learn("low", *of(fresh, *range(5)), epochs=1)
    found = net.extend("low", *high)
    assert not found.changed
    assert "binary dispatcher cannot learn further examples without the earlier ones" in found.reason


@pytest.mark.slow("earlier inputs are made up and measured for each extension")
def test_real_letters(tmp_path: Path, letters: dict[str, Labelled]) -> None:
    x, y = letters["lower"]
    old = np.isin(y, list("abcdefghijklmnopqrstu"))
    seen, unseen = np.arange(len(y)) < 800, np.arange(len(y)) >= 800
    net = Network(tmp_path / "n.sen")
    net.learn("letters", x[old & seen], y[old & seen], epochs=30)
    net.extend("letters", x[~old & seen], y[~old & seen])
    right = net.predict(x[unseen], task="letters").label == y[unseen]
    assert right[old[unseen]].mean() >= 0.3
    assert right[~old[unseen]].mean() >= 0.4


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"finetune": 1}, "setting 'finetune': expected True or False, got 1"),
        ({"epochs": 0}, "setting 'epochs': expected a whole number from 1 to"),
        ({"epochs": 1.5}, "setting 'epochs': expected a whole number"),
        ({"learning_rate": -1}, "setting 'learning_rate': expected a number from"),
        ({"random_state": None}, "setting 'random_state'"),
        ({"hidden": 8}, "setting 'hidden' of extend: expected one of finetune, epochs"),
    ],
)
def test_bad_settings_are_refused(halves: Network, high: Labelled, unchanged: Any, settings: dict[str, Any], match: str) -> None:
    with unchanged(halves.path), pytest.raises(InputError, match=match):
        halves.extend("low", *high, **settings)


def test_bad_input_is_refused(halves: Network, high: Labelled, iris: Labelled, words: np.ndarray, unchanged: Callable[..., Any]) -> None:
    with unchanged(halves.path):
        with pytest.raises(UnknownTaskError, match="task 'none': expected one that the network has learned: low, high"):
            halves.extend("none", *high)
        with pytest.raises(InputError, match="new labels: expected whole numbers, as the task's other labels are, got 'eight'"):
            halves.extend("low", high[0], words[high[1]])
        with pytest.raises(InputError, match="inputs: expected image data, got table data"):
            halves.extend("low", *iris)
        with pytest.raises(InputError, match="labels y: expected 100, one per input, got 99"):
            halves.extend("low", high[0], high[1][:-1])
        with pytest.raises(InputError, match="extending task 'low': expected examples, x and y, got none"):
            halves.extend("low")
        with pytest.raises(InputError, match="labels y: expected one label per input, got None"):
            halves.extend("low", high[0])


@pytest.mark.parametrize("settings", [{}, {"finetune": True}], ids=["rows", "finetune"])
def test_one_example_of_a_new_class_takes_nothing_from_the_old_ones(settings: dict[str, Any]) -> None:
    x, y = tiny_task("iris")
    old, test = np.flatnonzero(y[:100] < 2), np.flatnonzero(y[100:] < 2) + 100
    net = Network()
    net.learn("flowers", x[old], y[old])
    told = net.extend("flowers", x[y == 2][:1], [2], **settings)
    assert told.changed
    assert told.record["lost"] <= 0.15
    assert float((net.predict(x[test], task="flowers").label == y[test]).mean()) >= 0.85
    assert net.predict(x[y == 2][:1], task="flowers").label[0] == 2


def test_what_would_lose_more_than_is_allowed_is_declined() -> None:
    x, y = tiny_task("iris")
    net = Network()
    net.learn("flowers", x[y < 2], y[y < 2])
    mislabelled = x[y == 0][:30]  # of a class that the task has: to learn them as another one is to forget it
    told = net.extend("flowers", mislabelled, [2] * 30)
    assert not told.changed
    assert net.version == 1
    assert "would lose about" in told.reason
    assert "set most_lost" in told.reason
    assert told.record["lost"] > 0.1
    assert net.extend("flowers", mislabelled, [2] * 30, most_lost=1).changed


def test_a_new_label_of_one_example_is_not_given_to_all(everything: Labelled) -> None:
    x, y = everything
    named = [{"even"} if digit % 2 == 0 else {"odd"} for digit in y]
    old = np.flatnonzero(y < 9)
    net = Network()
    net.learn("what", x[old][:300], [named[place] for place in old[:300]], kind="multilabel", method=ConstantMethod())
    nine = np.flatnonzero(y == 9)[:5]
    net.extend("what", x[nine], [{"odd", "nine"}] * 5)
    claimed = ["nine" in labels for labels in net.predict(x[old[300:500]], task="what").label]
    assert np.mean(claimed) <= 0.15
