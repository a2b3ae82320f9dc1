"""What documents name in `code` is there: files and folders of the repository, and public names."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import senpath

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^( *)```.*?^\1```[ ]*$", re.MULTILINE | re.DOTALL)
FOLDERS = {"benchmarks", "docs", "src", "tests", "tools"}


def codes(path: Path) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", FENCE.sub("", path.read_text(encoding="utf-8"))))


def is_there(name: str) -> bool:
    """Whether there is something of this dotted name below senpath. A module alone is not imported: it may need an extra."""
    thing: Any = senpath
    parts = name.split(".")
    for place, part in enumerate(parts):
        module = ".".join(["senpath", *parts[: place + 1]])
        if hasattr(thing, "__path__") and find_spec(module) is not None:
            if place == len(parts) - 1:
                return True
            thing = import_module(module)
        elif hasattr(thing, part):
            thing = getattr(thing, part)
        else:
            return False
    return True


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_code_are_there(path: Path) -> None:
    named = {code for code in codes(path) if re.fullmatch(r"[\w-]+(/[\w.-]+)+/?", code) and code.partition("/")[0] in FOLDERS}
    gone = {code for code in named if not (ROOT / code).exists() and not re.search(r"\b[A-Z]{3,}\b", code)}  # ROOM stands for any
    assert not gone


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_in_code_are_there(path: Path) -> None:
    names = {match[1] for code in codes(path) if (match := re.fullmatch(r"(?:sp|senpath)\.([A-Za-z_][\w.]*)(\(.*\))?", code))}
    names |= {f"Network.{match[1]}" for code in codes(path) if (match := re.fullmatch(r"(?:net|Network)\.(\w+)(\(.*\))?", code))}
    assert not {name for name in names if not is_there(name)}
