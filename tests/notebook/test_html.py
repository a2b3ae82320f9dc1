"""What notebooks show of networks, answers and figures: complete, and harmless whatever tasks and labels are called."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.evaluation import AccuracyMatrix
from senpath.testing import ConstantMethod, tiny_network, tiny_task

HOSTILE = '<img src=x onerror="alert(1)">'
TAGS = {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "span", "svg", "path", "circle", "title", "text", "img"}


class Page(HTMLParser):
    """Reads HTML, and fails at anything that could run or load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.open, self.pictures = "", [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attributes:
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert tag == "img"
                assert value is not None
                assert value.startswith("data:image/png;base64,")
                self.pictures.append(Image.open(BytesIO(base64.b64decode(value.partition(",")[2]))))
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def hostile() -> sp.Network:
    """Tasks, labels and texts by people who would like to run a script."""
    net, (x, y) = sp.Network(), tiny_task("low")
    labels = [f"{HOSTILE} {label}" for label in y]
    net.learn(f"{HOSTILE} low", x, labels, method=ConstantMethod())
    net.learn("</table><script>alert(2)</script>", x, labels, method=ConstantMethod(source=f"{HOSTILE} low"))
    net.learn("texts", [f"<script>{text}</script>" for text in tiny_task("weather")[0]], tiny_task("weather")[1], method=ConstantMethod())
    return net


def everything(net: sp.Network) -> dict[str, Any]:
    """One object of each class that notebooks show."""
    x, y = tiny_task("low")
    labels = [f"{HOSTILE} {label}" for label in y]
    first = next(iter(net.tasks))
    learned = net.learn(f"{HOSTILE} odd", x, labels, method=ConstantMethod(source=first))
    return {
        "network": net,
        "task": net.tasks[first],
        "learned": learned,
        "prediction": net.predict([*x[:3], "<script>the wind is cold</script>", *x[3:20]]),
        "explanation": net.explain(x[0], reject=False),
        "matrix": AccuracyMatrix((f"{HOSTILE} a", "b"), np.array([[0.9, np.nan], [0.8, 0.7]]), np.array([np.nan, 0.1])),
        "evaluation": sp.evaluate(net, {first: (x, labels)}),
    }


def test_names_and_labels_run_nothing(hostile: sp.Network) -> None:
    for name, thing in everything(hostile).items():
        page = Page(thing._repr_html_())
        assert "<img" in page.words or "<script" in page.words, name  # shown as text


def test_a_network_lists_its_tasks(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net")
    html = net._repr_html_()
    words = Page(html).words
    for text in ("low", "high", "iris", "classification", "table", "150", "version 3", f"{net.weights['total']:,}"):
        assert text in words
    assert len(re.findall("<circle", html)) == 3
    assert len(re.findall("<path", html)) == 1  # "high" borrows from "low"
    assert "nothing learned yet" in sp.Network()._repr_html_()


@pytest.mark.parametrize(
    "picture",
    [
        np.arange(64.0).reshape(8, 8) / 63,
        (np.arange(64) * 4).reshape(8, 8).astype(np.uint8),
        Image.fromarray((np.arange(64) * 4).reshape(8, 8).astype(np.uint8)),
        np.arange(64).reshape(8, 8) > 31,
    ],
    ids=["floats", "bytes", "PIL", "bools"],
)
def test_thumbnails_are_the_pictures(picture: Any) -> None:
    (thumbnail,) = Page(tiny_network(tasks=["low"]).predict([picture])._repr_html_()).pictures
    pixels = np.asarray(thumbnail.convert("L"))
    assert pixels.shape == (8, 8)
    assert (pixels[0, 0], pixels[7, 7]) == (0, 255 if not isinstance(picture, Image.Image) and picture.dtype != np.uint8 else 252)


def test_large_and_coloured_pictures_and_files(tmp_path: Path) -> None:
    net, colours = tiny_network(tasks=["low"]), np.zeros((600, 300, 3), np.uint8)
    colours[..., 0] = 255
    Image.fromarray(colours).save(tmp_path / "red.png")
    answers = net.predict([colours, tmp_path / "red.png", Image.fromarray(colours), colours.transpose(2, 0, 1)], errors="skip")
    kept = [item.nbytes for item in answers.samples if isinstance(item, np.ndarray)]
    assert max(kept) <= 150 * 150 * 3  # of a large picture little is kept
    pictures = Page(answers._repr_html_()).pictures
    assert [picture.size for picture in pictures] == [(24, 48)] * 4
    assert {picture.convert("RGB").getpixel((5, 5)) for picture in pictures} == {(255, 0, 0)}
    (tmp_path / "red.png").unlink()
    assert len(Page(answers._repr_html_()).pictures) == 3  # the table is there without it


def test_ten_answers_are_shown() -> None:
    net, (x, _) = tiny_network(tasks=["low"]), tiny_task("low")
    page = Page(net.predict(x)._repr_html_())
    assert len(page.pictures) == 10
    assert "and 140 more answers" in page.words
    assert len(Page(net.predict(x)[5:7]._repr_html_()).pictures) == 2
    assert "Prediction(0 inputs" in Page(net.predict(x[:0])._repr_html_()).words


def test_a_thousand_tasks_stay_small() -> None:
    from senpath.notebook.html import arcs

    names = [f"task {place}" for place in range(1000)]
    assert len(arcs(names, [(names[place], names[0]) for place in range(1, 1000)])) < 500_000


def test_classes_that_were_confused(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", tasks=["low", "iris", "weather"])
    tests = {task: tiny_task(task) for task in net.tasks}
    measured = sp.evaluate(net, tests, record=True)
    for task, (x, y) in tests.items():
        confusion = measured.by_class[task]
        answered = net.predict(x, task=task).label.tolist()
        expected = np.zeros_like(confusion.matrix)
        for true, label in zip(y, answered, strict=True):
            expected[confusion.classes.index(true), confusion.classes.index(label)] += 1
        np.testing.assert_array_equal(confusion.matrix, expected)
        assert np.trace(expected) / len(y) == pytest.approx(measured.scores[task].accuracy)
        wrong = [(true, label) for true, label, *_ in confusion.worst]
        assert all(true != label for true, label in wrong)
    (recorded,) = sp.recorded_evaluations(net)
    assert recorded.evaluation == measured


def test_records_without_classes_and_damaged_ones(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", tasks=["low"])
    sp.evaluate(net, {"low": tiny_task("low")}, record=True)
    file = net.path / "evaluations.jsonl"
    line = file.read_text()
    file.write_text(re.sub(r', "by_class": \{.*?\}\}', "", line))
    assert sp.recorded_evaluations(net)[0].evaluation.by_class == {}
    file.write_text(re.sub(r'"pairs": \[\[0', '"pairs": [[99', line))
    with pytest.raises(sp.StoreError, match="line 1"):
        sp.recorded_evaluations(net)
