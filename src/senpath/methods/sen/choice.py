"""How freely the maps of a pathway may move, and how much of its answer goes through the hidden units: asked of examples left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from senpath.methods.sen.refit import Directions, RoundMap, solve
from senpath.progress import Progress, silent
from senpath.tasks import TaskKind
from senpath.training import splits
from senpath.types import Examples

STRENGTHS = tuple(10 ** (exponent / 2) for exponent in range(11))
"""From 1 to 100,000 in half decades, see `senpath.methods.sen.refit.RoundMap`."""
USUAL = STRENGTHS.index(100.0)
"""Where the search starts, and what is taken where a class has one example."""
TRIED = 10
"""Rounds of L-BFGS while strengths are compared, which shows soon which is the better one."""
HELD = 1_000
"""Examples that are left out in all, from which on no further fold is."""
SHARES = tuple(tenth / 10 for tenth in range(11))

Fit = tuple[torch.Tensor, torch.Tensor]
Features = Callable[[torch.Tensor], torch.Tensor]
Layers = Callable[[Sequence[Examples]], Sequence[Features]]


@dataclass(frozen=True)
class FitChoice:
    """How a pathway answers: the mean of a linear model of its inputs and one of inputs and hidden units (Breiman 1996, stacking).

    Args:
        wide: strength of the former, see `senpath.methods.sen.refit.RoundMap`.
        both: of the latter.
        share: of the latter in the answer, 0 … 1.
    """

    wide: float
    both: float
    share: float


def choose(examples: Examples, wide: Features, learn: Layers, seed: int, progress: Progress = silent) -> FitChoice:
    """The choice of least loss on examples that are left out of all that is learned, the hidden units included.

    Args:
        examples: with targets as they are trained on.
        wide: from inputs to the vectors that a linear model reads.
        learn: from the examples of each fold makes a function from inputs to those vectors and the units that it has learned.
        seed: of the folds.
        progress: told ("held out", 1, 1) with the loss and the accuracy of what is chosen on the examples left out.
    """
    folds = [(examples.subset(fitted), examples.subset(held)) for fitted, held in _folds(examples, seed)]
    if not folds:
        return FitChoice(STRENGTHS[USUAL], STRENGTHS[USUAL], 1.0)
    learned = learn([part for part, _ in folds])
    outside = [(_Fold.of(wide, *fold), _Fold.of(layers, *fold)) for fold, layers in zip(folds, learned, strict=True)]
    truth = torch.cat([fold.truth for fold, _ in outside])
    weights = None if examples.weights is None else torch.cat([fold.counted for fold, _ in outside if fold.counted is not None])
    kind = examples.task_kind
    linear, both = (_Search([pair[place] for pair in outside], kind, truth, len(examples.classes), weights) for place in range(2))
    answers = linear.answers[linear.best()], both.answers[both.best()]
    losses = {share: float(kind.loss(torch.lerp(*answers, share), truth, weights)) for share in SHARES}
    share = min(losses, key=lambda share: losses[share])
    progress("held out", 1, 1, loss=losses[share], accuracy=kind.score(torch.lerp(*answers, share), truth))
    return FitChoice(STRENGTHS[linear.best()], STRENGTHS[both.best()], share)


def _folds(examples: Examples, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    count = 0
    for fitted, held in splits(examples, seed):
        if count >= HELD:
            return
        count += len(held)
        yield fitted, held


@dataclass(frozen=True)
class _Fold:
    """Features of one fold, to fit on and to answer, each in the main directions of the former; and the weights of either's examples."""

    fitted: Directions
    targets: torch.Tensor
    held: torch.Tensor
    truth: torch.Tensor
    weights: torch.Tensor | None
    counted: torch.Tensor | None

    @staticmethod
    def of(features: Features, part: Examples, rest: Examples) -> _Fold:
        with torch.no_grad():
            directions = Directions.of(features(part.inputs))
            held = directions.of_others(features(rest.inputs))
        return _Fold(directions, part.targets, held, rest.targets, part.weights, rest.weights)

    def fit(self, kind: TaskKind, outputs: int, strength: float, start: Fit | None) -> Fit:
        """The weights (directions, outputs) and the bias of least loss, looked for from others on."""
        everything = torch.arange(outputs, device=self.held.device)
        part = RoundMap.of(self.fitted, everything, outputs, strength)
        bias = self.held.new_zeros(outputs, requires_grad=True)
        if start is not None:
            with torch.no_grad():
                part.solution.copy_(start[0] / part.scale)
                bias.copy_(start[1])
        nothing = self.held.new_zeros(len(self.targets), outputs)
        solve([part], bias, nothing, self.targets, kind, weights=self.weights, rounds=TRIED)
        return part.along(), bias.detach()


class _Search:
    """Climbs over `STRENGTHS` from the usual one, by decades, then by half decades.

    Attributes:
        answers: to what was left out, by the places of the strengths that were tried.
    """

    def __init__(self, folds: list[_Fold], kind: TaskKind, truth: torch.Tensor, outputs: int, weights: torch.Tensor | None) -> None:
        self.answers: dict[int, torch.Tensor] = {}
        self._losses: dict[int, float] = {}
        self._fits: dict[int, list[Fit]] = {}
        self._folds, self._kind, self._truth, self._outputs, self._weights = folds, kind, truth, outputs, weights
        for step in (2, 1):
            self._climb(step)

    def best(self) -> int:
        return min(self._losses, key=lambda place: self._losses[place])

    def _climb(self, step: int) -> None:
        place: int | None = None
        while place != (place := self.best() if self._losses else USUAL):
            for near in (place, place + step, place - step):
                if 0 <= near < len(STRENGTHS) and near not in self._losses:
                    starts = self._fits[min(self._fits, key=lambda place: abs(place - near))] if self._fits else [None] * len(self._folds)
                    pairs = zip(self._folds, starts, strict=True)
                    fits = [fold.fit(self._kind, self._outputs, STRENGTHS[near], start) for fold, start in pairs]
                    self._fits[near] = fits
                    answers = [fold.held @ weight + bias for fold, (weight, bias) in zip(self._folds, fits, strict=True)]
                    self.answers[near] = torch.cat(answers)
                    self._losses[near] = float(self._kind.loss(self.answers[near], self._truth, self._weights))
