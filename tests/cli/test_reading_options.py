"""What the command line says about data that it reads, and how it is told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from senpath import Network

Run = Callable[..., Any]
QUICK = ("--set", "model=mlp", "--set", "epochs=1", "--set", "hidden=2")


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A table whose labels are in neither the last column nor one of a known name."""
    frame = pd.DataFrame({"species": ["u", "v"] * 10, "width": range(20), "colour": ["red", "white", "blue", "red"] * 5})
    frame.to_csv(tmp_path / "flowers.csv", index=False)
    return tmp_path / "flowers.csv"


def test_it_says_what_it_took_for_what(senpath: Run, flowers: Path, tmp_path: Path) -> None:
    net = tmp_path / "n.sen"
    end = senpath("learn", net, "guessed", flowers, *QUICK)
    assert end.code == 0
    assert (
        "read: 20 rows, 1 column of numbers and 1 column of words; label 'colour' (the last column) "
        "(if that is wrong: --label COLUMN, --modality KIND)\n" in end.err
    )
    end = senpath("learn", net, "told", flowers, "--label", "species", "--modality", "table", *QUICK)
    assert "read: 20 rows, 1 column of numbers and 1 column of words; label 'species'\n" in end.err
    assert Network(net).tasks["told"].classes_ == ("u", "v")
    assert senpath("evaluate", net, f"told={flowers}", "--label", "species").code == 0
    assert "changed 'told'" in senpath("extend", net, "told", flowers, "--label", "species").out


def test_it_is_said_that_standard_input_is_not_learned_from(senpath: Run, tmp_path: Path) -> None:
    end = senpath("learn", tmp_path / "n.sen", "task", "-")
    assert (end.code, "error: data -: expected a folder or file, got standard input. Write it into a file" in end.err) == (2, True)


def test_pictures_are_described(senpath: Run, files: Path, tmp_path: Path) -> None:
    end = senpath("learn", tmp_path / "n.sen", "digits", files / "digits", *QUICK)
    assert "read: 100 pictures (PNG, 8×8, grey) in 10 folders (if that is wrong: --modality KIND)\n" in end.err


def test_what_cannot_be_read_is_skipped_if_asked_to(senpath: Run, flowers: Path, tmp_path: Path) -> None:
    flowers.write_text(flowers.read_text() + "u,inf,red\nu,1\n")
    end = senpath("learn", tmp_path / "n.sen", "task", flowers, "--label", "species", *QUICK)
    assert (end.code, f"error: table {flowers}, line 23: expected 3 values, got 2" in end.err) == (2, True)
    end = senpath("learn", tmp_path / "n.sen", "task", flowers, "--label", "species", "--skip-bad", *QUICK)
    assert end.code == 0
    assert [line for line in end.err.splitlines() if line.startswith("skipped: ")] == [
        f"skipped: table {flowers}, line 23: expected 3 values, got 2",
        f"skipped: table {flowers}, line 22, column 'width': expected a finite number, as most of the column, got 'inf'",
    ]
    assert "learned 'task': 20 examples" in end.out


def test_predict_names_what_it_cannot_read_and_offers_nothing_that_it_lacks(
    senpath: Run, flowers: Path, files: Path, tmp_path: Path
) -> None:
    net = tmp_path / "n.sen"
    assert senpath("learn", net, "task", flowers, "--label", "species", *QUICK).code == 0
    end = senpath("predict", net, files / "bad" / "cut.png")  # of a type that the network knows nothing of
    assert (end.code, "cut.png: expected a readable picture file" in end.err) == (2, True)
    (tmp_path / "gap.csv").write_text("width,colour\n1,red\ninf,white\n")
    end = senpath("predict", net, tmp_path / "gap.csv", "--errors", "skip")
    reason = "gap.csv[1]: input 1, column 'width': expected a finite number, as most of the column, got 'inf'"
    assert (end.code, reason in end.out, end.out.count("nothing fits")) == (6, True, 1)
    end = senpath("predict", net, tmp_path / "gap.csv")
    assert (end.code, "gap.csv, line 3, column 'width'" in end.err, "skip" in end.err) == (2, True, False)
    end = senpath("learn", net, "other", tmp_path / "gap.csv", *QUICK)
    assert "--skip-bad" in end.err


def test_a_table_that_fits_nothing_is_explained(senpath: Run, learned: Path, files: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("petal length,petal width\n1,2\n")
    end = senpath("predict", learned, tmp_path / "other.csv")
    assert end.code == 6
    assert "other.csv[0]: no task reads this table: columns 'sepal length', 'sepal width' missing\n" in end.out
    end = senpath("predict", learned, tmp_path / "other.csv", "--errors", "raise")
    assert (end.code, "error: other.csv[0]: no task reads this table: expected columns 'sepal length'," in end.err) == (2, True)
    frame = pd.read_csv(files / "iris.csv").assign(place=1).rename(columns={"label": "species"})
    frame[[*reversed(frame.columns)]].to_csv(tmp_path / "turned.csv", index=False)
    end = senpath("predict", learned, tmp_path / "turned.csv")
    assert "no task" not in end.out
    assert end.out.count("setosa") > 40
