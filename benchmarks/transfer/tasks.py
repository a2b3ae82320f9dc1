"""The ten image tasks: what of them is drawn to learn from, to choose by and to report on; and each as a source, learned alone.

A source lies in a folder of its own; networks may hold several of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from senpath.components import freeze
from senpath.data import few_shot, load
from senpath.learning.propose import new_statistics
from senpath.seeds import derive
from senpath.snapshot import Proposal, View, encode_examples
from senpath.types import Examples

TASKS = ("mnist", "fashion", "lower", "upper", "bangla", "devanagari", "telugu", "semeion", "signdigits", "clothing")
SHAPE = (1, 28, 28)
MOST = 6_000
"""Examples that a source is learned from, at most: as many as LOWER and UPPER have."""
VALIDATION = 2_000
"""Training examples not drawn that choices are made by, at most."""


@dataclass(frozen=True)
class Target:
    """A task that is learned from few examples, `sample`; training examples that were not drawn; and the test set."""

    name: str
    sample: Examples
    validation: Examples
    test: Examples


def source_examples(name: str, seed: int) -> Examples:
    """What a source is learned from: all its training data, or MOST of them, drawn at random."""
    everything = _encoded(name)[0]
    return everything.subset(_some(np.arange(len(everything)), MOST, derive(seed, "source", name)))


def target(name: str, shots: int, seed: int) -> Target:
    """`shots` examples of each class, and what is measured by."""
    everything, test = _encoded(name)
    drawn = few_shot(everything.inputs.numpy(), everything.targets.numpy(), shots, seed)
    rest = _some(np.setdiff1d(np.arange(len(everything)), drawn), VALIDATION, derive(seed, "validation", name, shots))
    return Target(name, everything.subset(torch.from_numpy(drawn)), everything.subset(rest), test)


def of_few_classes(task: Target, number: int, seed: int) -> Target:
    """The same task with some of its classes alone, drawn at random."""
    drawn = np.random.default_rng(derive(seed, "classes", task.name)).choice(len(task.sample.classes), number, replace=False)
    kept = np.sort(drawn).tolist()
    return Target(task.name, *(_of_classes(part, kept) for part in (task.sample, task.validation, task.test)))


def _of_classes(examples: Examples, kept: list[int]) -> Examples:
    inside = torch.isin(examples.targets, torch.tensor(kept))
    targets = torch.searchsorted(torch.tensor(kept), examples.targets[inside])
    return Examples(examples.data_type, examples.inputs[inside], targets, tuple(examples.classes[place] for place in kept))


@cache
def _encoded(name: str) -> tuple[Examples, Examples]:
    view: View = sp.Network(image_shape=SHAPE).view
    train = encode_examples(view, *load(name, "train"))
    return train, encode_examples(view, *load(name, "test"), like=train)


def _some(rows: np.ndarray, most: int, seed: int) -> torch.Tensor:
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return torch.from_numpy(rows)


class Sources:
    """The tasks of one seed as sources. What is in the folder already is not learned again."""

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
