"""What the dispatcher keeps of a task: means and covariances of features, never examples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from senpath.components import Component


@dataclass(frozen=True)
class TaskStatistics:
    """The dispatcher's knowledge of one task, from that task's examples alone.

    Args:
        columns: float32 (columns, features), mean features of groups of examples of one class. They never change.
        counts: float64 (columns,), how many different examples stand behind each.
        pooled: float64 (features · (features + 1) / 2,), the upper triangle of the covariance within the groups. Those of all tasks
            of a type are added up, each with the same weight whatever the task's size. None where a task that is counted already gets new
            columns.
        figures: "limit", the squared distance beyond which an input is too strange for the task, and "few", 1 for a task of few
            examples, else 0.
        gate: the task's own model, for the binary dispatcher.
        owners: the class of each column, an index, or None where that is not known; empty where there is one column a class, in order.
    """

    columns: np.ndarray
    counts: np.ndarray
    pooled: np.ndarray | None
    figures: dict[str, float] = field(default_factory=dict)
    gate: Component | None = None
    owners: tuple[int | None, ...] = ()


def pack(matrix: torch.Tensor) -> np.ndarray:
    """The upper triangle of a symmetric matrix, row by row, float64."""
    rows, columns = torch.triu_indices(*matrix.shape)
    packed: np.ndarray = matrix.cpu()[rows, columns].double().numpy()
    return packed


def unpack(packed: np.ndarray, width: int) -> torch.Tensor:
    """The symmetric matrix (width, width) of which `pack` kept the upper triangle, in its precision."""
    values = torch.from_numpy(packed.copy())
    matrix = torch.zeros(width, width, dtype=values.dtype)
    rows, columns = torch.triu_indices(width, width)
    matrix[rows, columns] = values
    matrix[columns, rows] = values
    return matrix
