"""Sources: each task learned alone from all its data, in a folder of its own; and networks that hold several of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import senpath as sp
from benchmarks.transfer.tasks import SHAPE, source_examples
from senpath.components import freeze
from senpath.learning import new_statistics
from senpath.snapshot import Proposal, View


class Sources:
    """The tasks of one seed as sources.

    Args:
        folder: where their networks are kept; what is there already is not learned again.
        seed: decides the examples, the training and the dispatcher's features.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self._views: dict[str, View] = {}
        self._proposals: dict[str, Proposal] = {}

    def view(self, name: str) -> View:
        """A network that holds this source alone."""
        if name not in self._views:
            net = sp.Network(self._folder / f"{name}-{self._seed}.sen", image_shape=SHAPE, random_state=self._seed)
            if name not in net.tasks:
                took = net.learn(name, source_examples(name, self._seed), links="none", random_state=self._seed).seconds
                print(f"source {name}, seed {self._seed}: learned in {took:.0f} s", flush=True)
            self._views[name] = net.view
        return self._views[name]

    def network(self, names: Iterable[str]) -> sp.Network:
        """A new network that holds these sources, in their order; none borrows from another."""
        net = sp.Network(image_shape=SHAPE, random_state=self._seed)
        for name in names:
            net.commit(self._proposal(name))
        return net

    def _proposal(self, name: str) -> Proposal:
        """The source as it was learned, ready for another network."""
        if name not in self._proposals:
            view, empty = self.view(name), sp.Network(image_shape=SHAPE, random_state=self._seed).view
            pathway = view.pathway(name)
            parts = [view.component(part) for part in pathway.components]
            statistics, types = new_statistics(empty, source_examples(name, self._seed))
            copies = tuple(freeze(part.kind, part.config, part.module) for part in parts)
            self._proposals[name] = Proposal(empty.version, (pathway,), copies, {name: statistics}, types, entry={"method": "sen"})
        return self._proposals[name]
