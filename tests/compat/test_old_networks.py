"""Networks that older code wrote open, are whole, answer as they answered then, and learn on."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import senpath as sp
from senpath.store import FORMAT_VERSION
from tests.compat.queries import Numbers, Texts, ask, encoders_of, fingerprint, items, modality_of, read

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.name.removesuffix(".tar.xz") for path in DATA.glob("*.tar.xz"))
SAME_INPUTS = 0.1
"""Of how many inputs at most another of several such tasks may answer."""
FAMILIES = {"sen", "munet", "allocation", "moe", "revised", "binary"}


@dataclass(frozen=True)
class Kept:
    """A network as it was kept, unpacked, and what is known of it.

    Args:
        folder: read by many tests, changed by none.
        tasks: for each task the name of the inputs that it was asked.
        texts, numbers: the answers of the code that wrote format 5, 6 or 7, see `ask`.
        same_bits: whether they came from a machine that rounds as this one does.
    """

    name: str
    folder: Path
    tasks: dict[str, str]
    concept: str | None
    inputs: dict[str, np.ndarray]
    texts: Texts
    numbers: Numbers
    same_bits: bool

    def open(self, folder: Path | None = None) -> sp.Network:
        return sp.Network(folder or self.folder, encoders=encoders_of(self.name))

    def ask(self, net: sp.Network) -> tuple[Texts, Numbers]:
        return ask(net, self.inputs, self.tasks, self.concept)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums are rounded by how many threads share them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=NAMES)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    name = request.param
    about, inputs, numbers = read(DATA / f"{name}.npz")
    if "audio" in inputs and importlib.util.find_spec("librosa") is None:
        pytest.skip("reads sounds, for which librosa is not installed")
    folder = tmp_path_factory.mktemp("old")
    shutil.unpack_archive(DATA / f"{name}.tar.xz", folder, filter="data")
    same = about["fingerprint"] == fingerprint()
    return Kept(name, folder / f"{name}.sen", about["tasks"], about["concept"], inputs, about["texts"], numbers, same)


def format_of(folder: Path) -> int:
    """The version of a folder's format."""
    return int(re.findall(r'"format_version":(\d+),', (folder / "network.json").read_text())[0])


def assert_close(numbers: Numbers, expected: Numbers, exactly: bool) -> None:
    assert numbers.keys() == expected.keys()
    for name, values in expected.items():
        told = not name.startswith(("any task", "concept"))  # the dispatcher may round otherwise than it did
        tolerance = {"rtol": 0.0, "atol": 0.0} if exactly and told else {"rtol": 1e-5, "atol": 1e-5}
        got = numbers[name]
        if not told and len(values):  # of tasks that were learned from the very same inputs rounding decides which one answers
            alike = np.isclose(got, values, equal_nan=True, **tolerance).reshape(len(values), -1).all(1)
            assert alike.mean() >= 1 - SAME_INPUTS, name
            continue
        np.testing.assert_allclose(got, values, err_msg=name, **tolerance)


def assert_same_texts(texts: Texts, expected: Texts) -> None:
    assert texts.keys() == expected.keys()
    for name, values in expected.items():
        if name.startswith(("any task", "concept")):
            assert np.mean([mine == theirs for mine, theirs in zip(texts[name], values, strict=True)]) >= 1 - SAME_INPUTS, name
        else:
            assert texts[name] == values, name


def test_every_family_and_format_is_kept() -> None:
    assert {*NAMES} == FAMILIES | {f"format-{number}" for number in range(1, FORMAT_VERSION)}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 2_000_000


def test_the_kept_folder_is_of_its_format(kept: Kept) -> None:
    number = kept.name.removeprefix("format-") if kept.name.startswith("format-") else "5"
    assert format_of(kept.folder) == int(number)


def test_it_opens_whole_and_answers_as_then(kept: Kept, unchanged: Any) -> None:
    with unchanged(kept.folder):
        net = kept.open()
        net.verify()
        assert [*net.tasks] == [*kept.tasks]
        texts, numbers = kept.ask(net)
    assert_same_texts(texts, kept.texts)
    assert_close(numbers, kept.numbers, kept.same_bits)


def test_it_learns_on_and_its_tasks_answer_as_before(kept: Kept, tmp_path: Path) -> None:
    net = kept.open(shutil.copytree(kept.folder, tmp_path / "copy.sen"))
    version, before = net.version, _with_task_given(kept, net)
    net.learn("one more", *_new_examples(kept), hidden=4, epochs=2)
    again = kept.open(net.path)
    assert again.version == version + 1
    assert [*again.tasks] == [*kept.tasks, "one more"]
    assert format_of(net.path) == format_of(sp.Network(tmp_path / "new.sen").path)
    record = again.view.manifest.types[again.view.pathway("one more").data_type]
    together = {record.covariances[task] for task in again.view.tasks_of_type(record.data_type.key) if task != "one more"}
    assert not record.pooled
    assert len(together) <= 1 or format_of(kept.folder) == 7  # what was added up cannot be told apart, and is kept as their mean
    assert record.covariances["one more"] not in together
    for task, (labels, confidence) in _with_task_given(kept, again).items():
        assert labels == before[task][0], task
        np.testing.assert_array_equal(confidence, before[task][1], err_msg=task)
    again.rename("one more", "another")
    assert again.describe("another", "the newest").description == "the newest"
    again.verify()


def test_an_exported_task_is_imported_and_answers_as_then(tmp_path: Path) -> None:
    about, inputs, expected = read(DATA / "exported.npz")
    net = sp.Network(tmp_path / "new.sen")
    net.import_task(DATA / "exported.sentask")
    assert [*net.tasks] == [*about["tasks"]]
    net.verify()
    texts, numbers = ask(net, inputs, about["tasks"])
    assert texts == about["texts"]
    assert_close(numbers, expected, about["fingerprint"] == fingerprint())


def _with_task_given(kept: Kept, net: sp.Network) -> dict[str, tuple[list[Any], np.ndarray]]:
    answers = {}
    for task, name in kept.tasks.items():
        prediction = net.predict(items(modality_of(name), kept.inputs[name]), task=task)
        answers[task] = prediction.label.tolist(), prediction.probabilities.get(task, prediction.confidence)
    return answers


def _new_examples(kept: Kept) -> tuple[Any, list[int]]:
    """Forty images, or the texts of a network that has no images, and two classes."""
    if "image" not in kept.inputs:
        texts = kept.inputs["text"].tolist()
        return texts, [place % 2 for place in range(len(texts))]
    bunch = load_digits()
    return (bunch.images[:40] * 255 / 16).round().astype(np.uint8), (bunch.target[:40] % 2).tolist()
