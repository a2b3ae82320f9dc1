"""The report of any network: every figure is on it, and nothing that a browser would run or fetch."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import HOSTILE, Page, check_inert, grow, made_up, read, report, style_of, unstyled
from raising import raises_error

import senpath as sp
from senpath.errors import printable
from senpath.evaluation import record_evaluation
from senpath.reports.page import percent, points, short

Labelled = tuple[np.ndarray, np.ndarray]


def test_every_task_and_its_figures_are_there(mixed: sp.Network, out: Path) -> None:
    sp.report(mixed, out)
    page = read(out)
    check_inert(page)
    rows = {row[0]: row for row in page.table("task")}
    assert list(rows) == list(mixed.tasks) == ["low", "high", "mood", "iris", "zero-shot", "odd"]
    last = sp.recorded_evaluations(mixed)[-1].evaluation.scores
    for name, info in mixed.tasks.items():
        row = rows[name]
        if name in last:
            assert row[1:3] == [f"{percent(last[name].accuracy)} at v3", f"{percent(last[name].accuracy_unlabelled)} at v3"]
        else:
            assert row[1] == "not measured"
        assert f"{info.weights:,}" in row
        assert str(len(info.classes_)) in row
    assert rows["high"][6] == "low"
    assert rows["iris"][4:6] == ["table 4 columns", "–"]  # one cell less: "not measured" spans two
    assert rows["zero-shot"][5] == mixed.tasks["zero-shot"].transfers[0][0]
    assert rows["odd"][2] == "–"
    assert "senpath evaluate mixed.sen iris=DATA" in page.text


def test_what_ran_is_counted_as_predictions_count_it(mixed: sp.Network, tests: dict[str, Labelled], out: Path) -> None:
    page = report(mixed, out.parent)
    rows = {row[0]: row for row in page.table("task")}
    for name in ("low", "high", "mood"):
        ran = mixed.predict(tests[name][0][:50], candidates=1).activated
        totals = {activation.total for activation in ran if activation.tasks == (name,)}
        assert totals
        assert {percent(total / mixed.weights["total"]) for total in totals} == {rows[name][8]}


def test_the_matrix_and_what_it_comes_to(mixed: sp.Network, out: Path) -> None:
    page = report(mixed, out.parent)
    stages = [entry.evaluation.scores for entry in sp.recorded_evaluations(mixed)]
    tables = [rows for rows in page.rows if rows[0][0].strip() == "after"]
    assert len(tables) == 2
    for table, figure in zip(tables, ("accuracy", "accuracy_unlabelled"), strict=True):
        assert [cell.strip() for cell in table[0][1:]] == ["low", "high", "mood"]
        for row, scores in zip(table[1:], stages, strict=True):
            assert [cell.strip() for cell in row[1:]] == [
                percent(getattr(scores[name], figure)) if name in scores else "" for name in ("low", "high", "mood")
            ]
    after = {row[0]: row[1:3] for row in page.table("over all tasks")}
    last = stages[-1]
    for cell, figure in zip(after["ACC"], ("accuracy", "accuracy_unlabelled"), strict=True):
        assert cell == f"{percent(float(np.mean([getattr(score, figure) for score in last.values()])))} %"
    drift = [last[name].accuracy_unlabelled - stages[place][name].accuracy_unlabelled for place, name in enumerate(("low", "high"))]
    assert after["BWT"] == ["0.0", points(float(np.mean(drift)))]
    assert "With the task given, no accuracy has changed since it was first measured." in page.text
    assert "3 tasks came after the last measurement." in page.text


def test_where_inputs_went(mixed: sp.Network, out: Path) -> None:
    page = report(mixed, out.parent)
    last = sp.recorded_evaluations(mixed)[-1].evaluation
    for row in page.table("inputs of"):
        counts = last.confusion[row[0]]
        shares = [counts.get(name, 0) / sum(counts.values()) for name in ("low", "high", "mood", None)]
        assert [*row[1:4], row[-1]] == [percent(share) if share else "·" for share in shares]


def test_the_links_and_their_classes(mixed: sp.Network, out: Path) -> None:
    page = report(mixed, out.parent)
    transfers = [transfer for _, transfer in mixed.tasks["high"].transfers]
    similar = sum(transfer.share >= 0.3 for transfer in transfers)
    assert f"{similar} of {len(transfers)} classes similar (≥ 0.30), measured on 50 examples" in page.text
    assert f"low → high: {similar} of {len(transfers)} classes similar" in page.texts
    for transfer in transfers:
        assert f"{transfer.source} → {transfer.target} {transfer.share:.2f}" in page.text


def test_the_log_shows_what_a_method_wrote(mixed: sp.Network, out: Path) -> None:
    page = report(mixed, out.parent)
    rows = page.table("version")
    assert [row[0] for row in rows] == ["6", "5", "4", "3", "2", "1"]
    assert [row[2] for row in rows] == [*mixed.tasks][::-1]
    assert rows[0][3:7] == ["7", "many", "–", "–"]
    assert 'settings ["odd"]' in rows[0][7]
    assert 'tree {"depth": 3}' in rows[0][7]
    assert mixed.log[0]["data"] in rows[-1][6]
    assert "epochs 20" in rows[-1][7]


def test_an_empty_network(out: Path) -> None:
    page = report(sp.Network(), out.parent)
    check_inert(page)
    assert "learned nothing yet" in page.text
    assert "senpath learn" in page.text
    assert page.rows == []
    assert "No commit so far." in page.text


def test_a_network_that_was_never_measured(tmp_path: Path) -> None:
    page = report(grow(tmp_path / "a 'b'.sen", ["it's one"], record=False), tmp_path)
    assert "Nothing has been measured yet." in page.text
    assert """senpath evaluate 'a '"'"'b'"'"'.sen' 'it'"'"'s one='DATA …""" in page.text
    assert "there is only one so far" in page.text
    assert not any(rows[0][0].startswith("inputs of") for rows in page.rows)


def test_a_network_that_was_measured_once(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one", "two"], record=False)
    record_evaluation(net, made_up(["one", "two"]))
    page = report(net, tmp_path)
    assert "Measured once, at version 2." in page.text
    for score in made_up(["one", "two"]).scores.values():
        assert f"{percent(score.accuracy)} · {percent(score.accuracy_unlabelled)} %" in page.text
    assert "BWT" not in [row[0] for row in page.table("over all tasks")]
    assert "BWT and forgetting need a measurement of every task after each was learned" in page.text


def test_what_was_forgotten_is_said(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one"])
    changed = made_up(["one"])
    score = sp.TaskScore(1000, 0.5, 0.25, 1, 1, 1, 1, 0)
    net = grow(tmp_path / "n.sen", ["two"], record=False)
    record_evaluation(net, sp.Evaluation({"one": score, "two": score}, {"one": {"one": 9}, "two": {"one": 1, None: 2}}))
    page = report(net, tmp_path)
    assert "the accuracy of 1 task of 2 is not what it was when first measured" in page.text
    figures = {row[0]: row[1] for row in page.table("over all tasks")}
    lost = changed.scores["one"].accuracy - 0.5
    assert figures == {"ACC": "50.0 %", "BWT": points(-lost), "forgetting": points(lost)}


def test_two_hundred_tasks(many: sp.Network, out: Path) -> None:
    start = time.perf_counter()
    sp.report(many, out)
    assert time.perf_counter() - start < 2
    assert out.stat().st_size < 2_000_000
    page = read(out)
    check_inert(page)
    assert len(page.table("task")) == 200
    assert len(page.table("version")) == 200
    assert "Of 200 measured tasks the 10 have names whose accuracy with the task found moved most" in page.text
    assert out.read_text().count('<g class="faint">') == 190
    assert out.read_text().count('class="node ') == 200
    assert "Of 200 measured tasks the 12 are shown whose inputs were most often answered otherwise." in page.text
    assert "The newest 16 of 199 links are listed." in page.text
    assert "not drawn" not in page.text


def test_names_of_any_length_stay_small(tmp_path: Path) -> None:
    names = [f"{place:03}" + "界" * 197 for place in range(60)]
    sp.report(grow(tmp_path / "n.sen", names, every=30), tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 1_000_000


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of a network of three tasks of harmless names."""
    folder = tmp_path_factory.mktemp("plain")
    return report(grow(folder / "a.sen", ["a", "b", "c"], links=True), folder)


@settings(max_examples=8, deadline=None)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3, unique=True), labels=st.lists(HOSTILE, min_size=3, max_size=3, unique=True))
def test_no_name_is_more_than_a_name(plain: Page, names: list[str], labels: list[str]) -> None:
    with TemporaryDirectory() as folder:
        page = report(grow(Path(folder) / "b.sen", names, links=True, classes=labels), Path(folder))
    check_inert(page)
    assert page.tags == plain.tags
    for name in (*names, *labels):
        assert printable(name).strip() in page.texts


def test_the_folder_is_a_name_too(tmp_path: Path) -> None:
    page = report(grow(tmp_path / "<b>&'\".sen", ["one"]), tmp_path)
    check_inert(page)
    assert page.texts.count("<b>&'\".sen") == 1
    assert f"<b>&'\".sen · version {1}" in page.texts


def test_the_style_fetches_nothing(mixed: sp.Network, out: Path) -> None:
    sp.report(mixed, out)
    style = style_of(out)
    assert not re.search(r"url\(|@import|https?:|expression", style)
    assert "prefers-color-scheme: dark" in style
    assert style.count("{") == style.count("}")


def test_every_colour_that_is_used_is_there(mixed: sp.Network, out: Path) -> None:
    sp.report(mixed, out)
    assert unstyled(out) <= {"nil"}


def test_a_report_is_replaced_whole_and_changes_no_network(
    mixed: sp.Network, out: Path, unchanged: Callable[[Path], AbstractContextManager[None]]
) -> None:
    out.write_text("old")
    with unchanged(mixed.path):
        sp.report(mixed, str(out))
    read(out)
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]


def at_folder(folder: Path) -> Path:
    return folder


def below_nothing(folder: Path) -> Path:
    return folder / "nothing" / "report.html"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "report.html"


def too_long(folder: Path) -> Path:
    return folder / ("x" * 300)


def with_null(folder: Path) -> Path:
    return folder / "a\0b"


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@pytest.mark.parametrize(
    ("place", "got"),
    [
        (at_folder, "a folder"),
        (below_nothing, "No such file or directory"),
        (below_a_file, "Not a directory"),
        (too_long, "File name too long"),
        (a_pipe, "something else of that name"),
    ],
)
def test_where_no_file_can_be(mixed: sp.Network, tmp_path: Path, place: Callable[[Path], Path], got: str) -> None:
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(sp.InputError, match=rf"report (?s:.*): expected a file that can be written, got {got}\. Choose another path"):
        sp.report(mixed, path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_path_that_is_none(mixed: sp.Network, tmp_path: Path) -> None:
    for path in (with_null(tmp_path), "", "s3://bucket/page.html", Path("s3://bucket/page.html"), 5):
        with raises_error(sp.InputError, "path of the report", expected=re.compile("^a (str or Path|path of this machine)")):
            sp.report(mixed, path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_no_file_of_the_network_is_written_over(mixed: sp.Network, unchanged: Callable[[Path], AbstractContextManager[None]]) -> None:
    with unchanged(mixed.path):
        for name in ("network.json", "report.html", "components/report.html"):
            with pytest.raises(sp.InputError, match=r"got a place within the network's own folder"):
                sp.report(mixed, mixed.path / name)


@pytest.mark.parametrize("path", [3, None, b"report.html"])
def test_what_is_no_path(mixed: sp.Network, path: Any) -> None:
    with pytest.raises(sp.InputError, match=r"path of the report: expected a str or Path, got "):
        sp.report(mixed, path)


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0.0"), (1, "100.0"), (0.5, "50.0"), (0.0001, "<0.1"), (0.9999, ">99.9"), (0.0005, "0.1"), (0.12345, "12.3")]
)
def test_little_is_not_said_to_be_nothing(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (999, "999"), (1000, "1.0 k"), (102_345, "102 k"), (3_178_182, "3.2 M"), (2 * 10**9, "2.0 G")]
)
def test_weights_in_a_few_figures(count: int, said: str) -> None:
    assert short(count) == said


def test_a_page_beside_other_files(mixed: sp.Network, tmp_path: Path) -> None:
    (tmp_path / "page.html.tmp").write_text("of somebody else")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: sp.report(mixed, tmp_path / "page.html"), range(3)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.html.tmp"]
    assert (tmp_path / "page.html.tmp").read_text() == "of somebody else"
