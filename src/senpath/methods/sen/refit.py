"""Fitting the linear maps of a pathway anew, on what its layers answer: a convex problem, as logistic regression is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from senpath.components import ClassLink
from senpath.errors import InputError
from senpath.tasks import TaskKind
from senpath.training import splits
from senpath.types import Examples

STRENGTHS = (100.0, 10.0, 1_000.0, 10_000.0)
"""How freely the maps may move, see `_Part`. Which of them is for cross-validation to say; the first, where a class has one example."""
ROUNDS, TRIED = 100, 25
"""Rounds of L-BFGS at most, and while strengths are compared, which shows soon which is the better one."""
TOLERANCE = 1e-4
LOUD = 50.0
"""Root mean square of a link's answers from which on they are brought to 1 first: on inputs thousands of times larger than those of its
source a link is sure of everything, and there is a long way back."""


def refit(
    head: nn.Linear | None,
    links: Sequence[ClassLink],
    own: torch.Tensor | None,
    read: Sequence[torch.Tensor],
    examples: Examples,
    seed: int,
) -> float:
    """Replace the maps' weights by those of least loss, of the whole answer and, where there are links, of the own part alone.

    A squared distance keeps the output layer near zero and the links near where they are, the less the more `STRENGTHS` allow. Which one
    is best is asked of the inputs alone, by cross-validation: what the layers answer has seen all examples.

    Args:
        head: the output layer, of which all is replaced; None where links alone answer.
        links: start where similarity has put them.
        own: float32 (n, units), what the output layer reads.
        read: the same of each link.
        examples: with targets as they are trained on, all on one device.
        seed: of the folds.

    Returns:
        The strength that was chosen.

    Raises:
        InputError: if the layers answer with NaN or infinity, as to inputs far from those that a type was standardised by.
    """
    for values in (*([own] if own is not None else []), *read):
        if not bool(torch.isfinite(values).all()):
            do = "Scale the inputs to the range of the network's earlier ones"
            raise InputError("answers of the hidden layer", expected="finite numbers", got="NaN or infinity", do=do)
    kind, outputs = examples.task_kind, len(examples.classes)
    strength = _choose(examples, kind, outputs, seed)
    everything = torch.arange(outputs, device=examples.inputs.device)
    parts = [_Part.of(_Directions.of(own), everything, outputs, strength)] if own is not None else []
    parts += [_Part.of(_Directions.of(values), link.classes, outputs, strength) for values, link in zip(read, links, strict=True)]
    with torch.no_grad():
        for values, link in zip(read, links, strict=True):
            if (size := float(link(values)[:, link.classes].square().mean().sqrt())) > LOUD:
                link.weight.div_(size)
                link.bias.div_(size)
        starts = [link(values) for values, link in zip(read, links, strict=True)]
    offset = torch.stack(starts).sum(0) if starts else examples.inputs.new_zeros(len(examples), outputs)
    bias = _solve(parts, offset, examples.targets, kind, alone=head is not None and bool(links))
    with torch.no_grad():
        if head is not None:
            head.weight.copy_(parts[0].weight().T)
            head.bias.copy_(bias - parts[0].mean @ parts[0].weight())
        for link, part in zip(links, parts[len(parts) - len(links) :], strict=True):
            link.weight.add_(part.weight().T)
            link.bias.sub_(part.mean @ part.weight())
    return strength


@dataclass(frozen=True)
class _Directions:
    """The main directions of features, found once for whatever strength.

    Args:
        mean: float32 (units,).
        centred: float64 (n, units).
        turn: float64 (units, directions).
        variances: float64 (directions,).
    """

    mean: torch.Tensor
    centred: torch.Tensor
    turn: torch.Tensor
    variances: torch.Tensor

    @staticmethod
    def of(features: torch.Tensor) -> _Directions:
        mean = features.mean(0)
        centred = (features - mean).double()
        # From whichever of the two squares is the smaller one.
        if len(centred) < centred.shape[1]:
            squares, left = torch.linalg.eigh(centred @ centred.T)
            turn = centred.T @ left / squares.clamp(min=1e-300).sqrt()
        else:
            squares, turn = torch.linalg.eigh(centred.T @ centred)
        kept = squares > 1e-10 * squares[-1].clamp(min=1e-300)
        return _Directions(mean, centred, turn[:, kept], squares[kept] / len(centred))


@dataclass
class _Part:
    """One map in coordinates in which the problem is round: features centred, turned to their main directions, and scaled.

    With penalty λ/2 |W|², λ = total variance of the features / (strength · outputs), so that the units they come in do not matter.

    Args:
        mean: float32 (units,).
        turn: float32 (units, directions).
        values: float32 (n, directions).
        penalty: float32 (directions, 1).
        outputs: int64, those that it adds to.
        solution: float32 (directions, those outputs), what is looked for.
    """

    mean: torch.Tensor
    turn: torch.Tensor
    values: torch.Tensor
    penalty: torch.Tensor
    outputs: torch.Tensor
    solution: torch.Tensor

    @staticmethod
    def of(features: _Directions, outputs: torch.Tensor, of_all: int, strength: float) -> _Part:
        penalty = features.variances.sum().clamp(min=1e-12) / (strength * of_all)
        scale = (features.variances / of_all + penalty).rsqrt()  # one over the loss's expected curvature's root, along each direction
        turn = features.turn * scale
        solution = torch.zeros(turn.shape[1], len(outputs), device=turn.device, requires_grad=True)
        values = (features.centred @ turn).float()
        return _Part(features.mean, turn.float(), values, (penalty * scale.square())[:, None].float(), outputs, solution)

    def answer(self, of_all: int) -> torch.Tensor:
        said = self.values @ self.solution
        return said if len(self.outputs) == of_all else said.new_zeros(len(said), of_all).index_add(1, self.outputs, said)

    def length(self) -> torch.Tensor:
        return (self.penalty * self.solution.square()).sum() / 2

    def weight(self) -> torch.Tensor:
        """(units, outputs), in the features' own coordinates."""
        return self.turn @ self.solution.detach()


def _solve(
    parts: Sequence[_Part], offset: torch.Tensor, targets: torch.Tensor, kind: TaskKind, *, alone: bool = False, rounds: int = ROUNDS
) -> torch.Tensor:
    """Minimise over all parts' maps and a bias, by L-BFGS (Liu and Nocedal 1989); returns the bias.

    Args:
        alone: whether the first part's own answer has to be right too.
    """
    outputs = offset.shape[1]
    bias = torch.zeros(outputs, device=offset.device, requires_grad=True)
    options: dict[str, Any] = {"tolerance_grad": TOLERANCE, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS([bias, *(part.solution for part in parts)], max_iter=rounds, **options)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        answers = [part.answer(outputs) for part in parts]
        value = kind.loss(offset + bias + torch.stack(answers).sum(0), targets) + torch.stack([part.length() for part in parts]).sum()
        if alone:
            value = value + kind.loss(bias + answers[0], targets)
        value.backward()
        return value

    optimizer.step(closure)
    return bias.detach()


def _choose(examples: Examples, kind: TaskKind, outputs: int, seed: int) -> float:
    """The strength with which a linear model of the inputs does best on examples left out."""
    inputs, totals = examples.inputs.flatten(1), dict.fromkeys(STRENGTHS, 0.0)
    everything = torch.arange(outputs, device=inputs.device)
    for fitted, held in splits(examples, seed):
        directions = _Directions.of(inputs[fitted])
        for strength in STRENGTHS:
            part = _Part.of(directions, everything, outputs, strength)
            bias = _solve([part], inputs.new_zeros(len(fitted), outputs), examples.targets[fitted], kind, rounds=TRIED)
            answers = (inputs[held] - part.mean) @ part.weight() + bias
            totals[strength] += float(kind.loss(answers, examples.targets[held])) * len(held)
    return min(totals, key=lambda strength: totals[strength])
