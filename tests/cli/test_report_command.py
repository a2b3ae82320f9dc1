"""`senpath evaluate` and `senpath report`: what they print, what they keep, what they refuse."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senpath import Network, evaluate, recorded_evaluations
from senpath.inputs.sources import read_labelled

Run = Callable[..., Any]


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> Path:
    """A copy of the learned network, to record with."""
    return Path(shutil.copytree(learned, tmp_path / "copy.sen"))


def test_figures_are_printed_and_kept(senpath: Run, net: Path, files: Path) -> None:
    end = senpath("evaluate", net, f"digits={files / 'digits'}", f"iris={files / 'iris.csv'}", f"tones={files / 'tones'}")
    assert end.code == 0
    (recorded,) = recorded_evaluations(Network(net))
    assert recorded.version == 4
    assert list(recorded.evaluation.scores) == ["digits", "iris", "tones"]
    assert recorded.evaluation == evaluate(
        Network(net), {name: read_labelled(files / file) for name, file in (("digits", "digits"), ("iris", "iris.csv"), ("tones", "tones"))}
    )
    for name, score in recorded.evaluation.scores.items():
        (row,) = (line for line in end.out.splitlines() if line.startswith(f"{name} "))
        assert f"{100 * score.accuracy:.1f} %" in row
        assert f"{100 * score.accuracy_unlabelled:.1f} %" in row
    assert "recorded with the network" in end.err


def test_figures_need_not_be_kept(senpath: Run, net: Path, files: Path, unchanged: Any) -> None:
    with unchanged(net):
        end = senpath("evaluate", "--no-record", net, f"again={files / 'arrays.npz'}")
    assert end.code == 0
    assert "\nagain " in end.out
    assert "recorded" not in end.out + end.err


def test_names_and_paths_may_have_the_sign_between_them(senpath: Run, files: Path, tmp_path: Path) -> None:
    net = Network(tmp_path / "n.sen")
    x, y = read_labelled(files / "arrays.npz")
    for name in ("a", "a=b", "a=b=c=d"):
        net.learn(name, x, y, epochs=1, hidden=4)
    np.savez(source := tmp_path / "c=d.npz", x=x, y=y)
    for name in ("a", "a=b"):
        assert senpath("evaluate", net.path, f"{name}={source}").code == 0
    assert [list(entry.evaluation.scores) for entry in recorded_evaluations(net)] == [["a"], ["a=b"]]


def test_the_table_fits_a_terminal(senpath: Run, net: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    end = senpath("evaluate", "--no-record", net, f"digits={files / 'digits'}")
    assert "│ digits " in end.out
    assert max(map(len, re.sub("\x1b\\[[0-9;]*m", "", end.out).splitlines())) <= 80


@pytest.mark.parametrize(
    ("tests", "code", "message"),
    [
        ((), 2, "Missing argument"),
        (("digits",), 2, "test data: expected TASK=DATA, got 'digits'"),
        (("nobody=DIGITS",), 2, "task 'nobody': expected one that the network has learned: digits, again, tones, iris"),
        (("=DIGITS",), 2, "test data: expected TASK=DATA, got '="),
        (("digits=DIGITS", "digits=DIGITS"), 2, "task 'digits': expected its data once, got it twice"),
        (("digits=nothing",), 2, "nothing of that name"),
        (("digits=DIGITS", "iris=DIGITS"), 2, "task 'iris' does not read image data"),
    ],
)
def test_tests_that_cannot_be_measured(
    senpath: Run, net: Path, files: Path, unchanged: Any, tests: tuple[str, ...], code: int, message: str
) -> None:
    with unchanged(net):
        end = senpath("evaluate", net, *(test.replace("DIGITS", str(files / "digits")) for test in tests))
    assert end.code == code
    assert message in " ".join(end.err.split())


def test_damaged_figures_are_named(senpath: Run, net: Path, tmp_path: Path) -> None:
    (net / "evaluations.jsonl").write_text("{}\n")
    end = senpath("report", net, "--out", tmp_path / "report.html")
    assert end.code == 3
    assert "evaluations.jsonl: line 1: expected a measurement in JSON" in end.err
    assert not (tmp_path / "report.html").exists()


def test_the_page_is_named_after_the_network(senpath: Run, net: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    assert senpath("evaluate", net, f"digits={files / 'digits'}").code == 0
    end = senpath("report", net)
    assert (end.code, end.err) == (0, "")
    assert end.out.strip() == "wrote copy.report.html: open it in a browser"
    assert [path.name for path in here.iterdir()] == ["copy.report.html"]
    (entry,) = recorded_evaluations(Network(net))
    assert f">{100 * entry.evaluation.scores['digits'].accuracy:.1f}" in (here / "copy.report.html").read_text()
    end = senpath("report", net, "--out", "other.html")
    assert "wrote other.html" in end.out
    assert (here / "other.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("report",), 2, "Missing argument"),
        (("report", "TMP/nothing"), 3, "expected a folder with network.json, got none"),
        (("report", "NET", "--out", "TMP"), 2, "expected a file that can be written, got a folder"),
        (("report", "NET", "--out", "TMP/nothing/report.html"), 2, "got No such file or directory"),
        (("report", "NET", "--out", "NET/network.json"), 2, "got a place within the network's own folder"),
        (("evaluate", "TMP/nothing", "a=b"), 3, "expected a folder with network.json, got none"),
    ],
)
def test_what_cannot_be_reported(
    senpath: Run, learned: Path, tmp_path: Path, unchanged: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = [part.replace("NET", str(learned)).replace("TMP", str(tmp_path)) for part in arguments]
    with unchanged(learned), unchanged(tmp_path):
        end = senpath(*given)
    assert end.code == code
    assert message in " ".join(end.err.split())
