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
from senpath.types import Examples

ROUNDS = 100
"""Rounds of L-BFGS at most."""
TOLERANCE = 1e-4
LOUD = 50.0
"""Root mean square of a link's answers from which on they are brought to 1 first: on inputs thousands of times larger than those of its
source a link is sure of everything, and there is a long way back."""


@dataclass(frozen=True)
class Maps:
    """The linear maps of a pathway: weights (outputs, units) and biases (outputs,) of its output layer, then of each link."""

    weights: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]

    def blended(self, other: Maps, share: float) -> Maps:
        """The maps that answer with the mean of these and another's, which has `share`; a narrower output layer reads the first units."""
        units = max(maps.weights[0].shape[1] for maps in (self, other))
        wide = [maps.weights[0].new_zeros(len(maps.weights[0]), units) for maps in (self, other)]
        for weight, maps in zip(wide, (self, other), strict=True):
            weight[:, : maps.weights[0].shape[1]] = maps.weights[0]
        pairs = [(wide[0], wide[1]), *zip(self.weights[1:], other.weights[1:], strict=True)]
        weights = tuple(torch.lerp(mine, theirs, share) for mine, theirs in pairs)
        return Maps(weights, tuple(torch.lerp(mine, theirs, share) for mine, theirs in zip(self.biases, other.biases, strict=True)))

    def write_to(self, *layers: nn.Linear | ClassLink) -> None:
        """Give these layers, in order, the weights and biases."""
        with torch.no_grad():
            for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)


def refit(links: Sequence[ClassLink], own: torch.Tensor, read: Sequence[torch.Tensor], examples: Examples, strength: float) -> Maps:
    """The maps of least loss, of the whole answer and, where there are links, of the own part alone.

    A squared distance keeps the output layer near zero and the links near where they are, the less the larger the strength, see `RoundMap`.

    Args:
        links: start where similarity has put them; they stay as they are.
        own: float32 (n, units), what the output layer reads.
        read: the same of each link.
        examples: with targets as they are trained on, all on one device.
        strength: above 0.

    Raises:
        InputError: if the layers answer with NaN or infinity, as to inputs far from those that a type was standardised by.
    """
    for values in (own, *read):
        if not bool(torch.isfinite(values).all()):
            do = "Scale the inputs to the range of the network's earlier ones"
            raise InputError("answers of the hidden layer", expected="finite numbers", got="NaN or infinity", do=do)
    outputs = len(examples.classes)
    everything = torch.arange(outputs, device=own.device)
    directions = [Directions.of(values) for values in (own, *read)]
    places = [everything, *(link.classes for link in links)]
    parts = [RoundMap.of(some, where, outputs, strength) for some, where in zip(directions, places, strict=True)]
    starts = [_started(link, values) for link, values in zip(links, read, strict=True)]
    offset = own.new_zeros(len(own), outputs)
    for link, values, (weight, bias) in zip(links, read, starts, strict=True):
        offset.index_add_(1, link.classes, values @ weight.T + bias)
    bias = own.new_zeros(outputs, requires_grad=True)
    solve(parts, bias, offset, examples.targets, examples.task_kind, weights=examples.weights, alone=bool(links))
    weights = [some.turn @ part.along() for some, part in zip(directions, parts, strict=True)]
    means = [some.mean @ weight for some, weight in zip(directions, weights, strict=True)]
    moved = zip(starts, weights[1:], means[1:], strict=True)
    linked = [(before + weight.T, start - mean) for (before, start), weight, mean in moved]
    return Maps((weights[0].T, *(weight for weight, _ in linked)), (bias.detach() - means[0], *(start for _, start in linked)))


def _started(link: ClassLink, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A link's weights and biases, quieter where it is sure of everything."""
    with torch.no_grad():
        size = float(link(values)[:, link.classes].square().mean().sqrt())
        by = size if size > LOUD else 1.0
        return link.weight / by, link.bias / by


@dataclass(frozen=True)
class Directions:
    """Features in their main directions, found once for whatever strength.

    Args:
        mean: float32 (units,).
        turn: float32 (units, directions).
        values: float32 (n, directions), the features, centred and turned.
        variances: float64 (directions,).
    """

    mean: torch.Tensor
    turn: torch.Tensor
    values: torch.Tensor
    variances: torch.Tensor

    @staticmethod
    def of(features: torch.Tensor) -> Directions:
        mean = features.mean(0)
        centred = (features - mean).double()
        # From whichever of the two squares is the smaller one.
        if len(centred) < centred.shape[1]:
            squares, left = torch.linalg.eigh(centred @ centred.T)
            turn = centred.T @ left / squares.clamp(min=1e-300).sqrt()
        else:
            squares, turn = torch.linalg.eigh(centred.T @ centred)
        kept = squares > 1e-10 * squares[-1].clamp(min=1e-300)
        turn = turn[:, kept]
        return Directions(mean, turn.float(), (centred @ turn).float(), squares[kept] / len(centred))

    def of_others(self, features: torch.Tensor) -> torch.Tensor:
        """Other features (n, units) in these directions."""
        return (features - self.mean) @ self.turn


@dataclass
class RoundMap:
    """One map in coordinates in which the problem is round: features centred, turned to their main directions, and scaled.

    With penalty λ/2 |W|², λ = total variance of the features / (strength · outputs), so that the units they come in do not matter.

    Args:
        scale: float32 (directions, 1).
        values: float32 (n, directions).
        penalty: float32 (directions, 1).
        outputs: int64, those that it adds to.
        solution: float32 (directions, those outputs), what is looked for.
    """

    scale: torch.Tensor
    values: torch.Tensor
    penalty: torch.Tensor
    outputs: torch.Tensor
    solution: torch.Tensor

    @staticmethod
    def of(features: Directions, outputs: torch.Tensor, of_all: int, strength: float) -> RoundMap:
        penalty = features.variances.sum().clamp(min=1e-12) / (strength * of_all)
        scale = (features.variances / of_all + penalty).rsqrt()  # one over the loss's expected curvature's root, along each direction
        solution = torch.zeros(len(scale), len(outputs), device=scale.device, requires_grad=True)
        return RoundMap(
            scale[:, None].float(), features.values * scale.float(), (penalty * scale.square())[:, None].float(), outputs, solution
        )

    def answer(self, of_all: int) -> torch.Tensor:
        said = self.values @ self.solution
        return said if len(self.outputs) == of_all else said.new_zeros(len(said), of_all).index_add(1, self.outputs, said)

    def gradient(self, slope: torch.Tensor) -> torch.Tensor:
        """Along the solution, of a loss with this slope (n, all outputs) along the answers, and of the length."""
        mine = slope if len(self.outputs) == slope.shape[1] else slope[:, self.outputs]
        return torch.addmm(self.penalty * self.solution, self.values.T, mine)

    def length(self) -> torch.Tensor:
        return (self.penalty * self.solution.square()).sum() / 2

    def along(self) -> torch.Tensor:
        """(directions, outputs), what each direction of the features adds."""
        return self.scale * self.solution.detach()


def solve(
    parts: Sequence[RoundMap],
    bias: torch.Tensor,
    offset: torch.Tensor,
    targets: torch.Tensor,
    kind: TaskKind,
    *,
    weights: torch.Tensor | None = None,
    alone: bool = False,
    rounds: int = ROUNDS,
) -> None:
    """Minimise over all parts' maps and a bias, from where they are on, by L-BFGS (Liu and Nocedal 1989).

    Args:
        parts, bias: are moved; the bias is float32 (outputs,).
        offset: float32 (n, outputs), what is answered already.
        weights: of the examples, see `senpath.types.Examples`.
        alone: whether the first part's own answer has to be right too.
    """
    outputs = offset.shape[1]
    options: dict[str, Any] = {"tolerance_grad": TOLERANCE, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS([bias, *(part.solution for part in parts)], max_iter=rounds, **options)

    @torch.no_grad()
    def closure() -> torch.Tensor:
        answers = [part.answer(outputs) for part in parts]
        own, whole = bias + answers[0], offset + bias + torch.stack(answers).sum(0)
        value = kind.loss(whole, targets, weights) + torch.stack([part.length() for part in parts]).sum()
        slope = of_own = kind.slope(whole, targets, weights)
        if alone:
            value = value + kind.loss(own, targets, weights)
            of_own = slope + kind.slope(own, targets, weights)
        bias.grad = of_own.sum(0)
        for place, part in enumerate(parts):
            part.solution.grad = part.gradient(slope if place else of_own)
        return value

    optimizer.step(closure)
