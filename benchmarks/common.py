"""What the benchmark scripts share: tables in Markdown, and their place in a results page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS = DOCS / "results"
T = TypeVar("T")


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± sample standard deviation over seeds."""
    array = np.asarray(values, dtype=float)
    deviation = f" ± {array.std(ddof=1):.{digits}f}" if len(array) > 1 else ""
    return f"{array.mean():.{digits}f}{deviation}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


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
