"""The documents tell the truth: their Python runs as it stands, and their links lead somewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL)
NO_RUN = re.compile(r"<!-- no-run\b[^\n]*-->\s*$")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]*)\)")
SPELLINGS = {"py", "python3", "pycon", "ipython"}


@dataclass(frozen=True)
class Block:
    """One piece of Python in a document, and the line that it begins on."""

    line: int
    code: str
    runs: bool


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = []
    for fence in FENCE.finditer(text):
        if fence["language"].strip() == "python":
            line = text.count("\n", 0, fence.start("code")) + 1
            found.append(Block(line, dedent(fence["code"]), NO_RUN.search(text, 0, fence.start()) is None))
    return found


def prose(path: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    """Names of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_there_is_something_to_run() -> None:
    assert any(block.runs for block in blocks(ROOT / "README.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_block_escapes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    languages = [fence["language"].strip().lower() for fence in FENCE.finditer(text)]
    assert not SPELLINGS & {*languages}, "write ```python, so that the block is run"
    assert text.count("```python") == len(blocks(path))
    assert len(re.findall(r"<!-- no-run\b", text)) == sum(not block.runs for block in blocks(path))


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if any(block.runs for block in blocks(path))], ids=name_of)
def test_the_python_of_a_document_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path):
        if block.runs:
            # Moved down to its place in the document, so that an error names the document's line.
            exec(compile("\n" * (block.line - 1) + block.code, str(path), "exec"), names)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(prose(path)) if not re.match(r"[a-z]+:", match["target"])]
    for target in targets:
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), f"{name_of(path)} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name_of(path)} links to {target}"
