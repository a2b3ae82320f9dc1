"""The mark of each figure: on which code it was measured, kept in docs/results/measured.json and shown at the end of its page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from benchmarks.figures.declared import RESULTS, ROOT, Figure

MEASURED = f"{RESULTS}/measured.json"
BEGIN, END = "<!-- begin measured -->", "<!-- end measured -->"
HEAD = """## What was measured when
| figures | command | on the code of |
|---|---|---|
"""
FOOT = "\n[Making figures again](../howto/figures.md): `python -m benchmarks.figures check` lists those whose code has changed since."


@dataclass(frozen=True)
class Mark:
    """When a figure was measured.

    Args:
        commit: whose code it was.
        day: of the last run, or of the commit.
        exact: whether it is known to have been this code; else it was this code or an earlier one.
        minutes: by the clock, all runs together; None if that was not kept.
        processor: minutes of all cores together.
    """

    commit: str
    day: str
    exact: bool = True
    minutes: float | None = None
    processor: float | None = None

    def __str__(self) -> str:
        words = f"`{self.commit}`, {date.fromisoformat(self.day):%-d %B %Y}"
        return words if self.exact else f"at or before {words}"


def read_marks() -> dict[str, Mark]:
    """Marks by the names of figures."""
    return {name: Mark(**mark) for name, mark in json.loads((ROOT / MEASURED).read_text(encoding="utf-8")).items()}


def write_marks(marks: Mapping[str, Mark]) -> None:
    """Keep the marks; one line a figure, so that two branches that measured different ones merge."""
    lines = [f"  {json.dumps(name)}: {json.dumps(_brief(mark))}" for name, mark in sorted(marks.items())]
    write_text(ROOT / MEASURED, "{\n" + ",\n".join(lines) + "\n}\n")


def mark_pages(figures: Iterable[Figure], marks: Mapping[str, Mark]) -> list[str]:
    """Bring the marks into the pages; gives the pages that changed."""
    by_page: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.page:
            by_page.setdefault(figure.page, []).append(figure)
    written = []
    for name, shown in by_page.items():
        page = ROOT / RESULTS / name
        old = page.read_text(encoding="utf-8")
        new = marked(old, shown, marks)
        if new != old:
            write_text(page, new)
            written.append(name)
    return written


def marked(text: str, figures: Iterable[Figure], marks: Mapping[str, Mark]) -> str:
    """A page with the marks of its figures at its end."""
    body = text
    if BEGIN in text and END in text:
        before, rest = text.split(BEGIN, 1)
        body = before.rstrip() + rest.split(END, 1)[1]
    rows = [f"| {_titled(figure)} | {_told(figure)} | {marks.get(figure.name, 'not measured yet')} |" for figure in figures]
    return f"{body.rstrip()}\n\n{BEGIN}\n{HEAD}" + "\n".join(rows) + f"\n{FOOT}\n{END}\n"


def _titled(figure: Figure) -> str:
    """What the page calls it, and the pictures that come with it."""
    return ", ".join([figure.what, *(f"`{Path(file).name}`" for file in figure.files)])


def _told(figure: Figure) -> str:
    """Its command, and the options that it is run with in turn."""
    return " with each of ".join([f"`{figure.command}`", *(f"`{option}`" for option in figure.over)])


def write_text(path: Path, text: str) -> None:
    """Replace a file at once, so that a run that is killed leaves the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _brief(mark: Mark) -> dict[str, object]:
    return {key: value for key, value in asdict(mark).items() if value is not None and (key, value) != ("exact", True)}
