"""Answers one by one, as columns, as a data frame and as JSON; inputs as bytes and open files; addresses are refused."""

from __future__ import annotations

import json
import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.raising import raises_error


@pytest.fixture(scope="module")
def net() -> sp.Network:
    return tiny_network(tasks=["low", "high", "iris", "weather"])


@pytest.fixture(scope="module")
def mixed() -> list[Any]:
    pictures, rows = tiny_task("low")[0], tiny_task("iris")[0]
    return [pictures[0], rows[0], "the wind is cold", pictures[1], None]


@pytest.fixture(scope="module")
def answers(net: sp.Network, mixed: list[Any]) -> sp.Prediction:
    return net.predict(mixed, errors="skip")


def png(picture: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray((picture * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_one_by_one(answers: sp.Prediction) -> None:
    one = answers[0]
    assert one == sp.InputAnswer(answers.task[0], answers.label.tolist()[0], answers.confidence[0], answers.ood_score[0], None)
    assert next(iter(answers)) == one
    assert answers[-1] == [*answers][4]
    assert answers[-1].task is None
    assert answers[-1].reason
    assert type(one.label) is int
    with pytest.raises(IndexError, match="there are 5"):
        answers[5]


@pytest.mark.parametrize("index", [slice(1, 4), [3, 0, 0], np.array([4, 1]), [True, False, True, False, True], slice(0, 0)])
def test_several_are_answers_too(answers: sp.Prediction, index: Any) -> None:
    rows = np.arange(5)[index]
    some = answers[index]
    assert isinstance(some, sp.Prediction)
    assert [*some] == [answers[row] for row in rows]
    assert [*some.candidates] == [answers.candidates[row] for row in rows]
    assert some.top(2) == [answers.top(2)[row] for row in rows]
    assert [ran.total for ran in some.activated] == [answers.activated[row].total for row in rows]
    for task in some.probabilities:
        np.testing.assert_array_equal(some.probabilities[task], answers.probabilities[task][rows])


@pytest.mark.parametrize("none", [[], np.array([], dtype=np.int64), slice(0, 0)])
def test_no_places_are_no_answers(answers: sp.Prediction, none: Any) -> None:
    assert len(answers[none]) == 0
    assert answers[none].to_json() == "[]"
    assert "Prediction(0 inputs" in answers[none]._repr_html_()


def test_what_is_no_index(answers: sp.Prediction) -> None:
    with raises_error(sp.InputError, what="index of answers", expected="a place below 5, a slice, or an array of places or of 5 truths"):
        answers["task"]
    with raises_error(sp.InputError, what="index of answers"):
        answers[[True, False]]


def test_columns_frame_and_json_say_the_same(answers: sp.Prediction, tmp_path: Path) -> None:
    columns = answers.to_dict()
    assert [*columns] == ["task", "label", "confidence", "ood_score", "reason"]
    assert [sp.InputAnswer(*row) for row in zip(*columns.values(), strict=True)] == [*answers]
    frame = answers.to_pandas()
    assert [*frame.columns] == [*columns]
    assert frame.confidence.tolist() == columns["confidence"]
    text = answers.to_json(tmp_path / "answers.json")
    records = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [record["label"] for record in records] == columns["label"]
    assert records[4]["ood_score"] is None  # infinite
    assert (tmp_path / "answers.json").read_text(encoding="utf-8") == text


def test_things_in_several_modalities() -> None:
    net, (pictures, y) = sp.Network(), tiny_task("low")
    net.learn("seen", pictures, y, concept="digit", method=ConstantMethod())
    net.learn("read", [f"the digit {label}" for label in y], y, concept="digit", method=ConstantMethod())
    answers = net.predict({"image": pictures[:3], "text": ["the digit 0", "the digit 1", None]})
    assert isinstance(answers, sp.MultimodalPrediction)
    assert isinstance(answers[1], sp.ThingAnswer)
    assert [*answers[[2, 0]]] == [answers[2], answers[0]]
    assert answers[[2, 0]].top(2) == [answers.top(2)[2], answers.top(2)[0]]
    assert [*answers.to_dict()] == ["concept", "label", "confidence", "tasks", "reason"]
    assert json.loads(answers.to_json())[0]["tasks"] == [*answers.tasks[0]]
    assert "digit" in answers._repr_html_()


@pytest.mark.parametrize("form", ["bytes", "bytearray", "BytesIO", "BytesIO at its end", "open file", "in a list", "path"])
def test_a_picture_in_memory(net: sp.Network, tmp_path: Path, form: str) -> None:
    content, path = png(tiny_task("low")[0][3]), tmp_path / "three.png"
    path.write_bytes(content)
    written = BytesIO()
    written.write(content)
    expected = net.predict(path)[0]
    with path.open("rb") as file:
        given = {
            "bytes": content,
            "bytearray": bytearray(content),
            "BytesIO": BytesIO(content),
            "BytesIO at its end": written,
            "open file": file,
            "in a list": [content],
            "path": path,
        }[form]
        answers = net.predict(given)
    assert (len(answers), answers[0]) == (1, expected)


def test_sounds_and_pictures_in_memory_are_learned() -> None:
    pytest.importorskip("soundfile")
    net, contents = sp.Network(), []
    for pitch in (200, 400, 210, 410):
        file = BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes((8000 * np.sin(np.arange(4000) * pitch * 2 * np.pi / 8000)).astype(np.int16).tobytes())
        contents.append(file.getvalue())
    net.learn("tone", contents, ["low", "high"] * 2, method=ConstantMethod())
    pictures, y = tiny_task("low")
    net.learn("digit", [png(picture) for picture in pictures[:40]], y[:40], method=ConstantMethod())
    assert net.predict([contents[0], png(pictures[0])], reject=False).task.tolist() == ["tone", "digit"]


@pytest.mark.parametrize(
    ("given", "got"),
    [(b"label,x\n1,2\n", "12 bytes of another kind"), (b"", "no bytes"), (b"\x89PNG\r\n\x1a\nbroken", "UnidentifiedImageError")],
)
def test_bytes_that_are_nothing_of_this(net: sp.Network, given: bytes, got: str) -> None:
    with raises_error(sp.InputError, what="input 0", got=got):
        net.predict(given)
    skipped = net.predict([given, png(tiny_task("low")[0][0])], errors="skip")
    assert skipped[0].task is None
    assert skipped[1].task == "low"


def test_a_file_of_text(net: sp.Network, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("warm")
    with path.open() as file, raises_error(sp.InputError, got="one of text", do='Open it with open(path, "rb")'):
        net.predict(file)


@pytest.mark.parametrize(
    "address", ["https://example.org/cat.png", "http://10.0.0.1/latest/meta-data", "file:///etc/passwd", "s3://b/x.wav"]
)
@pytest.mark.parametrize("several", [False, True])
def test_no_address_is_opened(address: str, several: bool) -> None:
    pictures = tiny_network(tasks=["low"])
    with pytest.raises(sp.InputError, match=r"senpath opens no address by itself.*Fetch it, and give the bytes"):
        pictures.predict([address] if several else address)


def test_an_address_among_texts(net: sp.Network) -> None:
    with pytest.raises(sp.InputError, match="As a text it goes into a list"):
        net.predict("https://example.org/cat.png")
    assert len(net.predict(["https://example.org/cat.png"])) == 1  # tasks may be about addresses
