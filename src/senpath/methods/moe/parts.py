"""From a trained mixture to the components of its tasks, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from senpath.components import (
    ATTENTION,
    ENCODER_BLOCK,
    EXPERTS,
    FEED_FORWARD,
    LINEAR,
    ROUTER,
    TOKEN_MEAN,
    Attention,
    Component,
    EncoderBlock,
    Experts,
    FeedForward,
    Router,
    build,
    freeze,
)
from senpath.errors import StoreError
from senpath.methods.moe.mixture import ExpertBlock, Mixture, Plan
from senpath.pathways import Pathway
from senpath.snapshot import View

KINDS = (ENCODER_BLOCK, ATTENTION, EXPERTS)
"""Of the components before a task's mean and output layer."""


class Freezer:
    """Makes the components of a mixture's tasks; what tasks share is made once.

    Args:
        mixture: after training.
    """

    def __init__(self, mixture: Mixture) -> None:
        self._mixture, self._plan = mixture, mixture.plan
        self._shared = [self._freeze_shared(block) for block in mixture.blocks]
        mean = {"width": self._plan.width}
        self._mean = freeze(TOKEN_MEAN, mean, build(TOKEN_MEAN, mean))

    def chain(self, task: int, kept: Sequence[Sequence[int]]) -> tuple[list[Component], list[Component]]:
        """A task's components in the order in which they run, and what is inside them.

        Args:
            task: its place in the mixture.
            kept: for each block with experts the places among the block's experts that the task keeps.
        """
        chain, inside, rest = list[Component](), list[Component](), iter(kept)
        for block, shared in zip(self._mixture.blocks, self._shared, strict=True):
            chain.append(shared[0])
            if isinstance(block, ExpertBlock):
                mine = next(rest)
                children = [shared[1], *(shared[2 + place] for place in mine)]
                chain.append(self._freeze_experts(block, task, children, [block.rows[place] for place in mine]))
                inside += children
        head = self._mixture.heads[task]
        outputs = freeze(LINEAR, {"inputs": self._plan.width, "outputs": len(head.get_parameter("bias"))}, head)
        return [*chain, self._mean, outputs], inside

    def _freeze_shared(self, block: nn.Module) -> list[Component]:
        """A plain block; or the attention, the gate and the experts of one with experts."""
        plan = self._plan
        if not isinstance(block, ExpertBlock):
            return [freeze(ENCODER_BLOCK, {"width": plan.width, "heads": plan.heads, "hidden": plan.hidden}, block)]
        router = {"width": plan.width, "embedding": plan.embedding, "experts": plan.experts, "gate": plan.gate}
        return [
            freeze(ATTENTION, {"width": plan.width, "heads": plan.heads}, block.attention),
            freeze(ROUTER, router, block.router),
            *(freeze(FEED_FORWARD, {"width": plan.width, "hidden": plan.hidden}, expert) for expert in block.experts),
        ]

    def _freeze_experts(self, block: ExpertBlock, task: int, children: Sequence[Component], rows: Sequence[int]) -> Component:
        config: dict[str, Any] = {
            "width": self._plan.width,
            "embedding": self._plan.embedding,
            "children": [child.hash for child in children],
            "kept": list(rows),
            "scaled": self._plan.scaled,
        }
        module = Experts(**config)
        with torch.no_grad():
            module.task.copy_(self._mixture.tasks[task])
        module.norm.load_state_dict(block.norm.state_dict())
        return freeze(EXPERTS, config, module)


@dataclass(frozen=True)
class Layer:
    """One block of a task that the network has.

    Args:
        shared: its encoder block, or its attention.
        experts: the composite behind that; None of a plain block.
    """

    shared: Component
    experts: Component | None


@dataclass(frozen=True)
class Family:
    """Tasks that share blocks, gates and experts.

    Args:
        nearest: the task that a new one is to resemble.
        layers: its blocks.
        known: for each block with experts the hashes of all that are known, by their place in the gate's rows.
    """

    nearest: str
    layers: tuple[Layer, ...]
    known: tuple[dict[int, str], ...]

    @staticmethod
    def of(view: View, nearest: str) -> Family:
        """The family of a task that was learned by this method."""
        layers = tuple(layers_of(view, view.pathway(nearest)))
        routers = [layer.experts.children[0] for layer in layers if layer.experts is not None]
        known: list[dict[int, str]] = [{} for _ in routers]
        for pathway in members(view, view.pathway(nearest).data_type):
            mine = [layer.experts for layer in layers_of(view, pathway) if layer.experts is not None]
            for experts in mine:
                if experts.children[0] in routers:
                    found = zip(experts.config["kept"], experts.children[1:], strict=True)
                    known[routers.index(experts.children[0])].update(found)
        return Family(nearest, layers, tuple(dict(sorted(found.items())) for found in known))

    def mixture(self, view: View, outputs: int, task: torch.Tensor | None) -> Mixture:
        """Modules that are copies of the family's, for one more task.

        Args:
            outputs: of the task.
            task: its embedding; None takes the nearest task's.
        """
        mixture = Mixture(self._plan(view), [outputs], [list(found) for found in self.known])
        known = iter(self.known)
        for block, layer in zip(mixture.blocks, self.layers, strict=True):
            if not isinstance(block, ExpertBlock) or layer.experts is None:
                _take(block, layer.shared)
                continue
            _take(block.attention, layer.shared)
            _take(block.router, view.component(layer.experts.children[0]))
            for expert, name in zip(block.experts, next(known).values(), strict=True):
                _take(expert, view.component(name))
            of_nearest = layer.experts.module
            if isinstance(of_nearest, Experts):
                block.norm.load_state_dict(of_nearest.norm.state_dict())
                with torch.no_grad():
                    mixture.tasks.copy_(of_nearest.task if task is None else task)
        return mixture

    @property
    def embedding(self) -> int:
        """Numbers in a task's embedding; 0 without experts."""
        return next((int(layer.experts.config["embedding"]) for layer in self.layers if layer.experts is not None), 0)

    def _plan(self, view: View) -> Plan:
        width, heads = (int(self.layers[0].shared.config[name]) for name in ("width", "heads"))
        composite = next((layer.experts for layer in self.layers if layer.experts is not None), None)
        if composite is None:
            return Plan(width, heads, int(self.layers[0].shared.config["hidden"]), len(self.layers), 1, "task-aware", 0, scaled=False)
        router, expert = (view.component(name) for name in composite.children[:2])
        return Plan(
            width,
            heads,
            int(expert.config["hidden"]),
            len(self.layers),
            int(router.config["experts"]),
            router.config["gate"],
            int(router.config["embedding"]),
            scaled=bool(composite.config["scaled"]),
        )


def members(view: View, key: str) -> list[Pathway]:
    """Pathways of this type of data that are made as this method makes them."""
    found = [view.pathway(task) for task in view.tasks_of_type(key)]
    return [pathway for pathway in found if pathway.provenance.method == "moe" and pathway.components and not pathway.links]


def layers_of(view: View, pathway: Pathway) -> Iterator[Layer]:
    """A task's blocks.

    Raises:
        StoreError: if it is made of something else.
    """
    chain = [view.component(name) for name in pathway.components[:-2]]
    for component, after in zip(chain, [*chain[1:], None], strict=True):
        if component.kind not in KINDS:
            raise StoreError(f"task {pathway.task!r}", expected=f"components of {', '.join(map(str, KINDS))}", got=component.kind.name)
        if component.kind is not EXPERTS:
            yield Layer(component, after if after is not None and after.kind is EXPERTS else None)


def _take(module: nn.Module, component: Component) -> None:
    """Give a module, which is to be trained, a component's weights."""
    if not isinstance(module, Attention | EncoderBlock | FeedForward | Router):
        raise TypeError(f"a part that is a {type(module).__name__}")
    module.load_state_dict(component.module.state_dict())
