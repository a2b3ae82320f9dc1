"""The endurance test, `make endure`, for some seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow("learning, predicting and killing for a time")
def test_it_endures_for_some_seconds(tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this needs Linux, where a process can look up its own memory and open files")
    (work := tmp_path / "work").mkdir()
    table = tmp_path / "table.md"
    command = [sys.executable, "-m", "benchmarks.endurance", "--minutes", "0.2", "--seed", "1", "--table", table]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(work)}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for what in ("tasks learned", "writers killed by SIGKILL", "verifications of the whole network"):
        found = re.search(rf"^\| {what} \| ([\d,]+) \|$", table.read_text(encoding="utf-8"), re.MULTILINE)
        assert found, what
        assert int(found[1].replace(",", "")) > 0, what
    assert not list(work.glob("endurance-*"))  # torch leaves an empty folder there
    assert str(work) not in environments()


def environments() -> str:
    """What the processes of this user were started with."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            texts.append(path.read_text(errors="replace"))
        except OSError:  # another user's, or ended
            continue
    return "".join(texts)
