"""`senpath learn --method munet`: what is shown while it searches, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from senpath import Network

SMALL = (
    "--method",
    "munet",
    *(
        word
        for setting in ("schedule=evolve", "root=mlp", "generations=3", "children=2", "cycles=1", "examples=100")
        for word in ("--set", setting)
    ),
)


def test_a_table_tells_of_every_generation(senpath: Callable[..., Any], tmp_path: Path, files: Path) -> None:
    ended = senpath("learn", tmp_path / "n.sen", "digits", files / "digits", *SMALL)
    assert ended.code == 0
    assert "digits: generation 3 of 3, best score so far" in ended.err
    rows = [line for line in ended.err.splitlines() if re.search(r"best of 2", line)]
    assert len(rows) == 3
    net = Network(tmp_path / "n.sen")
    found = net.tasks["digits"].provenance.record
    assert f"path: child {found['child']}, with " in ended.out
    assert f"accounts for {found['accounted']:,.0f} parameters" in ended.out
    again = senpath("learn", tmp_path / "n.sen", "again", files / "digits", *SMALL)
    assert re.search(r"shared: (none|\d of )", again.out)


def test_a_root_that_does_not_fit_is_one_line(senpath: Callable[..., Any], tmp_path: Path, files: Path) -> None:
    ended = senpath("learn", tmp_path / "n.sen", "digits", files / "digits", "--method", "munet", "--set", "root=resnet")
    assert ended.code == 2
    assert "setting 'root': expected one of auto, cnn, vit, mlp, efficientnet-lite0, or a Root, got 'resnet'" in ended.err
    assert not (tmp_path / "n.sen").exists()
