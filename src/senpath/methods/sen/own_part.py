"""A task's own layers, taken out of its pathway to be made smaller or trained on, and put back."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from senpath.components import (
    HEAD,
    LINEAR,
    ClassLink,
    Component,
    ComponentKind,
    Pruned,
    freeze,
    freeze_head,
    freeze_pruned,
    is_estimator,
    unpruned,
)
from senpath.methods.sen.train import Chain
from senpath.pathways import Pathway
from senpath.snapshot import View

LISTED = 4
"""Layers that a reason names one by one, at most."""


@dataclass(frozen=True)
class OwnPart:
    """Body and output layer of a pathway, as modules of one's own.

    Args:
        kind: of the backbone, dense.
        config: of the backbone, dense.
        backbone: maps (n, …) to (n, units).
        head: the output layer.
        masks: for each pruned tensor of the backbone which of its weights are there: bool, of its shape; empty where nothing is pruned.
    """

    kind: ComponentKind
    config: dict[str, Any]
    backbone: nn.Module
    head: nn.Linear
    masks: dict[str, torch.Tensor]

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """All its tensors by name, those of the output layer as "head.weight" and "head.bias"."""
        return {**self.backbone.state_dict(), **{f"{HEAD}.{name}": value for name, value in self.head.state_dict().items()}}

    @property
    def weights(self) -> int:
        """How many there are, pruned ones not counted."""
        return sum(value.numel() for value in self.tensors.values()) - sum(int((~mask).sum()) for mask in self.masks.values())

    def freeze(self) -> tuple[Component, Component]:
        """As components."""
        if not self.masks:
            return freeze(self.kind, self.config, self.backbone), freeze_head(self.head)
        return freeze_pruned(self.kind, self.config, self.backbone, self.masks), freeze_head(self.head)


def take_out(view: View, pathway: Pathway) -> OwnPart | str:
    """A pathway's own part as trainable copies; or why it has none that could be made smaller, a sentence about the task."""
    if not pathway.components:
        return "links alone answer, it has no layers of its own"
    own = [view.component(name) for name in pathway.components]
    if is_estimator(own[0]):
        return "it is a scikit-learn model, which has no layers"
    kind, config, backbone = unpruned(own[0])
    if len(own) != 2 or own[1].kind is not LINEAR or kind.units is None:
        kinds = " and ".join(component.kind.name for component in own)
        return f"it consists of {kinds}, not of a backbone and an output layer"
    head = deepcopy(own[1].module).requires_grad_(True)
    if not isinstance(head, nn.Linear):
        raise TypeError(f"expected an nn.Linear, got {type(head).__name__}")
    masks = own[0].module.kept_places() if isinstance(own[0].module, Pruned) else {}
    return OwnPart(kind, dict(config), deepcopy(backbone).requires_grad_(True), head, masks)


def frozen_links(view: View, pathway: Pathway) -> list[tuple[Chain, ClassLink]]:
    """Copies of a pathway's links, which training cannot touch, each with what it reads."""
    copies = [deepcopy(class_link(view.component(link.component))) for link in pathway.links]
    return [([view.component(name) for name in link.reads], copy) for link, copy in zip(pathway.links, copies, strict=True)]


def class_link(component: Component) -> ClassLink:
    """A link's module."""
    if not isinstance(component.module, ClassLink):
        raise TypeError(f"expected a ClassLink, got {type(component.module).__name__}")
    return component.module


def movable(view: View, pathway: Pathway) -> OwnPart | str:
    """A pathway's own part, see `take_out`; of a path of many layers, as `munet` finds them, the reason why there is none in short."""
    layers = len(pathway.components)
    if layers > LISTED:
        return f"it consists of {layers} layers, not of a backbone and an output layer"
    return take_out(view, pathway)


CHUNK = 512


def cut_weights(part: OwnPart, keep: float, inputs: torch.Tensor | None) -> OwnPart | str:
    """The same own part with the smallest weights of each layer set to zero for good (Mallya and Lazebnik 2018, section 3).

    Biases and the output layer stay; of every other layer the same share goes, so that of all weights `keep` is left.

    Args:
        inputs: examples, encoded: a weight then counts as much as what it is multiplied with (Sun et al. 2024, equation 1);
            None to go by magnitude.

    Returns:
        The part, or why there is none, a sentence about the task.
    """
    tensors = dict(part.backbone.named_parameters())
    there = {name: part.masks.get(name, torch.ones_like(value, dtype=torch.bool)) for name, value in tensors.items() if value.ndim > 1}
    prunable = sum(int(mask.sum()) for mask in there.values())
    fixed = part.weights - prunable
    budget = int(keep * part.weights) - fixed
    if budget < len(there):
        least = (fixed + len(there)) / part.weights
        return f"biases and the output layer, which stay, are {fixed:,} of its {part.weights:,} weights: keep {least:.3f} or more"
    scale = _sizes_of_inputs(part, inputs) if inputs is not None else {}
    masks = {}
    for name, mask in there.items():
        worth = tensors[name].detach().abs() * scale.get(name, 1.0)
        masks[name] = _largest(worth, mask, round(budget / prunable * int(mask.sum())))
        with torch.no_grad():
            tensors[name].mul_(masks[name])
    return replace(part, masks=masks)


def hold_at_zero(part: OwnPart) -> None:
    """What is pruned stays zero in training: without a gradient Adam, which has no decay here, does not move it."""
    for name, parameter in part.backbone.named_parameters():
        if name in part.masks:
            mask = part.masks[name].to(parameter.device)
            parameter.register_hook(lambda gradient, mask=mask: gradient * mask)


def _largest(worth: torch.Tensor, there: torch.Tensor, count: int) -> torch.Tensor:
    """Of the places that are there the `count` worth most, at least one: bool."""
    ranked = torch.where(there, worth, -1.0).flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(worth.numel(), dtype=torch.bool, device=worth.device)
    mask[ranked[: max(1, count)]] = True
    return mask.reshape(worth.shape)


def _sizes_of_inputs(part: OwnPart, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """For the weight of each affine or convolutional layer the root mean square of what each column is multiplied with."""
    sums: dict[str, list[torch.Tensor]] = {}

    def listen(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def note(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            values = arguments[0].double().square().movedim(1, 0).flatten(1)
            sums.setdefault(f"{name}.weight", []).append(values.mean(1) * len(arguments[0]))

        return note

    layers = {name: module for name, module in part.backbone.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}
    hooks = [module.register_forward_pre_hook(listen(name)) for name, module in layers.items()]
    _run(part.backbone, inputs)
    for hook in hooks:
        hook.remove()
    sizes = {name: (torch.stack(found).sum(0) / len(inputs)).sqrt().float() for name, found in sums.items()}
    return {name: size[:, None, None] if part.backbone.get_parameter(name).ndim == 4 else size for name, size in sizes.items()}


def _run(backbone: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor) -> None:
    with torch.no_grad():
        for batch in inputs.split(CHUNK):
            backbone(batch)
