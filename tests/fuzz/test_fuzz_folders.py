"""Folders and exported tasks of every method, changed at random with hashes that fit: refused or answered, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

TIMES = float(os.environ.get("SENPATH_FUZZ", "1"))
"""Multiplies the number of mutants."""


@pytest.mark.slow("makes three hundred folders and uses each, in a process of its own")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures memory as Linux tells it")
def test_three_hundred_mutants(tmp_path: Path) -> None:
    from benchmarks.fuzz_folders.__main__ import fuzz

    outcomes = fuzz(tmp_path, minutes=30, most=round(300 * TIMES), first=0, processes=1)
    assert len(outcomes) == round(300 * TIMES)
    assert [outcome for outcome in outcomes if outcome.problem is not None] == []
    assert sum(outcome.refused for outcome in outcomes) > len(outcomes) / 2, "most changes are noticed"
