"""Many components of one shape as one product, each over inputs of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy

import torch
from torch.func import functional_call
from torch.nn.utils.rnn import pad_sequence

from senpath.components import Component

LEAST = 8
"""Fewer components are run one by one."""
TOGETHER = 128
"""Components in one product."""
LARGEST, LARGEST_ON_DEVICE = 20_000, 2_000_000
"""Weights of a component that is grouped, at most. On a processor a larger layer takes as long as reading its weights does, and laying
them side by side reads them once more (docs/log.md); an accelerator reads faster than it starts products."""


def largest(device: torch.device) -> int:
    """Weights of a component that is worth grouping there."""
    return LARGEST if device.type == "cpu" else LARGEST_ON_DEVICE


def run_grouped(components: Sequence[Component], inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The answers of components of one kind and configuration.

    Args:
        inputs: of each component, (its own number, …).
    """
    # Of like length side by side, so that little is filled up.
    order = sorted(range(len(components)), key=lambda place: len(inputs[place]))
    answers: list[torch.Tensor] = [inputs[0]] * len(components)
    for part in _parts(order, [len(mine) for mine in inputs]):
        if len(part) < LEAST:
            outputs: Sequence[torch.Tensor] = [components[place](inputs[place]) for place in part]
        else:
            outputs = list(_run_together([components[place] for place in part], [inputs[place] for place in part]))
        for place, output in zip(part, outputs, strict=True):
            answers[place] = output[: len(inputs[place])]
    return answers


def _parts(order: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Cut what is ordered by size so that in a part at most half is filled up."""
    part: list[int] = []
    rows = 0
    for place in order:
        if len(part) == TOGETHER or (len(part) + 1) * sizes[place] > 2 * (rows + sizes[place]) + LEAST:
            yield part
            part, rows = [], 0
        part.append(place)
        rows += sizes[place]
    yield part


def _run_together(components: Sequence[Component], inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """(components, most inputs, outputs); what is beyond a component's own inputs means nothing."""
    modules = [component.module for component in components]
    shape = deepcopy(modules[0])  # a call with other weights puts them into the module for its time, and other threads may use it
    names = [name for name, _ in shape.named_parameters()]
    with torch.no_grad():
        weights = {name: torch.stack([module.get_parameter(name) for module in modules]) for name in names}
        filled = pad_sequence(list(inputs), batch_first=True)
        outputs: torch.Tensor = torch.vmap(lambda mine, values: functional_call(shape, mine, (values,)))(weights, filled)
    return outputs
