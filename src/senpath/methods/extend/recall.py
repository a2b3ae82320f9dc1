"""Inputs as a task's examples may have been, made of what the dispatcher keeps of them: nothing else of them is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from senpath.pathways import Pathway
from senpath.routing.discriminant import Discriminant
from senpath.snapshot import View

ROUNDS = 30
"""Rounds of L-BFGS by which inputs are brought to the features that they are to have."""


@dataclass(frozen=True)
class Recalled:
    """Inputs that were made up for a task.

    Args:
        inputs: float32 (n, …), encoded.
        classes: int64 (n,), the class that each was made up for; None where the dispatcher does not know its columns' classes.
    """

    inputs: torch.Tensor
    classes: torch.Tensor | None


def recall(view: View, pathway: Pathway, start: torch.Tensor, count: int, generator: torch.Generator) -> Recalled | None:
    """Make up inputs: those given, moved until the dispatcher's features of them are as an example's of the task would be.

    Such features are drawn from the Gaussians that the dispatcher takes the task's examples for: the mean of a column, and the covariance
    that all tasks of the type share.

    Args:
        start: float32 (n, …), inputs of the same type, at least one.
        count: how many to make.

    Returns:
        They, as evenly as possible of all columns; None where the dispatcher keeps no means.
    """
    key = pathway.data_type
    dispatcher = view.dispatcher(key)
    if not isinstance(dispatcher, Discriminant):
        return None
    kept, features = view.statistics(pathway.task), view.feature_map(view.types[key])
    columns = torch.from_numpy(kept.columns).to(view.device)
    order = torch.randperm(len(columns), generator=generator)
    places = order.repeat(-(-count // len(columns)))[:count]
    root = torch.linalg.cholesky(dispatcher.metric.precision.double())
    noise = torch.randn(columns.shape[1], count, generator=generator, dtype=torch.float64).to(view.device)
    wanted = columns[places] + torch.linalg.solve_triangular(root.T, noise, upper=True).T.float()
    begin = start[torch.randint(len(start), (count,), generator=generator)].to(view.device)
    made = _inputs_with(features.module.to(view.device), wanted, begin)
    if view.types[key].form == "image":
        made = made.clamp(0, 1)
    owners = kept.owners or (range(len(columns)) if len(columns) == pathway.task_kind.groups(len(pathway.classes)) else ())
    known = pathway.task_kind.exclusive and len(owners) == len(columns) and None not in owners
    return Recalled(made.cpu(), torch.tensor([owners[place] for place in places.tolist()]) if known else None)


def _inputs_with(features: torch.nn.Module, wanted: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """Inputs whose features are near those wanted, (n, features)."""
    inputs = start.clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS([inputs], max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        distance: torch.Tensor = (features(inputs) - wanted).square().sum()
        distance.backward()
        return distance

    with torch.enable_grad():
        optimizer.step(closure)
    return torch.where(torch.isfinite(inputs), inputs, start).detach()
