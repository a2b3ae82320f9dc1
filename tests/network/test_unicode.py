"""The same letters composed (NFC) or decomposed (NFD) are the same text, word, label, name of a column and name of a task."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import senpath as sp
from senpath.testing import ConstantMethod
from tests.raising import raises_error

FIRST, SECOND = ["한국어 문장입니다", "été à la plage"], ["경제가 어렵다", "forêt enneigée"]
ROWS = np.arange(12.0)[:, None]


def nfd(text: str) -> str:
    return normalize("NFD", text)


def learned(x: object, y: object, task: str = "t", net: sp.Network | None = None) -> sp.Network:
    net = sp.Network() if net is None else net
    net.learn(task, x, y, method=ConstantMethod())
    return net


def test_texts() -> None:
    net = learned(FIRST + SECOND, [0, 0, 1, 1])
    composed, decomposed = (net.encode(texts).batches[0].inputs for texts in (FIRST + SECOND, [*map(nfd, FIRST + SECOND)]))
    assert composed.equal(decomposed)
    assert net.encode(["\ufeff" + FIRST[0]]).batches[0].inputs.equal(composed[:1])


def test_words_of_a_table() -> None:
    net = learned(pd.DataFrame({"drink": ["café", nfd("café"), " café\u200b", "tea"] * 3}), [0, 0, 0, 1] * 3)
    (known,) = net.view.types.values()
    assert known.options["categories"] == {"drink": ["café", "tea"]}


def test_names_of_columns() -> None:
    net = learned(pd.DataFrame({nfd("café"): ROWS[:, 0], "b": ROWS[:, 0]}), [0, 1] * 6)
    assert net.predict(pd.DataFrame({"b": [1.0], "café": [1.0]}), task="t").task.tolist() == ["t"]
    with raises_error(sp.InputError, "columns", expected="names that differ"):
        net.predict(pd.DataFrame({"café": [1.0], nfd("café"): [1.0]}))


def test_labels() -> None:
    net = learned(ROWS, ["café", nfd("café"), "tea"] * 4)
    assert net.tasks["t"].classes_ == ("café", "tea")
    score = sp.evaluate(net, {"t": (ROWS, [nfd("café"), "café", "tea"] * 4)}).scores["t"]
    assert score.accuracy == sp.evaluate(net, {"t": (ROWS, ["café", "café", "tea"] * 4)}).scores["t"].accuracy > 0


def test_labels_that_are_folders(tmp_path: Path) -> None:
    for folder in ("café", nfd("café"), "tea"):
        (tmp_path / folder).mkdir()
        for place in range(2):
            Image.new("L", (8, 8), place).save(tmp_path / folder / f"{place}.png")
    assert {*sp.read(tmp_path).y} == {"café", "tea"}


def test_names_of_tasks(tmp_path: Path) -> None:
    net = learned(ROWS, [0, 1] * 6, nfd("café"))
    assert [*net.tasks] == ["café"]
    with raises_error(sp.TaskExistsError, "café"):
        learned(ROWS, [0, 1] * 6, nfd("café"), net)
    assert net.predict(ROWS[:1], task=nfd("café")).task.tolist() == ["café"]
    assert [*sp.evaluate(net, {nfd("café"): (ROWS, [0, 1] * 6)}).scores] == ["café"]
    net.export(nfd("café"), tmp_path / "a.sentask")
    net.remove(nfd("café"))
    net.import_task(tmp_path / "a.sentask", nfd("thé"))
    assert [*net.tasks] == ["thé"]
    with raises_error(sp.InputError, "tasks", expected="names that differ"):
        net.learn_many({"é": (ROWS, [0, 1] * 6), nfd("é"): (ROWS, [0, 1] * 6)}, method=ConstantMethod())


@pytest.mark.parametrize("text", ["a \ud800 b", "\udcff"])
def test_half_characters_are_refused(text: str) -> None:
    net = learned(FIRST + SECOND, [0, 0, 1, 1])
    with raises_error(sp.InputError, "text", expected="text that UTF-8 can hold"):
        net.predict([text])
    with raises_error(sp.InputError, "label", expected="text that UTF-8 can hold"):
        learned(ROWS, [text, "b"] * 6, "u", net)
