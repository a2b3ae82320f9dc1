"""What the benchmark scripts share: tables in Markdown, and their place in a results page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS = DOCS / "results"
T = TypeVar("T")


def write_section(page: Path, name: str, text: str) -> None:
    """Put `text` between the page's marks for `name`, and print it.

    Raises:
        ValueError: if the page has no such marks.
    """
    print(text, flush=True)
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if begin not in content or end not in content:
        raise ValueError(f"{page} has no marks {begin} … {end}")
    head, rest = content.split(begin, 1)
    tail = rest.split(end, 1)[1]
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def per_seed(seeds: int, measure: Callable[[int], T], what: str) -> list[T]:
    """`measure` for seeds 0, 1, …, saying where it is."""
    results = []
    for seed in range(seeds):
        print(f"{what}: seed {seed + 1} of {seeds}", flush=True)
        results.append(measure(seed))
    return results
