"""Rows of an output layer for classes that come later, beside rows that stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from senpath.components import LINEAR, ClassLink
from senpath.pathways import Pathway, run_chain
from senpath.snapshot import View
from senpath.snapshot.view import at_once
from senpath.tasks import TaskKind

DECAY = 1e-5
"""Of the new rows' squared length, in units of the layer's mean squared length."""
SYNTHETIC_PER_CLASS, SYNTHETIC_IN_ALL = 60, 6_000
"""Features of old classes that are made up, for each of them and in all, at most."""
SURE = 0.5, 4.0
"""How sure the old rows are to be of them: log odds, drawn from this range, in units of those that a twentieth of the examples exceeds. Of
examples of their own they are surer than of others."""
STEP, STEPS = 0.05, 200
"""Length of a step, as a share of the features' mean length, and how many at most, by which features are moved."""
ROUNDS = 100
"""Iterations of L-BFGS, at most."""


@dataclass(frozen=True)
class OutputRows:
    """What a pathway's output layer and links read, side by side, and their rows.

    Args:
        chains: for each of them the components that it reads.
        sizes: for each how many units that is.
        weight: float32 (outputs, units of all).
        bias: float32 (outputs,).
        link_bias: float32 (outputs,), what of it is the links'.
        own: whether the first is the output layer.
    """

    chains: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]
    weight: torch.Tensor
    bias: torch.Tensor
    link_bias: torch.Tensor
    own: bool

    @property
    def rows_read(self) -> int:
        """Of the units those that rows of new classes read: the output layer's; where links alone answer, all."""
        return self.sizes[0] if self.own else sum(self.sizes)

    def features(self, view: View, inputs: torch.Tensor) -> torch.Tensor:
        """What is read of encoded inputs (n, …): float32 (n, units of all)."""
        parts = []
        for batch in inputs.split(at_once(inputs)):
            parts.append(torch.cat([run_chain(map(view.component, chain), batch.to(view.device)) for chain in self.chains], 1))
        return torch.cat(parts)


def output_rows_of(view: View, pathway: Pathway) -> OutputRows | None:
    """What the rows of a pathway read; None where its own part ends in no output layer."""
    chains: list[tuple[str, ...]] = []
    weights, own_bias = [], torch.zeros(len(pathway.classes), device=view.device)
    link_bias = torch.zeros_like(own_bias)
    if pathway.components:
        head = view.component(pathway.components[-1])
        if head.kind is not LINEAR:
            return None
        chains.append(pathway.components[:-1])
        weights.append(head.module.get_parameter("weight").detach())
        own_bias = own_bias + head.module.get_parameter("bias").detach()
    for link in pathway.links:
        module = view.component(link.component).module
        if not isinstance(module, ClassLink):
            return None
        chains.append(link.reads)
        weights.append(_spread(module, module.weight.detach()))
        link_bias = link_bias + _spread(module, module.bias.detach()[:, None])[:, 0]
    return OutputRows(
        tuple(chains),
        tuple(part.shape[1] for part in weights),
        torch.cat(weights, 1),
        own_bias + link_bias,
        link_bias,
        bool(pathway.components),
    )


def learn_rows(
    reading: OutputRows, features: torch.Tensor, targets: torch.Tensor, outputs: int, kind: TaskKind, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows for the outputs that a pathway does not have yet; those that it has stay.

    In a classification new rows that see no example of an old class would never learn to be silent there. So features of old classes
    are made up: those of the new classes' examples, moved until the old rows are sure of an old class. They count as much as an old
    class has fewer examples than a new one. The loss is convex, so nothing but what is made up depends on chance.

    Args:
        features: float32 (n, units of all), see `OutputRows.features`.
        targets: see `senpath.types.Examples`, of all outputs, old and new.
        outputs: how many there are to be.

    Returns:
        Weights (new outputs, units that they read: see `OutputRows.rows_read`) and biases (new outputs,).
    """
    old, targets = len(reading.bias), targets.to(features.device)
    rows = nn.utils.skip_init(nn.Linear, reading.rows_read, outputs - old).to(features.device)
    nn.init.zeros_(rows.weight)
    nn.init.zeros_(rows.bias)
    if kind.exclusive:
        _fit_classes(rows, reading, features, targets, generator)
    else:
        read = features[:, : reading.rows_read]
        _minimise(rows, read, lambda: kind.loss(rows(read), targets[:, old:]))
    return rows.weight.detach(), rows.bias.detach()


def synthesize_features(reading: OutputRows, features: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Features as examples of the old classes might have them: those given, moved until the old rows say so.

    Returns:
        float32 (made up, units) and the old class of each, int64.
    """
    classes = len(reading.bias)
    each = max(1, min(SYNTHETIC_PER_CLASS, SYNTHETIC_IN_ALL // classes))
    wanted = torch.arange(classes).repeat_interleave(each)
    start = torch.randint(len(features), (len(wanted),), generator=generator)
    unit = torch.quantile(_odds(features @ reading.weight.T + reading.bias), 0.95).cpu()
    sure = unit * (SURE[0] + (SURE[1] - SURE[0]) * torch.rand(len(wanted), generator=generator))
    wanted, sure, moved = wanted.to(features.device), sure.to(features.device), features[start.to(features.device)]
    least = features.min(0).values.clamp(max=0)  # units behind a ReLU are never below 0
    length = STEP * features.norm(dim=1).mean()
    for _ in range(STEPS):
        logits = moved @ reading.weight.T + reading.bias
        others = logits.scatter(1, wanted[:, None], -torch.inf)
        odds = logits.gather(1, wanted[:, None])[:, 0] - others.logsumexp(1)
        on = odds < sure
        if not bool(on.any()):
            break
        upwards = normalize(reading.weight[wanted] - others.softmax(1) @ reading.weight, dim=1)
        moved = torch.where(on[:, None], torch.maximum(moved + length * upwards, least), moved)
    return moved, wanted


def _fit_classes(rows: nn.Linear, reading: OutputRows, features: torch.Tensor, targets: torch.Tensor, generator: torch.Generator) -> None:
    old = len(reading.bias)
    counts = targets.bincount(minlength=old + rows.out_features).double()
    synthetic, wanted = synthesize_features(reading, features[targets >= old], generator)
    missing = (counts[old:].mean() - counts[:old]).clamp(min=0)  # what an old class has less than a new one
    each = missing[wanted] / wanted.bincount(minlength=old)[wanted]
    inputs, labels = torch.cat([features, synthetic]), torch.cat([targets, wanted])
    weights = torch.cat([torch.ones(len(features), device=features.device), each.float()])
    before, read = inputs @ reading.weight.T + reading.bias, inputs[:, : reading.rows_read]

    def loss() -> torch.Tensor:
        losses = cross_entropy(torch.cat([before, rows(read)], 1), labels, reduction="none")
        return (losses * weights).sum() / weights.sum()

    _minimise(rows, read, loss)


def _minimise(rows: nn.Linear, inputs: torch.Tensor, loss: Callable[[], torch.Tensor]) -> None:
    """L-BFGS (Liu and Nocedal 1989) on the loss and a share of the rows' squared length."""
    decay = DECAY * inputs.square().sum(1).mean()
    optimizer = torch.optim.LBFGS(rows.parameters(), max_iter=ROUNDS, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss() + decay * rows.weight.square().sum()
        value.backward()
        return value

    optimizer.step(closure)


def _odds(logits: torch.Tensor) -> torch.Tensor:
    """Log odds of the likeliest class, (n,); 0 where there is but one."""
    top, best = logits.max(1)
    return top - logits.scatter(1, best[:, None], -torch.inf).logsumexp(1) if logits.shape[1] > 1 else torch.zeros_like(top)


def _spread(link: ClassLink, rows: torch.Tensor) -> torch.Tensor:
    """A link's rows at the places of its classes, among all outputs."""
    return rows.new_zeros(link.outputs, rows.shape[1]).index_copy(0, link.classes.to(rows.device), rows)
