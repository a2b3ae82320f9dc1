"""Hidden units of a backbone: where their weights lie, what they are worth, and the same backbone with fewer of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from senpath.components import HEAD, HiddenUnits, Linear, UnitLayer, UnitSlice, build
from senpath.methods.sen.own_part import OwnPart
from senpath.seeds import seeded

CHUNK = 512
MULTIPLE, FROM = 4, 12
"""A layer of 13 units takes longer than one of 32, for they do not fill the processor's registers; one of 12 takes a fifth of it."""


def layers_of(part: OwnPart) -> list[UnitLayer]:
    """The hidden layers of an own part, from the input on."""
    return _units(part).layers(part.config)


def _units(part: OwnPart) -> HiddenUnits:
    if part.kind.units is None:
        raise TypeError(f"a {part.kind} has no hidden units")
    return part.kind.units


def cut_units(part: OwnPart, keep: float, inputs: torch.Tensor | None) -> OwnPart:
    """The same own part with this share of each layer's units, the most important ones, at least one.

    Args:
        inputs: examples, encoded, to measure by how far each unit varies; None to go by its weights.
    """
    layers = layers_of(part)
    spread = _spreads(part, layers, inputs) if inputs is not None else None
    tensors, masks = dict(part.tensors), dict(part.masks)
    widths = []
    for index, layer in enumerate(layers):
        worth = importance(part.tensors, layer, spread[index] if spread is not None else None)
        kept = worth.argsort(descending=True, stable=True)[: fewer(keep, layer.units)].sort().values
        widths.append(len(kept))
        for place in layer.slices:
            for group in (tensors, masks):
                if place.tensor in group:
                    rows = _rows(place, layer.units, kept.to(group[place.tensor].device))
                    group[place.tensor] = group[place.tensor].index_select(place.axis, rows)
    return _put_together(part, tensors, masks, widths)


def fewer(keep: float, units: int) -> int:
    """The nearest number to this share of units, at least one; from `FROM` on a multiple of `MULTIPLE`, but never more than there are."""
    wanted = keep * units
    rounded = MULTIPLE * round(wanted / MULTIPLE) if wanted >= FROM else max(1, round(wanted))
    return min(rounded, units)


def importance(tensors: Mapping[str, torch.Tensor], layer: UnitLayer, spread: torch.Tensor | None) -> torch.Tensor:
    """What each unit is worth: float32 (units,).

    How far it varies over the examples times the norm of what reads it; without examples the norm of what makes it takes the
    place of the first.
    """
    made, read = torch.zeros(layer.units), torch.zeros(layer.units)
    for place in layer.slices:
        values = tensors[place.tensor].detach().float().cpu().movedim(place.axis, 0)[place.first :]
        squares = values.reshape(place.blocks, layer.units, -1).square().sum((0, 2))
        if place.axis:
            read += squares
        else:
            made += squares
    return (spread if spread is not None else made.sqrt()) * read.sqrt()


def _spreads(part: OwnPart, layers: Sequence[UnitLayer], inputs: torch.Tensor) -> list[torch.Tensor]:
    """Standard deviation of each unit of each layer over examples: float32 (units,) each."""
    sums: dict[str, list[torch.Tensor]] = {layer.output: [] for layer in layers}

    def listen(name: str) -> Callable[..., None]:
        def add(module: nn.Module, arguments: Any, output: Any) -> None:
            values = output[0].movedim(-1, 1) if isinstance(output, tuple) else output
            values = values.double().movedim(1, 0).flatten(1)
            sums[name].append(torch.stack([values.sum(1), values.square().sum(1), torch.full_like(values[:, 0], values.shape[1])]).cpu())

        return add

    hooks = [part.backbone.get_submodule(name).register_forward_hook(listen(name)) for name in sums]
    try:
        with torch.no_grad():
            for batch in inputs.split(CHUNK):
                part.backbone(batch)
    finally:
        for hook in hooks:
            hook.remove()
    spreads = []
    for layer in layers:
        total, squares, count = torch.stack(sums[layer.output]).sum(0)
        spreads.append((squares / count - (total / count).square()).clamp(min=0).sqrt().float())
    return spreads


def _rows(place: UnitSlice, units: int, kept: torch.Tensor) -> torch.Tensor:
    """Indices of the kept units' entries along the axis, ascending."""
    blocks = torch.arange(place.blocks, device=kept.device)[:, None, None] * units
    rows = ((blocks + kept[None, :, None]) * place.each + torch.arange(place.each, device=kept.device)).flatten()
    return torch.cat([torch.arange(place.first, device=kept.device), place.first + rows])


def _put_together(part: OwnPart, tensors: Mapping[str, torch.Tensor], masks: dict[str, torch.Tensor], widths: Sequence[int]) -> OwnPart:
    config = _units(part).resized(part.config, widths)
    with seeded(0):  # the first weights are drawn, and thrown away
        backbone, head = build(part.kind, config), Linear(tensors[f"{HEAD}.weight"].shape[1], part.head.out_features)
    backbone.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(f"{HEAD}.")})
    head.load_state_dict({name: tensors[f"{HEAD}.{name}"] for name in ("weight", "bias")})
    device = part.head.weight.device
    return OwnPart(part.kind, config, backbone.to(device), head.to(device), masks)
