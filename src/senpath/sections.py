"""What a method's section of a report is made of: the network as the page shows it, axes and heat tables that all sections draw alike."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, NamedTuple

from senpath.pathways import Link, Pathway
from senpath.snapshot import TaskInfo
from senpath.types import DataType

CHART_HEIGHT, LABEL_GAP = 320, 19
"""Of a large chart, and between the labels of two lines in it, in CSS pixels."""
GAP = 100 * LABEL_GAP / CHART_HEIGHT
"""The same in percent of the chart."""
LONGEST = 40
"""Characters of a word on a page; one that is longer is cut."""


@dataclass(frozen=True)
class TaskSummary:
    """One task, as a report shows it.

    Attributes:
        name: as the user gave it: any printable text.
        colour: place among the page's colours.
        data_type: of its inputs.
        parts: weights that answering one input runs, its pathway being the only candidate: its "own" components, "links", layers that links
            "read", the "dispatcher" of the data type, the pretrained "encoder".
        share: of all weights of the network, the part that `parts` is, in 0 … 1.
        accuracy, accuracy_unlabelled: the latest figures, with the task given and without, measured at version `measured`; None if there
            are none. R² below 0 counts as 0.
        learned: the version that brought it, at `time` (as the log has it, or "").
        log_entry: that brought it; empty where the log has none.
    """

    name: str
    colour: int
    info: TaskInfo
    data_type: DataType
    pathway: Pathway
    parts: Mapping[str, int]
    share: float
    accuracy: float | None
    accuracy_unlabelled: float | None
    measured: int
    learned: int
    time: str
    log_entry: Mapping[str, Any]


@dataclass(frozen=True)
class NetworkSummary:
    """A network, as a report shows it.

    Attributes:
        name: of its folder.
        tasks: by name, in the order of learning.
        weights: see `Network.weights`.
        sizes: number of weights of each component, by hash.
        log: see `Network.log`.
        time: when this was read, UTC.
    """

    name: str
    version: int
    tasks: Mapping[str, TaskSummary]
    weights: Mapping[str, int]
    sizes: Mapping[str, int]
    log: Sequence[Mapping[str, Any]]
    time: datetime

    def lender(self, task: TaskSummary, source: Link | str) -> TaskSummary | None:
        """The task that another one borrows from, by a link or by its name in a record; None if it is gone.

        One that has its name since is another: of a link identities tell, of a name when they were learned.
        """
        if not isinstance(source, str) and source.source_id:
            lender = self.tasks.get(source.source)
            return lender if lender is not None and source.reads_from(lender.pathway) else None
        lender = self.tasks.get(self.present_name(source, task.learned) if isinstance(source, str) else source.source)
        if lender is None:
            return None
        changed = [revision.version for revision in task.pathway.provenance.revisions]
        return lender if lender.learned <= max([task.learned, *changed]) else None

    @cached_property
    def _renames(self) -> list[Mapping[str, Any]]:
        """The log's entries by which names of tasks change; none if none was ever renamed."""
        if not any(isinstance(entry.get("renamed"), dict) for entry in self.log):
            return []
        return [entry for entry in self.log if {"renamed", "removed", "rollback"} & entry.keys()]

    def present_name(self, name: str, version: int) -> str:
        """What the task is called now that had this name at a version; the same if it is gone, or was never renamed."""
        later = [entry for entry in self._renames if entry["version"] > version]
        then: list[tuple[int, str | None]] = [(version, name)]
        for entry in later:
            now, renamed = then[-1][1], entry.get("renamed")
            if isinstance(renamed, dict) and renamed.get("from") == now:
                now = str(renamed.get("to"))
            elif "rollback" in entry:
                place = bisect_right(then, entry["rollback"], key=lambda known: known[0])  # versions grow
                now = then[place - 1][1] if place else now
            elif now in (entry.get("removed") or ()):
                now = None
            then.append((entry["version"], now))
        return then[-1][1] or name

    def lenders(self, task: TaskSummary) -> tuple[str, ...]:
        """Names of the tasks that a task's links read from, each once; of those that are gone with a word that says so."""
        links = task.pathway.links
        return tuple(dict.fromkeys(link.source if self.lender(task, link) is not None else f"{link.source} (removed)" for link in links))


@dataclass(frozen=True)
class Section:
    """What a report says of the tasks of one method. A method offers it by `report_section`, see `senpath.snapshot.Method`.

    Args:
        template: a Jinja template of a `<section>`. It may import the macros `cut`, `dot` and `plural` from "macros.html", and use the
            filters `percent`, `points`, `short`, `count` and `moment`. None where there is only something `borrowed`; the page draws that.
        values: what the template shows.
        borrowed: by task, names of the tasks that it has something of without a link.
        part: what that is, such as "layers".
    """

    template: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    borrowed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    part: str = ""


class Cell(NamedTuple):
    """A share, in 0 … 1, in a heat table, how strongly it is coloured, and in which colour: "right", "wrong" or "refused"."""

    share: float
    strength: float
    kind: str


class Tick(NamedTuple):
    """A label of an axis, at `place` percent."""

    place: float
    text: str
    more: str = ""


class Axis(NamedTuple):
    """Round numbers along an axis, ascending and equally far apart, and the digits behind the point that tell them apart."""

    values: tuple[float, ...]
    digits: int

    @classmethod
    def over(cls, low: float, high: float, steps: int) -> Axis:
        """Round values from `low` or less to `high` or more, about so many steps."""
        raw = max(high - low, 1e-3 * max(abs(high), 1e-3)) / steps
        unit = 10.0 ** floor(log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)
        first, last = floor(round(low / step, 6)), ceil(round(high / step, 6))
        first -= first == last
        digits = max(0, -floor(log10(step) + 1e-9))
        return cls(tuple(round(step * place, digits) for place in range(first, last + 1)), digits)

    def across(self, value: float) -> float:
        """Where a value is, in percent from the left."""
        return round(100 * self._share(value), 2)

    def down(self, value: float) -> float:
        """Where a value is, in percent from the top."""
        return round(100 * (1 - self._share(value)), 2)

    def labels(self) -> list[tuple[float, str]]:
        """The values, and how they are written."""
        return [(value, f"{value:,.{self.digits}f}") for value in self.values]

    def _share(self, value: float) -> float:
        return (value - self.values[0]) / (self.values[-1] - self.values[0])


def spread_labels(values: Sequence[float], gap: float = GAP, low: float = GAP / 2, high: float = 100 - GAP / 2) -> list[float]:
    """Places for labels, near ascending `values`, at least `gap` apart and within low … high where there is room for all."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] + gap if placed else low))
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], placed[index + 1] - gap if index + 1 < len(placed) else high)
    return placed


def cut(text: str) -> str:
    """A text that is not too long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
