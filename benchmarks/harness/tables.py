# ruff: noqa: F401
"""Tables in Markdown, and their places in the pages of docs/results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from senpath.experiments.records import Records
from senpath.reports.markdown import half_interval, interval, markdown_table, spread

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
T = TypeVar("T")


def table_of(groups: Iterable[T], columns: Mapping[str, Callable[[T], object]]) -> str:
    """A table with one row for each group; every column says what its cells show of a group."""
    return markdown_table([*columns], [[cell(group) for cell in columns.values()] for group in groups])


def mean(values: Sequence[float], digits: int = 1, *, sign: bool = False) -> str:
    """The mean of the values, or a dash if there are none."""
    return f"{np.mean(values):{'+' if sign else ''},.{digits}f}" if len(values) else "–"


def percent(right: Any) -> float:
    """Mean of yes and no, 1 and 0, in %."""
    return 100 * float(np.mean(right))


def write_section(page: Path, name: str, text: str) -> None:
    """Put `text` between the page's marks for `name`, and print it.

    Raises:
        ValueError: if the page has no such marks.
    """
    print(text, flush=True)
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if begin not in content or end not in content:
        do = "write them where the section is to stand, and run the command again with --page: what was measured is kept"
        raise ValueError(f"{page} has no marks {begin} and {end}: {do}")
    head, rest = content.split(begin, 1)
    tail = rest.split(end, 1)[1]
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
