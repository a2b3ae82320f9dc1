"""What a row of the benchmark is: it learns tasks one after another, and answers inputs whose task nobody says.

The harness makes a row for each type of data of a cell, calls `learn` with its tasks in order and then `answer` with inputs. All rows read
the same encoded inputs and the same features of them, those of the network's dispatcher.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import torch

from senpath.training import Augmentation
from senpath.types import DataType, Examples

Read = Callable[[torch.Tensor], torch.Tensor]
"""From encoded inputs (n, …) to the dispatcher's features (n, features)."""


@dataclass(frozen=True)
class BenchCell:
    """What is measured together.

    Args:
        stream: name of a stream.
        shots: examples of a class to learn from, or as many as there are; None is all.
        seed: draws the examples, and whatever a row draws.
        folder: where learned pathways and encoded sets of this run are kept.
        sense: name of the type of data; "" where the cell has several.

    Example:
        >>> from senpath.bench import BenchCell
        >>> BenchCell("alphabets", shots=5, seed=0, folder=Path("kept")).shots
        5
    """

    stream: str
    shots: int | None
    seed: int
    folder: Path
    sense: str = ""

    @property
    def name(self) -> str:
        """As files are called."""
        return f"{self.stream}-{'all' if self.shots is None else self.shots}-{self.seed}"


@dataclass(frozen=True, eq=False)
class TaskLesson:
    """One task to learn.

    Args:
        task: its name.
        examples: encoded inputs, targets (int64, places in `examples.classes`) and classes.
        read: gives the dispatcher's features.

    Example:
        >>> from senpath.bench import TaskLesson
        >>> examples = net.encode_examples(x, y)
        >>> TaskLesson("low", examples, lambda inputs: inputs.flatten(1)).examples.classes
        (0, 1, 2, 3, 4)
    """

    task: str
    examples: Examples
    read: Read

    @cached_property
    def features(self) -> torch.Tensor:
        """The dispatcher's features of the examples, float32 (n, features)."""
        return self.read(self.examples.inputs)

    def distorted(self, copies: int, seed: int) -> torch.Tensor:
        """Features of so many distorted copies of each example of pictures, float32 (n · copies, features), one's copies together."""
        generator = torch.Generator().manual_seed(seed)
        return self.read(Augmentation(distortion=1.0)(self.examples.inputs.repeat_interleave(copies, 0), generator))


class Unlabelled:
    """Inputs without their tasks.

    Args:
        inputs: encoded, float32 (n, …).
        read: gives the dispatcher's features.

    Example:
        >>> from senpath.bench import Unlabelled
        >>> import torch
        >>> asked = Unlabelled(torch.zeros(2, 1, 8, 8), lambda inputs: inputs.flatten(1))
        >>> tuple(asked.inputs.shape)
        (2, 1, 8, 8)
    """

    def __init__(self, inputs: torch.Tensor, read: Read) -> None:
        self.inputs, self._read = inputs, read

    def __len__(self) -> int:
        return len(self.inputs)

    @cached_property
    def features(self) -> torch.Tensor:
        """The dispatcher's features, float32 (n, features). Computing them counts as time of the row that first reads them."""
        return self._read(self.inputs)


@dataclass(frozen=True, eq=False)
class RowAnswers:
    """What a row says of n inputs.

    Args:
        task: int64 (n,), the place of the task in the order of learning; also where the input is refused.
        label: int64 (n,), the place of the label in that task's classes.
        candidates: int64 (n, k), places of the tasks that came into question, the likelier first; −1 for none.
        ood_score: float64 (n,), the higher, the less the input fits any task; None if the row does not say.
        refused: bool (n,), whether the row would rather not answer; None if it always answers.
        weights: numbers that one input was computed with, on average, the features' own included.

    Example:
        >>> from senpath.bench import RowAnswers
        >>> one = np.zeros(1, dtype=np.int64)
        >>> RowAnswers(one, one, one[:, None], None, None, weights=10).weights
        10
    """

    task: np.ndarray
    label: np.ndarray
    candidates: np.ndarray
    ood_score: np.ndarray | None
    refused: np.ndarray | None
    weights: float


class BenchRow(Protocol):
    """A row of the tables.

    A class with these attributes is a row; it is made with a `Cell` for every type of data. `senpath bench routing --row FILE.py:CLASS`
    measures it, and an installed package offers one by an entry point of the group `senpath.bench.rows`.

    Attributes:
        title: as tables print it.
        about: one sentence, for the page.
        given: whether it is told the task, and so is no answer to the question but a bound.
        at_once: whether it learns all tasks at once, and so is no answer either.
        pathways: whether it runs the cell's pathways, see `senpath.bench.rows.open_pathways`; they are learned before, then.
        choice: what it has chosen by itself, for the record (JSON values). It need not have one.

    Example:
        >>> class First:  # a row that always answers with the first task
        ...     title, about, given, at_once, pathways = "first", "the first task", False, False, False
        ...
        ...     def __init__(self, cell):
        ...         self.cell = cell
        >>> First.title
        'first'
    """

    title: ClassVar[str]
    about: ClassVar[str]
    given: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    pathways: ClassVar[bool] = False

    def __init__(self, cell: BenchCell) -> None: ...

    @staticmethod
    def takes(data_type: DataType) -> bool:
        """Whether it can learn tasks of this type."""
        ...

    def learn(self, lesson: TaskLesson) -> None:
        """Learn one more task."""
        ...

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        """Answer inputs.

        Args:
            asked: the inputs.
            truth: int64 (n,), places of their tasks; for a row that is `given` them only, None for all others.
        """
        ...


HELD, MOST_HELD = 5, 500
"""Of each class one example in so many is held out where a choice is made, at most so many of a task."""
KEPT = 0.97
"""Share of the held-out examples that a row's limit keeps, as with the network's own limit."""


def held_out(examples: Examples, seed: int) -> torch.Tensor:
    """bool (n,): which examples choices are made on. Of a class with a single example, none."""
    generator = torch.Generator().manual_seed(seed)
    held = torch.zeros(len(examples), dtype=torch.bool)
    for place in range(len(examples.classes)):
        mine = torch.nonzero(examples.targets == place)[:, 0]
        most = max(1, MOST_HELD // len(examples.classes))
        count = min(most, max(1, len(mine) // HELD)) if len(mine) > 1 else 0
        held[mine[torch.randperm(len(mine), generator=generator)[:count]]] = True
    return held


def best_two(scores: torch.Tensor, owners: Sequence[int]) -> np.ndarray:
    """The tasks of the best class and of the best one of another task: int64 (n, 2), −1 where there is one task.

    Args:
        scores: float (n, columns), the higher the better.
        owners: the task of each column.

    Example:
        >>> import torch
        >>> from senpath.bench import best_two
        >>> best_two(torch.tensor([[0.1, 0.9, 0.8]]), owners=[0, 1, 1])
        array([[1, 0]])
    """
    tasks = torch.tensor(owners)
    each = torch.full((len(scores), int(tasks.max()) + 1), -torch.inf, dtype=scores.dtype)
    each.scatter_reduce_(1, tasks.expand(len(scores), -1), scores, "amax")
    best: np.ndarray = each.topk(min(2, each.shape[1]), 1).indices.numpy()
    return np.pad(best, ((0, 0), (0, 2 - best.shape[1])), constant_values=-1)
