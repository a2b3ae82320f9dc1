"""Real file systems that are full, have no inodes left, or turn read-only while a network is open."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("full_disks.py")
NAMESPACE = ("unshare", "-Urm")
"""A user's own mounts."""


def can_mount() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow("starts a process, and fills a disk")
@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace")
@pytest.mark.parametrize("way", ["full", "few inodes", "read-only"])
def test_a_disk_that_takes_no_more(way: str, tmp_path: Path) -> None:
    run = subprocess.run([*NAMESPACE, sys.executable, str(PROGRAM), way, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["refused"] >= 2
    assert told["learned"] >= 1
