"""What an experiment found: records, tables with intervals over the seeds, matrices, figures, pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from senpath.errors import InputError
from senpath.evaluation.metrics import AccuracyMatrix
from senpath.experiments.records import Records, setting_fields
from senpath.experiments.runs import Shots
from senpath.plugins import import_extra
from senpath.reports.markdown import markdown_table, points_interval, share_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = {
    "given": "right label, the task given (task-incremental)",
    "found": "right task and label, the task found (class-incremental)",
    "routed": "right task found",
    "label": "right label, of whatever task (domain-incremental)",
}
"""What is measured on each task's test examples, in %."""
DASH = "–"
MANY = 6
"""Of more tasks than these tables show each one's mean without its interval."""


@dataclass(frozen=True)
class TableRow:
    """One line of a table: a contender with its settings and shots.

    Args:
        label: of the contender.
        varied: settings of the grid, by name.
        shots: examples of each class that it learned from, or "all".
        records: its own, of all seeds.
    """

    label: str
    varied: Mapping[str, Any]
    shots: Shots
    records: Records

    @property
    def title(self) -> str:
        """As tables and legends print it."""
        words = [f"{name} {value}" for name, value in self.varied.items()]
        return ", ".join([self.label, *words])

    def final(self, figure: str, task: str) -> list[float]:
        """The figure of a task after the last one that was learned, in %, by seed."""
        by_seed = {record["seed"]: 100 * record[figure] for record in self.records.where(kind="score", task=task)}
        return [by_seed[seed] for seed in sorted(by_seed)]

    def so_far(self, figure: str) -> float:
        """The mean over tasks and seeds of what was measured last, in %."""
        return float(np.mean([value for task in self.records.where(kind="score").distinct("task") for value in self.final(figure, task)]))

    def matrices(self, figure: str) -> list[AccuracyMatrix]:
        """The figure on every task after every task, a matrix a seed; none where only the newest task was measured."""
        made = []
        for seed, mine in sorted(self.records.where(kind="score").by("seed").items()):
            tasks = mine.distinct("after")
            values, untrained = np.full((len(tasks), len(tasks)), np.nan), np.full(len(tasks), np.nan)
            for record in mine:
                values[tasks.index(record["after"]), tasks.index(record["task"])] = record[figure]
            for record in self.records.where(kind="before", seed=seed) if figure == "given" else ():
                place = tasks.index(record["task"])
                values[place - 1, place], untrained[place] = record["given"], record["untrained"]
            if not np.isnan(values[np.tril_indices(len(tasks))]).any():
                made.append(AccuracyMatrix(tuple(tasks), values, untrained))
        return made


@dataclass(frozen=True)
class ExperimentResults:
    """What is known of an experiment, at its end or on the way.

    Attributes:
        name, about, command, stream: see `senpath.experiments.plan.ExperimentPlan`.
        tasks: of the stream, in order.
        contenders: label, settings of the grid, what it is, and all settings of each.
        grid: names of settings that vary.
        shots: see `ExperimentPlan`.
        seeds: see `ExperimentPlan`.
        branched: whether few shots are of the newest task only.
        records: all that was measured: of kind "score" (shares in 0 … 1 of a `task` `after` a task) and "learned" (seconds, examples,
            weights, weights activated).
        done, runs: runs that are done, and all.

    Example:
        >>> from senpath.testing import ConstantMethod
        >>> results = sp.experiment(sp.read(x[y < 4], y[y < 4]), {"constant": ConstantMethod}, seeds=1, split=2, holdout=0.3)
        >>> len(results.tasks), len(results.records) > 0
        (2, True)
    """

    name: str
    about: str
    command: str
    stream: str
    tasks: tuple[str, ...]
    contenders: tuple[tuple[str, Mapping[str, Any], str, Mapping[str, Any]], ...]
    grid: tuple[str, ...]
    shots: tuple[Shots, ...]
    seeds: tuple[int, ...]
    branched: bool
    records: Records
    done: int
    runs: int

    def __repr__(self) -> str:
        return (
            f"ExperimentResults({self.name!r}, {len(self.contenders)} contenders, {len(self.tasks)} tasks, {self.done} of {self.runs} runs)"
        )

    def _repr_markdown_(self) -> str:
        return "\n\n".join(f"**{FIGURES[figure]}, %**\n\n{self.table(figure)}" for figure in ("given", "found"))

    def rows(self) -> list[TableRow]:
        """The lines of the tables for which there are records."""
        made = []
        for label, varied, _, _ in self.contenders:
            mine = self.records.where(method=label, **setting_fields(varied))
            parts = [TableRow(label, varied, shots, mine.where(shots=shots)) for shots in self._all_shots()]
            made += [part for part in parts if part.records.where(kind="score")]
        return made

    def _all_shots(self) -> list[Shots]:
        return [*self.shots] if not self.branched or "all" in self.shots else [*self.shots, "all"]

    def lines_of(self, figure: str = "found") -> tuple[list[str], list[list[str]]]:
        """Columns and lines of a table, as text: after the last task the mean of all (ACC), backward transfer, forgetting, forward transfer
        where it was measured, and each task's. Where a contender cannot take some task, or has not come to it, ACC says of how many it is.

        Args:
            figure: one of `FIGURES`.
        """
        _check(figure)
        several = len(self._all_shots()) > 1
        names = {"BWT": "bwt", "forgetting": "forgetting"}
        if figure == "given" and self.records.where(kind="before"):
            names["FWT"] = "fwt"
        lines = []
        for row in self.rows():
            shares = [_share_told(row.final(figure, task), short=len(self.tasks) > MANY) for task in self.tasks]
            matrices = row.matrices(figure)
            by_seed = [row.final(figure, task) for task in self.tasks]
            whole = [values for values in by_seed if values]
            means = [float(np.mean(values)) for values in zip(*whole, strict=False)]
            more = [_told([100 * getattr(matrix, name) for matrix in matrices]) for name in names.values()]
            acc = _share_told(means) + (f" ({len(whole)} of {len(self.tasks)} tasks)" if len(whole) < len(self.tasks) else "")
            lines.append([row.title, *([str(row.shots)] if several else []), acc, *more, *shares])
        return ["method", *(["shots"] if several else []), "ACC", *names, *self.tasks], lines

    def table(self, figure: str = "found") -> str:
        """A table in Markdown: mean and 95 % interval over the seeds, in % and points; see `lines_of`.

        Raises:
            InputError: for an unknown figure.
        """
        return markdown_table(*self.lines_of(figure))

    def costs(self) -> str:
        """A table of what learning took: seconds for the stream, weights at the end, weights that run for a task."""
        lines = []
        for row in self.rows():
            learned = row.records.where(kind="learned")
            if not learned:
                continue
            runs = [*learned.by("seed").values()]
            figures = [
                np.mean([run.mean("seconds") * len(run) for run in runs]),
                np.mean([run[-1]["weights"] for run in runs]),
                learned.mean("activated"),
            ]
            lines.append([row.title, str(row.shots), f"{figures[0]:,.1f}", f"{figures[1]:,.0f}", f"{figures[2]:,.0f}"])
        return markdown_table(["method", "shots", "seconds", "weights", "weights that run for a task"], lines)

    def to_pandas(self) -> Any:
        """The records as a pandas DataFrame, a line each.

        Raises:
            MissingExtraError: without pandas.
        """
        return import_extra("pandas", "records as a DataFrame", "dev").DataFrame(list(self.records))

    def plot(self, figure: str = "found", path: str | Path | None = None) -> Figure:
        """Draw the mean of all tasks so far after each task, with the seeds' 95 % interval as a band.

        Args:
            figure: one of `FIGURES`.
            path: a file to draw into; its ending says the format.

        Raises:
            InputError: for an unknown figure, or a file that cannot be written.
            MissingExtraError: without matplotlib.
        """
        from senpath.experiments.drawing import draw  # loads matplotlib

        _check(figure)
        return draw(self, figure, path)

    def save(self, folder: str | Path) -> Path:
        """Write the experiment as a page in a folder: `NAME.md`, `NAME.html` and its figures; returns the Markdown's path.

        Raises:
            InputError: if the folder cannot be written.
        """
        from senpath.experiments.page import write_pages  # loads templates

        return write_pages(self, Path(folder))


def _check(figure: str) -> None:
    if figure not in FIGURES:
        raise InputError("figure", expected=f"one of {', '.join(FIGURES)}", got=repr(figure))


def _told(values: Sequence[float]) -> str:
    """Mean and interval of figures in points."""
    known = [value for value in values if not math.isnan(value)]
    return points_interval(known) if known else DASH


def _share_told(values: Sequence[float], *, short: bool = False) -> str:
    """Mean and interval of shares in %, or the mean alone."""
    known = [value for value in values if not math.isnan(value)]
    return DASH if not known else f"{np.mean(known):.1f}" if short else share_interval(known)
