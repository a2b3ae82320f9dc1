"""Choosing the tasks that an input may belong to; the paper's reading, one small model per task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from senpath.components import GATE, Component, Gate, freeze
from senpath.errors import StoreError
from senpath.routing.columns import ColumnVotes
from senpath.routing.limits import limit_within
from senpath.routing.portable import PortableGates

ADMIT = 0.012
"""A second pathway runs where its P(task | input) is at least this."""
ALIKE = 0.999
"""Tasks whose P(task | input) is at least this share of the likeliest one's are as likely, for rounding may make the difference."""


LARGEST_FEATURE = 1e12
"""Features are cut off at this, so that squares and products of them are finite in float32."""


def read_features(features: Component, inputs: torch.Tensor) -> torch.Tensor:
    """The features (n, features) of encoded inputs, none beyond LARGEST_FEATURE."""
    return features(inputs).clamp(-LARGEST_FEATURE, LARGEST_FEATURE).nan_to_num_(nan=LARGEST_FEATURE)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The tasks that were scored for n inputs, in no order.

    Attributes:
        scored: int64 (n, k), places in the dispatcher's names; −1 for none. None where all tasks were scored, in their order.
        probabilities: float64 (n, k), P(task | input), on the processor; tasks that were not scored are taken for impossible.
        numbers: int64 (n,), how many numbers of the dispatcher each input was computed with.
        together: counts how many all of them were computed with, each once.
        votes: what the dispatcher says of their classes; None if it says nothing.
    """

    scored: np.ndarray | None
    probabilities: torch.Tensor
    numbers: np.ndarray
    together: Callable[[], int]
    votes: ColumnVotes | None = None

    @property
    def tasks(self) -> np.ndarray:
        """int64 (n, k), places in the dispatcher's names; −1 for none."""
        if self.scored is not None:
            return self.scored
        inputs, tasks = self.probabilities.shape
        return np.broadcast_to(np.arange(tasks), (inputs, tasks))

    def spread(self, tasks: int) -> np.ndarray:
        """P(task | input) of each of so many tasks, float64 (n, tasks)."""
        if self.scored is None:
            return self.probabilities.numpy()
        probabilities = np.zeros((len(self.scored), tasks + 1))
        np.put_along_axis(probabilities, self.scored, self.probabilities.numpy(), 1)  # what is −1 falls into the last column
        return probabilities[:, :-1]


@dataclass(frozen=True, eq=False)
class Decision:
    """For n inputs the one or two tasks that come into question.

    Attributes:
        names: the tasks of the data type.
        order: int64 (n, k), places in `names` of the most probable tasks, k at most 2; −1 where a second one did not come into question.
        probability: float64 (n, k), P(task | input) of them.
        admitted: bool (n,), whether the second one runs too.
        ood_score: float64 (n,), distance from the likeliest task as a share of that task's limit.
        numbers: int64 (n,), how many numbers of the dispatcher each input was computed with.
        votes: see `Ranking`.
    """

    names: tuple[str, ...]
    order: np.ndarray
    probability: np.ndarray
    admitted: np.ndarray
    ood_score: np.ndarray
    numbers: np.ndarray
    votes: ColumnVotes | None = None

    @property
    def known(self) -> np.ndarray:
        """bool (n,), whether the input is within the limit of the likeliest task."""
        return self.ood_score <= 1

    def only(self, places: np.ndarray) -> Decision:
        """What is decided of some of the inputs, by their places."""
        return Decision(
            names=self.names,
            order=self.order[places],
            probability=self.probability[places],
            admitted=self.admitted[places],
            ood_score=self.ood_score[places],
            numbers=self.numbers[places],
            votes=self.votes.only(places) if self.votes is not None else None,
        )


class Dispatcher(ABC):
    """Finds the tasks that inputs of one data type may belong to.

    Args:
        names: the tasks.
        features: the type's feature map.
    """

    def __init__(self, names: tuple[str, ...], features: Component) -> None:
        self.names, self.features = names, features

    def decide(self, inputs: torch.Tensor, *, candidates: int = 2, admit: float | None = None) -> Decision:
        """The candidates of each encoded input; see `Decision`."""
        features = read_features(self.features, inputs)
        ranking = self._rank(features)
        probabilities, places = ranking.probabilities.topk(min(2, len(self.names)), dim=1)
        order, probability = places.numpy(), probabilities.numpy()
        if ranking.scored is not None:
            order = np.take_along_axis(ranking.scored, order, 1)
        if order.shape[1] > 1:
            _settle_ties(ranking, order, probability)
        second = probability[:, 1:] >= (ADMIT if admit is None else admit)
        admitted = np.asarray(second.any(1) & (candidates > 1))
        ood_score = self._ood_score(features, order[:, 0])
        return Decision(self.names, order, probability, admitted, ood_score, ranking.numbers, ranking.votes)

    def rank(self, inputs: torch.Tensor) -> Ranking:
        """The tasks that come into question for encoded inputs, with their probabilities."""
        return self._rank(read_features(self.features, inputs))

    def probabilities(self, inputs: torch.Tensor) -> np.ndarray:
        """P(task | input) for encoded inputs, float64 (n, tasks)."""
        return self.rank(inputs).spread(len(self.names))

    @abstractmethod
    def portable(self) -> nn.Module:
        """What it decides by in one module that `torch.export` can trace.

        From features (n, features), see `read_features`, it computes P(task | input), float32 (n, tasks), 0 of tasks that are not scored,
        and each input's `Decision.ood_score` (n,).
        """

    @abstractmethod
    def _rank(self, features: torch.Tensor) -> Ranking:
        """The tasks that come into question for inputs with these features (n, features), at least one for each."""

    @abstractmethod
    def _ood_score(self, features: torch.Tensor, tasks: np.ndarray) -> np.ndarray:
        """How far each input is from the task at this place, as a share of that task's limit: float64 (n,)."""


def _settle_ties(ranking: Ranking, order: np.ndarray, probability: np.ndarray) -> None:
    """Of tasks that are likeliest alike, as those are that were learned from the same inputs, put those first that were learned first."""
    rows = np.flatnonzero(probability[:, 1] >= ALIKE * probability[:, 0])
    if not len(rows):
        return
    likely = ranking.probabilities.numpy()[rows]
    tasks = np.arange(likely.shape[1])[None] if ranking.scored is None else ranking.scored[rows]
    tied = likely >= ALIKE * likely.max(1, keepdims=True)
    ahead = np.argsort(np.where(tied, tasks, np.iinfo(np.int64).max), axis=1)[:, :2]
    order[rows] = np.take_along_axis(np.broadcast_to(tasks, likely.shape), ahead, 1)
    probability[rows] = np.take_along_axis(likely, ahead, 1).mean(1, keepdims=True)  # or rounding would decide between their answers


RANK = 64
FOLDS = 5
"""Parts of a task's examples that are left out in turn, where none are held out: a gate knows those that it was made of."""
TEMPERATURE = 0.05
"""Differences of errors, as shares of the tasks' limits, are divided by this."""


def fit_gate(features: torch.Tensor, held: torch.Tensor, each: int = 1) -> Component:
    """An autoencoder of these features; its limit is the rebuilding error that LIMIT_QUANTILE of further ones stay within.

    Args:
        features: float32 (n · each, features).
        held: float32 (m, features), examples not among `features`; if there are none, each of `features` is left out in turn.
        each: how many of `features` are one example and its copies, which follow it.
    """
    if not bool(torch.isfinite(features).all()):
        do = "Scale the inputs, or restore the folder from a copy"
        raise StoreError("the dispatcher's features of these inputs", expected="finite numbers", got="NaN or infinity", do=do)
    gate = _gate(features)
    if len(held):
        errors = gate(held.cpu())
    elif len(features) > each:
        errors = _errors_outside(features.view(-1, each, features.shape[1]).cpu())
    else:
        errors = gate(features.cpu())
    gate.limit.copy_(limit_within(errors).clamp(min=1e-6))
    return freeze(GATE, {"inputs": features.shape[1], "rank": len(gate.basis)}, gate)


def _gate(features: torch.Tensor) -> Gate:
    """The mean and the main directions of features (n, features)."""
    gate = Gate(inputs=features.shape[1], rank=max(1, min(RANK, len(features) // 2, features.shape[1] // 2)))
    gate.mean.copy_(features.mean(0))
    _, _, directions = torch.linalg.svd((features - features.mean(0)).double(), full_matrices=False)
    gate.basis.copy_(directions[: len(gate.basis)].float())
    return gate


def _errors_outside(examples: torch.Tensor) -> torch.Tensor:
    """Rebuilding errors (n,) of examples (n, each, features) by gates that were made without them and their copies."""
    errors = torch.zeros(len(examples))
    for part in torch.randperm(len(examples), generator=torch.Generator().manual_seed(0)).tensor_split(min(FOLDS, len(examples))):
        others = torch.ones(len(examples), dtype=torch.bool).index_fill_(0, part, False)
        errors[part] = _gate(examples[others].flatten(0, 1))(examples[part, 0])
    return errors


class Gates(Dispatcher):
    """One gate per task; the less an input's rebuilding error, as a share of the task's limit, the likelier the task.

    Args:
        names: the tasks.
        features: the type's feature map.
        gates: one for each task.
        limits: of each, as a multiple of its gate's own; by default 1.
    """

    def __init__(
        self, names: tuple[str, ...], features: Component, gates: Sequence[Component], limits: Sequence[float] | None = None
    ) -> None:
        super().__init__(names, features)
        self._gates = gates
        self._limits = np.ones(len(names)) if limits is None else np.array(limits)

    def portable(self) -> nn.Module:
        return PortableGates([gate.module for gate in self._gates], torch.from_numpy(self._limits), TEMPERATURE)

    def _rank(self, features: torch.Tensor) -> Ranking:
        numbers = self.features.weights + sum(gate.weights for gate in self._gates)
        return Ranking(None, torch.softmax(-self._errors(features) / TEMPERATURE, 1), np.full(len(features), numbers), lambda: numbers)

    def _ood_score(self, features: torch.Tensor, tasks: np.ndarray) -> np.ndarray:
        errors: np.ndarray = self._errors(features).gather(1, torch.from_numpy(tasks)[:, None])[:, 0].numpy()
        return np.asarray(errors / self._limits[tasks])

    def _errors(self, features: torch.Tensor) -> torch.Tensor:
        """float64 (n, tasks), on the processor."""
        return torch.stack([gate(features) for gate in self._gates], 1).double().cpu()
