"""A mixed stream of labelled examples, split by the dispatcher."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import senpath as sp
from senpath.errors import StoreError
from senpath.history.checkout import Checkout

Labelled = tuple[np.ndarray, np.ndarray]
Stream = tuple[list[Any], list[Any], np.ndarray]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> Path:
    """The folder of a network that knows digits, by number, and flowers, by name: half of the examples."""
    net = sp.Network(tmp_path_factory.mktemp("routed") / "net")
    net.learn("digits", digits[0][:200], digits[1][:200], epochs=1, hidden=8, model="mlp")
    net.learn("flowers", iris[0][:75], [f"flower {label}" for label in iris[1][:75]], epochs=1, hidden=8, model="mlp")
    return net.path


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> sp.Network:
    """A copy of the test's own."""
    return sp.Network(shutil.copytree(learned, tmp_path / "net"))


@pytest.fixture
def stream(digits: Labelled, iris: Labelled) -> Stream:
    """60 images and 40 rows of the tasks in random order, with labels, and which task each is of."""
    items = [("digits", digits[0][place], int(digits[1][place])) for place in range(200, 260)]
    items += [("flowers", iris[0][place], f"flower {iris[1][place]}") for place in range(75, 115)]
    tasks, x, y = zip(*(items[place] for place in np.random.default_rng(0).permutation(100)), strict=True)
    return list(x), list(y), np.array(tasks)


def test_each_task_gets_its_own(net: sp.Network, stream: Stream) -> None:
    x, y, truth = stream
    before = {task: info.examples for task, info in net.tasks.items()}
    found = net.extend(x, y)
    assert list(found.sent) == list(found.revised) == ["digits", "flowers"]
    for task, places in found.sent.items():
        assert len(places) >= 0.8 * (truth == task).sum()
        assert set(truth[places]) == {task}
        assert list(places) == sorted(places)
        assert net.tasks[task].examples == before[task] + len(places)
        assert found.revised[task].changed
    assert sorted(np.concatenate([*found.sent.values(), found.left])) == list(range(100))
    assert net.version == 4
    net.verify()


def test_what_fits_nowhere_is_returned(net: sp.Network, stream: Stream, unchanged: Callable[..., Any]) -> None:
    x, y, _ = stream
    sound = sp.Audio(np.zeros(800, dtype=np.float32), 8000)
    strange = [np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8), "a text", sound, x[0], x[0], x[0], x[0]]
    names = [1, 1, 1, "no such label", {1, 2}, 0.5, None]
    with unchanged(net.path):
        found = net.extend(strange, names)
    assert (dict(found.sent), list(found.left), dict(found.revised)) == ({}, list(range(7)), {})
    assert sorted(found.reasons) == list(range(7))
    assert found.reasons[0].startswith("further from 'digits', the likeliest task")
    assert found.reasons[1].startswith("no task reads text data")
    assert found.reasons[3].startswith("no candidate has the label 'no such label': ")
    found = net.extend([*strange, *x], [*names, *y])
    assert {*range(7)} <= {*found.left.tolist()}
    assert sum(map(len, found.sent.values())) >= 80


def test_labels_may_come_as_text_or_floats(net: sp.Network, digits: Labelled) -> None:
    x, y = digits[0][200:220], digits[1][200:220]
    assert not net.extend(x, [f"digit {label}" for label in y]).sent
    sent = net.extend(x, y.astype(np.float32)).sent["digits"]
    assert len(sent)
    assert net.extend(x, [str(label) for label in y]).sent["digits"].tolist() == sent.tolist()


def test_text_is_for_the_task_whose_labels_are_text(tmp_path: Path, digits: Labelled) -> None:
    net, (x, y) = sp.Network(tmp_path / "net"), digits
    for task, labels in (("numbers", y[:200]), ("texts", y[:200].astype(str))):  # of the same pictures, so that both are candidates
        net.learn(task, x[:200], labels, epochs=1, hidden=8, model="mlp", links="none")
    assert [*net.extend(x[200:240], list(y[200:240].astype(str))).sent] == ["texts"]
    assert [*net.extend(x[200:240], y[200:240]).sent] == ["numbers"]


def test_a_batch_of_one_type_is_as_good(net: sp.Network, digits: Labelled) -> None:
    found = net.extend(digits[0][200:260], digits[1][200:260])
    assert list(found.sent) == ["digits"]
    assert len(found.sent["digits"]) + len(found.left) == 60


def test_labelled_data_in_one(net: sp.Network, iris: Labelled, tmp_path: Path) -> None:
    np.savez(tmp_path / "more.npz", x=iris[0][75:], y=np.array([f"flower {label}" for label in iris[1][75:]]))
    assert list(net.extend(tmp_path / "more.npz").sent) == ["flowers"]
    assert list(net.extend(str(tmp_path / "more.npz")).sent) == ["flowers"]


def test_the_second_candidate_gets_it_if_it_alone_has_the_label(tmp_path: Path, digits: Labelled) -> None:
    x, y = digits
    net = sp.Network(tmp_path / "net")
    for task, name in (("one", "first"), ("other", "second")):
        net.learn(task, x[:200], [f"{name} {label}" for label in y[:200]], epochs=1, hidden=8, links="none")
    names = [f"{('first', 'second')[place % 2]} {y[place]}" for place in range(200, 240)]
    found = net.extend(x[200:240], names)
    for task, odd in (("one", 0), ("other", 1)):
        assert len(found.sent[task]) >= 15
        assert {*(found.sent[task] % 2).tolist()} == {odd}


@pytest.mark.parametrize("empty", [([], []), (np.zeros((0, 8, 8)), np.zeros(0))])
def test_nothing_gives_nothing(net: sp.Network, unchanged: Callable[..., Any], empty: Any) -> None:
    with unchanged(net.path):
        found = net.extend(*empty)
    assert (dict(found.sent), len(found.left), dict(found.revised)) == ({}, 0, {})


def test_several_labels_and_numbers_are_left(tmp_path: Path, digits: Labelled) -> None:
    net, (x, y) = sp.Network(tmp_path / "net"), digits
    net.learn("size", x[:200], y[:200], kind="regression", epochs=1, hidden=8, model="mlp")
    assert not net.extend(x[200:220], y[200:220]).sent


def test_what_a_task_declines_is_left(tmp_path: Path, digits: Labelled) -> None:
    net, (x, y) = sp.Network(tmp_path / "net", dispatcher="binary"), digits
    net.learn("digits", x[:200], y[:200], epochs=1, hidden=8, model="mlp")
    found = net.extend(x[200:220], y[200:220])
    assert (dict(found.sent), len(found.left), net.version) == ({}, 20, 1)
    assert "binary dispatcher" in found.revised["digits"].reason


def test_an_error_says_what_was_done(net: sp.Network, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Checkout.commit

    def fail_second(checkout: Checkout, proposal: sp.Proposal) -> Any:
        if "flowers" in proposal.replaces:
            raise StoreError("disk", expected="room", got="none")
        return commit(checkout, proposal)

    monkeypatch.setattr(Checkout, "commit", fail_second)
    with pytest.raises(StoreError, match=r"task 'flowers': disk: expected room, got none\. Extended before it: digits"):
        net.extend(*stream[:2])
    assert net.version == 3


def test_bad_input_is_refused(net: sp.Network, digits: Labelled, unchanged: Callable[..., Any]) -> None:
    x, y = digits
    with unchanged(net.path):
        with pytest.raises(sp.InputError, match="labels y: expected 20, one per input, got 19"):
            net.extend(x[:20], y[:19])
        with pytest.raises(sp.InputError, match="labels y: expected 0, one per input, got 3"):
            net.extend([], [1, 2, 3])
        with pytest.raises(sp.InputError, match="labels y: expected one label per input, got None"):
            net.extend(x)
        with pytest.raises(sp.InputError, match="labels y: expected one for each input, got int"):
            net.extend(x, 3)
        with pytest.raises(sp.InputError, match="inputs: expected an array, a tensor, a data frame or a list of inputs, got generator"):
            net.extend((image for image in x), y)
        with pytest.raises(sp.InputError, match="task to extend: expected a name, or no task, but a stream of inputs and labels, got list"):
            net.extend(["digits"], x, y)
        with pytest.raises(sp.InputError, match="input 1: expected an array"):
            net.extend([x[0], object()], [1, 2])
        with pytest.raises(sp.InputError, match="setting 'hidden' of extend"):
            net.extend(x, y, hidden=3)


def test_truth_values_are_labels(tmp_path: Path, digits: Labelled) -> None:
    net, (x, y) = sp.Network(tmp_path / "net"), digits
    net.learn("large", x[:200], y[:200] >= 5, epochs=1, hidden=8, model="mlp")
    for labels in (y[200:240] >= 5, [*(y[200:240] >= 5)], list(torch.from_numpy(y[200:240] >= 5))):
        assert len(net.extend(x[200:240], labels).sent["large"]) >= 20


def test_whatever_fails_says_what_was_done(net: sp.Network, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Checkout.commit

    def fail_second(checkout: Checkout, proposal: sp.Proposal) -> Any:
        if "flowers" in proposal.replaces:
            raise ZeroDivisionError("by a fault.")
        return commit(checkout, proposal)

    monkeypatch.setattr(Checkout, "commit", fail_second)
    match = r"^task 'flowers': expected to be extended, got ZeroDivisionError: by a fault\. Extended before it: digits$"
    with pytest.raises(sp.SenpathError, match=match):
        net.extend(*stream[:2])
    assert net.version == 3


def test_one_example_of_each_class_is_enough(net: sp.Network, digits: Labelled) -> None:
    place = int(np.flatnonzero(net.predict(digits[0][200:]).task == "digits")[0]) + 200
    found = net.extend(digits[0][place : place + 1], digits[1][place : place + 1])
    assert {task: list(places) for task, places in found.sent.items()} == {"digits": [0]}


def test_a_task_that_another_writer_learned_is_one(net: sp.Network, digits: Labelled) -> None:
    sp.Network(net.path).learn("late", digits[0][:40], digits[1][:40], epochs=1, hidden=8, model="mlp")
    with pytest.raises(sp.InputError, match="extending task 'late': expected examples, x and y, got none"):
        net.extend("late")


@pytest.mark.parametrize("name", ["digit", "a" * 5000, "nul\0"])
def test_a_word_alone_is_a_task(net: sp.Network, unchanged: Callable[..., Any], name: str) -> None:
    with unchanged(net.path), pytest.raises(sp.UnknownTaskError, match="expected one that the network has learned: digits, flowers"):
        net.extend(name)


def test_labels_may_come_in_any_form_that_learn_takes(net: sp.Network, stream: Stream) -> None:
    x, y, truth = stream
    flowers = [place for place, task in enumerate(truth) if task == "flowers"]
    rows, words = np.stack([x[place] for place in flowers]), [y[place] for place in flowers]
    for labels in (pa.array(words), pd.DataFrame({"label": words}), iter(words)):
        assert len(net.extend(rows, labels).sent["flowers"]) > 20
