"""From a parent to a child: every mutation of µ2Net (Gesmundo and Dean 2022, algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from senpath.methods.munet.hyper import MUTATION, lists, move
from senpath.methods.munet.path import ADAPTER, HEAD, ROOT, Part, Path
from senpath.methods.munet.roots import Root

Choice = Literal["evolve", "all", "none"]


@dataclass(frozen=True)
class Rules:
    """In what a child may differ from its parent.

    Args:
        image: whether inputs are images, which may be changed while training.
        random_root: whether the root's weights are random. There is no knowledge in them to share, so a child of it trains all its layers.
        clone: whether frozen layers are cloned by chance, or all of them always are, or none.
        adapters: likewise, whether adapters are inserted.
        layers: whether the number of layers may change.
        learned_rates: each mutation has a probability of its own, inherited and mutated itself (µ2Net+, Gesmundo 2022).
    """

    image: bool
    random_root: bool = False
    clone: Choice = "evolve"
    adapters: Choice = "evolve"
    layers: bool = True
    learned_rates: bool = False


@dataclass(frozen=True)
class Blueprint:
    """The root and the task, as far as it takes to say what a child is made of.

    Args:
        layers: all layers of the root, in order.
        optional: places of those that a path may do without.
        shapes: what each layer answers to one input, by place.
        outputs: of the task.
    """

    layers: tuple[Part, ...]
    optional: frozenset[str]
    shapes: Mapping[str, tuple[int, ...]]
    outputs: int

    @staticmethod
    def of(root: Root, shapes: Mapping[str, tuple[int, ...]], outputs: int) -> Blueprint:
        """The blueprint of a root whose layers answer in these shapes."""
        layers = tuple(
            Part(layer.place, layer.component.kind, layer.component.config, layer.component.weights, layer.component.hash, False, ROOT)
            for layer in root.layers
        )
        return Blueprint(layers, frozenset(layer.place for layer in root.layers if layer.optional), shapes, outputs)

    def root(self, hyper: Mapping[str, Any], depth: int | None = None) -> Path:
        """The root path; with the first `depth` of the optional layers, None for all."""
        optional = [part.place for part in self.layers if part.place in self.optional]
        absent = optional[depth:] if depth is not None else ()
        return Path(ROOT, tuple(part for part in self.layers if part.place not in absent), dict(hyper))

    def head(self, task: str) -> Part:
        """A new output layer."""
        features = self.shapes[self.layers[-1].place][0]
        config = {"inputs": features, "outputs": self.outputs}
        return Part(HEAD, "linear.v1", config, (features + 1) * self.outputs, None, True, task)

    def adapter(self, place: str, width: int, task: str) -> Part:
        """A new adapter behind a layer."""
        shape = self.shapes[place]
        features, axis = (shape[0], 1) if len(shape) == 3 else (shape[-1], -1)
        config = {"features": features, "hidden": width, "axis": axis}
        weights = 2 * features * width + width + 3 * features
        return Part(f"{ADAPTER} {place}", "adapter.v1", config, weights, None, True, task)

    @property
    def adaptable(self) -> frozenset[str]:
        """Places behind which an adapter may stand: the optional layers, or all where none is."""
        return self.optional or frozenset(part.place for part in self.layers)


def mutate(parent: Path, task: str, blueprint: Blueprint, rules: Rules, random: np.random.Generator) -> Path:
    """A child of `parent` for `task`, before it is trained.

    What the task itself trained goes on being trained. Every other layer is shared as it is, or cloned into a trainable copy. A child of
    another task's path, or of the root, gets a new output layer.
    """
    return _Mutation(parent, task, blueprint, rules, random).child()


@dataclass(frozen=True)
class _Mutation:
    parent: Path
    task: str
    blueprint: Blueprint
    rules: Rules
    random: np.random.Generator

    def child(self) -> Path:
        hyper = {name: self._moved(name, values) for name, values in lists(self.rules.image).items()}
        parts = self._with_adapters(self._layers(), hyper)
        last = self.parent.parts[-1]
        own = self.parent.task == self.task and last.place == HEAD
        head = replace(last, trained=True) if own else self.blueprint.head(self.task)
        return Path(self.task, (*parts, head), hyper, self._rates(hyper))

    def _by_chance(self, mutation: str) -> bool:
        return bool(self.random.random() < self._rate(mutation))

    def _rate(self, mutation: str) -> float:
        return self.parent.rate(mutation) if self.rules.learned_rates else float(self.parent.hyper["mutation"])

    def _moved(self, name: str, values: tuple[Any, ...]) -> Any:
        value = self.parent.hyper[name]
        if name == "mutation" and self.rules.learned_rates:
            return value  # each mutation's own probability moves in its place
        return move(values, value, self.random) if self._by_chance(name) else value

    def _rates(self, hyper: Mapping[str, Any]) -> dict[str, float]:
        if not self.rules.learned_rates:
            return {}
        rates = {name: self.parent.rate(name) for name in self._mutations(hyper)}
        return {name: move(MUTATION, rate, self.random) if self.random.random() < rate else rate for name, rate in rates.items()}

    def _mutations(self, hyper: Mapping[str, Any]) -> Iterator[str]:
        """Names of all mutations that there are."""
        yield from (name for name in hyper if name != "mutation")
        yield "layers"
        for part in self.blueprint.layers:
            yield f"clone {part.place}"
            yield f"{ADAPTER} {part.place}"

    def _layers(self) -> list[Part]:
        """The parent's layers and adapters, one layer more or fewer perhaps, each shared or trained."""
        parts = [part for part in self.parent.parts if part.place != HEAD]
        if self.rules.layers and self._by_chance("layers"):
            parts = self._one_more(parts) if self.random.random() < 0.5 else self._one_fewer(parts)
        return [self._trained(part) for part in parts]

    def _trained(self, part: Part) -> Part:
        if part.origin == self.task:
            return replace(part, trained=True)
        clone = self._by_chance(f"clone {part.place.removeprefix(ADAPTER).strip()}")
        if self.rules.clone != "evolve":
            clone = self.rules.clone == "all"
        elif part.origin is ROOT and self.rules.random_root:
            clone = True
        return replace(part, trained=True, origin=self.task) if clone else replace(part, trained=False)

    def _one_more(self, parts: list[Part]) -> list[Part]:
        """With the first of the root's optional layers that is missing."""
        there = {part.place for part in parts}
        missing = next((part for part in self.blueprint.layers if part.place not in there), None)
        return _in_order([*parts, missing], self.blueprint) if missing is not None else parts

    def _one_fewer(self, parts: list[Part]) -> list[Part]:
        """Without the last of the optional layers that are there."""
        optional = [part.place for part in parts if part.place in self.blueprint.optional]
        gone = {optional[-1], f"{ADAPTER} {optional[-1]}"} if optional else ()
        return [part for part in parts if part.place not in gone]

    def _with_adapters(self, parts: list[Part], hyper: Mapping[str, Any]) -> list[Part]:
        if self.rules.adapters == "none":
            return parts
        there, new = {part.place for part in parts}, list[Part]()
        for part in parts:
            if part.place in self.blueprint.adaptable and f"{ADAPTER} {part.place}" not in there:
                insert = self._by_chance(f"{ADAPTER} {part.place}") or self.rules.adapters == "all"
                new += [self.blueprint.adapter(part.place, hyper["adapter"], self.task)] if insert else []
        return _in_order([*parts, *new], self.blueprint)


def _in_order(parts: list[Part], blueprint: Blueprint) -> list[Part]:
    """As they run: the root's order, each adapter behind its layer."""
    order = {part.place: number for number, part in enumerate(blueprint.layers)}
    return sorted(parts, key=lambda part: (order[part.place.removeprefix(f"{ADAPTER} ")], part.place.startswith(ADAPTER)))
