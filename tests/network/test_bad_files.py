"""Files that cannot be read, questions that cannot be answered, networks that cannot be made: clear errors, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]
Refused = Callable[..., AbstractContextManager[None]]
Watch = Callable[[Path], AbstractContextManager[None]]

IMAGES = np.linspace(0, 255, 4 * 64).reshape(4, 8, 8).astype(np.uint8)


def pictures(folder: Path) -> Path:
    """Two classes of two pictures each."""
    for index, image in enumerate(IMAGES):
        (folder / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "ab"[index % 2] / f"{index}.png")
    return folder


def text(content: str | bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        file = folder / "data.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def arrays(cut: int | None = None, **content: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "data.npz", **content)
        (folder / "data.npz").write_bytes((folder / "data.npz").read_bytes()[:cut])
        return folder / "data.npz"

    return write


def damaged(name: str, content: bytes | None) -> Callable[[Path], Path]:
    """Pictures, one of them with this content; None cuts it in half."""

    def write(folder: Path) -> Path:
        file = pictures(folder / "data") / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content is None else content)
        return folder / "data"

    return write


def sounds(length: int, cut: int | None = None) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for name in "ab":
            (folder / "data" / name).mkdir(parents=True)
            file = folder / "data" / name / "1.wav"
            soundfile.write(file, np.zeros(length, np.float32), 8000)
            file.write_bytes(file.read_bytes()[:cut])
        return folder / "data"

    return write


def one_class(folder: Path) -> Path:
    for file in (pictures(folder / "data") / "b").iterdir():
        file.unlink()
    return folder / "data"


def nothing(folder: Path) -> Path:
    return folder / "nothing"


def empty(folder: Path) -> Path:
    (folder / "data" / "a").mkdir(parents=True)
    return folder / "data"


BAD_FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (nothing, "data .*nothing: expected a folder or file, got nothing of that name"),
    "empty folder": (empty, "folder .*data: expected a subfolder per class with pictures, sounds, clips or texts, got none"),
    "one class": (one_class, "labels y: expected two classes or more, got one class, .*'a'"),
    "text as a picture": (
        damaged("a/0.png", b"no picture"),
        r"image .*a/0\.png: expected a readable picture file, got UnidentifiedImageError",
    ),
    "empty picture": (damaged("b/1.png", b""), r"image .*b/1\.png: expected a readable picture file"),
    "cut picture": (damaged("a/2.png", None), r"image .*a/2\.png: expected a readable picture file, got"),
    "empty recording": (sounds(0), r"recording .*1\.wav: expected at least one sample, got none"),
    "empty sound file": (sounds(10, cut=0), r"recording .*1\.wav: expected a readable sound file, got"),
    "cut sound file": (sounds(10, cut=20), r"recording .*1\.wav: expected a readable sound file, got"),
    "empty table": (text(""), r"table .*data\.csv: expected a header line of names that differ, got none"),
    "only a header": (text("a,b,label\n"), r"table .*data\.csv: expected rows to learn from, got none"),
    "only labels": (text("label\nx\ny\n"), r"table .*data\.csv: expected at least one column beside the labels, got none"),
    "ragged table": (text("a,b,label\n1,2,x\n1,y\n"), r"data\.csv, line 3: expected 3 values, got 2"),
    "words in a table": (
        text("a,b,label\n1,2,x\n1,two,y\n"),
        r"data\.csv, line 3, column 'b': expected a finite number, as most of the column, got 'two'",
    ),
    "infinity in a table": (
        text("a,b,label\n1,2,x\n1,-inf,y\n"),
        r"data\.csv, line 3, column 'b': expected a finite number, as most of the column, got '-inf'",
    ),
    "a name twice": (text("a,a,label\n1,2,x\n3,4,y\n"), r"expected a header line of names that differ, got \['a', 'a', 'label'\]"),
    "not UTF-8": (text(b"a,label\n1,\xff\n2,x\n"), r"table .*: expected a \.csv in UTF-8 with a header line, got .*0xff"),
    "pickled objects": (
        arrays(x=np.array([{}, {}]), y=[0, 1]),
        r"arrays .*: expected a \.npz with x and y, no objects, got .*Object arrays",
    ),
    "other names": (arrays(images=IMAGES), r"arrays .*: expected a \.npz with x and y, no objects, got the arrays 'images'"),
    "cut arrays": (arrays(cut=300, x=IMAGES, y=[0, 1, 0, 1]), r"arrays .*: expected a \.npz file, a zip of arrays, got BadZipFile"),
    "no arrays": (arrays(cut=0, x=IMAGES), r"arrays .*: expected a \.npz file, a zip of arrays, got BadZipFile"),
    "another ending": (
        lambda folder: text("x")(folder).rename(folder / "data.xls"),
        r"data .*: expected a folder .*, or a file \.csv, .* or \.zip, got \.xls",
    ),
}


@pytest.mark.parametrize(("write", "match"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_to_learn_from(net: sp.Network, refused: Refused, tmp_path: Path, write: Callable[[Path], Path], match: str) -> None:
    path = write(tmp_path)
    with refused(match):
        net.learn("new", path, epochs=1)


def test_a_folder_of_mixed_files(net: sp.Network, refused: Refused, tmp_path: Path) -> None:
    (pictures(tmp_path / "data") / "b" / "note.txt").write_text("a note")
    with refused(r"folder .*: expected one data type, got pictures \(a/0.png\) and texts \(b/note.txt\). Learn a task of each"):
        net.learn("new", tmp_path / "data")


def test_classes_in_another_encoding(net: sp.Network, refused: Refused, tmp_path: Path) -> None:
    pictures(tmp_path / "data")
    (tmp_path / "data" / "a").rename(tmp_path / "data" / "\udcff")  # what Python makes of the byte ff
    with refused("label .*: expected text that UTF-8 can hold"):
        net.learn("new", tmp_path / "data")


BAD_QUESTIONS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "nan": (np.full((2, 8, 8), np.nan), {}, "image 0: expected finite numbers, got NaN or infinity"),
    "nan in the last": ([*IMAGES, np.full((8, 8), np.nan)], {}, r"image 4: expected finite numbers, got NaN or infinity \(1 of 1"),
    "no text": ("a text", {}, "input 0: no task reads text data: expected image or table data"),
    "a number": (7, {}, "inputs: expected an array, .*, got int"),
    "objects": (np.full((2, 8, 8), None), {}, "images: expected numbers, got dtype object"),
    "text for images": (
        ["a text"],
        {"task": "digits"},
        "input 0: task 'digits' does not read text data: expected image data",
    ),
    "one row among images": (
        [*IMAGES, np.zeros(4)],
        {"task": "digits"},
        "input 4: task 'digits' does not read table data: expected image data",
    ),
    "other columns": (
        np.zeros((2, 5)),
        {"task": "iris"},
        r"input 0 and 1 more: task 'iris' does not read this table: expected 4 columns, got rows of 5 numbers without names",
    ),
    "candidates": (IMAGES, {"candidates": 3}, "candidates: expected 1 or 2, got 3"),
    "admit": (IMAGES, {"admit": 0.7}, "admit: expected a probability above 0 and at most 0.5, got 0.7"),
    "admit in words": (IMAGES, {"admit": "all"}, "admit: expected a probability above 0 and at most 0.5, got 'all'"),
    "missing file": ([Path("nowhere.png")], {}, r"image nowhere\.png: expected a readable picture file, got FileNotFoundError"),
    "file of another kind": ([Path("a.exe")], {}, r"input 0: file a\.exe: expected one of \.png, .*, got \.exe"),
}


@pytest.mark.parametrize(("x", "how", "match"), BAD_QUESTIONS.values(), ids=BAD_QUESTIONS)
def test_questions(net: sp.Network, refused: Refused, x: Any, how: dict[str, Any], match: str) -> None:
    with refused(match):
        net.predict(x, **how)


@pytest.mark.parametrize("task", ["letters", "", 3, ["digits"]])
def test_a_task_that_is_not_known(net: sp.Network, refused: Refused, task: Any) -> None:
    with refused("task .*: expected one that the network has learned: digits, iris, got another name", sp.UnknownTaskError):
        net.predict(IMAGES, task=task)


def test_a_batch_to_explain(net: sp.Network, refused: Refused) -> None:
    with refused(r"input to explain: expected one input, such as x\[0\], got a list of 4"):
        net.explain(list(IMAGES))


def test_types_that_no_task_has_run_nothing(net: sp.Network) -> None:
    unknown = ["a text", sp.Audio(np.ones(800, np.float32), 8000), {"height": 3.0, "width": 4.0}]
    answers = net.predict(unknown, reject=False, errors="none")
    assert list(answers.task) == list(answers.label) == [None] * 3
    assert [(ran.total, ran.tasks, ran.components) for ran in answers.activated] == [(0, (), frozenset())] * 3
    assert list(answers.candidates) == [()] * 3
    assert not answers.confidence.any()
    assert answers.top(2) == [[], [], []]
    why = net.explain("a text", errors="none")
    assert why.reason == answers.reason[0] == "no task reads text data: expected image or table data"
    assert (why.task, why.scores, why.candidates, why.activated.total, why.top) == (None, {}, (), 0, ())


BAD_NETWORKS: dict[str, tuple[dict[str, Any], str]] = {
    "dispatcher": ({"dispatcher": "random"}, "setting 'dispatcher': expected one of discriminant, binary, got 'random'"),
    "channels": (
        {"image_shape": (2, 8, 8)},
        r"setting 'image_shape': expected \(channels, height, width\) with 1 or 3 channels, or None, got \(2, 8, 8\)",
    ),
    "one side": ({"image_shape": 28}, r"setting 'image_shape': expected \(channels, height, width\) .*, got 28"),
    "half a pixel": ({"image_shape": (1, 8.5, 8)}, r"setting 'image_shape': expected \(channels, height, width\) .*8\.5"),
    "seed": ({"random_state": -1}, "setting 'random_state': expected a whole number from 0 to 4294967295, got -1"),
    "seed in words": ({"random_state": "lucky"}, "setting 'random_state': expected a whole number from 0 to 4294967295, got 'lucky'"),
    "device": ({"device": "abacus"}, "device: expected one that torch knows and this machine has, such as 'cpu', got 'abacus'"),
}


def test_a_network_without_a_proper_path() -> None:
    with pytest.raises(sp.InputError, match="path of the network: expected a str or Path, got 5"):
        sp.Network(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("how", "match"), BAD_NETWORKS.values(), ids=BAD_NETWORKS)
def test_networks_that_cannot_be_made(tmp_path: Path, how: dict[str, Any], match: str) -> None:
    with pytest.raises(sp.InputError, match=match):
        sp.Network(tmp_path / "new", **how)
    assert not (tmp_path / "new").exists()


OTHER_CHOICES: dict[str, tuple[Any, str]] = {
    "dispatcher": ("binary", "setting 'dispatcher': expected 'discriminant', with which the network was created, got 'binary'. Leave it"),
    "image_shape": ((1, 8, 8), r"setting 'image_shape': expected None, with which the network was created, got \(1, 8, 8\). Leave it out"),
    "random_state": (7, "setting 'random_state': expected 0, with which the network was created, got 7. Leave it out"),
}


@pytest.mark.parametrize("name", OTHER_CHOICES)
def test_choices_are_fixed_at_creation(net: sp.Network, refused: Refused, name: str) -> None:
    value, match = OTHER_CHOICES[name]
    with refused(match):
        sp.Network(net.path, **{name: value})
    assert sp.Network(net.path, dispatcher="discriminant", random_state=0).version == 2
