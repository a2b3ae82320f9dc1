"""HTML for notebooks: text is always escaped, colours are those of the notebook, and nothing is loaded from anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from senpath.errors import printable

LONGEST = 60
"""Characters of a word that are shown."""
SHOWN = 10
"""Rows of a table that are shown."""
NAMED, WIDE = 10, 90
"""Dots of a drawing that have their names below them, at most, and pixels for each."""
LINE = "1px solid rgba(128,128,128,.35)"
FAINT = "opacity:.7"
RIGHT = "text-align:right;padding:.15em .6em"
LEFT = "text-align:left;padding:.15em .6em"


class Html(str):
    """HTML as it is; any other text is escaped where it is put into a table."""

    __slots__ = ()


def word(value: object, longest: int = LONGEST) -> str:
    """A value as escaped text of at most so many characters, on one line, whatever anyone called a task or a label."""
    if isinstance(value, Html):
        return value
    if isinstance(value, float):
        return number(value)
    text = printable(value if isinstance(value, str) else str(value))
    return escape(text if len(text) <= longest else text[: longest - 1] + "…")


def number(value: float) -> str:
    """A number in three figures or so."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share in 0 … 1 in per cent; what is not defined is a dash."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[int] = ()) -> Html:
    """A table.

    Args:
        head: names of the columns.
        rows: their values; `Html` stays as it is.
        numeric: places of the columns that stand at the right.
    """
    sides = [RIGHT if place in numeric else LEFT for place in range(len(head))]
    names = "".join(f'<th style="{side};border-bottom:{LINE}">{word(name)}</th>' for name, side in zip(head, sides, strict=True))
    lines = ["".join(f'<td style="{side}">{word(value)}</td>' for value, side in zip(row, sides, strict=True)) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return Html(f'<table style="border-collapse:collapse"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>')


def facts(pairs: Mapping[str, object]) -> Html:
    """Names and values, one pair a line; what is None or empty is left out."""
    given = [(name, value) for name, value in pairs.items() if value is not None and value != "" and value != ()]
    lines = (f'<tr><th style="{LEFT};font-weight:normal;{FAINT}">{word(name)}</th><td style="{LEFT}">{word(value, 400)}</td></tr>'
             for name, value in given)  # fmt: skip
    return Html(f'<table style="border-collapse:collapse"><tbody>{"".join(lines)}</tbody></table>')


def note(text: str) -> Html:
    """A line in a fainter colour."""
    return Html(f'<div style="{FAINT};margin:.3em 0">{word(text, 400)}</div>')


def block(title: object, *parts: str) -> Html:
    """A heading and what is below it."""
    return Html(f'<div class="senpath"><div style="margin:.3em 0"><b>{word(title)}</b></div>{"".join(parts)}</div>')


def shade(share: float, text: str) -> Html:
    """A cell's text on a ground that is the darker the larger a share in 0 … 1 is."""
    strength = 0.0 if math.isnan(share) else 0.55 * min(1.0, max(0.0, share))
    return Html(
        f'<span style="display:block;text-align:right;padding:0 .4em;background:rgba(60,130,220,{strength:.2f})">{escape(text)}</span>'
    )


def more(count: int, shown: int, things: str) -> Html:
    """A line that says how many things are not shown; nothing where all are."""
    return note(f"… and {count - shown:,} more {things}") if count > shown else Html()


def arcs(names: Sequence[str], borrowed: Iterable[tuple[str, str]]) -> Html:
    """A small drawing: a dot for each thing in a row, and an arc from each one to what it borrows from.

    Args:
        names: of the things, in their order.
        borrowed: pairs (borrower, lender).
    """
    named = len(names) <= NAMED
    step, places = (WIDE if named else max(12, 600 // len(names))), {name: place for place, name in enumerate(names)}
    pairs = [(places[one], places[other]) for one, other in dict.fromkeys(borrowed) if one in places and other in places]
    highest = min(90, max([abs(one - other) for one, other in pairs], default=0) * step // 3)
    ground = highest + 12
    lines = []
    for one, other in pairs:
        start, end, rise = step * (one + 0.5), step * (other + 0.5), min(highest, abs(one - other) * step / 3)
        curve = f"M{start:.0f} {ground} Q{(start + end) / 2:.0f} {ground - 2 * rise:.0f} {end:.0f} {ground}"
        lines.append(f'<path d="{curve}" fill="none" stroke="currentColor" stroke-opacity=".45"/>')
    for place, name in enumerate(names):
        x = f"{step * (place + 0.5):.0f}"
        lines.append(f'<circle cx="{x}" cy="{ground}" r="4" fill="currentColor"><title>{word(name)}</title></circle>')
        if named:
            text = f'x="{x}" y="{ground + 18}" text-anchor="middle" font-size="11" fill="currentColor"'
            lines.append(f"<text {text}>{word(name, WIDE // 7)}</text>")
    label = f"{len(names)} tasks in the order of learning; arcs lead to those that a task borrows from"
    width, height = step * len(names), ground + (26 if named else 8)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return Html(f'<svg role="img" aria-label="{label}" {size} style="max-width:100%">{"".join(lines)}</svg>')
