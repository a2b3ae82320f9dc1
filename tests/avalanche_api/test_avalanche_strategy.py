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


@pytest.fixture(scope="module")
def driven() -> list[dict[str, Any]]:
    if not Path(PEER).exists():
        pytest.skip(f"needs Avalanche: make peer, or SENPATH_PEER; there is no {PEER}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    program = [PEER, "-W", "ignore", str(Path(__file__).with_name("drive_network.py"))]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def by_experience(metrics: dict[str, float]) -> list[float]:
    return [value for name, value in sorted(metrics.items(), key=lambda item: item[0][-3:]) if name.startswith("Top1_Acc_Exp/eval")]


@pytest.mark.slow("Avalanche takes seconds to load, and drives three streams")
def test_avalanches_metrics_are_those_of_the_network(driven: list[dict[str, Any]]) -> None:
    assert [(run["kind"], run["given"]) for run in driven] == [("class", True), ("task", True), ("task", False)]
    for run in driven:
        assert run["tasks"] == ["experience 0", "experience 1", "experience 2"]
        last = run["told"][-1]
        if run["kind"] == "task":  # of two candidates that both have a label Avalanche gets the sum, which no stream here has
            assert by_experience(last) == pytest.approx([run["own"][place] for place in sorted(run["own"])], abs=0.02)
        assert all(share > 0.5 for share in by_experience(last))
        assert any(name.startswith("Loss_Stream/eval") for name in last)


@pytest.mark.slow("Avalanche takes seconds to load, and drives three streams")
def test_what_was_learned_is_not_forgotten(driven: list[dict[str, Any]]) -> None:
    given = driven[1]["told"]
    for place in range(3):
        shares = [by_experience(metrics)[place] for metrics in given]
        assert shares[place:] == [shares[place]] * (3 - place)  # the task given, to the last bit
        assert shares[-1] > 0.6
    forgotten = [value for name, value in given[-1].items() if name.startswith("StreamForgetting")]
    assert forgotten == [0.0]


@pytest.mark.skipif(importlib.util.find_spec("avalanche") is not None, reason="Avalanche is installed")
def test_without_avalanche() -> None:
    sys.modules.pop("senpath.avalanche", None)
    with raises_error(sp.MissingExtraError, "senpath.avalanche", expected="avalanche", do="pip install avalanche-lib"):
        importlib.import_module("senpath.avalanche")
