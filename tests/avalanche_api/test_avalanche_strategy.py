"""A network driven by Avalanche, in an environment of its own: .venv-peer (`make peer`), or the Python that SENPATH_PEER names."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import senpath as sp
from tests.raising import raises_error

ROOT = Path(__file__).parents[2]
PEER = os.environ.get("SENPATH_PEER") or str(ROOT / ".venv-peer" / "bin" / "python")
slow = pytest.mark.slow("Avalanche takes seconds to load, and drives streams")


def run_peer(*program: str, folder: Path) -> str:
    """What a program of the other Python prints; nothing may be downloaded."""
    if not Path(PEER).exists():
        pytest.skip(f"needs Avalanche: make peer, or SENPATH_PEER; there is no {PEER}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run([PEER, "-W", "ignore", *program], cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    told = run_peer(str(Path(__file__).with_name("drive_network.py")), folder=tmp_path_factory.mktemp("driven"))
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def driven(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return lines[:3]


def by_experience(metrics: dict[str, float]) -> list[float]:
    return [value for name, value in sorted(metrics.items(), key=lambda item: item[0][-3:]) if name.startswith("Top1_Acc_Exp/eval")]


@slow
def test_avalanches_metrics_are_those_of_the_network(driven: list[dict[str, Any]]) -> None:
    assert [(run["kind"], run["given"]) for run in driven] == [("class", True), ("task", True), ("task", False)]
    for run in driven:
        assert run["tasks"] == ["experience 0", "experience 1", "experience 2"]
        last = run["told"][-1]
        if run["kind"] == "task":  # of two candidates that both have a label Avalanche gets the sum, which no stream here has
            assert by_experience(last) == pytest.approx([run["own"][place] for place in sorted(run["own"])], abs=0.02)
        assert all(share > 0.5 for share in by_experience(last))
        assert any(name.startswith("Loss_Stream/eval") for name in last)


@slow
def test_what_was_learned_is_not_forgotten(driven: list[dict[str, Any]]) -> None:
    given = driven[1]["told"]
    for place in range(3):
        shares = [by_experience(metrics)[place] for metrics in given]
        assert shares[place:] == [shares[place]] * (3 - place)  # the task given, to the last bit
        assert shares[-1] > 0.6
    forgotten = [value for name, value in given[-1].items() if name.startswith("StreamForgetting")]
    assert forgotten == [0.0]


@slow
def test_avalanches_loggers_write_what_was_measured(lines: list[dict[str, Any]]) -> None:
    logged = lines[3]
    assert logged["text"].count("-- >> Start of training phase << --") == 1  # one call of `train`, of three experiences
    assert logged["text"].count("Top1_Acc_Stream/eval_phase/test_stream") == 5  # before the first, after each, and at the end
    assert [(row["eval_exp"], row["training_exp"]) for row in logged["table"][-3:]] == [("0", "2"), ("1", "2"), ("2", "2")]
    assert all(float(row["eval_accuracy"]) > 0.5 for row in logged["table"][-3:])
    assert logged["board"] > 0


@slow
def test_an_experiment_on_its_experiences(lines: list[dict[str, Any]]) -> None:
    done = lines[4]
    names = [f"experience {place}" for place in range(5)]
    assert done["tasks"] == names
    assert all(about.endswith(" pictures") for about in done["read"].values())
    last = {
        (one["method"], one["task"]): one for one in done["records"] if one["kind"] == "score" and one["after"] == names[-1] and one["task"]
    }
    assert {method for method, task in last} == {"sen", "ncm"}
    assert sum(last["sen", name]["given"] for name in names) / 5 > 0.9
    assert "| sen |" in done["table"]


@slow
def test_the_documents_example_as_it_stands(tmp_path: Path) -> None:
    if "SENPATH_DATA" not in os.environ:
        pytest.skip("needs MNIST: SENPATH_DATA")
    page = (ROOT / "docs/howto/avalanche.md").read_text(encoding="utf-8")
    (tmp_path / "example.py").write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    told = run_peer("example.py", folder=tmp_path)
    assert told.splitlines()[-1] == str([f"experience {place}" for place in range(5)])
    accuracy = [float(line.split(" = ")[1]) for line in told.splitlines() if "Top1_Acc_Stream" in line]
    assert len(accuracy) == 5
    assert accuracy[-1] > 0.95
    assert (tmp_path / "split.sen" / "network.json").exists()


@pytest.mark.skipif(importlib.util.find_spec("avalanche") is not None, reason="Avalanche is installed")
def test_without_avalanche() -> None:
    sys.modules.pop("senpath.avalanche", None)
    with raises_error(sp.MissingExtraError, "senpath.avalanche", expected="avalanche", do="pip install avalanche-lib"):
        importlib.import_module("senpath.avalanche")
