"""Hidden units of a body: where their weights lie, what they are worth, and the same body with fewer of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from senpath.components import Linear, build
from senpath.methods.sen.own_part import HEAD, OwnPart
from senpath.seeds import seeded

CHUNK = 512
MULTIPLE, FROM = 4, 12
"""A layer of 13 units takes longer than one of 32, for they do not fill the processor's registers; one of 12 takes a fifth of it."""


@dataclass(frozen=True)
class Place:
    """One axis of a tensor that has one or several entries for every unit of a layer: index = first + (block · units + unit) · each + rest.

    Args:
        tensor: its name.
        axis: 0 for what makes the units, 1 for what reads them.
        blocks: how often all units come one after another (the four gates of an LSTM).
        each: entries of one unit side by side (the pixels of a filter's map).
        first: entries before those of the first unit, which are no unit's (the inputs beside a skip's layer).
    """

    tensor: str
    axis: int
    blocks: int = 1
    each: int = 1
    first: int = 0


@dataclass(frozen=True)
class Layer:
    """Units that are kept or cut.

    Args:
        units: how many.
        says: name of the module in the body whose output holds them, on axis 1, or on the last one of an LSTM's.
        places: of their weights.
    """

    units: int
    says: str
    places: tuple[Place, ...]


def layers_of(kind: str, config: Mapping[str, Any]) -> list[Layer]:
    """The hidden layers of a body, from the input on."""
    return _LAYERS[kind](config)


def _mlp(config: Mapping[str, Any]) -> list[Layer]:
    return _dense("layers", config["hidden"])


def _skip(config: Mapping[str, Any]) -> list[Layer]:
    made = (Place("layers.0.weight", 0), Place("layers.0.bias", 0))
    return [Layer(config["hidden"], "layers.1", (*made, Place(f"{HEAD}.weight", 1, first=config["inputs"])))]


def _cnn(config: Mapping[str, Any]) -> list[Layer]:
    _, height, width = config["shape"]
    filters = config["filters"]
    for _ in filters:
        height, width = (height + 1) // 2, (width + 1) // 2
    layers = []
    for index, units in enumerate(filters):
        last = index + 1 == len(filters)
        reader = Place("dense.0.weight", 1, each=height * width) if last else Place(f"blocks.{3 * index + 3}.weight", 1)
        made = (Place(f"blocks.{3 * index}.weight", 0), Place(f"blocks.{3 * index}.bias", 0))
        layers.append(Layer(units, f"blocks.{3 * index + 2}", (*made, reader)))
    return [*layers, *_dense("dense", [config["hidden"]])]


def _lstm(config: Mapping[str, Any]) -> list[Layer]:
    gates = tuple(Place(f"lstm.{name}_l0", 0, blocks=4) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    states = Layer(config["units"], "lstm", (*gates, Place("lstm.weight_hh_l0", 1), Place("dense.0.weight", 1)))
    return [states, *_dense("dense", config["hidden"])]


def _dense(stack: str, hidden: Sequence[int]) -> list[Layer]:
    layers = []
    for index, units in enumerate(hidden):
        reader = f"{stack}.{2 * index + 2}.weight" if index + 1 < len(hidden) else f"{HEAD}.weight"
        places = (Place(f"{stack}.{2 * index}.weight", 0), Place(f"{stack}.{2 * index}.bias", 0), Place(reader, 1))
        layers.append(Layer(units, f"{stack}.{2 * index + 1}", places))
    return layers


_LAYERS: dict[str, Callable[[Mapping[str, Any]], list[Layer]]] = {"mlp.v1": _mlp, "skip.v1": _skip, "cnn.v1": _cnn, "lstm.v1": _lstm}


def cut_units(part: OwnPart, keep: float, inputs: torch.Tensor | None) -> OwnPart:
    """The same own part with this share of each layer's units, the most important ones, at least one.

    Args:
        inputs: examples, encoded, to measure by how far each unit varies; None to go by its weights.
    """
    layers = layers_of(part.kind, part.config)
    spread = _spreads(part, layers, inputs) if inputs is not None else None
    tensors, masks = dict(part.tensors), dict(part.masks)
    widths = []
    for index, layer in enumerate(layers):
        worth = importance(part.tensors, layer, spread[index] if spread is not None else None)
        kept = worth.argsort(descending=True, stable=True)[: fewer(keep, layer.units)].sort().values
        widths.append(len(kept))
        for place in layer.places:
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


def importance(tensors: Mapping[str, torch.Tensor], layer: Layer, spread: torch.Tensor | None) -> torch.Tensor:
    """What each unit is worth: float32 (units,).

    How far it varies over the examples times the norm of what reads it; without examples the norm of what makes it takes the
    place of the first.
    """
    made, read = torch.zeros(layer.units), torch.zeros(layer.units)
    for place in layer.places:
        values = tensors[place.tensor].detach().float().cpu().movedim(place.axis, 0)[place.first :]
        squares = values.reshape(place.blocks, layer.units, -1).square().sum((0, 2))
        if place.axis:
            read += squares
        else:
            made += squares
    return (spread if spread is not None else made.sqrt()) * read.sqrt()


def _spreads(part: OwnPart, layers: Sequence[Layer], inputs: torch.Tensor) -> list[torch.Tensor]:
    """Standard deviation of each unit of each layer over examples: float32 (units,) each."""
    said: dict[str, list[torch.Tensor]] = {layer.says: [] for layer in layers}

    def listen(name: str) -> Callable[..., None]:
        def note(module: nn.Module, arguments: Any, output: Any) -> None:
            values = output[0].movedim(-1, 1) if isinstance(output, tuple) else output
            values = values.double().movedim(1, 0).flatten(1)
            said[name].append(torch.stack([values.sum(1), values.square().sum(1), torch.full_like(values[:, 0], values.shape[1])]).cpu())

        return note

    hooks = [part.body.get_submodule(name).register_forward_hook(listen(name)) for name in said]
    try:
        with torch.no_grad():
            for batch in inputs.split(CHUNK):
                part.body(batch)
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for layer in layers:
        total, squares, count = torch.stack(said[layer.says]).sum(0)
        found.append((squares / count - (total / count).square()).clamp(min=0).sqrt().float())
    return found


def _rows(place: Place, units: int, kept: torch.Tensor) -> torch.Tensor:
    """Indices of the kept units' entries along the axis, ascending."""
    blocks = torch.arange(place.blocks, device=kept.device)[:, None, None] * units
    rows = ((blocks + kept[None, :, None]) * place.each + torch.arange(place.each, device=kept.device)).flatten()
    return torch.cat([torch.arange(place.first, device=kept.device), place.first + rows])


def _put_together(part: OwnPart, tensors: Mapping[str, torch.Tensor], masks: dict[str, torch.Tensor], widths: Sequence[int]) -> OwnPart:
    config = _NARROW[part.kind](part.config, list(widths))
    with seeded(0):  # the first weights are drawn, and thrown away
        body, head = build(part.kind, config), Linear(tensors[f"{HEAD}.weight"].shape[1], part.head.out_features)
    body.load_state_dict({name: value for name, value in tensors.items() if not name.startswith(f"{HEAD}.")})
    head.load_state_dict({name: tensors[f"{HEAD}.{name}"] for name in ("weight", "bias")})
    device = part.head.weight.device
    return OwnPart(part.kind, config, body.to(device), head.to(device), masks)


_NARROW: dict[str, Callable[[Mapping[str, Any], list[int]], dict[str, Any]]] = {
    "mlp.v1": lambda config, widths: {**config, "hidden": widths},
    "skip.v1": lambda config, widths: {**config, "hidden": widths[0]},
    "cnn.v1": lambda config, widths: {**config, "filters": widths[:-1], "hidden": widths[-1]},
    "lstm.v1": lambda config, widths: {**config, "units": widths[0], "hidden": widths[1:]},
}
"""A body's configuration with other numbers of units, layer by layer."""
