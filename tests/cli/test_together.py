"""Tasks of one concept from the command line, and files that are signs of one thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
QUICK = ("--set", "model=mlp", "--set", "hidden=16", "--set", "links=none", "--concept", "digit")


@pytest.fixture
def digits(senpath: Callable[..., Any], files: Path, tmp_path: Path) -> Path:
    """A network of digits seen and read."""
    for digit, word in enumerate(WORDS):
        for number, phrase in enumerate((word, f"{word}.", f"it is {word}", word.upper())):
            path = tmp_path / "words" / str(digit) / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(phrase)
    net = tmp_path / "digits.sen"
    assert senpath("learn", net, "seen", files / "digits", *QUICK, "--set", "epochs=150").code == 0
    assert senpath("learn", net, "read", tmp_path / "words", *QUICK, "--set", "epochs=100").code == 0
    return net


def test_files_of_one_thing(senpath: Callable[..., Any], digits: Path, files: Path, tmp_path: Path) -> None:
    tasks = senpath("tasks", digits)
    assert [line.split()[1] for line in tasks.out.splitlines()[2:]] == ["digit", "digit"]
    picture = next((files / "digits" / "4").iterdir())
    (tmp_path / "note.txt").write_text("it is four")
    ended = senpath("predict", digits, "--together", picture, tmp_path / "note.txt", "--top", 2)
    assert ended.code == 0
    rows = [re.split(" {2,}", line) for line in ended.out.splitlines()[1:4]]
    assert [row[1:4] for row in rows] == [["image", "seen", "4"], ["text", "read", "4"], ["image, text", "digit", "4"]]
    assert "answered by seen, read" in ended.out
    assert "together: digit '4' " in ended.out
    second = tmp_path / "second.png"
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(second)
    ended = senpath("predict", digits, "--together", picture, second)
    assert ended.code == 2
    assert f"files of one thing: expected one input of each modality, got 2 of image: {picture.name}, second.png" in ended.err
    ended = senpath("predict", digits, "--together", picture, "--task", "seen")
    assert (ended.code, "--task: expected none beside --together, got 'seen'" in ended.err) == (2, True)
    ended = senpath("learn", digits, "letters", files / "iris.csv", "--concept", "digit")
    assert (ended.code, "labels of a task of concept 'digit': expected those that the concept has: '0', '1'" in ended.err) == (2, True)
