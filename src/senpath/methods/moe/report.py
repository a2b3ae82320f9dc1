"""The section of a report on which experts tasks' tokens go to: a histogram for each, shown as a heat table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pydantic

from senpath.sections import Cell, NetworkSummary, Section, TaskSummary
from senpath.settings import Share

TASKS, EXPERTS = 60, 16
"""At most so many tasks, the latest, and experts are shown."""

Expert = Annotated[int, pydantic.Field(ge=0, lt=1000)]


class _Block(pydantic.BaseModel):
    """What a task's record says of one block."""

    rows: list[Annotated[int, pydantic.Strict()]]
    shares: Annotated[dict[Expert, Annotated[Share, pydantic.Strict()]], pydantic.Field(min_length=1)]


_BLOCKS = pydantic.TypeAdapter(list[_Block])


def report_section(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> Section | None:
    """The section; None where no task's record can be read."""
    known = [(task, blocks) for task in tasks.values() if (blocks := _blocks(task))]
    if not known:
        return None
    shown = known[-TASKS:]
    columns = min(EXPERTS, 1 + max(place for _, blocks in shown for block in blocks for place in block.shares))
    rows = [
        _histogram(task, place if len(blocks) > 1 else 0, block, columns) for task, blocks in shown for place, block in enumerate(blocks, 1)
    ]
    values = {"rows": rows, "columns": columns, "tasks": len(known), "shown": len(shown)}
    return Section(Path(__file__).with_name("report.html"), values)


def _histogram(task: TaskSummary, place: int, block: _Block, columns: int) -> dict[str, Any]:
    """Where one task's tokens went in one block, counted from 1, or 0 where the task has no other block with experts.

    A cell has the share of an expert; those that the task keeps, so many, are "right". `gate` is what chose, and how the task was placed.
    """
    shares = [block.shares.get(expert, 0.0) for expert in range(columns)]
    cells = [Cell(share, round(share, 3), "right" if expert in block.rows else "wrong") for expert, share in enumerate(shares)]
    provenance = task.pathway.provenance
    words = [word for word in (provenance.settings.get("gate"), provenance.record.get("embedding")) if isinstance(word, str)]
    return {"task": task, "block": place, "cells": cells, "gate": ", ".join(words), "kept": len(block.rows)}


def _blocks(task: TaskSummary) -> list[_Block]:
    """None where the record, which another program may have written, does not fit."""
    try:
        blocks = _BLOCKS.validate_python(task.pathway.provenance.record.get("experts"))
    except pydantic.ValidationError:
        return []
    return blocks if all(block.shares.keys() >= {*block.rows} for block in blocks) else []
