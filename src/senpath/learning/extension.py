"""What the dispatcher is to know of a task that gets further examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.routing import TaskStatistics, collect, columns_of, is_few, merge_columns, merge_limits, statistics_of
from senpath.snapshot.view import View
from senpath.types import Examples


def extended_statistics(view: View, task: str, examples: Examples, progress: Progress = silent) -> TaskStatistics:
    """The dispatcher's statistics of a task once these examples are added.

    The examples that made the present columns are gone, so the columns are put together with those of the new examples alone, see
    `senpath.routing.merge`. Nothing is added to the covariance that all tasks have in common.

    Args:
        examples: at least one; their classes begin with the task's.
    """
    pathway, before = view.pathway(task), view.statistics(task)
    seen = pathway.provenance.examples
    few = is_few(examples.task_kind, seen + len(examples), len(examples.classes))
    features = view.feature_map(examples.data_type)
    features.module.to(view.device)
    present, read = _present(examples)
    collected = collect(read, features, view.settings.random_state, device=view.device, few=few, progress=progress)
    progress("dispatcher", len(examples), len(examples))
    new, classes = statistics_of(collected, gate=False), len(pathway.classes)
    owners: Sequence[int | None] = [present[index] for index in collected.classes.tolist()]
    if not pathway.task_kind.exclusive:  # one class of all, and another one for what came with new labels
        owners, classes = [int(len(examples.classes) > classes)] * len(owners), 1
    columns = merge_columns(columns_of(before, _owners(pathway, before)), columns_of(new, owners), classes)
    limit = before.figures["limit"]
    if len(collected.held):  # else the new limit is a guess
        limit = merge_limits(limit, seen, new.figures["limit"], len(examples))
    means, counts = np.stack([column.mean for column in columns]), np.array([column.count for column in columns])
    owners = tuple(column.of for column in columns)
    return TaskStatistics(means, counts, None, {"limit": limit, "few": float(few)}, owners=owners)


def _present(examples: Examples) -> tuple[list[int], Examples]:
    """The classes that there are examples of, and the examples with these classes alone."""
    if not examples.task_kind.exclusive:
        return [0], examples
    present, targets = torch.unique(examples.targets, return_inverse=True)
    return present.tolist(), replace(examples, targets=targets, classes=tuple(examples.classes[index] for index in present.tolist()))


def _owners(pathway: Pathway, before: TaskStatistics) -> Sequence[int | None]:
    """The class of each of a task's columns: as kept, or in order where there are as many as classes."""
    rows = len(before.columns)
    if len(before.owners) == rows:
        return before.owners
    return range(rows) if rows == pathway.task_kind.groups(len(pathway.classes)) else [None] * rows
