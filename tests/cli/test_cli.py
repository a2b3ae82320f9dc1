"""The commands on real small files: what they print, what they leave, how they end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from senpath import Network, __version__, recorded_evaluations

Run = Callable[..., Any]
ENVIRONMENT = {**os.environ, "COLUMNS": "240", "OMP_NUM_THREADS": "1"}


def test_learning_says_what_came_of_it(senpath: Run, files: Path, tmp_path: Path) -> None:
    net = tmp_path / "my.sen"
    end = senpath("learn", net, "digits", files / "digits", "--set", "epochs=40", "--set", "hidden=32", "--set", "augment=0")
    assert end.code == 0
    assert "learned 'digits': 100 examples, 10 classes" in end.out
    assert "\n  classes: '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'\n" in end.out
    assert "version 1" in end.out
    settings = ("--shots", 5, "--seed", 3, "--set", "epochs=5", "--set", "links=similar")
    end = senpath("learn", net, "named", files / "digits", *settings)
    assert end.code == 0
    assert "learned 'named': 50 examples" in end.out
    assert "borrows from 'digits' (similarity on 50 labelled examples): " in end.out
    assert "→" in end.out
    end = senpath("learn", net, "guarded", files / "digits", *settings, "--set", "guard=true")
    assert re.search(r"transfer (kept|dropped): [\d.]+ % with it, [\d.]+ % alone, on held-out examples", end.out)
    settings = Network(net).tasks["guarded"].provenance.settings
    assert (settings["guard"], settings["links"], settings["random_state"]) == (True, "similar", 3)


@pytest.mark.parametrize(("source", "classes"), [("iris.csv", 3), ("texts.csv", 2), ("tones", 2), ("arrays.npz", 10)])
def test_every_kind_of_data_is_learned(senpath: Run, files: Path, tmp_path: Path, source: str, classes: int) -> None:
    end = senpath("learn", tmp_path / "n.sen", "task", files / source, "--set", "epochs=1", "--set", "hidden=4")
    assert end.code == 0
    assert f"{classes} classes" in end.out


def test_a_known_set_is_learned_by_its_name(senpath: Run, tmp_path: Path) -> None:
    if not os.environ.get("SENPATH_DATA"):
        pytest.skip("SENPATH_DATA is not set: this test reads real letters")
    end = senpath("learn", tmp_path / "n.sen", "capitals", "upper", "--shots", 3, "--set", "epochs=1")
    assert end.code == 0
    assert "78 examples, 26 classes" in end.out


def test_predicting_prints_a_row_per_input(senpath: Run, learned: Path, files: Path) -> None:
    pictures = sorted((files / "digits" / "4").iterdir())[:2]
    end = senpath("predict", learned, *pictures, files / "tones" / "high" / "1.wav", files / "iris.csv", "--no-reject")
    assert end.code == 0
    head, *rows = end.out.splitlines()
    assert len(rows) == 2 + 1 + 150
    assert head.endswith("weights run")
    assert [row.split()[1] for row in rows[2:4]] == ["tones", "iris"]
    assert sum("setosa" in row for row in rows) > 40


def test_predicting_with_the_task_given_and_more_answers(senpath: Run, learned: Path, files: Path) -> None:
    picture = next((files / "digits" / "4").iterdir())
    end = senpath("predict", learned, picture, "--task", "digits", "--top", 3)
    assert end.code == 0
    (line,) = (line for line in end.out.splitlines() if line.startswith(f"{picture.name}: "))
    assert line.count("digits ") == 3
    assert line.count(" %") == 3


def test_what_fits_nothing_is_said(senpath: Run, learned: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no task of this network is of texts")
    end = senpath("predict", learned, tmp_path / "a.txt")
    assert end.code == 6
    assert "nothing fits" in end.out
    explained = senpath("explain", learned, tmp_path / "a.txt")
    assert explained.code == 6
    assert "nothing fits" in explained.out


def test_the_tasks_are_listed(senpath: Run, learned: Path) -> None:
    end = senpath("tasks", learned)
    assert end.code == 0
    assert "version 4" in end.out
    for task in Network(learned).tasks:
        assert f"\n{task} " in end.out


def test_one_answer_is_explained(senpath: Run, learned: Path, files: Path) -> None:
    picture = next((files / "digits" / "4").iterdir())
    end = senpath("explain", learned, picture)
    assert end.code == 0
    for part in (picture.name, "which task? (dispatcher)", "which label?", "what ran", "ood_score", "layers that links read", "weights"):
        assert part in end.out
    why = Network(learned).explain(picture)
    assert f"{why.activated.total:,}" in end.out


def test_all_is_verified(senpath: Run, learned: Path) -> None:
    end = senpath("verify", learned)
    assert end.code == 0
    assert "version 4, 4 tasks: every hash and every probe is as it was committed" in " ".join(end.out.split())


def test_a_changed_network_is_not_verified(senpath: Run, learned: Path, tmp_path: Path) -> None:
    net = shutil.copytree(learned, tmp_path / "n.sen")
    weights = max((net / "components").glob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    end = senpath("verify", net)
    assert (end.code, end.out.strip()) == (3, "")
    assert f"content of {weights.name}: expected hash" in end.err


def test_the_sets_are_listed(senpath: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SENPATH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    end = senpath("data", "list")
    assert end.code == 0
    assert "data folder: none" in end.err
    assert all(name in end.out for name in ("fashion", "mnist", "lower", "upper", "speech"))
    monkeypatch.setenv("SENPATH_DATA", str(tmp_path / "nowhere"))
    end = senpath("data", "list")
    assert end.code == 2
    assert "SENPATH_DATA is not a folder" in end.err


@pytest.mark.parametrize("name", ["[/x] :smile:", "[bold]a[/bold]", "a\\[b", "ключ", "🙂", "-", "a b/c"])
def test_names_are_printed_as_they_are(senpath: Run, files: Path, tmp_path: Path, name: str) -> None:
    net = tmp_path / "[red]n.sen"
    source = shutil.copytree(files / "digits", tmp_path / "[data]", ignore=shutil.ignore_patterns("[2-9]"))
    end = senpath("learn", net, "--set", "epochs=1", "--set", "hidden=4", "--", name, source)
    assert end.code == 0
    assert f"learned {name!r}" in end.out
    assert name in senpath("tasks", net).out
    assert name in senpath("predict", net, next((source / "0").iterdir()), f"--task={name}").out
    assert "[data]" in senpath("predict", net, source / "none").err


def test_a_shell_completes_commands_and_options() -> None:
    program = "import sys; sys.argv[0] = 'senpath'; from senpath.cli.main import main; main()"
    for words, at, completed in ("senpath le", "1", ["learn", "learn-many"]), ("senpath learn --shot", "2", ["--shots"]):
        asked = {**ENVIRONMENT, "_SENPATH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": at}
        run = subprocess.run([sys.executable, "-c", program], env=asked, capture_output=True, text=True)
        assert (run.returncode, run.stdout.split(), run.stderr) == (0, completed, "")


def test_version_and_help(senpath: Run) -> None:
    assert senpath("--version").out.strip() == f"senpath {__version__}"
    end = senpath("--help")
    assert end.code == 0
    assert all(command in end.out for command in ("demo", "learn", "predict", "tasks", "explain", "evaluate", "report", "verify", "data"))
    assert senpath("learn", "--help").code == 0


def test_the_module_is_the_command() -> None:
    run = subprocess.run([sys.executable, "-m", "senpath", "--version"], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"senpath {__version__}\n", "")


@pytest.mark.slow("starts the command line as a process of its own")
def test_a_reader_that_leaves_early_is_no_error(learned: Path) -> None:
    script = Path(sys.executable).with_name("senpath")
    command = [script, "tasks", str(learned)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode in (0, 1)


@pytest.mark.slow("starts the command line as a process of its own")
def test_an_interrupted_lesson_leaves_the_network_and_says_so(files: Path, tmp_path: Path) -> None:
    net = tmp_path / "n.sen"
    command = [sys.executable, "-m", "senpath", "learn", str(net), "slow", str(files / "arrays.npz"), "--set", "epochs=1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as run:
        while not (net / "network.json").exists():  # made just before learning begins
            assert run.poll() is None
            time.sleep(0.05)
        time.sleep(1)
        for _ in range(20):  # a library that is imported at that moment may swallow it: then a person presses again
            run.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, err = run.communicate(timeout=6)
                break
        else:
            run.kill()
    # CPython ends by the signal itself if that came while a library ran exec(); to a shell both are 130.
    assert run.returncode in (130, -signal.SIGINT)
    left = f"This command made {net}, which is empty: learn into it, or remove the folder"
    assert err.splitlines()[-1] == f"error: interrupted; the network is as it was, at version 0. {left}"
    after = Network(net)
    after.verify()
    assert after.version == 0


@pytest.mark.slow("the demo learns five tasks")
def test_the_demo_tells_its_story(senpath: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out, started = tmp_path / "out", time.monotonic()
    (out / "demo.sen.server").mkdir(parents=True)  # what a server of an earlier demo's network kept
    end = senpath("demo", "--embedded", "--out", out)
    assert end.code == 0
    assert "warning" not in end.err
    assert not (out / "demo.sen.server").exists()
    assert time.monotonic() - started < 240
    told = " ".join(end.out.split())
    assert "Data: the embedded default. Only the MNIST digits are real; the rest is rendered by this project." in told
    for name in ("pictograms", "mnist", "lower", "upper", "speech"):
        assert f"{name} " in told
    assert "with the task given, 0 answers changed after they were first given" in told
    assert "nothing forgotten" in told
    assert "which pathways an unlabelled input activates" in told
    assert "how few weights run" in told
    assert (out / "growth.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "growth.png").stat().st_size > 20_000
    net = Network(out / "demo.sen")
    net.verify()
    assert len(net.tasks) == 5
    assert json.loads((out / "demo.sen" / "network.json").read_text())["network"]["version"] == 5
    recorded = recorded_evaluations(net)
    assert [(entry.version, list(entry.evaluation.scores)) for entry in recorded] == [(n, list(net.tasks)[:n]) for n in range(1, 6)]
    assert f"the whole report, to open in a browser: {out / 'report.html'}" in told
    page = (out / "report.html").read_text()
    for name, score in recorded[-1].evaluation.scores.items():
        assert f"</i><bdi>{name}</bdi>" in page
        assert f">{100 * score.accuracy_unlabelled:.1f}</td>" in page
