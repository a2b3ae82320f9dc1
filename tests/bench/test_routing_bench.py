"""The routing benchmark on two tiny tasks: all rows, runs that go on, rows of others, and what is refused."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from raising import raises_error
from rich.console import Console

from senpath import InputError
from senpath.bench import STREAMS, BenchCell, BenchPlan, BenchProgress, bench_routing, best_two, find_row, held_out, known_rows
from senpath.bench.measure import learn_cell, measure
from senpath.bench.page import write_page
from senpath.bench.published import split
from senpath.bench.rows import ROWS
from senpath.bench.run import all_records
from senpath.bench.sets import BenchSet
from senpath.bench.streams import RoutingStream
from senpath.bench.tables import figure_of, losses, short_rows
from senpath.cli.benching import grids
from senpath.experiments.jobs import Record
from senpath.experiments.records import Records
from senpath.types import DataType, Examples

TINY = RoutingStream(
    "Tiny", "Two tasks of patterns.", tuple(BenchSet(name, "image") for name in ("fashion", "mnist")), (BenchSet("noise", "image"),), (5,)
)
MINE = """
import numpy as np

from senpath.bench import TaskLesson, RowAnswers, Unlabelled


class First:
    title = "always the first"
    about = "The first label of the first task."

    def __init__(self, cell):
        self.tasks = 0

    def learn(self, lesson: TaskLesson) -> None:
        self.tasks += 1
        self.features = lesson.features.shape[1]

    def answer(self, asked: Unlabelled, truth=None) -> RowAnswers:
        nothing = np.zeros(len(asked), dtype=np.int64)
        return RowAnswers(nothing, nothing, nothing[:, None], None, None, weights=0)


class Short(First):
    def answer(self, asked, truth=None):
        return RowAnswers(np.zeros(1), np.zeros(1), np.zeros((1, 1)), None, None, 0)
"""


@pytest.fixture
def tiny(tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> RoutingStream:
    """The stream on the tiny data."""
    monkeypatch.setenv("SENPATH_DATA", str(tiny_data))
    return TINY


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder, so that the pathways are learned once."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file with somebody's rows."""
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    return file


def run_row(name: str, stream: RoutingStream, folder: Path) -> Records:
    cell, records = BenchCell("tiny", 5, 0, folder), list[Record]()
    if getattr(find_row(name), "pathways", False):
        learn_cell(cell, stream, 60, records.append)
    measure(cell, name, stream, 60, records.append)
    return Records(json.loads(json.dumps(records)))


@pytest.mark.parametrize("name", ["senpath", "ridge", "class-means", "neighbours", "largest-softmax", "oracle"])
def test_a_row_finds_easy_tasks_and_says_what_it_cost(name: str, tiny: RoutingStream, work: Path) -> None:
    records = run_row(name, tiny, work)
    assert records.where(part="task").distinct("task") == ["fashion", "mnist"]
    assert figure_of(records, "right task")[0] > 75  # a coin gives 50
    assert figure_of(records, "among")[0] >= figure_of(records, "right task")[0]
    assert figure_of(records, "right label")[0] > 40  # guessing gives 5
    assert (figure_of(records, "weights")[0], figure_of(records, "ms")[0]) > (0, 0)
    if name == "oracle":
        assert figure_of(records, "right task") == [100]
        assert figure_of(records, "AUROC") == []
    else:
        assert 0 <= figure_of(records, "refused known")[0] < 40
        assert 0 <= figure_of(records, "AUROC")[0] <= 1
        assert len(figure_of(records, "drift")) == 1


def test_a_row_of_texts_alone_is_left_out_where_there_are_pictures(tiny: RoutingStream, tmp_path: Path) -> None:
    assert [record["part"] for record in run_row("semantic-router", tiny, tmp_path)] == ["none"]


@pytest.mark.slow("runs the whole benchmark on tiny data, in processes, twice")
def test_the_whole_benchmark_goes_on_and_a_row_of_a_file_is_in_its_page(
    tiny: RoutingStream, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STREAMS, "tiny", tiny)
    seen: list[BenchProgress] = []
    plan = BenchPlan(("tiny",), (5,), 1, ("senpath", "class-means", "joint", "ranpac", f"{mine}:First"), most=40)
    page = bench_routing(tmp_path / "out", tmp_path / "work", plan, look=seen.append)
    text, html = page.read_text(), page.with_suffix(".html").read_text()
    for words in ("always the first", "senpath", "RanPAC's closed form", "Where senpath loses", "What is missing"):
        assert words in text
        assert words.replace("'", "&#x27;") in html or words in html
    assert (tmp_path / "out/routing/label.png").stat().st_size > 5_000
    assert "http" not in html.replace("http-equiv", "")
    files = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "work/records").glob("*.jsonl")}
    again = BenchPlan(("tiny",), (5,), 1, ("senpath",), ("class-means",), most=40)
    bench_routing(tmp_path / "out", tmp_path / "work", again, look=seen.append)
    after = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "work/records").glob("*.jsonl")}
    assert {name for name in files if files[name] != after[name]} == {"class-means-tiny-5-0.jsonl"}
    assert "always the first" in page.read_text()  # what was measured before is on the page too
    mine.write_text(MINE.replace("always the first", "always the one"))
    bench_routing(tmp_path / "out", tmp_path / "work", BenchPlan(("tiny",), (5,), 1, (f"{mine}:First",), most=40), look=seen.append)
    text = page.read_text()
    assert "always the one" in text
    assert "always the first" not in text  # a file that was changed is measured anew


def test_a_row_of_a_file_is_measured_as_any(tiny: RoutingStream, mine: Path, tmp_path: Path) -> None:
    records = run_row(f"{mine}:First", tiny, tmp_path)
    assert figure_of(records, "right task") == [50]
    assert figure_of(records, "right label") == [5]


def test_an_installed_package_offers_a_row(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_rows.py").write_text(mine.read_text())
    info = tmp_path / "acme_rows-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rows\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[senpath.bench.rows]\nfirst = acme_rows:First\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "first" in known_rows()
    assert find_row("first").title == "always the first"


def test_what_is_no_row_is_refused(mine: Path, tiny: RoutingStream, tmp_path: Path) -> None:
    with raises_error(InputError, what="row", expected="senpath, ranpac", got="'nobody'"):
        find_row("nobody")
    with raises_error(InputError, what="mine.py", expected="a class 'Last'", got="no such name"):
        find_row(f"{mine}:Last")
    with raises_error(InputError, what="nothing.py", got="nothing there"):
        find_row(f"{tmp_path}/nothing.py:Row")
    with raises_error(InputError, what="np", got="without title"):
        find_row(f"{mine}:np")
    with raises_error(InputError, what="Short: task", expected="(60,)"):
        run_row(f"{mine}:Short", TINY, tmp_path)


def test_two_files_of_one_name_are_refused(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / mine.name
    other.write_text(MINE)
    with raises_error(InputError, what="rows", got=f"{mine}:First and {other}:First", do="Rename one"):
        bench_routing(tmp_path / "out", tmp_path / "work", BenchPlan(rows=(f"{mine}:First", f"{other}:First")), look=print)


def test_held_out_examples_are_some_of_every_class_that_has_two() -> None:
    targets = torch.tensor([0] * 20 + [1] * 5 + [2])
    mask = held_out(Examples(DataType("image", (1, 2, 2)), torch.zeros(26, 1, 2, 2), targets, (0, 1, 2)), 0)
    assert targets[mask].bincount(minlength=3).tolist() == [4, 1, 0]


def test_the_best_two_are_of_different_tasks() -> None:
    scores = torch.tensor([[0.9, 0.8, 0.1, 0.2], [0.0, 0.1, 0.3, 0.2]])
    assert best_two(scores, [0, 0, 1, 2]).tolist() == [[0, 2], [1, 2]]
    assert best_two(scores[:, :2], [0, 0]).tolist() == [[0, -1], [0, -1]]


def test_the_page_says_where_others_are_better(tmp_path: Path) -> None:
    records = Records()
    for row, right in (("senpath", 0.6), ("ridge", 0.7), ("oracle", 0.9)):
        for seed in range(2):
            where = {"stream": "letters", "shots": 5, "seed": seed, "row": row, "title": ROWS[row].title, "sense": "image"}
            figures = {"right task": right, "right label": right - 0.01 * seed, "among": 1.0, "candidates": 2.0, "refused": 0.03}
            records.append({"part": "task", **where, "task": "mnist", **figures, "went to": {"lower": 3}})
            records.append({"part": "cost", **where, "weights": 5, "ms": 1.0, "µs": 2.0, "ms ratio": 1.0, "µs ratio": 1.5})
    assert losses(records) == [
        "letters, 5 shots, right task: ridge ahead by 10.0 (2 seeds)",
        "letters, 5 shots, right label: ridge ahead by 10.0 (2 seeds)",
    ]
    titles, rows = short_rows(records, "right label")
    assert titles == ["row", "letters, 5"]
    assert rows[1] == ["ridge", "**69.5 ± 0.7**"]  # the oracle is told the task, and cannot be the best
    page = write_page(records, tmp_path, 1_000)
    assert "- ridge: 2 of letters, 5; 0 of letters, 20;" in page.read_text()


def test_an_empty_folder_has_no_page(tmp_path: Path) -> None:
    with raises_error(InputError, what="page", expected="measured rows"):
        write_page(Records(), tmp_path, 1_000)


def test_a_published_setting_is_made_of_one_set_and_its_page_has_the_figures(tiny: RoutingStream, tmp_path: Path) -> None:
    stream = RoutingStream("Split", "In twos.", (*split("mnist", "image")[:2], BenchSet("mnist", "image", permute=1)), (), (5,))
    records = Records()
    measure(BenchCell("split-mnist", 5, 0, tmp_path), "ridge", stream, 60, records.append)
    assert records.where(part="task").distinct("task") == ["mnist 0+1", "mnist 2+3", "mnist order 1"]
    first, _, other = records.where(part="task")
    assert first["inputs"] == 12
    assert first["label alone"] >= first["right label"]
    assert other["right task"] > 0.5
    page = write_page(records, tmp_path, 60).read_text()
    assert "SupSup" in page
    assert "86.8 ± 0.2" in page
    assert page.count("Not measured yet.") == 5
    assert "A published figure for this setting: not found." in page


def test_a_turned_picture_is_another_task() -> None:
    examples = Examples(DataType("image", (1, 28, 28)), torch.rand(2, 1, 28, 28), torch.tensor([0, 1]), (0, 1))
    turned = BenchSet("mnist", "image", turn=90.0)
    torch.testing.assert_close(turned.changed(examples).inputs, examples.inputs.rot90(1, (2, 3)), atol=1e-4, rtol=0)
    assert turned.task == "mnist 90°"
    assert BenchSet("mnist", "image").changed(examples) is examples


def test_what_is_known_is_shown_in_lines_of_any_width(tmp_path: Path) -> None:
    with ZipFile(Path(__file__).parents[2] / "docs" / "results" / "routing" / "records.zip") as measured:
        measured.extractall(tmp_path)
    records = all_records(tmp_path)
    titles, cells = short_rows(records, "right task")
    known = sum(value != "–" for line in cells for value in line[1:])
    for width in (80, 400):
        shown = io.StringIO()
        Console(file=shown, width=width).print(*grids(records, width))
        assert max(map(len, shown.getvalue().splitlines())) <= width
        assert all(title.replace(",", "") in shown.getvalue() for title in titles[1:])
        assert len(re.findall(r"\d+\.\d / \d+\.\d", shown.getvalue())) == known
