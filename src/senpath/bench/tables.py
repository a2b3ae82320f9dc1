"""Tables of the page: what the records say, row by row and cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from senpath.bench.rows import ROWS
from senpath.bench.streams import STREAMS
from senpath.experiments.records import Records, differences
from senpath.reports.markdown import spread

PERCENT = ("right task", "right label", "label alone", "among", "refused known", "refused unknown", "drift")
BOUNDS = ("joint", "oracle")
"""Rows that are no answer to the question: one learns all tasks at once, one is told the task."""
CLOSE = 0.5
"""Points of % that count as a loss."""


def shots_word(shots: int | None) -> str:
    """As tables have it."""
    return "all" if shots is None else str(shots)


def cells_of(records: Records) -> list[tuple[str, int | None]]:
    """Streams and shots that were measured, in the order of the page."""
    measured = {(record["stream"], record["shots"]) for record in records if record["part"] == "task"}
    order = [*STREAMS, *sorted({stream for stream, _ in measured} - {*STREAMS})]
    return sorted(measured, key=lambda cell: (order.index(cell[0]), float("inf") if cell[1] is None else cell[1]))


def rows_of(records: Records) -> list[str]:
    """Rows that were measured, senpath's own first and in order."""
    names = [name for name in records.distinct("row") if name is not None]
    return [*(name for name in ROWS if name in names), *sorted(set(names) - {*ROWS})]


def title_of(records: Records, name: str) -> str:
    """What tables call a row."""
    return str(next(record["title"] for record in records if record.get("row") == name))


def figure_of(records: Records, name: str) -> list[float]:
    """A figure of one row in one cell for each seed, in the order of the seeds; empty if it does not have it. See `by_seed`."""
    return [*by_seed(records, name).values()]


def by_seed(records: Records, name: str) -> dict[int, float]:
    """A figure of one row in one cell, by seed in ascending order.

    Args:
        records: of that row and cell.
        name: one of `senpath.bench.measure.FORMULAS`.
    """
    part, field = {
        "AUROC": ("unknown", "AUROC"),
        "refused known": ("task", "refused"),
        "refused unknown": ("unknown", "refused"),
        "weights": ("cost", "weights"),
        "ms": ("cost", "ms"),
        "µs": ("cost", "µs"),
        "ms ratio": ("cost", "ms ratio"),
        "µs ratio": ("cost", "µs ratio"),
    }.get(name, ("task", name))
    groups = sorted(records.where(part=part).by("seed").items())
    values = {seed: mine.values(field, 100 if name in PERCENT else 1) for seed, mine in groups}
    return {seed: float(np.mean(mine)) for seed, mine in values.items() if mine}


def short_rows(records: Records, figure: str) -> tuple[list[str], list[list[str]]]:
    """One figure of all rows in all cells: titles and rows of a table. The best answer to the question is bold."""
    cells, names = cells_of(records), rows_of(records)
    best = {}
    for stream, shots in cells:
        means = {name: figure_of(records.where(stream=stream, shots=shots, row=name), figure) for name in names if name not in BOUNDS}
        known = {name: float(np.mean(values)) for name, values in means.items() if values}
        best[stream, shots] = max(known, key=lambda name: known[name], default=None)
    table = []
    for name in names:
        line = [title_of(records, name)]
        for stream, shots in cells:
            values = figure_of(records.where(stream=stream, shots=shots, row=name), figure)
            text = spread(values) if values else "–"
            line.append(f"**{text}**" if best[stream, shots] == name else text)
        table.append(line)
    return ["row", *(f"{stream}, {shots_word(shots)}" for stream, shots in cells)], table


def cell_rows(records: Records) -> tuple[list[str], list[list[str]]]:
    """All figures of the rows in one cell."""
    titles = ["row", *PERCENT[:4], "candidates", "AUROC", *PERCENT[4:], "weights", "ms", "µs"]
    table = []
    for name in rows_of(records):
        mine = records.where(row=name)
        if not figure_of(mine, "right task"):
            continue
        line = [title_of(records, name), *(_cell(mine, figure) for figure in titles[1:-3])]
        table.append([*line, _count(figure_of(mine, "weights")), *(_time(mine, unit) for unit in ("ms", "µs"))])
    return titles, table


def task_rows(records: Records, row: str) -> tuple[list[str], list[list[str]]]:
    """What became of each task's inputs in one cell, and which task most of those went to that did not find theirs."""
    table = []
    for task, mine in records.where(part="task", row=row).by("task").items():
        went: dict[str, int] = {}
        for record in mine:
            for other, count in record["went to"].items():
                went[other] = went.get(other, 0) + count
        most = max(went, key=lambda other: went[other], default="–")
        cells = [spread(mine.values(name, 100)) for name in ("right task", "right label", "among")]
        table.append([task, *cells, spread(mine.values("candidates"), 2), spread(mine.values("refused", 100)), most])
    return ["task", "right task", "right label", "among", "candidates", "refused", "others go to"], table


def losses(records: Records, row: str = "senpath") -> list[str]:
    """In words, where another row that answers the same question is better by more than CLOSE points, over the seeds that both have."""
    lines = []
    for stream, shots in cells_of(records):
        cell = records.where(stream=stream, shots=shots)
        for figure in ("right task", "right label", "AUROC"):
            scale = 100 if figure == "AUROC" else 1
            ours, better = by_seed(cell.where(row=row), figure), []
            for other in rows_of(cell):
                ahead = differences(by_seed(cell.where(row=other), figure), ours)
                points = float(scale * np.mean(ahead)) if ahead else 0.0
                if other not in (row, *BOUNDS) and points > CLOSE:
                    seeds = f"{len(ahead)} seed{'' if len(ahead) == 1 else 's'}"
                    better.append((points, f"{title_of(records, other)} ahead by {points:.1f} ({seeds})"))
            if better:
                said = ", ".join(words for _, words in sorted(better, reverse=True))
                lines.append(f"{stream}, {shots_word(shots)} shots, {figure}: {said}")
    return lines


def _cell(mine: Records, figure: str) -> str:
    values = figure_of(mine, figure)
    if not values:
        return "–"
    return spread(values, 3 if figure == "AUROC" else 2 if figure == "candidates" else 1)


def _count(values: Sequence[float]) -> str:
    return f"{np.mean(values):,.0f}" if values else "–"


def _time(mine: Records, unit: str) -> str:
    values: Any = figure_of(mine, unit)
    if not values:
        return "–"
    return f"{_short(float(np.median(values)))} ({_short(float(np.median(figure_of(mine, f'{unit} ratio'))))} ×)"


def _short(value: float) -> str:
    """About two digits."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
