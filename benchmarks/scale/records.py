"""Figures as they were measured, one JSON object a line, so that a run that was stopped goes on and pages are made from what was kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def keep(path: Path, **figures: Any) -> None:
    """Add a record to the file, and print it."""
    line = json.dumps(figures)
    print(line, flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def kept(path: Path) -> list[dict[str, Any]]:
    """All records of the file, oldest first; none if there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
