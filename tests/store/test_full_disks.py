"""Real file systems that are full, have no inodes left, or turn read-only while a network is open."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("full_disks.py")
NAMESPACE = ("unshare", "-Urm")
"""A user's own mounts."""


def can_mount() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What commits came to on each disk."""
    folder = tmp_path_factory.mktemp("disks")
    run = subprocess.run([*NAMESPACE, sys.executable, str(PROGRAM), str(folder)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow("starts a process, and fills disks")
@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace")
@pytest.mark.parametrize("way", ["full", "few inodes", "read-only"])
def test_a_disk_that_takes_no_more(way: str, told: dict[str, dict[str, Any]]) -> None:
    assert "error" not in told[way], told[way]["error"]
    assert told[way]["refused"] >= 2
    assert told[way]["learned"] >= 1
