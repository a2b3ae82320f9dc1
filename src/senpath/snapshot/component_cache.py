"""Components in memory, shared by the views of a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container
from threading import Lock

from senpath.components import Component

CACHED_WEIGHTS = 250_000_000
"""Weights that are kept, at most; a gigabyte. What was used longest ago goes first, and is read again when it is needed."""


class ComponentCache:
    """The components used last, by hash; several views and threads may share one.

    Args:
        weights: how many weights to keep, at most; one component is always kept.
    """

    def __init__(self, weights: int) -> None:
        self._most, self._held = weights, 0
        self._components: OrderedDict[str, Component] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str) -> Component | None:
        """The component of this hash, if it is here."""
        with self._lock:
            component = self._components.get(name)
            if component is not None:
                self._components.move_to_end(name)
            return component

    def put(self, component: Component) -> None:
        """Keep a component."""
        with self._lock:
            if component.hash in self._components:
                self._components.move_to_end(component.hash)
                return
            self._components[component.hash] = component
            self._held += component.weights
            while self._held > self._most and len(self._components) > 1:
                self._held -= self._components.popitem(last=False)[1].weights

    def drop_others(self, names: Container[str]) -> None:
        """Keep no component but these: a process may have so many files mapped and no more."""
        with self._lock:
            for name in [name for name in self._components if name not in names]:
                self._held -= self._components.pop(name).weights
