"""A change to the network, ready to be committed, and trying it out before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from senpath.components import Component, Lookup
from senpath.pathways import LearningCost, Pathway, run_pathway
from senpath.routing import TaskStatistics
from senpath.snapshot.view import View, at_once
from senpath.types import DataType


@dataclass(frozen=True)
class Proposal:
    """A change to the network, ready to be committed or thrown away.

    Args:
        version: of the network that it was made against.
        pathways: added, or put in the place of one of the same name in `replaces`.
        components: those that the pathways name and the network may not have yet.
        statistics: what the dispatcher keeps of each added task, by name; of a replaced one, its new columns, if it gets any.
        types: for data types that were new in `version`, the type and its feature map.
        replaces: names of the tasks whose pathways may be replaced; what the dispatcher knows of them stays, but for `statistics`.
        removes: names of the tasks that go. Components that no other task names go with them.
        untrained: hashes of those of `components` that were taken as they were: they ran, and were not learned.
        entry: what the log says about it (JSON values).
        cost: what learning ran and changed; of tasks that were learned together, all of it. None where nothing was learned.
    """

    version: int
    pathways: tuple[Pathway, ...]
    components: tuple[Component, ...]
    statistics: Mapping[str, TaskStatistics]
    types: Mapping[str, tuple[DataType, Component]] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    removes: frozenset[str] = frozenset()
    untrained: frozenset[str] = frozenset()
    entry: Mapping[str, Any] = field(default_factory=dict)
    cost: LearningCost | None = None


def try_out(view: View, proposal: Proposal, inputs: torch.Tensor, place: int = 0) -> torch.Tensor:
    """What a proposal's pathway would answer to encoded inputs (n, …) if it were committed: logits, float32 (n, classes).

    Args:
        place: which of its pathways.
    """
    return run_new(view, proposal.pathways[place], proposal.components, inputs)


def run_new(view: View, pathway: Pathway, components: Iterable[Component], inputs: torch.Tensor) -> torch.Tensor:
    """What a pathway answers to encoded inputs (n, …) whose components the network may not have yet: logits, float32 (n, classes)."""
    lookup = with_new(components, view.component, view.device)
    return torch.cat([run_pathway(pathway, part.to(view.device), lookup) for part in inputs.split(at_once(inputs))])


def with_new(components: Iterable[Component], lookup: Lookup, device: torch.device) -> Lookup:
    """A lookup that knows these components besides the network's own."""
    new = {component.hash: component for component in components}

    def find(name: str) -> Component:
        return new[name] if name in new else lookup(name)

    for component in new.values():
        component.module.to(device)
        component.bind(find)
    return find
