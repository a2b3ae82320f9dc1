"""From a parent to a child: every mutation of µ2Net (Gesmundo and Dean 2022, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from senpath.components import ADAPTER as ADAPTER_KIND
from senpath.components import CLASS_NORM, LINEAR
from senpath.methods.munet.hyper import MUTATION, lists, move
from senpath.methods.munet.path import ADAPTER, HEAD, ROOT, LayerPath, PathLayer
from senpath.methods.munet.roots import Root

Choice = Literal["evolve", "all", "none"]


@dataclass(frozen=True)
class MutationRules:
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
class SearchSpace:
    """What paths from a root can be made of for a task.

    Args:
        layers: all layers of the root, in order.
        optional: names of those that a path may do without.
        shapes: of each layer's output for one input, by its name.
        outputs: of the task.
        tuned: names of those that every child trains, whatever it shares: the last normalisation, as in the published notebooks.
    """

    layers: tuple[PathLayer, ...]
    optional: frozenset[str]
    shapes: Mapping[str, tuple[int, ...]]
    outputs: int
    tuned: frozenset[str] = frozenset()

    @staticmethod
    def of(root: Root, shapes: Mapping[str, tuple[int, ...]], outputs: int) -> SearchSpace:
        """The paths from a root whose layers have outputs of these shapes."""
        layers = tuple(
            PathLayer(
                layer.name, layer.component.kind.name, layer.component.config, layer.component.weights, layer.component.hash, False, ROOT
            )
            for layer in root.layers
        )
        optional = frozenset(layer.name for layer in root.layers if layer.optional)
        return SearchSpace(
            layers, optional, shapes, outputs, frozenset(layer.name for layer in layers[-1:] if layer.kind == CLASS_NORM.name)
        )

    def root(self, hyper: Mapping[str, Any], depth: int | None = None) -> LayerPath:
        """The root path; with the first `depth` of the optional layers, None for all."""
        optional = [layer.name for layer in self.layers if layer.name in self.optional]
        absent = optional[depth:] if depth is not None else ()
        return LayerPath(ROOT, tuple(layer for layer in self.layers if layer.name not in absent), dict(hyper))

    def head(self, task: str) -> PathLayer:
        """A new output layer."""
        features = self.shapes[self.layers[-1].name][0]
        config = {"inputs": features, "outputs": self.outputs}
        return PathLayer(HEAD, LINEAR.name, config, (features + 1) * self.outputs, None, True, task)

    def adapter(self, layer: str, width: int, task: str) -> PathLayer:
        """A new adapter behind a layer."""
        shape = self.shapes[layer]
        features, axis = (shape[0], 1) if len(shape) == 3 else (shape[-1], -1)
        config = {"features": features, "hidden": width, "axis": axis}
        weights = 2 * features * width + width + 3 * features
        return PathLayer(f"{ADAPTER} {layer}", ADAPTER_KIND.name, config, weights, None, True, task)

    def adapted(self, layers: Sequence[PathLayer], width: int, task: str, insert: Callable[[str], bool]) -> list[PathLayer]:
        """A path's layers with new adapters behind those of which `insert` says so, by name, and that have none."""
        there = {layer.name for layer in layers}
        places = [layer.name for layer in layers if layer.name in self.adaptable and f"{ADAPTER} {layer.name}" not in there]
        return _in_order([*layers, *(self.adapter(name, width, task) for name in places if insert(name))], self)

    @property
    def adaptable(self) -> frozenset[str]:
        """Names of the layers behind which an adapter may stand: the optional ones, or all where none is."""
        return self.optional or frozenset(layer.name for layer in self.layers)


def mutate(parent: LayerPath, task: str, space: SearchSpace, rules: MutationRules, random: np.random.Generator) -> LayerPath:
    """A child of `parent` for `task`, before it is trained.

    What the task itself trained goes on being trained. Every other layer is shared as it is, or cloned into a trainable copy. A child of
    another task's path, or of the root, gets a new output layer.
    """
    return _Mutation(parent, task, space, rules, random).child()


@dataclass(frozen=True)
class _Mutation:
    parent: LayerPath
    task: str
    space: SearchSpace
    rules: MutationRules
    random: np.random.Generator

    def child(self) -> LayerPath:
        hyper = {name: self._moved(name, values) for name, values in lists(self.rules.image).items()}
        layers = self._with_adapters(self._layers(hyper), hyper)
        last = self.parent.layers[-1]
        own = self.parent.task == self.task and last.name == HEAD
        head = replace(last, trained=True) if own else self.space.head(self.task)
        return LayerPath(self.task, (*layers, head), hyper, self._rates(hyper))

    def _by_chance(self, mutation: str, hyper: Mapping[str, Any]) -> bool:
        """Whether a mutation happens; its probability is one of `hyper`, unless each has its own."""
        rate = self.parent.rate(mutation) if self.rules.learned_rates else float(hyper["mutation"])
        return bool(self.random.random() < rate)

    def _moved(self, name: str, values: tuple[Any, ...]) -> Any:
        value = self.parent.hyper[name]
        if name == "mutation" and self.rules.learned_rates:
            return value  # each mutation's own probability moves in its place
        return move(values, value, self.random) if self._by_chance(name, self.parent.hyper) else value

    def _rates(self, hyper: Mapping[str, Any]) -> dict[str, float]:
        if not self.rules.learned_rates:
            return {}
        rates = {name: self.parent.rate(name) for name in self._mutations(hyper)}
        return {name: move(MUTATION, rate, self.random) if self.random.random() < rate else rate for name, rate in rates.items()}

    def _mutations(self, hyper: Mapping[str, Any]) -> Iterator[str]:
        """Names of all mutations that there are."""
        yield from (name for name in hyper if name != "mutation")
        yield "layers"
        for layer in self.space.layers:
            yield f"clone {layer.name}"
            yield f"{ADAPTER} {layer.name}"

    def _layers(self, hyper: Mapping[str, Any]) -> list[PathLayer]:
        """The parent's layers and adapters, one layer more or fewer perhaps, each shared or trained; by the child's own probabilities."""
        layers = [layer for layer in self.parent.layers if layer.name != HEAD]
        if self.rules.layers and self._by_chance("layers", hyper):
            layers = self._one_more(layers) if self.random.random() < 0.5 else self._one_fewer(layers)
        return [self._trained(layer, hyper) for layer in layers]

    def _trained(self, layer: PathLayer, hyper: Mapping[str, Any]) -> PathLayer:
        if layer.origin == self.task:
            return replace(layer, trained=True)
        clone = self._by_chance(f"clone {layer.name.removeprefix(ADAPTER).strip()}", hyper)
        if self.rules.clone != "evolve":
            clone = self.rules.clone == "all"
        elif (layer.origin is ROOT and self.rules.random_root) or layer.name in self.space.tuned:
            clone = True
        return replace(layer, trained=True, origin=self.task) if clone else replace(layer, trained=False)

    def _one_more(self, layers: list[PathLayer]) -> list[PathLayer]:
        """With the first of the root's optional layers that is missing."""
        there = {layer.name for layer in layers}
        missing = next((layer for layer in self.space.layers if layer.name not in there), None)
        return _in_order([*layers, missing], self.space) if missing is not None else layers

    def _one_fewer(self, layers: list[PathLayer]) -> list[PathLayer]:
        """Without the last of the optional layers that are there."""
        optional = [layer.name for layer in layers if layer.name in self.space.optional]
        gone = {optional[-1], f"{ADAPTER} {optional[-1]}"} if optional else ()
        return [layer for layer in layers if layer.name not in gone]

    def _with_adapters(self, layers: list[PathLayer], hyper: Mapping[str, Any]) -> list[PathLayer]:
        if self.rules.adapters == "none":
            return layers

        def insert(name: str) -> bool:
            return self._by_chance(f"{ADAPTER} {name}", hyper) or self.rules.adapters == "all"

        return self.space.adapted(layers, hyper["adapter"], self.task, insert)


def _in_order(layers: list[PathLayer], space: SearchSpace) -> list[PathLayer]:
    """As they run: the root's order, each adapter behind its layer."""
    order = {layer.name: number for number, layer in enumerate(space.layers)}
    return sorted(layers, key=lambda layer: (order[layer.name.removeprefix(f"{ADAPTER} ")], layer.name.startswith(ADAPTER)))
