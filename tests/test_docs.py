"""The documents tell the truth: their Python and their commands run as they stand, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from benchmarks.cloud.service import environment
from senpath.cli.main import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL)
NO_RUN = re.compile(r"<!-- no-run\b[^\n]*-->\s*$")
LINK = re.compile(r"(?:\[[^\]]*\]\(|\bsrc(?:set)?=\")(?P<target>[^)\s\"]*)[)\"]")
RESULTS = re.compile(r"\]\((?P<page>[^)\s#]*results/[\w-]+\.md)")
FIGURE = re.compile(r"(?<![\w.])\d[\d,]*\.\d+(?![\w.])")
RETOLD = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("comparison.md", "faq.md", "limits.md")),
    *sorted((ROOT / "docs/methods").glob("*.md")),
]
"""Documents that repeat figures of `docs/results`."""
LANGUAGES = ("python", "sh")
SPELLINGS = {"py", "python3", "pycon", "ipython", "bash", "shell", "console", "zsh"}
HARMLESS = {"ls", "mkdir"}
EXIT_CODE = re.compile(r"# exit code (\d+)$")
"""Behind a command that is not to end with 0."""


@dataclass(frozen=True)
class Block:
    """One piece of Python, or of commands, in a document, and the line that it begins on."""

    language: str
    line: int
    code: str
    runs: bool


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    found = []
    for fence in FENCE.finditer(text):
        language = fence["language"].strip()
        if language in LANGUAGES:
            line = text.count("\n", 0, fence.start("code")) + 1
            found.append(Block(language, line, dedent(fence["code"]), NO_RUN.search(text, 0, fence.start()) is None))
    return found


def run_command(command: str) -> int:
    """Run one command of a document; returns its exit code. `senpath` runs in this process, which has loaded what it needs."""
    words = shlex.split(command, comments=True)
    if words[:1] == ["senpath"]:
        with pytest.raises(SystemExit) as end:
            main(words[1:])
        return int(end.value.code or 0)
    assert {*words[:1]} <= HARMLESS, f"only senpath, {' and '.join(sorted(HARMLESS))} are run"
    return subprocess.run(words, check=False).returncode if words else 0


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
    assert not SPELLINGS & {*languages}, "write ```python or ```sh, so that the block is run"
    assert len(re.findall(rf"```(?:{'|'.join(LANGUAGES)})\b", text)) == len(blocks(path))
    assert len(re.findall(r"<!-- no-run\b", text)) == sum(not block.runs for block in blocks(path))


@pytest.mark.usefixtures("registries")
@pytest.mark.slow("tutorials learn tasks of their own")
@pytest.mark.filterwarnings("default:.*ype hint:UserWarning", "default:Operation with range is deprecated")  # MLflow's own
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if any(block.runs for block in blocks(path))], ids=name_of)
def test_what_a_document_shows_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENPATH_DATA", raising=False)  # which a new user has not
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    if "s3://bucket/" in path.read_text(encoding="utf-8"):  # a service of this machine has that bucket
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        for name, value in environment(request.getfixturevalue("moto")).items():
            monkeypatch.setenv(name, value)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path):
        if block.runs and block.language == "python":
            # Moved down to its place in the document, so that an error names the document's line.
            exec(compile("\n" * (block.line - 1) + block.code, str(path), "exec", dont_inherit=True), names)
        elif block.runs:
            for line, command in enumerate(block.code.splitlines(), start=block.line):
                code = int(match[1]) if (match := EXIT_CODE.search(command)) else 0
                assert run_command(command) == code, f"{name_of(path)}, line {line}: {command}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(prose(path)) if not re.match(r"[a-z]+:", match["target"])]
    for target in targets:
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), f"{name_of(path)} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name_of(path)} links to {target}"


@pytest.mark.parametrize("path", RETOLD, ids=name_of)
def test_figures_are_those_of_the_pages_that_they_link_to(path: Path) -> None:
    missing = []
    for part in re.split(r"\n(?=\||[ ]*- |\n|#)", prose(path)):
        pages = [(path.parent / match["page"]).read_text(encoding="utf-8") for match in RESULTS.finditer(part)]
        if pages:
            known = {figure for page in pages for figure in FIGURE.findall(page)}
            told = FIGURE.findall(re.sub(r"\]\([^)]*\)", "]", part))
            missing += [f"{figure} in: {part.strip()[:80]}" for figure in told if figure not in known]
    assert not missing
