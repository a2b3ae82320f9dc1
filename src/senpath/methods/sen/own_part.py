"""A task's own layers, taken out of its pathway to be made smaller, and put back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from senpath.components import PRUNABLE, Component, Pruned, freeze, unpruned
from senpath.methods.sen.learner import freeze_head
from senpath.pathways import Pathway
from senpath.snapshot import View

LISTED = 4
"""Layers that a reason names one by one, at most."""
HEAD = "head"
"""What the output layer is called among the tensors of an own part."""


@dataclass(frozen=True)
class OwnPart:
    """Body and output layer of a pathway, as modules of one's own.

    Args:
        kind: of the body, dense.
        config: of the body, dense.
        body: maps (n, …) to (n, units).
        head: the output layer.
        masks: for each pruned tensor of the body which of its weights are there: bool, of its shape; empty where nothing is pruned.
    """

    kind: str
    config: dict[str, Any]
    body: nn.Module
    head: nn.Linear
    masks: dict[str, torch.Tensor]

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """All its tensors by name, those of the output layer as "head.weight" and "head.bias"."""
        return {**self.body.state_dict(), **{f"{HEAD}.{name}": value for name, value in self.head.state_dict().items()}}

    @property
    def weights(self) -> int:
        """How many there are, pruned ones not counted."""
        return sum(value.numel() for value in self.tensors.values()) - sum(int((~mask).sum()) for mask in self.masks.values())

    def freeze(self) -> tuple[Component, Component]:
        """As components."""
        if not self.masks:
            return freeze(self.kind, self.config, self.body), freeze_head(self.head)
        pruned = Pruned.of(self.kind, self.config, self.body, self.masks)
        config = {"kind": self.kind, "config": self.config, "kept": pruned.kept}
        return freeze("pruned.v1", config, pruned), freeze_head(self.head)


def take_out(view: View, pathway: Pathway) -> OwnPart | str:
    """A pathway's own part as trainable copies; or why it has none that could be made smaller, a sentence about the task."""
    if not pathway.components:
        return "links alone answer, it has no layers of its own"
    own = [view.component(name) for name in pathway.components]
    if own[0].kind == "sklearn.v1":
        return "it is a scikit-learn model, which has no layers"
    kind, config, body = unpruned(own[0])
    if len(own) != 2 or own[1].kind != "linear.v1" or kind not in PRUNABLE or kind == "linear.v1":
        kinds = " and ".join(component.kind for component in own)
        return f"it consists of {kinds}, not of one hidden body and an output layer"
    head = deepcopy(own[1].module).requires_grad_(True)
    if not isinstance(head, nn.Linear):
        raise TypeError(f"expected an nn.Linear, got {type(head).__name__}")
    masks = own[0].module.kept_places() if isinstance(own[0].module, Pruned) else {}
    return OwnPart(kind, dict(config), deepcopy(body).requires_grad_(True), head, masks)


def movable(view: View, pathway: Pathway) -> OwnPart | str:
    """A pathway's own part, see `take_out`; of a path of many layers, as `munet` finds them, the reason why there is none in short."""
    layers = len(pathway.components)
    if layers > LISTED:
        return f"it consists of {layers} layers, not of one hidden body and an output layer"
    return take_out(view, pathway)
