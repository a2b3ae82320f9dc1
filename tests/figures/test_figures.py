"""Figures of docs/results, in a small repository of their own: what is missing is named, what is stale is listed, a killed run goes on."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.figures.declared import read_figures
from benchmarks.figures.running import commands_of

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="a command ends with who started it on Linux alone"),
]
FIGURES = """
[code]
learn = ["src/learn"]

[[figure]]
name = "sums"
page = "sums.md"
what = "Sums"
sections = ["sums"]
command = "python -m benchmarks.sums --most 3"
over = ["--step 1 2"]
minutes = 1
code = ["learn"]

[[figure]]
name = "times"
page = "sums.md"
what = "Times"
command = "python -m benchmarks.sums --most 1"
minutes = 2
resumable = false
by_hand = true
"""
SUMS = '''
"""A number a file, as many as --most says; one that is there is not made again."""
import argparse, os, time
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--most", type=int)
parser.add_argument("--step", type=int, default=1)
parser.add_argument("--folder", type=Path)
given = parser.parse_args()
given.folder.mkdir(parents=True, exist_ok=True)
for number in range(given.most):
    file = given.folder / str(number)
    if not file.exists():
        while os.environ.get("SLOW") and number:
            time.sleep(0.05)
        file.write_text(str(os.getpid()))
total = sum(range(0, given.most, given.step))
page = Path("docs/results/sums.md")
before, rest = page.read_text().split("<!-- begin sums -->")
page.write_text(f"{before}<!-- begin sums -->\\n{total}\\n<!-- end sums -->{rest.split('<!-- end sums -->')[1]}")
'''
PAGE = "# Sums\n`python -m benchmarks.sums --most 3`\n\n<!-- begin sums -->\n<!-- end sums -->\n"
Figures = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with one page, and a command that fills it."""
    files = {
        "benchmarks/__init__.py": "",
        "benchmarks/sums.py": SUMS,
        "benchmarks/harness/cli.py": "",
        "src/learn/loss.py": "def loss(x):\n    return x\n",
        "src/senpath/cli/main.py": "",
        "src/other/page.py": "",
        "docs/results/sums.md": PAGE,
        "docs/results/measured.json": "{}",
        ".gitignore": "runs/\n__pycache__/\n",
        "Makefile": "check:\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copytree(ROOT / "benchmarks/figures", tmp_path / "benchmarks/figures", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "benchmarks/figures/figures.toml").write_text(FIGURES)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "begin")
    return tmp_path


@pytest.fixture
def figures(place: Path) -> Figures:
    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(*words), cwd=place, env=variables(place, **environment), capture_output=True, text=True, check=False)

    return run


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.figures", *words]


def variables(place: Path, **more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{place}:{ROOT / 'src'}"} | more


def git(place: Path, *words: str) -> str:
    about = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *about, *words], cwd=place, capture_output=True, text=True, check=True).stdout.strip()


def commit(place: Path, message: str) -> str:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", message)
    return git(place, "rev-parse", "--short=10", "HEAD")


def write(file: Path, text: str) -> None:
    file.write_text(text)


def test_what_is_not_declared_not_there_or_not_marked_is_named(place: Path, figures: Figures) -> None:
    page = place / "docs/results/sums.md"
    assert "table of what was measured when is missing" in figures("check").stdout
    assert figures("mark").returncode == 0
    assert "| Sums | `python -m benchmarks.sums --most 3` with each of `--step 1 2` | not measured yet |" in page.read_text()
    assert (figures("check").returncode, figures("check").stdout) == (0, "")
    wrong = "`python -m benchmarks.gone`, `python -m benchmarks.sums --least 1`, `make away`\n```\npython -m benchmarks.far  # away\n```\n"
    write(page, f"{page.read_text()}<!-- begin more -->\n{wrong}")
    write(place / "docs/results/lost.png", "")
    end = figures("check")
    assert end.returncode == 1
    for line in (
        "sums.md#more: no figure of figures.toml makes it",
        "docs/results/lost.png: no figure of figures.toml makes it",
        "docs/results/sums.md: `python -m benchmarks.gone`: no module benchmarks.gone",
        "docs/results/sums.md: `python -m benchmarks.sums --least 1`: no option --least",
        "docs/results/sums.md: `python -m benchmarks.far`: no module benchmarks.far",
        "docs/results/sums.md: `make away`: no target away",
    ):
        assert line in end.stdout.splitlines()


def test_a_figure_is_marked_with_its_code_and_stale_when_that_changes(place: Path, figures: Figures) -> None:
    first = git(place, "rev-parse", "--short=10", "HEAD")
    assert figures("run", "--only", "sums").returncode == 0
    text = (place / "docs/results/sums.md").read_text()
    assert "<!-- begin sums -->\n2\n<!-- end sums -->" in text
    assert f"| Sums | `python -m benchmarks.sums --most 3` with each of `--step 1 2` | `{first}`" in text
    commit(place, "figures")

    write(place / "src/learn/loss.py", 'def loss(x):\n    """What it says."""\n    return x  # a comment\n')
    write(place / "src/other/page.py", "PAGE = 1\n")
    commit(place, "words, and code that no figure speaks of")
    assert figures("check").stdout == ""

    write(place / "src/learn/loss.py", "def loss(x):\n    return 2 * x\n")
    assert "commit first what it depends on: src/learn/loss.py" in figures("run", "--only", "sums").stdout
    second = commit(place, "another loss")
    end = figures("check", "--stale")
    assert end.returncode == 0, "what is stale is no error"
    assert end.stdout.startswith(f"sums, `{first}`")
    assert end.stdout.rstrip().endswith(": src/learn/loss.py")
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does when it has enough
    end = subprocess.run(command("check", "--stale"), cwd=place, env=variables(place), stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (end.returncode, end.stderr) == (128 + signal.SIGPIPE, b"")
    figures("run", "--only", "sums")
    assert json.loads((place / "docs/results/measured.json").read_text())["sums"]["commit"] == second


@pytest.mark.slow("starts the command many times")
def test_output_that_is_brought_in_by_hand_is_marked_when_it_was(place: Path, figures: Figures) -> None:
    write(place / "benchmarks/figures/figures.toml", FIGURES.replace('name = "times"', 'name = "times"\nneeds = ["luck"]'))
    assert "needs of chromium" in figures("plan").stderr
    write(place / "benchmarks/figures/figures.toml", FIGURES)
    assert "takes some 2 minutes" in figures("run", "--only", "times", "--minutes", "0.5").stdout, "it could not go on later"
    figures("run", "--only", "times")
    assert "to be brought into the page" in figures("plan").stdout
    assert figures("mark", "times").returncode == 0
    kept = json.loads((place / "docs/results/measured.json").read_text())["times"]
    assert "exact" not in kept
    figures("mark", "sums.md")
    assert "at or before" in (place / "docs/results/sums.md").read_text(), "of what its command alone wrote the page"


@pytest.mark.slow("kills runs, and waits for them")
def test_a_run_that_is_killed_or_out_of_time_goes_on(place: Path, figures: Figures) -> None:
    records = place / "runs/figures/sums"
    running = subprocess.Popen(command("run", "--only", "sums"), cwd=place, env=variables(place, SLOW="1"), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (records / "0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = int((records / "0").read_text())
    running.send_signal(signal.SIGKILL)
    running.wait()
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < deadline, "the command outlives who started it"
        time.sleep(0.05)
    assert "begun" in figures("plan").stdout

    out_of_time = figures("run", "--only", "sums", "--minutes", "0.02", SLOW="1")
    assert "sums: stopped after" in out_of_time.stdout
    assert out_of_time.returncode == 0
    assert (records / "0").read_text() == str(worker), "what is done is not done again"

    figures("run", "--only", "sums")
    assert (records / "0").read_text() == str(worker)
    assert json.loads((place / "docs/results/measured.json").read_text())["sums"]["minutes"] > 0


@pytest.mark.slow("kills a run")
def test_a_run_whose_code_has_changed_begins_anew_unless_told_to_go_on(place: Path, figures: Figures) -> None:
    first = git(place, "rev-parse", "--short=10", "HEAD")
    records = place / "runs/figures/sums"
    figures("run", "--only", "sums", "--minutes", "0.02", SLOW="1")
    worker = (records / "0").read_text()
    write(place / "src/learn/loss.py", "def loss(x):\n    return 2 * x\n")
    second = commit(place, "another loss")
    assert "its code or command has changed since" in figures("plan").stdout
    shutil.copytree(place, place.with_name("kept"))
    subprocess.run(
        command("run", "--only", "sums", "--keep"), cwd=place.with_name("kept"), env=variables(place.with_name("kept")), check=True
    )
    kept = json.loads((place.with_name("kept") / "docs/results/measured.json").read_text())
    assert kept["sums"]["commit"] == first
    figures("run", "--only", "sums")
    assert json.loads((place / "docs/results/measured.json").read_text())["sums"]["commit"] == second
    assert (records / "0").read_text() != worker


@pytest.mark.slow("imports every benchmark")
def test_benchmarks_understand_the_commands_that_are_declared() -> None:
    records, tried = Path("runs/figures"), 0
    for figure in read_figures():
        module = figure.words[2] if figure.words[:2] == ["python", "-m"] else ""
        if module.startswith("benchmarks."):
            package = (ROOT / module.replace(".", "/")).is_dir()
            benchmark = getattr(importlib.import_module(f"{module}.__main__" if package else module), "BENCHMARK", None)
            if benchmark is not None:
                for words in commands_of(figure, records):
                    assert benchmark.parser().parse_args(words[3:]).folder == records / figure.name
                assert {*figure.sections} <= {*benchmark.sections}, figure.name
                assert (benchmark.page or f"{benchmark.name}.md") == figure.page, figure.name
                tried += 1
    assert tried > 30
