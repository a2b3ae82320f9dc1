"""What passes between a method and the network: a read-only view one way, a proposal the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from senpath.components import Component
from senpath.dispatch import TaskStatistics
from senpath.network.view import View
from senpath.pathways import Pathway, run_pathway
from senpath.progress import Progress
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Proposal:
    """A change to the network, ready to be committed or thrown away.

    Args:
        version: of the network that it was made against.
        pathways: added, or put in the place of one of the same name in `replaces`.
        components: bricks that the pathways name and the network may not have yet.
        statistics: what the dispatcher keeps of each added task, by name.
        types: for data types that were new in `version`, the type and its feature map.
        replaces: names of the tasks whose pathways may be replaced; what the dispatcher knows of them stays.
        entry: what the log says about it (JSON values).
    """

    version: int
    pathways: tuple[Pathway, ...]
    components: tuple[Component, ...]
    statistics: Mapping[str, TaskStatistics]
    types: Mapping[str, tuple[DataType, Component]] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    entry: Mapping[str, Any] = field(default_factory=dict)


def try_out(view: View, proposal: Proposal, inputs: torch.Tensor) -> torch.Tensor:
    """What a proposal's first pathway would answer to encoded inputs (n, …) if it were committed: logits, float32 (n, classes)."""
    bricks = {component.hash: component for component in proposal.components}
    for component in bricks.values():
        component.module.to(view.device)
    return run_pathway(proposal.pathways[0], inputs.to(view.device), lambda name: bricks[name] if name in bricks else view.component(name))


class Method(Protocol):
    """A way to change the network. It reads the view and the new examples, nothing else, and writes nothing.

    A method may also have `check(data_type)`, which raises InputError for a type that it cannot learn; `learn_many` asks before it begins.
    """

    name: str

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> Proposal:
        """Learn `task` from `examples` on top of what `view` shows."""
        ...
