"""Pathways that are learned once for a cell, so that every row which runs them, and every new dispatcher, meets the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from senpath.bench.protocol import BenchCell, TaskLesson, held_out
from senpath.network import Network
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.types import Examples

MOST = 5_000
"""Examples of a task that the pathways with examples held out are learned from, at most."""


class Kept:
    """A method that learns nothing: it proposes what a network has learned as the task of that name.

    The network that it is given to makes the dispatcher's statistics anew.

    Args:
        net: has the pathways.
    """

    name = "kept"

    def __init__(self, net: Network) -> None:
        self.net = net

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """The pathway as it is."""
        pathway = self.net.view.pathway(task)
        parts = tuple(self.net.view.with_payload(name) for name in sorted(pathway.references) if name not in view.sizes)
        progress("train", 1, 1)
        return MethodResult(pathway.components, parts, pathway.links)


def learn_pathways(cell: BenchCell, lessons: Sequence[TaskLesson], *, part: bool = False) -> Network:
    """Learn the tasks with the network's defaults; those that are there stay, so a run that was stopped goes on.

    Args:
        part: learn from the examples that are not held out alone, and where there are very many, from some of them.
    """
    net = Network(_folder(cell, "part" if part else "whole"), random_state=cell.seed)
    for lesson in lessons:
        if lesson.task not in net.tasks:
            examples = lesson.examples
            if part:
                examples = _some(examples.subset(~held_out(examples, cell.seed)), cell.seed)
            net.learn(lesson.task, examples, random_state=cell.seed)
    return net


def open_pathways(cell: BenchCell) -> Network:
    """The network of these pathways."""
    return Network(_folder(cell, "whole"))


def _some(examples: Examples, seed: int) -> Examples:
    if len(examples) <= MOST:
        return examples
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))
    return examples.subset(order[:MOST].sort().values)


def _folder(cell: BenchCell, which: str) -> Path:
    return cell.folder / "pathways" / f"{cell.name}-{cell.sense}-{which}.sen"
