"""Many components of one shape as one product, each over inputs of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.func import functional_call
from torch.nn.utils.rnn import pad_sequence

from senpath.components import Component

GROUPED = frozenset({"mlp.v1", "linear.v1", "link.v1"})
"""Kinds that are products of matrices, with nothing kept from one input to the next."""
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
    for start in range(0, len(order), TOGETHER):
        part = order[start : start + TOGETHER]
        outputs = _run_together([components[place] for place in part], [inputs[place] for place in part])
        for place, output in zip(part, outputs, strict=True):
            answers[place] = output[: len(inputs[place])]
    return answers


def _run_together(components: Sequence[Component], inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """(components, most inputs, outputs); what is beyond a component's own inputs means nothing."""
    modules = [component.module for component in components]
    names = [name for name, _ in modules[0].named_parameters()]
    with torch.no_grad():
        weights = {name: torch.stack([module.get_parameter(name) for module in modules]) for name in names}
        filled = pad_sequence(list(inputs), batch_first=True)
        outputs: torch.Tensor = torch.vmap(lambda mine, values: functional_call(modules[0], mine, (values,)))(weights, filled)
    return outputs
