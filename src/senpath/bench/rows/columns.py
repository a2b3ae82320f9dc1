"""What rows have in common that give every class of every task a score: choosing on held-out examples, limits, the best two tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from senpath.bench.protocol import KEPT, BenchCell, RowAnswers, TaskLesson, Unlabelled, best_two, held_out
from senpath.types import DataType

COPIES = 15
"""Distorted copies of a picture that few-shot tasks may be read with; the network's dispatcher reads 12."""
FEW, COPIED = 20, 40_000
"""Examples of a class up to which it is tried whether copies help; and examples with copies in all, at most."""
SCORES = 2**26
"""Numbers that inputs are scored with at once: a million inputs of ten thousand classes would fill any memory."""
Score = Callable[[torch.Tensor], torch.Tensor]
"""From features (n, features) to scores (n, columns), the higher the likelier."""


@dataclass(frozen=True, eq=False)
class FeatureBatch:
    """Features of examples, float32 (n, features), and their columns, int64 (n,): classes counted over all tasks."""

    features: torch.Tensor
    columns: torch.Tensor

    @staticmethod
    def together(batches: Iterable[FeatureBatch]) -> FeatureBatch:
        """All of them."""
        batches = list(batches)
        return FeatureBatch(torch.cat([one.features for one in batches]), torch.cat([one.columns for one in batches]))


@dataclass(frozen=True, eq=False)
class Chosen:
    """A way of scoring, and how it did on examples held out.

    Args:
        choice: its settings, for the record.
        score: made of the other examples.
        right: share of the held-out examples that got their column, each task the same weight.
    """

    choice: dict[str, Any]
    score: Score
    right: float = 0.0


class ColumnRow(ABC):
    """A row that scores classes by the dispatcher's features.

    Where a setting is to be chosen, it is the one that serves best examples held out, a fifth of each class; then all examples are used.

    Args:
        cell: what is measured.

    Example:
        >>> from senpath.bench import ColumnRow
        >>> class Nearest(ColumnRow):
        ...     title, about = "nearest", "the class of the nearest mean"
        >>> Nearest.at_once
        False
    """

    title: ClassVar[str]
    about: ClassVar[str]
    given: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    pathways: ClassVar[bool] = False

    def __init__(self, cell: BenchCell) -> None:
        self.cell, self.lessons = cell, list[TaskLesson]()
        self.choice: dict[str, Any] = {}
        self._score: Score | None = None
        self._drawn: dict[int, torch.Tensor] = {}

    @staticmethod
    def takes(data_type: DataType) -> bool:
        return True

    def learn(self, lesson: TaskLesson) -> None:
        self.lessons.append(lesson)
        self._score, self._drawn = None, {}

    @abstractmethod
    def _ways(self, fitted: FeatureBatch, columns: int) -> Iterator[tuple[dict[str, Any], Score]]:
        """Every setting with the scores that follow from these examples."""

    @abstractmethod
    def _final(self, choice: dict[str, Any], batch: FeatureBatch, columns: int) -> Score:
        """Scores that follow from all examples, with the chosen setting."""

    @abstractmethod
    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        """Numbers that scoring one input takes, those of the features left out."""

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        if self._score is None:
            self._score = self._fit()
        owners, parts = self._owners.tolist(), []
        for features in asked.features.split(max(1, SCORES // len(owners))):
            scores = self._score(features)
            parts.append((*scores.max(1), torch.from_numpy(best_two(scores, owners))))
        best, column, candidates = (torch.cat(part) for part in zip(*parts, strict=True))
        task, label = (numbers[column] for numbers in (self._owners, self._labels))
        ood_score = self._ood_score(best, column)
        return RowAnswers(task.numpy(), label.numpy(), candidates.numpy(), ood_score, ood_score > self._limit, self._own_weights)

    def _ood_score(self, best: torch.Tensor, column: torch.Tensor) -> np.ndarray:
        """How little an input fits, by its best score and the column that has it."""
        return -best.double().numpy()

    def _fit(self) -> Score:
        """Choose, then learn from all examples."""
        sizes = [len(lesson.examples.classes) for lesson in self.lessons]
        starts = np.cumsum([0, *sizes])
        self._owners = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes))
        self._labels = torch.from_numpy(np.concatenate([np.arange(size) for size in sizes]))
        columns, held = int(starts[-1]), [held_out(lesson.examples, self.cell.seed) for lesson in self.lessons]

        def batch(masks: list[torch.Tensor], copies: int) -> FeatureBatch:
            return FeatureBatch.together(self._batch(place, int(starts[place]), mask, copies) for place, mask in enumerate(masks))

        outside, best = batch(held, 0), Chosen({}, lambda features: features, -1.0)
        for copies in dict.fromkeys((0, self._copies)):
            for choice, score in self._ways(batch([~mask for mask in held], copies), columns):
                right = self._right(score(outside.features), outside.columns)
                if right > best.right:
                    best = Chosen({"copies": copies, **choice}, score, right)
        self._limit = self._read_limits(best.score(outside.features), outside.columns)
        self.choice = {**best.choice, "held-out": round(best.right, 4)}
        everything = batch([torch.ones_like(mask) for mask in held], best.choice["copies"])
        self._own_weights = self._weights(everything, columns)
        return self._final(best.choice, everything, columns)

    def _read_limits(self, scores: torch.Tensor, columns: torch.Tensor) -> float:
        """The score that KEPT of the held-out examples stay below; called before the last fit."""
        best, column = scores.max(1)
        return float(np.quantile(self._ood_score(best, column), KEPT))

    def _right(self, scores: torch.Tensor, columns: torch.Tensor) -> float:
        hit, owners = (scores.argmax(1) == columns).double(), self._owners[columns]
        return float(torch.stack([hit[owners == owner].mean() for owner in owners.unique()]).mean())

    @property
    def _copies(self) -> int:
        """How many copies are tried."""
        examples, classes = (
            sum(sizes) for sizes in zip(*((len(one.examples), len(one.examples.classes)) for one in self.lessons), strict=True)
        )
        may = self.lessons[0].examples.data_type.form == "image" and examples <= FEW * classes
        return max(0, min(COPIES, COPIED // examples - 1)) if may else 0

    def _batch(self, place: int, start: int, mask: torch.Tensor, copies: int) -> FeatureBatch:
        """Some examples of a task, each with its distorted copies."""
        lesson = self.lessons[place]
        columns = lesson.examples.targets[mask] + start
        if not copies:
            return FeatureBatch(lesson.features[mask], columns)
        drawn = self._distorted(place, copies)[mask]
        features = torch.cat([lesson.features[mask][:, None], drawn], 1)
        return FeatureBatch(features.flatten(0, 1), columns.repeat_interleave(copies + 1))

    def _distorted(self, place: int, copies: int) -> torch.Tensor:
        """Float32 (n, copies, features)."""
        lesson = self.lessons[place]
        if place not in self._drawn:
            self._drawn[place] = lesson.distorted(copies, self.cell.seed).view(len(lesson.examples), copies, -1)
        return self._drawn[place]
