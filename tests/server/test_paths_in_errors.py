"""No folder of this machine is named in an error, wherever a server runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from senpath.serving.errors import hide_paths


def test_without_a_working_directory_and_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    os.rmdir(tmp_path / "gone")  # as a release that another one replaced

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")  # what Python says of an account that has none

    monkeypatch.setattr(Path, "home", home)
    assert hide_paths(f"file {tmp_path / 'net.sen'}/network.json", tmp_path / "net.sen") == "file net.sen/network.json"
