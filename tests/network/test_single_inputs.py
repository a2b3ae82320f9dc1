"""One input by itself is answered as a batch of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image

import senpath as sp
from senpath.errors import InputError
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.raising import raises_error

COLUMNS = ["length", "width", "petal length", "petal width"]


@pytest.fixture(scope="module")
def net() -> sp.Network:
    """Knows pictures of 8 by 8, rows without names, rows with names, and texts."""
    net = tiny_network(tasks=["low", "iris", "weather"])
    x, y = tiny_task("iris")
    net.learn("named", pd.DataFrame(x, columns=COLUMNS), y, method=ConstantMethod())
    return net


def same(net: sp.Network, one: Any, batch: Any, **options: Any) -> None:
    """One input is answered as the only one of a batch is."""
    answers, expected = net.predict(one, reject=False, **options), net.predict(batch, reject=False, **options)
    assert len(answers) == 1
    assert (answers.task[0], answers.label[0], answers.confidence[0]) == (expected.task[0], expected.label[0], expected.confidence[0])


PICTURE, ROW = tiny_task("low")[0][0], tiny_task("iris")[0][0]
GREY = (PICTURE * 255).astype(np.uint8)
SINGLE: dict[str, tuple[Any, Any]] = {
    "a picture": (PICTURE, PICTURE[None]),
    "a picture in bytes": (GREY, GREY[None]),
    "a tensor": (torch.tensor(PICTURE), PICTURE[None].astype(np.float32)),
    "one channel behind": (PICTURE[..., None], PICTURE[None]),
    "one channel in front": (PICTURE[None], PICTURE[None]),
    "in colour": (np.repeat(GREY[..., None], 3, 2), np.repeat(GREY[None, ..., None], 3, 3)),
    "in colour, of another size": (np.full((9, 12, 3), 255, np.uint8), np.full((1, 9, 12, 3), 255, np.uint8)),
    "a PIL image": (Image.fromarray(GREY), [Image.fromarray(GREY)]),
    "a row": (ROW, ROW[None]),
    "a row as a tensor": (torch.tensor(ROW), ROW[None]),
    "numbers in a list": (ROW.tolist(), ROW[None]),
    "numbers in a tuple": (tuple(ROW), ROW[None]),
    "numbers in a Series": (pd.Series(ROW), ROW[None]),
    "a row of a data frame": (pd.DataFrame([ROW], columns=COLUMNS).iloc[0], [dict(zip(COLUMNS, ROW, strict=True))]),
    "a mixed row of a data frame": (
        pd.DataFrame([ROW], columns=COLUMNS).assign(species="a").iloc[0],
        [dict(zip(COLUMNS, ROW, strict=True))],
    ),
    "a dict": (dict(zip(COLUMNS, ROW, strict=True)), [dict(zip(COLUMNS, ROW, strict=True))]),
    "a row of polars": (pl.DataFrame([ROW], schema=COLUMNS, orient="row").row(0, named=True), [dict(zip(COLUMNS, ROW, strict=True))]),
    "a text": ("the wind is cold", ["the wind is cold"]),
}


@pytest.mark.parametrize("form", SINGLE)
def test_one_input(net: sp.Network, form: str) -> None:
    one, batch = SINGLE[form]
    same(net, one, batch)
    task = net.predict(batch, reject=False).task[0]
    same(net, one, batch, task=task)
    why = net.explain(one, reject=False)
    assert (why.task, why.label) == (task, net.predict(batch, reject=False).label[0])


def test_a_sound(tmp_path: Path) -> None:
    sounds = [sp.Audio(np.sin(np.arange(2000) / pitch).astype(np.float32), 8000) for pitch in np.linspace(2, 9, 12)]
    net = sp.Network()
    net.learn("pitch", sounds, ["high"] * 6 + ["low"] * 6, method=ConstantMethod())
    same(net, sounds[3], sounds[3:4])


def test_a_file_and_a_table_in_one(net: sp.Network, tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    same(net, tmp_path / "a.png", [tmp_path / "a.png"])
    frame = pd.DataFrame(tiny_task("iris")[0], columns=COLUMNS).assign(label="?", note="some words of many kinds")
    frame.to_csv(tmp_path / "rows.csv")
    answers = net.predict(tmp_path / "rows.csv")
    assert (answers.confidence == net.predict(frame[COLUMNS]).confidence).all()
    with raises_error(InputError, "inputs", expected="a Path", got="rows.csv", do="Write Path("):
        net.predict(str(tmp_path / "rows.csv"))
    with raises_error(InputError, "file", got="nothing of that name"):
        net.predict(tmp_path / "none.csv")


def test_several_of_one_shape_stay_several(net: sp.Network) -> None:
    x = tiny_task("low")[0]
    for count in (2, 3, 4, 8):
        assert len(net.predict(x[:count])) == count
        assert len(net.predict([*x[:count]])) == count
    assert len(net.predict(pd.Series(["a cold night", "a warm day"]))) == 2
    assert len(net.predict(tiny_task("iris")[0][:8])) == 8


def test_what_may_be_one_or_several_is_refused() -> None:
    net = tiny_network(tasks=["low"])
    rows = np.random.default_rng(0).random((40, 8))
    net.learn("rows", rows, rows[:, 0] > 0.5, method=ConstantMethod())
    with raises_error(InputError, "inputs", got="shape (8, 8), one picture or rows of a table", do="goes into a list"):
        net.predict(rows[:8])
    assert len(net.predict(rows[:8], task="rows")) == len(net.predict([*rows[:8]])) == 8
    assert len(net.predict(rows[:8], task="low")) == len(net.predict([rows[:8]])) == 1
    assert len(net.predict(rows[:7])) == 7
    colour = sp.Network()
    colour.learn("colour", np.random.default_rng(0).random((20, 3, 8, 8)), [0, 1] * 10, method=ConstantMethod())
    with raises_error(InputError, "inputs", got="shape (3, 8, 8), three grey pictures or one in colour"):
        colour.predict(np.zeros((3, 8, 8)))
    assert len(colour.predict(np.zeros((8, 8, 3)))) == 1
    assert len(colour.predict(np.zeros((4, 8, 8)))) == 4


def test_what_is_no_picture_of_the_size_learned_is_a_table(net: sp.Network) -> None:
    only = tiny_network(tasks=["low"])
    with raises_error(InputError, "no task reads table data", expected="image data", do="one of another size goes into a list"):
        only.predict(np.zeros((20, 30)))
    assert len(only.predict([np.zeros((20, 30))])) == 1


def test_large_pictures_that_were_brought_down_are_of_the_size_learned() -> None:
    x = np.random.default_rng(0).random((12, 100, 80)).astype(np.float32)
    net = sp.Network()
    net.learn("large", x, [0, 1] * 6, method=ConstantMethod())
    same(net, x[0], x[:1])
    same(net, np.ones((50, 40, 3), np.float32), np.ones((1, 50, 40, 3), np.float32))
