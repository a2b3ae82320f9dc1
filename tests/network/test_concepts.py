"""Tasks that share their labels: what several modalities tell of one thing is put together."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.datasets import load_digits, load_iris

import senpath as sp
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult
from senpath.store import FORMAT_VERSION
from senpath.testing import ConstantMethod

Modalities = dict[str, Any]
Unchanged = Callable[[Path], AbstractContextManager[None]]
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
QUICK: dict[str, Any] = {"model": "mlp", "hidden": 16, "links": "none", "epochs": 100}
SHOTS, THINGS = 4, 150


def things(first: int, last: int, seed: int) -> tuple[Modalities, np.ndarray]:
    """Handwritten digits (UCI): the image of one, the sums over rows and columns of another, and the word, misspelt, all of one label."""
    bunch = load_digits()
    generator = np.random.default_rng(seed)
    digits, pool = bunch.target[first:last], np.arange(1000, 1797)
    others = [generator.choice(pool[bunch.target[pool] == digit]) for digit in digits]
    sums = np.concatenate([bunch.images[others].sum(1), bunch.images[others].sum(2)], axis=1)
    return {
        "image": list((bunch.images[first:last] * 255 / 16).astype(np.uint8)),
        "table": list(sums),
        "text": [misspelt(WORDS[digit], generator) for digit in digits],
    }, digits


def misspelt(word: str, generator: np.random.Generator) -> str:
    letters = list(word)
    letters[generator.integers(len(letters))] = "abcdefghijklmnopqrstuvwxyz"[generator.integers(26)]
    return "".join(letters)


def few(labels: np.ndarray, shots: int) -> np.ndarray:
    """The first examples of each label."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:shots] for label in np.unique(labels)]))


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """Digits seen, measured and read, a few examples each; flowers, and images that are none; no test may change it."""
    found = sp.Network(tmp_path_factory.mktemp("concepts") / "net")
    modalities, digits = things(0, 300, 0)
    chosen = few(digits, SHOTS)
    tasks = {f"by {name}": ([items[row] for row in chosen], digits[chosen]) for name, items in modalities.items()}
    found.learn_many(tasks, concept="digit", **QUICK)
    flowers = load_iris()
    found.learn("flowers", flowers.data, flowers.target, **QUICK)
    return found


@pytest.fixture(scope="module")
def seen(net: sp.Network) -> tuple[Modalities, np.ndarray]:
    """Things that the network has not learned from, and their digits."""
    return things(300, 300 + THINGS, 1)


@pytest.fixture
def own(net: sp.Network, tmp_path: Path) -> sp.Network:
    """A copy that a test may change."""
    net.save_pretrained(tmp_path / "own")
    return sp.Network(tmp_path / "own")


def accuracy(labels: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([label == digit for label, digit in zip(labels, truth, strict=True)]))


def product(found: sp.MultimodalPrediction, concept: str = "by ") -> tuple[np.ndarray, np.ndarray]:
    """Digits and their probabilities by the definition: the product of what the modalities say that say something."""
    logs = np.zeros((len(found), 10))
    for modality, alone in found.modalities.items():
        joint = alone.probabilities[concept + modality]
        joint = joint / joint.sum(1, keepdims=True)
        logs += np.where((alone.task != None)[:, None], np.log(joint), 0)  # noqa: E711 - of an array
    values = np.exp(logs - logs.max(1, keepdims=True))
    values /= values.sum(1, keepdims=True)
    return values.argmax(1), values.max(1)


def test_together_they_know_more_than_each(net: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    modalities, digits = seen
    found = net.predict(modalities, concept="digit")
    alone = {name: accuracy(part.label, digits) for name, part in found.modalities.items()}
    assert accuracy(found.label, digits) > max(alone.values()) + 0.03
    two = net.predict({name: modalities[name] for name in ("table", "text")}, concept="digit")
    assert accuracy(two.label, digits) > max(alone["table"], alone["text"]) + 0.03
    assert set(found.concept) == {"digit"}
    assert set(found.tasks) == {("by image", "by table", "by text")}
    assert all((net.predict(modalities[name], task=f"by {name}").label == found.modalities[name].label).all() for name in modalities)


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(missing=arrays.arrays(bool, (12, 3)), known=st.booleans())
def test_every_thing_is_answered_by_the_modalities_that_there_are(
    net: sp.Network, seen: tuple[Modalities, np.ndarray], missing: np.ndarray, known: bool
) -> None:
    missing[missing.all(1), 0] = False
    modalities = {
        name: [None if gone else item for item, gone in zip(items, missing[:, column], strict=False)]
        for column, (name, items) in enumerate(seen[0].items())
    }
    found = net.predict(modalities, concept="digit" if known else None, reject=False)
    for row in range(12):
        here = {name: [items[row]] for name, items in modalities.items() if items[row] is not None}
        one = net.predict(here, concept="digit" if known else None, reject=False)
        assert one.label[0] == found.label[row]
        assert one.confidence[0] == pytest.approx(found.confidence[row], rel=1e-4)
        if known:
            label, confidence = product(one)
            assert (label[0], confidence[0]) == (one.label[0], pytest.approx(one.confidence[0], rel=1e-9))
            assert one.tasks[0] == tuple(f"by {name}" for name in here)


@pytest.mark.parametrize("modality", ["image", "table", "text"])
def test_one_modality_alone_answers_as_ever(net: sp.Network, seen: tuple[Modalities, np.ndarray], modality: str) -> None:
    items = seen[0][modality]
    one, plain = net.predict({modality: items}, reject=modality == "image"), net.predict(items, reject=modality == "image")
    assert (one.label == plain.label).all()
    assert one.confidence == pytest.approx(plain.confidence, rel=1e-9)
    assert [task[0] if task else None for task in one.tasks] == list(plain.task)
    assert [ran.total for ran in one.activated] == [ran.total for ran in plain.activated]
    row = int(np.flatnonzero(plain.task != None)[0])  # noqa: E711 - of an array
    assert [label for _, label, _ in one.top(2)[row]] == [label for _, label, _ in plain.top(2)[row]]


def test_a_strange_modality_says_nothing(net: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (THINGS, 8, 8), dtype=np.uint8)
    words = net.predict({"text": seen[0]["text"]})
    found = net.predict({"image": noise, "text": seen[0]["text"]})
    strange = found.modalities["image"].task == None  # noqa: E711 - of an array
    assert strange.mean() > 0.9
    assert (found.label[strange] == words.label[strange]).all()
    assert all("by image" not in tasks for tasks in found.tasks[strange])
    nothing = strange & (words.concept == None)  # noqa: E711 - of an array
    assert all(found.concept[row] is None and found.tasks[row] == () and found.confidence[row] == 0 for row in np.flatnonzero(nothing))
    heard = net.predict({"image": noise, "text": seen[0]["text"]}, reject=False)
    assert all("by image" in tasks for tasks in heard.tasks)


def test_what_ran_is_counted_over_the_modalities(net: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    found = net.predict({name: items[:5] for name, items in seen[0].items()})
    for row, ran in enumerate(found.activated):
        parts = [alone.activated[row] for alone in found.modalities.values()]
        assert ran.components == frozenset().union(*(part.components for part in parts))
        assert ran.dispatcher_weights == sum(part.dispatcher_weights for part in parts) > 0
        assert ran.total == sum(part.total for part in parts)
    given_ = net.predict({name: items[:5] for name, items in seen[0].items()}, concept="digit")
    assert {ran.dispatcher_weights for ran in given_.activated} == {0}


def test_modalities_that_disagree_on_the_concept(net: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    flowers = load_iris().data[:20]
    outvoted = net.predict({"table": flowers, "image": seen[0]["image"][:20], "text": seen[0]["text"][:20]}, reject=False)
    assert set(outvoted.modalities["table"].task) == {"flowers"}
    assert set(outvoted.concept) == {"digit"}
    assert set(outvoted.tasks) == {("by image", "by text")}
    alone = net.predict({"table": flowers}, reject=False)
    assert set(alone.concept) == {"flowers"}
    assert accuracy(alone.label, load_iris().target[:20]) == 1


def test_two_tasks_of_one_modality_compete(own: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    modalities, digits = seen
    inverse = [255 - image for image in modalities["image"]]
    half = THINGS // 2
    own.learn("inverse", inverse[:half], digits[:half], concept="digit", **QUICK)
    both = modalities["image"][half : half + 20] + inverse[half : half + 20]
    words, truth = modalities["text"][half : half + 20] * 2, np.tile(digits[half : half + 20], 2)
    for concept in (None, "digit"):
        found = own.predict({"image": both, "text": words}, concept=concept, reject=False)
        assert accuracy(found.label, truth) > 0.8
        assert np.mean(["inverse" in tasks for tasks in found.tasks[20:]]) > 0.9
        assert all(len(ran) <= 2 for ran in found.modalities["image"].candidates)
    assert {ran.dispatcher_weights > 0 for ran in found.activated} == {True}


def test_temperatures_make_answers_as_sure_as_they_are_right(seen: tuple[Modalities, np.ndarray]) -> None:
    table, digits = np.array(seen[0]["table"]), seen[1]
    net, chosen = sp.Network(), few(digits, 4)
    rest = np.setdiff1d(np.arange(THINGS), chosen)
    gained, temperatures = [], []
    for epochs in (20, 600):
        task = f"{epochs} epochs"
        net.learn(task, table[chosen], digits[chosen], concept="digit", **{**QUICK, "epochs": epochs})
        temperature = net.view.pathway(task).temperature
        values = net.predict(table[rest], task=task).probabilities[task]
        plain = values**temperature / (values**temperature).sum(1, keepdims=True)
        right = np.arange(len(rest)), digits[rest]
        gained.append(float(np.log(values[right]).mean() - np.log(plain[right]).mean()))
        temperatures.append(temperature)
    assert temperatures[0] < 0.8 < 1.2 < temperatures[1]
    assert min(gained) > 0.02


def test_a_concept_is_asked_for(net: sp.Network) -> None:
    assert [info.concept for info in net.tasks.values()] == ["digit"] * 3 + [None]
    assert net.view.pathway("flowers").temperature == 1
    entry = net.log[0]
    assert (entry["concept"], entry["temperature"]) == ("digit", net.view.pathway("by image").temperature)


def test_few_that_are_all_right_do_not_make_it_sure() -> None:
    x, y = np.repeat([[0.0, 1.0], [1.0, 0.0]], 6, axis=0), np.repeat(["a", "b"], 6)
    net = sp.Network()
    net.learn("easy", x + np.random.default_rng(0).normal(0, 0.01, x.shape), y, concept="letter", **QUICK)
    assert net.predict(x).label.tolist() == y.tolist()
    assert net.predict(x).confidence.max() < 0.99


def test_one_example_a_class_tells_no_temperature(seen: tuple[Modalities, np.ndarray]) -> None:
    chosen = few(seen[1], 1)
    net = sp.Network()
    net.learn("once", [seen[0]["table"][row] for row in chosen], seen[1][chosen], concept="digit", **{**QUICK, "epochs": 2})
    assert net.view.pathway("once").temperature == 1


LEARNED = list("ab" * 6)
MISTAKES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "other labels": (LEARNED, {}, r"labels of a task of concept 'digit': expected .* 0, 1, .*got 0, 1, .* missing and 'a', 'b' besides"),
    "some labels": ([0, 1] * 6, {}, r"got 2, 3, 4, 5, 6, 7, 8, 9 missing$"),
    "text of some": (["0", "1"] * 6, {}, r"got 2, 3, 4, 5, 6, 7, 8, 9 missing$"),
    "text of others": (["0", "ten"] * 6, {}, r"got 1, 2, .* missing and 'ten' besides$"),
    "numbers": (np.linspace(0, 1, 12), {"kind": "regression"}, r"task of concept 'digit': expected a classification, got a regression"),
    "no name": (LEARNED, {"concept": " "}, r"concept name: expected 1 to 200 printable characters, got ' '"),
    "another type": (LEARNED, {"concept": 3}, r"concept name: expected 1 to 200 printable characters, got 3"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_tasks_that_do_not_fit_a_concept(net: sp.Network, unchanged: Unchanged, mistake: str) -> None:
    y, options, match = MISTAKES[mistake]
    x = np.random.default_rng(0).random((12, 3))
    arguments: dict[str, Any] = {"concept": "digit", **options}
    with unchanged(net.path), pytest.raises(sp.InputError, match=match):
        net.learn("new", x, y, **arguments)
    with unchanged(net.path), pytest.raises(sp.InputError, match=match):
        net.learn_many({"new": (x, y)}, **arguments)


def test_labels_that_mean_those_of_the_concept_are_these() -> None:
    """As another program writes whole numbers: as text, or as floats."""
    net, x = sp.Network(), np.random.default_rng(0).random((20, 3))
    net.learn("numbers", x, [1, 2] * 10, concept="side", method=ConstantMethod())
    net.learn("words", x[:, :2], ["1", "2"] * 10, concept="side", method=ConstantMethod())
    net.learn_many(
        {"floats": (x[:, :1], [1.0, 2.0] * 10), "padded": (np.c_[x, x], [" 2", "1 "] * 10)}, concept="side", method=ConstantMethod()
    )
    assert {info.classes_ for info in net.tasks.values()} <= {(1, 2), (2, 1)}
    assert set(net.predict(x[:, :2], task="words").label) <= {1, 2}


def test_tasks_of_one_call_agree(unchanged: Unchanged) -> None:
    net, x = sp.Network(), np.random.default_rng(0).random((12, 3))
    with (
        unchanged(net.path),
        pytest.raises(sp.InputError, match=r"task 'b': labels of .*, got 'a', 'b' missing and 0, 1 besides"),
    ):
        net.learn_many({"a": (x, LEARNED), "b": (x, [0, 1] * 6)}, concept="letter")


def test_another_writer_gave_the_concept_other_labels(own: sp.Network) -> None:
    x = np.random.default_rng(0).random((12, 3))

    class Meanwhile(sp.Sen):
        """Learns while somebody else does."""

        def propose(self, view: sp.View, task: str, examples: sp.Examples, progress: Progress = silent) -> MethodResult:
            if "first" not in sp.Network(own.path).tasks:
                sp.Network(own.path).learn("first", x, [0, 1] * 6, concept="letter", model="mlp", epochs=1)
            return super().propose(view, task, examples, progress)

    with pytest.raises(sp.InputError, match=r"concept 'letter': expected those that the concept has: 0, 1, got 0, 1 missing"):
        own.learn("second", x, LEARNED, concept="letter", method=Meanwhile(epochs=1, model="mlp"))
    assert "second" not in sp.Network(own.path).tasks


IMAGES = np.zeros((2, 8, 8), dtype=np.uint8)
BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a name": ({"smell": [1]}, {}, r"modality 'smell': expected one of image, audio, video, table, text, got another name"),
    "a row": (
        {"age": 3, "height": 4},
        {},
        r"input 0: no task reads this table: .* got rows with names|missing, 'age', 'height' unknown",
    ),
    "columns": ({"age": [3], "height": [4]}, {}, r"modality 'age': .* A table is a data frame, or a list of its rows"),
    "lengths": ({"image": IMAGES, "text": ["one"]}, {}, r"modalities: expected as many inputs of each, got 2 of image, 1 of text"),
    "another modality": ({"image": [IMAGES[0], "one"]}, {}, r"modality 'image', row 1: expected image data, got text data"),
    "a gap before it": ({"image": [None, "one"], "text": ["a", "b"]}, {}, r"modality 'image', row 1: expected image data, got text data"),
    "an array": ({"table": IMAGES}, {}, r"modality 'table', row 0: expected table data, got image data"),
    "nothing of a thing": (
        {"image": [IMAGES[0], None], "text": ["one", None]},
        {},
        r"row 1: expected an input of at least one modality, got none",
    ),
    "no modality": ({}, {}, r"modalities: expected at least one, got none"),
    "only missing": ({"image": None}, {}, r"modalities: expected at least one, got none"),
    "one input": ({"text": "one"}, {}, r"modality 'text': expected an array, a tensor, a data frame or a list of inputs, got str"),
    "an array of no axes": (
        {"image": np.array(3.0)},
        {},
        r"modality 'image': expected an array, a tensor, .*, got ndarray of shape \(\). One input goes into a list",
    ),
    "a tensor of no axes": (
        {"image": torch.tensor(3.0)},
        {},
        r"modality 'image': expected an array, .*, got Tensor of shape \(\). One input goes into a list",
    ),
    "no input": (
        {"text": [object()]},
        {},
        r"modality 'text': input 0: expected an array, str, Audio, Video, path, bytes, dict or PIL image, got object",
    ),
    "a task": ({"text": ["one"]}, {"task": "by text"}, r"task: expected none beside a mapping of modalities, got 'by text'"),
    "a concept": (
        {"text": ["one"]},
        {"concept": "letter"},
        r"concept 'letter': expected one that the network has: 'digit', got another name",
    ),
    "no name of a concept": ({"text": ["one"]}, {"concept": [1]}, r"concept \[1\]: expected one that the network has: 'digit', got"),
    "an empty text": ({"text": ["one", " "]}, {}, r"text 1: expected at least one word, got an empty text"),
    "a modality less": (
        {"audio": [sp.Audio(np.zeros(800), 8000)]},
        {"concept": "digit"},
        r"modality 'audio' of concept 'digit': expected data as .*: image, table, text, got 1 of 1 inputs",
    ),
    "no mapping": (["one"], {"concept": "digit"}, r"concept: expected a mapping of modalities to inputs beside it, got list"),
    "candidates": ({"text": ["one"]}, {"candidates": 3}, r"candidates: expected 1 or 2, got 3"),
}


@pytest.mark.parametrize("mistake", BAD)
def test_modalities_that_cannot_be_read(net: sp.Network, mistake: str) -> None:
    modalities, options, match = BAD[mistake]
    with pytest.raises(sp.InputError, match=match):
        net.predict(modalities, **options)


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 16)), np.zeros((0, 7))])
@pytest.mark.parametrize("concept", [None, "digit"])
def test_no_things_have_no_answers(net: sp.Network, nothing: Any, concept: str | None) -> None:
    found = net.predict({"table": nothing}, concept=concept)
    assert (len(found), len(found.activated), found.top(3), len(found.modalities["table"])) == (0, 0, [], 0)


@pytest.mark.parametrize("gap", [None, float("nan"), np.nan, pd.NA])
@pytest.mark.parametrize("column", [pd.Series, list, lambda items: np.array(items, dtype=object)], ids=["series", "list", "array"])
def test_what_is_missing_from_a_column(net: sp.Network, seen: tuple[Modalities, np.ndarray], gap: Any, column: Callable[..., Any]) -> None:
    table = np.array(seen[0]["table"][:3])
    found = net.predict({"table": table, "text": column(["one", gap, "two"])}, concept="digit")
    assert found.tasks.tolist() == [("by table", "by text"), ("by table",), ("by table", "by text")]
    found = net.predict({"table": table, "text": column([gap] * 3)}, concept="digit")
    assert set(found.tasks) == {("by table",)}


def test_the_tasks_of_a_known_concept_are_routed_as_asked(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((24, 3))
    y = np.where(x[:, 0] > 0.5, "a", "b")
    net, options = sp.Network(tmp_path / "net"), {"model": "mlp", "hidden": 4, "epochs": 30, "threshold": 0.0, "guard": False}
    net.learn("first", x, y, **options)
    net.learn("second", x, y, links="all", concept="letter", **options)
    net.learn("third", x + 0.1, y, links="none", concept="letter", **options)
    assert [link.source for link in net.view.pathway("second").links] == ["first"]

    def ran(**routing: Any) -> list[int]:
        return [len(tasks) for tasks in net.predict({"table": x}, concept="letter", **routing).modalities["table"].candidates]

    assert set(ran(admit=1e-9)) == {2}
    assert set(ran(candidates=1)) == {1}
    parts = net.predict({"table": x}, concept="letter", admit=1e-9).modalities["table"].probabilities.parts
    second = np.minimum(parts["second"].probabilities, parts["third"].probabilities)
    least = float(np.median(second))
    assert ran(admit=least) == [1 + int(likely) for likely in second >= least]
    assert set(ran(admit=least)) == {1, 2}
    assert set(ran(admit=1e-9, strict=True)) == {1}  # for with the link that makes three
    assert (net.predict({"table": x + 100}, concept="letter", candidates=1).concept == "letter").all()


def test_one_input_is_explained(net: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    modalities, _ = seen
    match = (
        r"input to explain: expected one input, such as x\[0\], got a mapping of modalities: table, text\. Explain what one modality tells$"
    )
    for items in (modalities["table"][:1], np.array(modalities["table"]), pd.Series(["one"])):
        with pytest.raises(sp.InputError, match=match):
            net.explain({"table": items, "text": None})
    for row in ({"a": 1}, {"image": 1.0, "text": 2.0}, {"table": "of words"}, {"table": 1, "a": 2}):
        assert net.explain(row, errors="none").task is None
    assert net.explain(modalities["text"][0]).candidates == ("by text",)


def test_a_modality_of_which_nothing_is_known_says_nothing(net: sp.Network) -> None:
    sounds = [sp.Audio(np.sin(np.arange(4000) / 9).astype(np.float32), 8000)] * 2
    with pytest.raises(sp.InputError, match=r"input 0 and 1 more: no task reads audio data: expected .* data"):
        net.predict({"audio": sounds, "text": ["three", None]})
    found = net.predict({"audio": sounds, "text": ["three", None]}, errors="none")
    assert re.fullmatch("audio: no task reads audio data: expected .* data; text: not given", found.reason[1])
    assert list(found.concept) == ["digit", None]
    assert (found.tasks[1], found.label[1], found.top(3)[1]) == ((), None, [])


def test_a_task_stays_of_its_concept(own: sp.Network, seen: tuple[Modalities, np.ndarray], tmp_path: Path) -> None:
    modalities, digits = seen
    before, version = {name: own.view.pathway(name) for name in own.tasks}, own.version
    examples = modalities["table"][:60], digits[:60]
    assert own.prune("by table", 0.5).changed
    assert own.extend("by table", *examples).changed
    own.learn("more", modalities["table"][60:], digits[60:], concept="digit", **QUICK)
    own.review("by table", modalities["table"], digits, threshold=0.2)
    own.export("by table", tmp_path / "table.sentask")
    kept = (own.view.pathway("by table").concept, own.view.pathway("by table").temperature)
    assert kept == ("digit", before["by table"].temperature)
    other = sp.Network()
    other.import_task(tmp_path / "table.sentask", name="sums")
    assert (other.tasks["sums"].concept, other.view.pathway("sums").temperature) == kept
    with pytest.raises(sp.InputError, match="labels of a task of concept 'digit': expected those that the concept has: 0, 1, 2"):
        other.learn("letters", np.random.default_rng(0).random((12, 16)), LEARNED, concept="digit")
    own.rollback(version)
    assert {name: own.view.pathway(name) for name in own.tasks} == before
    sp.Network(own.path).verify()


def test_a_reviewed_task_stays_of_its_concept(seen: tuple[Modalities, np.ndarray]) -> None:
    table, digits = np.array(seen[0]["table"]), seen[1]
    net, chosen = sp.Network(), few(seen[1], 2)
    net.learn("few", table[chosen], digits[chosen], concept="digit", **{**QUICK, "epochs": 10})
    net.learn("many", table, digits, concept="digit", **QUICK)
    before = net.view.pathway("few")
    assert net.review("few", table[chosen], digits[chosen], threshold=0.2).changed
    after = net.view.pathway("few")
    assert after.components != before.components
    assert (after.concept, after.temperature) == ("digit", before.temperature)


def test_a_class_that_one_modality_does_not_know_yet(own: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    modalities, digits = seen
    inverse = [255 - image for image in modalities["image"]]
    own.extend("by image", inverse[:100], [12] * 100, most_lost=1)
    assert own.tasks["by image"].classes_[-1] == 12
    found = own.predict({"image": inverse[100:], "text": modalities["text"][100:]}, concept="digit")
    image, text = (found.modalities[name].probabilities[f"by {name}"] for name in ("image", "text"))
    joint = image * np.append(text * 10, np.ones((len(text), 1)), axis=1) / 11  # of what it does not know the text says what a guess does
    joint /= joint.sum(1, keepdims=True)
    assert found.label.tolist() == [own.tasks["by image"].classes_[place] for place in joint.argmax(1)]
    assert found.confidence == pytest.approx(joint.max(1), rel=1e-6)
    assert 12 in found.label
    with pytest.raises(sp.InputError, match=r"expected those that the concept has: 0, 1, .*, … \(11 in all\), got 12 missing"):
        own.learn("sums", modalities["table"], digits, concept="digit", epochs=1)


def sealed(folder: Path, change: Callable[[dict[str, Any]], None], *, version: int = FORMAT_VERSION) -> None:
    """Change the tasks in network.json, and give it a checksum that fits."""
    body, mark, _ = (folder / "network.json").read_text().rpartition(',\n"checksum":"')
    head, tasks, lines = body.partition(',\n"tasks":{\n')
    found = json.loads("{" + lines.removesuffix("\n}}") + "}")
    for task in found.values():
        change(task["pathway"])
    rest = ",\n".join(f"{json.dumps(name)}:{json.dumps(task)}" for name, task in found.items())
    body = head.replace(f'"format_version":{FORMAT_VERSION}', f'"format_version":{version}') + tasks + rest + "\n}}"
    (folder / "network.json").write_text(body + mark + hashlib.sha256(body.encode()).hexdigest() + '"}\n')


def test_a_folder_from_before_there_were_concepts(own: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    sealed(own.path, lambda pathway: [pathway.pop(name) for name in ("children", "concept", "temperature")] and None, version=3)
    net = sp.Network(own.path)
    net.verify()
    assert {(path.concept, path.temperature) for path in net.view.paths} == {(None, 1.0)}
    assert net.predict({"text": ["three"]}).concept[0] == "by text"


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("temperature", -1.0), ("temperature", 1e301), ("concept", "")])
def test_what_no_pathway_has(own: sp.Network, name: str, value: object) -> None:
    sealed(own.path, lambda pathway: pathway.update({name: value}))
    with pytest.raises(sp.StoreError, match=r"network\.json: expected parts that fit each other, got others at tasks\.by image"):
        sp.Network(own.path)


def test_only_classes_have_a_concept(own: sp.Network) -> None:
    sealed(own.path, lambda pathway: pathway.update(kind="regression"))
    with pytest.raises(sp.StoreError, match=r"expected parts that fit each other, got others at tasks\.by image"):
        sp.Network(own.path)


def test_a_task_of_another_kind_is_a_concept_of_its_own(own: sp.Network, seen: tuple[Modalities, np.ndarray]) -> None:
    rows = np.random.default_rng(0).random((40, 5))
    own.learn("height", rows, rows.sum(1), kind="regression", **QUICK)
    plain, found = own.predict(rows[:8]), own.predict({"table": rows[:8]})
    assert list(found.label) == list(plain.label)
    assert set(found.concept) == {"height"}
    assert found.top(3) == [[("height", label, pytest.approx(chance))] for label, chance in zip(found.label, found.confidence, strict=True)]
    assert [alone[:1] for alone in plain.top(1)] == found.top(1)
    mixed = own.predict({"table": rows[:2], "text": ["one", None]})
    assert (mixed.concept[1], mixed.label[1], mixed.tasks[1]) == ("height", plain.label[1], ("height",))
    assert mixed.concept[0] in ("height", "digit")


def test_each_of_several_labels_is_told(own: sp.Network) -> None:
    rows = np.random.default_rng(0).random((40, 5))
    own.learn("tags", rows, [("hot", "wet")[: round(2 * row[0])] for row in rows], kind="multilabel", **QUICK)
    plain, found = own.predict(rows[:4]), own.predict({"table": rows[:4]})
    for row in range(4):
        expected = [pytest.approx(p) for _, _, p in plain.top(2)[row]]
        assert [p for _, _, p in found.top(2)[row]] == expected
        assert [entry[:2] for entry in found.top(2)[row]] == [entry[:2] for entry in plain.top(2)[row]]


def test_pathways_differ_by_concept_and_temperature(net: sp.Network) -> None:
    path = net.view.pathway("by image")
    assert replace(path, concept=None) != path != replace(path, temperature=path.temperature + 1)
