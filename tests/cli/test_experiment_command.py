"""`senpath experiment`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

TEXT = """
methods = ["single", "senpath.testing:ConstantMethod"]
seeds = 9
[stream]
data = "digits.npz"
split = 2
[settings]
epochs = 1
hidden = 4
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment on four digits, in the current folder."""
    bunch = load_digits(n_class=4)
    x, y = bunch.images[:160] / 16, bunch.target[:160]
    np.savez(tmp_path / "digits.npz", x_train=x[::2], y_train=y[::2], x_test=x[1::2], y_test=y[1::2])
    (tmp_path / "two.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return Path("two.toml")


def test_it_runs_goes_on_and_writes_a_page(senpath: Any, file: Path) -> None:
    ended = senpath("experiment", file, "--jobs", 1, "--seeds", 1)
    assert ended.code == 0
    assert "the task found (class-incremental), %" in ended.out
    assert "wrote runs/two/two.md and two.html" in ended.out
    assert "2 of 2 runs" in ended.err
    assert "`senpath experiment two.toml`" in Path("runs/two/two.md").read_text(encoding="utf-8")
    again = senpath("experiment", file, "--jobs", 1, "--seeds", 1, "--json")
    assert "0 of 2 runs" not in again.err
    kinds = Counter(json.loads(line)["kind"] for line in again.out.splitlines())
    # Before it learned its second task, one of the two could say what it makes of it without a step.
    assert kinds == {"learned": 2 * 2, "score": 2 * 3, "before": 1}


def test_what_is_wrong_is_said_in_a_line(senpath: Any, file: Path) -> None:
    file.write_text(TEXT.replace("single", "singel"))
    ended = senpath("experiment", file)
    assert ended.code == 2
    assert ended.err.startswith("error: experiment two.toml: method of 'singel': expected one of sen, munet, allocation, moe, single, ")
    assert not Path("runs").exists()
    assert senpath("experiment", "none.toml").err == "error: experiment none.toml: expected a TOML file, got No such file or directory\n"
