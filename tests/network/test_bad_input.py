"""Input that cannot be used: an error that says what, what was expected and what was got, and nothing changed on disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.cluster import KMeans
from torch.utils.data import DataLoader, Dataset, TensorDataset

import senpath as sp
from tests.raising import raises_error

Refused = Callable[..., AbstractContextManager[None]]

IMAGES = np.linspace(0, 1, 6 * 64).reshape(6, 8, 8)
ROWS = np.linspace(0, 1, 24).reshape(6, 4)
SOUND = np.sin(np.arange(4000) / 5).astype(np.float32)
LABELS = [0, 1, 0, 1, 0, 1]


def with_value(array: np.ndarray, value: Any, dtype: Any = None) -> np.ndarray:
    """The array with this value in its fourth item."""
    changed = array.astype(dtype or array.dtype)
    changed[3].flat[2] = value
    return changed


class Plain(Dataset[Any]):
    """A data set of these items."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


BAD_DATA = {
    "nan image": (with_value(IMAGES, np.nan), r"image 3: expected finite numbers, got NaN or infinity \(1 of 6 inputs\)"),
    "infinite image": (list(with_value(IMAGES, np.inf)), "image 3: expected finite numbers, got NaN or infinity"),
    "infinite row": (with_value(ROWS, np.inf), "row 3: expected finite numbers, got NaN or infinity"),
    "nothing in a row": (np.vstack([ROWS, np.full(4, np.nan)])[1:], "row 5: expected at least one value, got none"),
    "row beyond float32": (with_value(ROWS, 1e300), "row 3: expected a number up to ±3.4e38, .*, got 1e\\+300"),
    "nan sound": ([sp.Audio(SOUND * np.nan, 8000)] * 6, "recording 0: expected finite samples"),
    "no rate": ([sp.Audio(SOUND, 0)] * 6, "recording 0: expected a rate in whole hertz, 1,000 to 1,000,000, got 0"),
    "stereo": (
        [sp.Audio(np.stack([SOUND, SOUND]), 8000)] * 6,
        r"expected samples of shape \(time,\), floating point, got float32 of shape \(2,",
    ),
    "empty sound": ([sp.Audio(SOUND[:0], 8000)] * 6, "recording 0: expected at least one sample, got none"),
    "no pixels": (np.zeros((6, 0, 8)), r"images: expected .* no side 0, got shape \(6, 0, 8\)"),
    "six axes": (np.zeros((6, 1, 1, 8, 8, 1)), r"array of inputs: expected \(n, columns\), .* got shape \(6, 1, 1, 8, 8, 1\)"),
    "one axis": (np.zeros(6), r"array of inputs: expected \(n, columns\), .* got shape \(6,\)"),
    "a pixel beyond all others": (with_value(np.zeros((6, 90, 90)), 1e6), r"pixel values: expected numbers in proportion, got 0 to 1e\+06"),
    "objects as pixels": (with_value(IMAGES, None, object), "images: expected numbers, got dtype object"),
    "complex pixels": (IMAGES * 1j, "images: expected numbers, got dtype complex128"),
    "complex rows": (ROWS * 1j, "column 'x0': expected a finite number, got dtype complex128"),
    "words in a table": (
        with_value(ROWS, "tall", object),
        "row 3, column 'x2': expected a finite number, as most of the column, got 'tall'",
    ),
    "no columns": (np.zeros((6, 0)), r"table: expected shape \(rows, columns\), got shape \(6, 0\)"),
    "ragged rows": ([*ROWS[:5], ROWS[5, :3]], r"rows: expected all of one length, got .*3.*4"),
    "other names": (
        [{"a": 1.0, "b": 2.0}] * 5 + [{"a": 1.0, "c": 2.0}],
        r"inputs of one task: expected one data type, got table \(a, b\) and table \(a, c\)",
    ),
    "lists in rows": ([{"a": 1.0, "b": [1, 2]}] * 6, "column 'b': expected numbers, words or times, got list"),
    "a column twice": (pd.DataFrame(ROWS, columns=["a", "b", "a", "d"]), "columns: expected names that differ, got 'a' twice"),
    "sparse": (torch.zeros(6, 4).to_sparse(), "tensor: expected a dense one of numbers, got torch.float32, torch.sparse"),
    "empty text": (["one", "two", " ", "four", "five", "six"], "text 2: expected at least one word, got an empty text"),
    "half a letter": (["a", "b", "c\ud800", "d", "e", "f"], r"text .*: expected text that UTF-8 can hold"),
    "mixed types": (["a text", *IMAGES[:5]], "inputs of one task: expected one data type, got text and image. Learn a task of each"),
    "a bare number": ([1, 2, 3, 4, 5, 6], "input 0: expected an array, str, Audio, Video, path, bytes, dict or PIL image, got int"),
    "one string": ("a text", "data a text: expected a folder or file, got nothing of that name"),
    "nothing": (None, "inputs: expected an array, a tensor, a data frame or a list of inputs, got NoneType"),
}


@pytest.mark.parametrize(("x", "match"), BAD_DATA.values(), ids=BAD_DATA)
def test_inputs_to_learn_from(net: sp.Network, refused: Refused, x: Any, match: str) -> None:
    with refused(match):
        net.learn("new", x, None if isinstance(x, str) else LABELS, epochs=1)


BAD_LABELS = {
    "one class": ([1] * 6, "labels y: expected two classes or more, got one class, .*1.* Add examples"),
    "too few": (LABELS[:5], "labels y: expected 6, one per input, got 5"),
    "too many": ([*LABELS, 1], "labels y: expected 6, one per input, got 7"),
    "one-hot": (np.eye(6), "labels y: expected one label per input, or several, got one-hot rows, which may mean either"),
    "three axes": (np.zeros((6, 2, 2)), r"labels y: expected shape \(n,\), got"),
    "lists of bits": ([[0, 1]] * 6, "labels y: expected collections of labels, or an array of 0s and 1s, got lists that may mean either"),
    "no label at all": ([set()] * 6, "labels y of a multilabel task: expected at least one label, got none"),
    "other numbers": (np.full((6, 2), 2), "labels y of a multilabel task: expected 0 or 1 for each label"),
    "fractions": (np.array(LABELS) / 2, r"labels y: expected whole numbers or strings, got float 0\.5 of input"),
    "a gap": ([0, 1, 0, 1, 0, np.nan], "labels y: expected whole numbers or strings, got no label of input 5. Leave out"),
    "objects": (np.array([object()] * 6), "labels y: expected whole numbers or strings, got object <object"),
    "bytes": ([b"a", b"b"] * 3, r"labels y: expected whole numbers or strings, got bytes b'a' of input 0 and 2 more. Decode them"),
    "words and numbers": (["a", 1] * 3, "labels y: expected whole numbers or strings, got both"),
    "half a letter": (["a\ud800", "b"] * 3, "label .*: expected text that UTF-8 can hold"),
    "none": (None, "labels y: expected one label per input, got None"),
    "a word": ("ababab", "labels y: expected one label per input, got 'ababab'. Pass y, or what holds both"),
}


@pytest.mark.parametrize(("y", "match"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels(net: sp.Network, refused: Refused, y: Any, match: str) -> None:
    with refused(match):
        net.learn("new", IMAGES, y, epochs=1)


@pytest.mark.parametrize("x", [[], np.zeros((0, 8, 8)), np.zeros((0, 4)), Plain([])])
def test_no_data(net: sp.Network, refused: Refused, x: Any) -> None:
    with refused("inputs: expected at least two, got none. Nothing can be learned from no data"):
        net.learn("new", x, None if isinstance(x, Dataset) else [])


BAD_SETS = {
    "without labels": (
        TensorDataset(torch.zeros(4, 8, 8)),
        r"item 0 of the Dataset: expected inputs and labels, \(x, y\), got a tuple without",
    ),
    "of dicts": (
        Plain([{"x": 1}]),
        r"item 0 of the Dataset: expected inputs and labels, \(x, y\), got a dict of 'x'\. Give inputs and labels apart",
    ),
    "one-hot": (TensorDataset(torch.zeros(4, 8, 8), torch.eye(4)), "labels y: expected one label per input, or several, got one-hot rows"),
    "batches without labels": (DataLoader(TensorDataset(torch.zeros(4, 8, 8))), r"batch 0 of the DataLoader: expected inputs and labels"),
    "batches of tensors": (DataLoader(torch.zeros(4, 8, 8)), r"batch 0 of the DataLoader: expected inputs and labels, .* a Tensor without"),
}


@pytest.mark.parametrize(("x", "match"), BAD_SETS.values(), ids=BAD_SETS)
def test_data_sets(net: sp.Network, refused: Refused, x: Any, match: str) -> None:
    with refused(match):
        net.learn("new", x)


def test_labels_beside_data_that_has_its_own(net: sp.Network, refused: Refused) -> None:
    with refused("labels y: expected None beside TensorDataset, which holds its own labels, got list"):
        net.learn("new", TensorDataset(torch.zeros(4, 8, 8)), [1, 2, 3, 4])


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "tab\t", "x" * 201, "\ud800", "next\x85line", 5, None, ("a",)])
def test_names(net: sp.Network, refused: Refused, name: Any) -> None:
    with refused("task name: expected 1 to 200 printable characters, got "):
        net.learn(name, IMAGES, LABELS)


def test_a_name_that_is_taken(net: sp.Network, refused: Refused) -> None:
    with refused(
        "task 'iris': expected a new name, got one the network has learned. Choose another name, or extend it",
        sp.TaskExistsError,
    ):
        net.learn("iris", IMAGES, LABELS)


BAD_SETTINGS = {
    "unknown": ({"epoch": 3}, "setting 'epoch' of method sen: expected one of model, hidden, links, .* random_state, got another name"),
    "epochs": ({"epochs": -1}, r"setting 'epochs': expected a whole number from 0 to 1000000, or None, got -1"),
    "half an epoch": ({"epochs": 1.5}, "setting 'epochs': expected a whole number from . to [0-9]+, or None, got 1.5"),
    "hidden": ({"hidden": 0}, "setting 'hidden': expected a whole number from 2 to 65536, or from 0 with may_change, got 0"),
    "threshold": ({"threshold": float("nan")}, "setting 'threshold': expected a number from 0 to 1, got nan"),
    "links": ({"links": "some"}, "setting 'links': expected one of all, similar, none, got 'some'"),
    "seed": ({"random_state": "lucky"}, "setting 'random_state': expected a whole number from 0 to .*, got 'lucky'"),
    "model": ({"model": "resnet"}, "model: expected one of auto, mlp, wide-and-deep, .* or a scikit-learn classifier, got 'resnet'"),
    "no classifier": ({"model": KMeans()}, "model: expected a scikit-learn classifier, got KMeans"),
    "model for sounds": ({"model": "lstm"}, r"model 'lstm': expected sequences \(sounds, clips\), got image inputs"),
    "method": ({"method": "magic"}, "method: expected one of sen.*, got 'magic'"),
    "no method": ({"method": None}, "method: expected one of sen.*, got None"),
    "settings twice": ({"method": sp.Sen(), "epochs": 1}, r"settings: expected none beside a method that has its own, got \['epochs'\]"),
}


@pytest.mark.parametrize(("settings", "match"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings(net: sp.Network, refused: Refused, settings: dict[str, Any], match: str) -> None:
    with refused(match):
        net.learn("new", IMAGES, LABELS, **settings)


BITS, NAMED = np.eye(6)[:, :3], pd.DataFrame(np.eye(6)[:, :3], columns=["a", "b", "a"])
BAD_KINDS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "lists of one": ([[label] for label in LABELS], {}, "labels y: .* got collections of one label, which may mean either. .*'multilabel'"),
    "sets of one": ([{"a"}, {"b"}] * 3, {}, "labels y: .* got collections of one label, which may mean either"),
    "two numbers": (ROWS[:, :2], {}, "labels y of a multilabel task: .* got other numbers. .* need kind='regression'"),
    "gaps among bits": (with_value(BITS, np.nan), {}, "labels y of a multilabel task: .* got NaN. Leave out these inputs"),
    "bits of nothing": (BITS * 0, {}, "labels y of a multilabel task: expected at least one label, got none on any input"),
    "bits named twice": (NAMED, {}, "columns of y: expected names that differ, got 'a' twice"),
    "numbers named twice": (NAMED, {"kind": "regression"}, "columns of y: expected names that differ, got 'a' twice"),
}


@pytest.mark.parametrize(("y", "settings", "match"), BAD_KINDS.values(), ids=BAD_KINDS)
def test_labels_of_other_kinds(net: sp.Network, refused: Refused, y: Any, settings: dict[str, Any], match: str) -> None:
    with refused(match):
        net.learn("new", IMAGES, y, epochs=1, **settings)


def flowers(net: sp.Network, **changes: Any) -> sp.Examples:
    """Six examples as the network has its flowers, with something changed."""
    data_type = net.view.manifest.types[net.view.pathway("iris").data_type].data_type
    parts: dict[str, Any] = {
        "inputs": torch.linspace(0, 1, 24).view(6, 4),
        "targets": torch.arange(6) % 3,
        "classes": (0, 1, 2),
        "kind": "classification",
    }
    return sp.Examples(**({"data_type": data_type} | parts | changes))


GAP = torch.linspace(0, 1, 24).view(6, 4).where(torch.arange(24).view(6, 4) != 9, torch.nan)
BAD_EXAMPLES: dict[str, tuple[dict[str, Any], str]] = {
    "targets beyond": (
        {"targets": torch.arange(6)},
        r"encoded examples: expected targets from 0 to 2, .* got targets \[0, 1, 2, 3, 4, 5\]",
    ),
    "targets below": ({"targets": torch.arange(6) % 3 - 1}, r"encoded examples: expected targets from 0 to 2, .* got targets \[-1, 0, 1\]"),
    "float targets": ({"targets": torch.arange(6).float() % 3}, r"encoded examples: expected torch.int64 targets .* got torch.float32"),
    "double inputs": ({"inputs": torch.zeros(6, 4).double()}, "encoded examples: expected float32 inputs, got 6 of torch.float64"),
    "no inputs": ({"inputs": torch.zeros(0, 4)}, "encoded examples: expected float32 inputs, got 0"),
    "half the targets": ({"inputs": torch.zeros(12, 4)}, r"encoded examples: expected torch.int64 targets of shape \(12,\)"),
    "wide inputs": (
        {"inputs": torch.zeros(6, 5)},
        r"encoded examples: expected inputs of shape \(4,\) each, as their type says, got \(5,\)",
    ),
    "arrays": ({"inputs": np.zeros((6, 4))}, "encoded examples: expected tensors of inputs and targets, got ndarray and Tensor"),
    "nan": ({"inputs": GAP}, r"encoded input 2: expected finite numbers, got NaN or infinity"),
    "a new class without": (
        {"classes": (0, 1, 2, 3)},
        r"encoded examples: .* examples of each new class, got targets \[0, 1, 2\] of 4 classes",
    ),
    "a class twice": ({"classes": (0, 1, 2, 3, 3), "targets": torch.arange(6) % 5}, "encoded examples: expected different classes"),
    "a word among numbers": (
        {"classes": (0, 1, 2, "x"), "targets": torch.arange(6) % 4},
        "encoded examples: expected classes that are all",
    ),
    "other classes": ({"classes": (0, 1)}, "encoded examples: expected those of a task like 'iris', its classes first, got"),
    "another kind": ({"kind": "multilabel"}, "encoded examples: expected those of a task like 'iris', .* got a multilabel of"),
    "another type": ({"data_type": sp.DataType("text", (4,))}, "encoded examples: expected the network's type .*table.*, got .*text"),
}


@pytest.mark.parametrize(("changes", "match"), BAD_EXAMPLES.values(), ids=BAD_EXAMPLES)
def test_encoded_examples_of_a_task(net: sp.Network, refused: Refused, changes: dict[str, Any], match: str) -> None:
    with refused(match):
        net.extend("iris", flowers(net, **changes))


def test_what_stands_beside_encoded_examples(net: sp.Network, refused: Refused) -> None:
    with refused("labels y: expected None beside Examples, which hold their own labels, got list"):
        net.extend("iris", flowers(net), [0] * 6)
    with refused("encoded examples: expected those of a task like 'iris', its classes first, and no other, got 3"):
        net.prune("iris", 0.5, flowers(net, classes=(0, 1, 2, 3), targets=torch.arange(6) % 4))
    with refused("kind of task: expected 'classification', as the encoded examples say, or None, got 'regression'"):
        net.learn("new", flowers(net), kind="regression")


BAD_MEASURES: dict[str, tuple[Any, str]] = {
    "an array alone": ({"digits": IMAGES}, "measure of task 'digits': labels y: expected one label per input, got None"),
    "a list": ({"digits": [IMAGES, LABELS]}, "measure of task 'digits': labels y: expected one label per input, got None"),
    "three": ({"digits": (IMAGES, LABELS, LABELS)}, "measure of task 'digits': labels y: expected one label per input, got None"),
    "no file": ({"digits": "nowhere.csv"}, "measure of task 'digits': data nowhere.csv: expected a folder or file"),
    "another type": ({"digits": (ROWS, LABELS)}, "measure of task 'digits': inputs: expected image data, got table data"),
    "a task that stays": ({"iris": (ROWS, LABELS)}, "measure: expected data of tasks that may change: digits, got 'iris'"),
    "no task": ({"none": (ROWS, LABELS)}, "task 'none': expected one that the network has learned"),
    "no mapping": ([("digits", IMAGES)], "measure: expected a mapping of tasks to labelled data, got list"),
}


@pytest.mark.parametrize(("measure", "match"), BAD_MEASURES.values(), ids=BAD_MEASURES)
def test_measures(net: sp.Network, refused: Refused, measure: Any, match: str) -> None:
    told: list[Any] = []
    with refused(match):
        net.learn("new", IMAGES, LABELS, may_change=["digits"], measure=measure, epochs=1, progress=lambda *step: told.append(step))
    assert not told  # nothing was trained


def test_what_is_measured_keeps_the_parts_of_its_error(net: sp.Network) -> None:
    with raises_error(sp.InputError, "measure of task 'digits': labels y", expected="one label per input", got="None"):
        net.learn("new", IMAGES, LABELS, may_change=["digits"], measure={"digits": IMAGES})
