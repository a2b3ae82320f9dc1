"""From a trained mixture to the components of its tasks, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from senpath.components import (
    ATTENTION,
    ENCODER_BLOCK,
    EXPERTS,
    FEED_FORWARD,
    ROUTER,
    TOKEN_EMBEDDING,
    TOKEN_MEAN,
    Component,
    Experts,
    build,
    freeze,
    freeze_head,
)
from senpath.components.experts import EXPERTS_ALONE
from senpath.errors import StoreError
from senpath.methods.moe.config import NAME
from senpath.methods.moe.model import ExpertBlock, Mixture, Plan
from senpath.pathways import Pathway
from senpath.snapshot import View

KINDS = (ENCODER_BLOCK, ATTENTION, EXPERTS, EXPERTS_ALONE)
"""Of the components before a task's mean and output layer, but for what may stand first, a layer that makes tokens."""


class Freezer:
    """Makes the components of a mixture's tasks; what tasks share is made once.

    Args:
        mixture: after training.
    """

    def __init__(self, mixture: Mixture) -> None:
        self._mixture, self._plan = mixture, mixture.plan
        embedding = {"inputs": mixture.plan.inputs, "width": mixture.plan.width}
        self._start = [] if mixture.start is None else [freeze(TOKEN_EMBEDDING, embedding, mixture.start)]
        self._shared = [self._freeze_shared(block) for block in mixture.blocks]
        config = {"width": self._plan.width}
        self._mean = freeze(TOKEN_MEAN, config, build(TOKEN_MEAN, config))

    def components(self, task: int, kept: Sequence[Sequence[int]]) -> tuple[list[Component], list[Component]]:
        """A task's components in the order in which they run, and what is inside them.

        Args:
            task: its place in the mixture.
            kept: for each block with experts the places among the block's experts that the task keeps.
        """
        chain, inside, rest = list(self._start), list[Component](), iter(kept)
        for block, (first, *others) in zip(self._mixture.blocks, self._shared, strict=True):
            chain.append(first)
            if isinstance(block, ExpertBlock):
                places, (router, *experts) = next(rest), others
                children = [router, *(experts[place] for place in places)]
                chain.append(self._freeze_experts(block, task, children, places))
                inside += children
        return [*chain, self._mean, freeze_head(self._mixture.output_layers[task])], inside

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

    def _freeze_experts(self, block: ExpertBlock, task: int, children: Sequence[Component], places: Sequence[int]) -> Component:
        names, plan = [child.hash for child in children], self._plan
        module = block.of_task(self._mixture.tasks[task], places, names)
        config = {"width": plan.width, "embedding": plan.embedding, "children": names, "kept": module.kept, "scaled": plan.scaled}
        return freeze(EXPERTS, config, module)


@dataclass(frozen=True)
class Block:
    """One block of a task that the network has.

    Args:
        shared: its encoder block, or its attention.
        experts: the composite behind that; None of a plain block.
    """

    shared: Component
    experts: Component | None


@dataclass(frozen=True)
class Family:
    """Tasks that share blocks, gates and experts, and the one of them that a new task is to resemble.

    Args:
        start: that task's layer in front that makes tokens; None without one.
        blocks: its blocks.
        known: for each block with experts the hashes of all that the family has, by their place in the gate's rows.
    """

    start: Component | None
    blocks: tuple[Block, ...]
    known: tuple[dict[int, str], ...]

    @staticmethod
    def of(view: View, nearest: str) -> Family:
        """The family of a task that was learned by this method."""
        first = view.component(view.pathway(nearest).components[0])
        blocks = tuple(blocks_of(view, view.pathway(nearest)))
        known: dict[str, dict[int, str]] = {block.experts.children[0]: {} for block in blocks if block.experts is not None}
        for pathway in members(view, view.pathway(nearest).data_type):
            for block in blocks_of(view, pathway):
                if block.experts is not None and block.experts.children[0] in known:
                    router, *experts = block.experts.children
                    known[router].update(zip(block.experts.config["kept"], experts, strict=True))
        return Family(
            first if first.kind is TOKEN_EMBEDDING else None, blocks, tuple(dict(sorted(experts.items())) for experts in known.values())
        )

    def mixture(self, view: View, outputs: int, task: torch.Tensor | None) -> Mixture:
        """Modules that are copies of the family's, for one more task.

        Args:
            outputs: of the task.
            task: its embedding; None takes the nearest task's.
        """
        mixture = Mixture(self._plan(view), [outputs], [[*experts] for experts in self.known])
        known = iter(self.known)
        if self.start is not None and mixture.start is not None:
            _copy_weights(self.start, mixture.start)
        for block, source in zip(mixture.blocks, self.blocks, strict=True):
            if not isinstance(block, ExpertBlock) or source.experts is None:
                _copy_weights(source.shared, block)
                continue
            _copy_weights(source.shared, block.attention)
            _copy_weights(view.component(source.experts.children[0]), block.router)
            for expert, name in zip(block.experts, next(known).values(), strict=True):
                _copy_weights(view.component(name), expert)
            of_nearest = cast(Experts, source.experts.module)
            block.norm.load_state_dict(of_nearest.norm.state_dict())
            with torch.no_grad():
                mixture.tasks.copy_(of_nearest.task if task is None else task)
        return mixture

    @property
    def experts(self) -> Component | None:
        """The nearest task's first composite; None without experts."""
        return next((block.experts for block in self.blocks if block.experts is not None), None)

    def _plan(self, view: View) -> Plan:
        shared, composite = self.blocks[0].shared.config, self.experts
        width, heads, blocks = int(shared["width"]), int(shared["heads"]), len(self.blocks)
        inputs = None if self.start is None else int(self.start.config["inputs"])
        if composite is None:
            return Plan(width, heads, int(shared["hidden"]), blocks, 1, "task-aware", 0, scaled=False, inputs=inputs)
        router, expert = (view.component(name).config for name in composite.children[:2])
        experts, embedding, scaled = int(router["experts"]), int(router["embedding"]), bool(composite.config["scaled"])
        return Plan(width, heads, int(expert["hidden"]), blocks, experts, router["gate"], embedding, scaled, inputs)


def members(view: View, key: str) -> list[Pathway]:
    """Pathways of this type of data that are made as this method makes them."""
    pathways = [view.pathway(task) for task in view.tasks_of_type(key)]
    return [pathway for pathway in pathways if pathway.provenance.method == NAME and pathway.components and not pathway.links]


def blocks_of(view: View, pathway: Pathway) -> Iterator[Block]:
    """A task's blocks.

    Raises:
        StoreError: if it is made of something else.
    """
    chain = [view.component(name) for name in pathway.components[:-2]]
    chain = chain[1:] if chain and chain[0].kind is TOKEN_EMBEDDING else chain
    for component, after in zip(chain, [*chain[1:], None], strict=True):
        if component.kind not in KINDS:
            raise StoreError(f"task {pathway.task!r}", expected=f"components of {', '.join(map(str, KINDS))}", got=component.kind.name)
        if not isinstance(component.module, Experts):
            yield Block(component, after if after is not None and isinstance(after.module, Experts) else None)


def _copy_weights(component: Component, module: nn.Module) -> None:
    module.load_state_dict(component.module.state_dict())
