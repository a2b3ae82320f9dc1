"""The section of a report on which components tasks use: the matrix of probabilities, and how alike its rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pydantic
import torch

from senpath.methods.allocation.model import similarity
from senpath.sections import Cell, NetworkSummary, Section, TaskSummary
from senpath.settings import Share

GROUPS, TASKS, LAYERS = 4, 24, 12
"""At most so many groups are shown, the last ones; of each so many tasks, the first, and so many layers."""


class _Record(pydantic.BaseModel):
    """What a task's record says of its allocation: names of components, and by layer their probabilities."""

    components: Annotated[list[str], pydantic.Field(min_length=1)]
    probabilities: Annotated[list[list[Annotated[Share, pydantic.Strict()]]], pydantic.Field(min_length=1)]


_Member = tuple[TaskSummary, _Record]


def report_section(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> Section | None:
    """Every group of tasks that were learned together, the last ones; tasks of one group have their first component in common."""
    groups: dict[Any, list[_Member]] = {}
    for task in tasks.values():
        record = _read_record(task)
        if record is not None:
            key = (task.pathway.components[0], tuple(record.components), len(record.probabilities))
            groups.setdefault(key, []).append((task, record))
    shown = [_group(members) for members in list(groups.values())[-GROUPS:]]
    return Section(Path(__file__).with_name("report.html"), {"groups": shown}) if shown else None


def _read_record(task: TaskSummary) -> _Record | None:
    """None where the record, which another program may have written, does not fit."""
    try:
        record = _Record.model_validate(task.pathway.provenance.record)
    except pydantic.ValidationError:
        return None
    fits = all(len(layer) == len(record.components) for layer in record.probabilities)
    return record if fits and task.pathway.components else None


def _group(members: Sequence[_Member]) -> dict[str, Any]:
    """Tasks that were learned together: tables of layers, and one of how alike each two tasks are; its weakest colour is that of `least`.

    A row is a task, its cells, and in a layer's table how many components it uses there.
    """
    shown = members[:TASKS]
    record, depth = shown[0][1], len(shown[0][1].probabilities)
    alike = similarity(torch.tensor([each.probabilities for _, each in shown], dtype=torch.float64))
    least = float(alike.min())
    cells = [[Cell(value, round((value - least) / max(1 - least, 1e-9), 3), "right") for value in row] for row in alike.tolist()]
    return {
        "tasks": [task for task, _ in shown],
        "count": len(members),
        "components": record.components,
        "layers": [
            [_row(task, each.probabilities[place]) for task, each in shown] for place in range(min(len(record.probabilities), LAYERS))
        ],
        "depth": depth,
        "alike": [(task, row) for (task, _), row in zip(shown, cells, strict=True)],
        "least": least,
    }


def _row(task: TaskSummary, probabilities: Sequence[float]) -> tuple[TaskSummary, list[Cell], int]:
    cells = [Cell(value, round(value, 3), "right" if value > 0.5 else "refused") for value in probabilities]
    return task, cells, sum(value > 0.5 for value in probabilities)
