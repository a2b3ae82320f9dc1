"""The page docs/results/senses.md: its tables and the figure, from records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.common import RESULTS, write_section
from benchmarks.senses import peer, shots
from benchmarks.senses.figure import draw
from benchmarks.senses.scope_table import scope_tables
from benchmarks.senses.together import SENSES
from senpath.reports.markdown import interval, markdown_table, spread
from senpath.reproduce.jobs import Job, Record, read_records

PAGE = RESULTS / "senses.md"
ALLOWED = 1.0
"""Points that a cell may be below the logistic regression."""
Parts = Mapping[str, tuple[Sequence[Job], Path]]


def write(parts: Parts) -> None:
    """Put the tables of the parts that were measured into the page, and draw the figure."""
    found = {part: read_records(*where) for part, where in parts.items()}
    tables = {"few": _few, "full": _full, "borrowing": _borrowing, "scope": scope_tables, "together": _together}
    for part, records in found.items():
        if records:
            write_section(PAGE, part, tables[part](records))
    if found["few"] and found["borrowing"]:
        main = main_criterion(found["few"])
        alone = {cell: differences(some, main) for cell, some in cells(found["few"]).items()}
        draw(alone, {(f"{', '.join(cell[0])} → {cell[1]}", cell[2]): gains(some) for cell, some in pairs(found["borrowing"]).items()}, main)


def main_criterion(records: Sequence[Record]) -> str:
    """By which the logistic regressions are better on average: that is what senpath is compared with."""
    return max(peer.CRITERIA, key=lambda name: np.mean([record["logistic"][name]["accuracy"] for record in records]))


def cells(records: Sequence[Record]) -> dict[tuple[str, int], list[Record]]:
    """Records by task and shots, in the order of the page."""
    order = [(name, count) for name in shots.FEW for count in shots.SHOTS]
    found = {key: [one for one in records if (one["task"], one["shots"]) == key] for key in order}
    return {key: some for key, some in found.items() if some}


def differences(records: Sequence[Record], criterion: str) -> list[float]:
    """senpath less the logistic regression, in points, of each record."""
    return [record["sen"] - record["logistic"][criterion]["accuracy"] for record in records]


def pairs(records: Sequence[Record]) -> dict[tuple[tuple[str, ...], str, int], list[Record]]:
    """Records by what was learned before, task and shots."""
    found: dict[tuple[tuple[str, ...], str, int], list[Record]] = {}
    for one in records:
        found.setdefault((tuple(one["sources"]), one["target"], one["shots"]), []).append(one)
    return found


def gains(records: Sequence[Record]) -> list[float]:
    """With default settings less alone, in points, of each record."""
    return [record["default"] - record["alone"] for record in records]


def _few(records: Sequence[Record]) -> str:
    main, rows, below = main_criterion(records), [], []
    for (name, count), some in cells(records).items():
        gaps = differences(some, main)
        if np.mean(gaps) < -ALLOWED:
            below.append(f"{name} at {count} shots ({np.mean(gaps):+.1f})")
        peers = [spread([one["logistic"][criterion]["accuracy"] for one in some]) for criterion in peer.CRITERIA]
        seconds = [f"{np.median([one[key] for one in some]):.1f}" for key in ("seconds", "seconds of search")]
        rows.append([name, count, len(some), spread([one["sen"] for one in some]), *peers, interval(gaps, sign=True), *seconds])
    columns = ["task", "shots", "seeds", "senpath", *(f"LR by {criterion}" for criterion in peer.CRITERIA)]
    columns += [f"difference to LR by {main} [95 %]", "seconds to learn", "seconds of LR's search"]
    gaps = [float(np.mean(differences(some, main))) for some in cells(records).values()]
    means = ", ".join(f"by {name} {np.mean([one['logistic'][name]['accuracy'] for one in records]):.2f} %" for name in peer.CRITERIA)
    short = f"more than {ALLOWED:g} point below in {len(below)}" + (f": {', '.join(below)}" if below else "")
    text = (
        f"Mean difference over the {len(gaps)} cells: {np.mean(gaps):+.2f} points; above 0 in {sum(gap > 0 for gap in gaps)}, {short}. "
        f"Logistic regression on average over all runs: {means}."
    )
    return markdown_table(columns, rows) + "\n\n" + text


def _full(records: Sequence[Record]) -> str:
    main, rows = main_criterion(records), []
    for one in records:
        peers = [one["logistic"][criterion] for criterion in peer.CRITERIA]
        gap = one["sen"] - one["logistic"][main]["accuracy"]
        found = [f"{logistic['accuracy']:.1f} (C = {logistic['choice']['strength']:g})" for logistic in peers]
        rows.append([one["task"], one["examples"], one["classes"], f"{one['sen']:.1f}", *found, f"{gap:+.1f}", f"{one['seconds']:.0f}"])
    columns = ["task", "examples", "classes", "senpath", *(f"LR by {criterion}" for criterion in peer.CRITERIA)]
    return markdown_table([*columns, f"difference to LR by {main}", "seconds to learn"], rows)


def _borrowing(records: Sequence[Record]) -> str:
    rows = []
    for (sources, target, count), some in pairs(records).items():
        linked = [one for one in some if one["linked to"]]
        names = sorted({name for one in linked for name in one["linked to"]})
        link = f"{len(linked)} of {len(some)}" + (f", to {' or '.join(names)}" if len(sources) > 1 and names else "")
        highest = spread([max(one["notes"]["tried_sources"].values(), default=0.0) for one in some], 2)
        apart = [one["notes"]["separability"] for one in some if "separability" in one["notes"]]
        accuracies = [spread([one[way] for one in some]) for way in ("alone", "default")]
        row = [", ".join(sources), target, count, *accuracies, interval(gains(some), sign=True), link, highest]
        rows.append([*row, spread(apart, 2) if apart else "–"])
    columns = ["learned before", "task", "shots", "alone", "default", "gain [95 %]", "linked", "highest share", "classes told apart"]
    return markdown_table(columns, rows)


def _together(records: Sequence[Record]) -> str:
    texts = []
    for sense, count in dict.fromkeys((one["sense"], one["shots"]) for one in records):
        some = [one for one in records if (one["sense"], one["shots"]) == (sense, count)]
        title = f"{len(SENSES[sense])} {sense} tasks, " + (f"{count} examples a class" if count else "all examples")
        texts.append(f"{title} ({len(some)} seed{'s' if len(some) > 1 else ''}):\n\n{_routes(some, SENSES[sense])}")
    return "\n\n".join(texts)


SHARES = ("first", "task", "among", "refused", "accuracy", "accuracy_unlabelled")


def _routes(records: Sequence[Record], names: Sequence[str]) -> str:
    rows = []
    for name in (*names, "mean"):
        mine = [[one["scores"][name]] if name in names else list(one["scores"].values()) for one in records]
        values = {key: [float(np.mean([score[key] for score in scores])) for scores in mine] for key in (*SHARES, "candidates")}
        cells = [spread([100 * value for value in values[key]]) for key in SHARES]
        links = sorted({source for one in records for source in one["links"].get(name, [])})
        rows.append([name, *cells, spread(values["candidates"], 2), ", ".join(links) or "–"])
    columns = ["task", "first choice", "answer's task", "among the candidates", "refused", "label, task given", "label, task found"]
    return markdown_table([*columns, "pathways run", "linked to"], rows)
