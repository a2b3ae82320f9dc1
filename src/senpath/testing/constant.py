"""A method that needs no training, for tests that do not care how a task was learned."""

from __future__ import annotations

import math

import torch
from torch import nn

from senpath.components import LINEAR, LINK, MLP, ClassLink, Linear, Mlp, freeze
from senpath.pathways import Link, Pathway, Transfer, run_chain
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.snapshot import MethodResult, View
from senpath.training import TargetScaler
from senpath.types import Examples

STEPS, DECAY = 20, 1e-3
"""Steps of the solver that fits the output layer, and the penalty on its weights."""


class ConstantMethod:
    """Learns a task in milliseconds: a layer of random weights that stay as they are, and an output layer fitted to the examples.

    It learns every kind of task, from inputs of any shape, well enough for tests of what networks do with a task (Huang et al. 2006,
    "Extreme learning machine").

    Args:
        hidden: units of the random layer.
        source: an earlier task of the same type of data whose last hidden layer a link reads, for every class; None learns alone.
        random_state: decides the random weights.

    Example:
        >>> from senpath.testing import ConstantMethod
        >>> net.learn("odd", *tiny_task("odd"), method=ConstantMethod(source="low")).version
        4
    """

    name = "constant"

    def __init__(self, *, hidden: int = 32, source: str | None = None, random_state: int = 0) -> None:
        self.hidden, self.source, self.random_state = hidden, source, random_state

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn `task` from `examples`; nothing is written."""
        inputs = math.prod(examples.data_type.shape)
        with seeded(derive(self.random_state, "constant")):
            layer = Mlp(inputs, [self.hidden])
        source = view.pathway(self.source) if self.source is not None else None
        reads = source.components[:-1] if source is not None else ()
        with torch.no_grad():
            own = layer(examples.inputs)
            read = run_chain([view.component(name) for name in reads], examples.inputs.to(view.device)).cpu() if reads else own[:, :0]
        outputs = len(examples.classes)
        fitted = _fit(torch.cat([own, read], 1), examples)
        with seeded(0):
            head, link = Linear(self.hidden, outputs), ClassLink(read.shape[1], outputs, range(outputs))
        with torch.no_grad():
            head.weight.copy_(fitted.weight[:, : self.hidden])
            head.bias.copy_(fitted.bias)
            link.weight.copy_(fitted.weight[:, self.hidden :])
        TargetScaler.fit(examples).fold_into(head, [link])
        progress("train", 1, 1)
        chain = (
            freeze(MLP, {"inputs": inputs, "hidden": [self.hidden]}, layer),
            freeze(LINEAR, {"inputs": self.hidden, "outputs": outputs}, head),
        )
        settings = {"hidden": self.hidden, "source": self.source, "random_state": self.random_state}
        if source is None:
            return MethodResult(chain, settings=settings)
        part = freeze(LINK, {"inputs": read.shape[1], "outputs": outputs, "classes": list(range(outputs))}, link)
        made = Link(source.task, reads, part.hash, _transfers(source, examples), len(examples))
        return MethodResult(chain, (part,), (made,), settings, sources_tried={source.task: 1.0})


def _fit(units: torch.Tensor, examples: Examples) -> nn.Linear:
    """The output layer that fits best what the units (n, units) say of the targets, which are scaled where they are numbers."""
    targets = TargetScaler.fit(examples).transform(examples.targets)
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, units.shape[1], len(examples.classes))
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    solver = torch.optim.LBFGS(layer.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value: torch.Tensor = examples.task_kind.loss(layer(units), targets) + DECAY * layer.weight.square().sum()
        value.backward()
        return value

    solver.step(loss)
    return layer


def _transfers(source: Pathway, examples: Examples) -> tuple[Transfer, ...]:
    """Each class borrows from the source's class in its place."""
    return tuple(Transfer(label, source.classes[place % len(source.classes)], 1.0) for place, label in enumerate(examples.classes))
