"""What is wrong with figures and pages: what is not declared, commands that are not there, marks that are missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks.figures.declared import RESULTS, ROOT, Figure
from benchmarks.figures.marks import Mark, marked

PICTURES = (".png", ".svg", ".html")
SECTION = re.compile(r"<!-- begin (.*?) -->")
OPTION = re.compile(r"--[a-z][a-z-]*")
COMMAND = re.compile(
    r"(?:`|^)((?:PYTHONPATH=\S+ )?(?:python -m benchmarks\.|make |senpath (?:reproduce|bench|experiment)\b)[^`#\n]*)", re.MULTILINE
)
"""Within a line, or as a line of a block of code."""
INTERPRETERS = ("src/senpath/cli", "benchmarks/harness")
"""Where options of the command line, and those of every benchmark, are named."""


def problems(figures: list[Figure], marks: Mapping[str, Mark]) -> list[str]:
    """What has to be mended, a line each."""
    return [
        *_undeclared(figures),
        *(f"{RESULTS}/measured.json: {name} is no figure" for name in sorted({*marks} - {figure.name for figure in figures})),
        *_unmarked(figures, marks),
        *(f"figures.toml, {figure.name}: {wrong}" for figure in figures for wrong in _wrong_in(figure.command)),
        *_wrong_documents(),
    ]


def _undeclared(figures: Iterable[Figure]) -> Iterator[str]:
    """Pages, sections and pictures that no figure makes, or two do; and figures that make what is not there."""
    made = Counter(f"{figure.page}#{name}" for figure in figures for name in figure.sections)
    made.update(name for figure in figures for name in figure.files)
    pages = [path for path in sorted((ROOT / RESULTS).glob("*.md")) if not _is_index(path)]
    there = {path.relative_to(ROOT).as_posix() for folder in (RESULTS, "docs/figures") for path in (ROOT / folder).rglob("*")}
    there = {name for name in there if name.endswith(PICTURES)}
    there |= {f"{page.name}#{name}" for page in pages for name in SECTION.findall(page.read_text(encoding="utf-8")) if name != "measured"}
    yield from (f"{name}: no figure of figures.toml makes it" for name in sorted(there - {*made}))
    yield from (f"{name}: figures.toml has it, but it is not there" for name in sorted({*made} - there))
    yield from (f"{name}: made by {count} figures" for name, count in sorted(made.items()) if count > 1)
    shown = {figure.page for figure in figures}
    yield from (f"{RESULTS}/{page.name}: no figure of figures.toml stands on it" for page in pages if page.name not in shown)


def _unmarked(figures: Iterable[Figure], marks: Mapping[str, Mark]) -> Iterator[str]:
    """Pages that do not say, or say wrongly, on which code their figures were measured."""
    for page in sorted({figure.page for figure in figures if figure.page}):
        path = ROOT / RESULTS / page
        text = path.read_text(encoding="utf-8") if path.exists() else None
        if text is None:
            yield f"{RESULTS}/{page}: it is not there"
        elif text != marked(text, [figure for figure in figures if figure.page == page], marks):
            yield f"{RESULTS}/{page}: its table of what was measured when is missing or old; `python -m benchmarks.figures mark` writes it"


def _wrong_documents() -> Iterator[str]:
    """Commands in documents that are not there."""
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        if path.name == "CHANGELOG.md":  # tells of commands that were
            continue
        for command in sorted({one.strip() for one in COMMAND.findall(path.read_text(encoding="utf-8"))}):
            yield from (f"{path.relative_to(ROOT)}: {wrong}" for wrong in _wrong_in(command))


def _wrong_in(command: str) -> Iterator[str]:
    """What of a command is not there: its module, its file, its target, its parts and options."""
    words = re.sub(r'\b[A-Z_]+=("[^"]*"|\S*)|[][]', " ", command).split()
    if words[0] == "make":
        targets = re.findall(r"^([^\s:]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        yield from (f"`{command}`: no target {word}" for word in words[1:] if word not in targets)
        return
    places = [ROOT / place for place in INTERPRETERS]
    if words[:2] == ["python", "-m"] and words[2].startswith("benchmarks."):
        module = ROOT / words[2].replace(".", "/")
        places = [ROOT / "benchmarks/harness", module if module.is_dir() else module.with_suffix(".py")]
        if not places[1].exists():
            yield f"`{command}`: no module {words[2]}"
            return
    elif words[0] != "senpath":
        return
    yield from (f"`{command}`: no file {word}" for word in words if word.endswith(".toml") and "/" in word and not (_known(word)))
    source = "\n".join(file.read_text(encoding="utf-8") for place in places for file in _files(place))
    for option in OPTION.findall(command):
        if f'"{option}"' not in source and not re.search(rf"\b{option[2:].replace('-', '_')}\b", source):
            yield f"`{command}`: no option {option}"
    for part in _parts(words):
        if not re.search(rf"\b{re.escape(part)}\b", source):
            yield f"`{command}`: no part {part}"


def _parts(words: list[str]) -> list[str]:
    """Words of a benchmark before its first option, those in capitals left out, which stand for something."""
    if words[0] != "python":
        return words[1:2]
    parts = words[3:]
    options = [place for place, word in enumerate(parts) if word.startswith("-")]
    return [word for word in parts[: options[0] if options else None] if word.isalpha() and word.islower()]


def _known(word: str) -> bool:
    return "NAME" in word or (ROOT / word).exists()


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _is_index(path: Path) -> bool:
    return path.stem in ("index", "README")
