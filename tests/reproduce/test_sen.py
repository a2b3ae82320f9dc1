"""The experiment of the SEN paper, whole, on tiny files of the official formats."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senpath import InputError
from senpath.experiments.jobs import read_records
from senpath.reproduce.sen import Results, Setup, reproduce_sen
from senpath.reproduce.sen.experiment import choosing_jobs, main_jobs
from senpath.reproduce.sen.tables import matrices, shortfall

if TYPE_CHECKING:
    from .conftest import Run  # type: ignore[import-not-found]

SETUP = Setup(seeds=1, epochs=4)
pytestmark = pytest.mark.slow("the whole experiment, if on tiny data")


def results_in(work: Path) -> Results:
    return Results(read_records([*choosing_jobs(SETUP), *main_jobs(SETUP, 1.0)], work))


@pytest.fixture
def text(whole: Run) -> str:
    return whole.page.read_text(encoding="utf-8")


def test_the_page_puts_what_was_published_beside_ours(text: str) -> None:
    row = next(line for line in text.splitlines() if line.startswith("| 5 | **SEN** |"))
    assert [re.search(r"\((.*)\)", cell).group(1) for cell in row.split("|")[3:8]] == [  # type: ignore[union-attr]
        "69.4 ± 0.3",
        "64.0 ± 0.6",
        "50.6 ± 1.3",
        "69.2 ± 2.1",
        "45.8 ± 0.2",
    ]
    for heading in (
        "Table 1",
        "Table 2",
        "Figure 4",
        "Every way of transfer",
        "Fewer examples",
        "Sparsity",
        "people not heard before",
        "λ",
    ):
        assert re.search(f"^##+ .*{heading}", text, re.MULTILINE), heading
    assert "senpath reproduce sen --seeds 1 --epochs 4" in text
    assert "nan" not in text


def test_the_pages_figures_are_those_of_the_jobs(text: str, whole: Run) -> None:
    accuracy = results_in(whole.work).cell("SEN", "default", "all", "upper")[0]
    row = next(line for line in text.splitlines() if line.startswith("| all | **SEN** |"))
    assert row.split("|")[6].strip() == f"{accuracy:.1f} (93.2 ± 0.2)"


def test_official_emnist_files_are_read_when_they_are_there(text: str) -> None:
    assert "| T3 LOWER | 520 | emnist-lower: handwritten letters a-z 28x28, public domain, EMNIST ByClass" in text
    assert "other handwritten letters stand in" not in text


def test_capitals_borrow_from_the_small_letters_that_they_look_like(text: str, whole: Run) -> None:
    pairs = {(record["from"], record["to"]) for record in results_in(whole.work)("similar", recipe="paper", task="upper")}
    assert len(pairs) > 5
    assert all(first.upper() == second for first, second in pairs)
    assert re.search(r"\| T4 UPPER \| lower ([a-z]) → [A-Z] \| (–|0\.\d+) \| [01]\.\d+ \| 1 of 1 \|", text)


def test_links_alone_answer_and_the_others_cannot(whole: Run) -> None:
    results = results_in(whole.work)
    assert results.cell("SEN", "default", "0", "upper")[0] > 50
    assert results.cell("Single", "default", "0", "upper")[0] == pytest.approx(100 / 26)


def test_sen_and_pnn_forget_nothing_and_plain_training_does(whole: Run) -> None:
    made = matrices(results_in(whole.work), "default")
    assert {made[method][0].forgetting for method in ("SEN", "PNN", "Single")} == {0.0}
    assert made["Multi-task (seq)"][0].forgetting > 0


def test_a_shortfall_is_found_wherever_it_is(whole: Run) -> None:
    results = results_in(whole.work)
    worst, where = shortfall(results)
    cells = [
        results.cell("SEN", recipe, shots, task)[0] - results.cell("Single", recipe, shots, task)[0]
        for recipe in ("default", "paper")
        for task in ("fashion", "mnist", "lower", "upper")
        for shots in ("0", "5", "10", "all")
    ]
    assert worst == pytest.approx(min(cells), abs=1e-9)
    assert where.startswith(f"{worst:+.2f}: T" if worst else "0.00: T")


def test_pictures_are_written(whole: Run) -> None:
    for name in ("stages", "shots", "network", "activated"):
        assert (whole.page.parent / "sen" / f"{name}.png").stat().st_size > 10_000


def test_progress_counts_up_and_shows_what_is_known(whole: Run) -> None:
    done = [progress.done for progress in whole.seen if progress.step == "all strategies"]
    assert done == sorted(done)
    assert done[-1] == whole.seen[-1].jobs
    assert len(whole.seen[-1].records) > 100


def test_a_second_run_takes_everything_from_the_first(whole: Run, on_tiny: Path, tmp_path: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in whole.work.glob("*.jsonl")}
    page = reproduce_sen(tmp_path, whole.work, SETUP, look=lambda progress: None)
    assert page.read_text() == whole.page.read_text()
    assert {file.name: file.stat().st_mtime_ns for file in whole.work.glob("*.jsonl")} == before


def test_a_run_that_is_stopped_goes_on_and_comes_to_the_same(whole: Run, on_tiny: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "senpath", "reproduce", "sen", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    command += ["--seeds", "1", "--epochs", "4", "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "work").glob("strength-3.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "run the same command again to go on" in " ".join(errors.split())
    # What the other run found stands in for the jobs that are not done yet, so that the test is short.
    for file in whole.work.glob("*.jsonl"):
        if file.name != "strength-30.jsonl" and not (tmp_path / "work" / file.name).exists():
            (tmp_path / "work" / file.name).write_bytes(file.read_bytes())
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out" / "sen.md").read_text() == whole.page.read_text()


def test_a_work_folder_of_other_settings_is_refused(whole: Run, on_tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected results of the same settings, data and version, got those of others\. Choose another"):
        reproduce_sen(tmp_path, whole.work, Setup(seeds=2, epochs=4), look=lambda progress: None)
