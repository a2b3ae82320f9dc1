"""A task that others borrowed from was removed: everything that shows a network goes on showing it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pages import summary

import senpath as sp
from senpath.cli.inspection import tasks
from senpath.cli.learn import show_transfers
from senpath.cli.predict import explain
from senpath.reports.borrowing import draw_borrowing
from senpath.reports.growth import draw_growth

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def _net(tmp_path_factory: pytest.TempPathFactory, digits: Labelled) -> Path:
    x, y = digits
    low, high = (x[y < 5], y[y < 5]), (x[y >= 5][:50], y[y >= 5][:50])
    net = sp.Network(tmp_path_factory.mktemp("gone") / "net")
    net.learn("low", *low, hidden=8, epochs=5)
    net.learn("high", *high, hidden=8, epochs=5, threshold=0, min_separability=0)
    net.learn("copy", *high, hidden=8, epochs=1, threshold=0, min_separability=0, links="none", start="copy")
    sp.evaluate(net, {"low": low, "high": high}, record=True)
    net.remove("low")
    sp.evaluate(net, {"high": high}, record=True)
    return net.path


@pytest.fixture
def net(_net: Path, tmp_path: Path) -> sp.Network:
    """A task whose source is gone, and another that copied from it, measured; a copy of the test's own."""
    return sp.Network(shutil.copytree(_net, tmp_path / "net"))


def test_a_report(net: sp.Network, tmp_path: Path, digits: Labelled) -> None:
    assert net.view.pathway("high").sources == ("low",)
    sp.report(net, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "low" in page
    assert "removed" in page
    network = summary(net)
    assert draw_borrowing(network, [])["listed"][0].source is None
    assert "low" not in network.tasks


def test_a_name_that_is_used_again(net: sp.Network, digits: Labelled) -> None:
    net.learn("low", *digits, hidden=4, epochs=1)
    low = summary(net).tasks["low"]
    assert low.learned == 5
    assert low.accuracy is None  # what was measured was another task
    net.rollback(3)
    low = summary(net).tasks["low"]
    assert low.learned == 1
    assert low.accuracy is not None


def test_the_command_line(net: sp.Network, tmp_path: Path, digits: Labelled, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    tasks(str(net.path)).show()
    show_transfers(net, "high")
    Image.fromarray(digits[0][digits[1] >= 5][0]).save(tmp_path / "digit.png")
    explain(str(net.path), str(tmp_path / "digit.png")).show()
    assert "low" in capsys.readouterr().out


def test_answers_say_what_ran(net: sp.Network, digits: Labelled) -> None:
    answer = net.predict(digits[0][:3], task="high")
    assert answer.activated[0].sources == ("low",)
    assert answer.activated[0].source_weights > 0


def test_a_picture(net: sp.Network, tmp_path: Path, digits: Labelled) -> None:
    x, y = digits
    measured = sp.evaluate(net, dict.fromkeys(net.tasks, (x[y >= 5], y[y >= 5])))
    stages = dict.fromkeys(("high", "copy"), measured)
    draw_growth(net, stages, dict.fromkeys(net.tasks, (0.1, 0.2)), "caption", tmp_path / "growth.png")
    assert (tmp_path / "growth.png").exists()
