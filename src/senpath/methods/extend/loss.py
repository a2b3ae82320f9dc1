"""What an extension takes from a task's earlier classes, as far as that can be told without their examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from senpath.components import Component
from senpath.methods.extend.recall import Recalled, recall
from senpath.pathways import Pathway
from senpath.seeds import derive
from senpath.snapshot import View, run_new
from senpath.types import Examples

MEASURED = 48
"""Made-up inputs that the loss is measured on."""
LEARNED = 400
"""Made-up inputs that are learned from, at most."""
TOLD = 10
"""Examples of earlier classes from which on they tell how far the task's earlier answers were right."""


@dataclass(frozen=True)
class Memory:
    """Made-up inputs of a task, and what it answers to them before it is extended.

    Args:
        view, pathway: of the task before.
        examples: that it is extended by.
        recalled: the inputs.
        outputs: float32 (n, old outputs), its answers.
        doubt: share of its earlier answers that the examples show to be wrong; 0 where they do not tell.
        silent: whether none of its earlier inputs has a new label: they have none if each input has one class, and are taken to have none
            unless the examples themselves show inputs without.
    """

    view: View
    pathway: Pathway
    examples: Examples
    recalled: Recalled
    outputs: torch.Tensor
    doubt: float
    silent: bool

    @staticmethod
    def of(view: View, pathway: Pathway, examples: Examples, seed: int) -> Memory | None:
        """Make up inputs to measure on; None where nothing is kept that they could be made of."""
        recalled = _recall(view, pathway, examples, MEASURED, derive(seed, "measured"))
        if recalled is None:
            return None
        outputs = view.logits(pathway.task, recalled.inputs).cpu()
        doubt = 0.0 if recalled.classes is not None else _doubt(view, pathway, examples)
        grows = len(examples.classes) > len(pathway.classes)
        silent = pathway.task_kind.exclusive or not grows or int(_of_old(pathway, examples).sum()) < TOLD
        return Memory(view, pathway, examples, recalled, outputs, doubt, silent)

    def lost(self, longer: Pathway, new: Iterable[Component]) -> float:
        """How much worse the longer pathway answers to them than the task did: a difference of `TaskKind.score`."""
        kind, targets = self.pathway.task_kind, self._targets(self.recalled, self.outputs)
        outputs = run_new(self.view, longer, new, self.recalled.inputs).cpu()
        if not self.silent:
            targets, outputs = targets[:, : self.outputs.shape[1]], outputs[:, : self.outputs.shape[1]]
        before = kind.score(self._widened(self.outputs) if self.silent else self.outputs, targets)
        return max(0.0, before - kind.score(outputs, targets) - self.doubt)

    def with_earlier(self, seed: int) -> Examples:
        """The examples, and others that are made up for the classes that the task has: as many of each as there are of a new one."""
        examples, old = self.examples, len(self.pathway.classes)
        each = len(examples) / max(1, len(examples.classes) - old)
        count = int(min(LEARNED, max(MEASURED, each * old)))
        made = _recall(self.view, self.pathway, examples, count, derive(seed, "learned"))
        if made is None or not self.silent:
            return examples
        targets = self._targets(made, self.view.logits(self.pathway.task, made.inputs).cpu())
        return replace(examples, inputs=torch.cat([examples.inputs, made.inputs]), targets=torch.cat([examples.targets, targets]))

    def _targets(self, made: Recalled, outputs: torch.Tensor) -> torch.Tensor:
        """What is right for made-up inputs: the class that one was made for, else what the task answered before."""
        kind = self.pathway.task_kind
        if kind.exclusive:
            return made.classes if made.classes is not None else outputs.argmax(1)
        wide = self._widened(outputs)
        return (wide > 0).float() if kind.has_labels else wide

    def _widened(self, outputs: torch.Tensor) -> torch.Tensor:
        """With outputs of the new classes that are never answered."""
        missing = len(self.examples.classes) - outputs.shape[1]
        return torch.cat([outputs, outputs.new_full((len(outputs), missing), -torch.inf)], 1) if missing else outputs


def _recall(view: View, pathway: Pathway, examples: Examples, count: int, seed: int) -> Recalled | None:
    return recall(view, pathway, examples.inputs, count, torch.Generator().manual_seed(seed))


def _of_old(pathway: Pathway, examples: Examples) -> torch.Tensor:
    """Which examples are of no new class: bool (n,)."""
    old, targets = len(pathway.classes), examples.targets
    return targets < old if pathway.task_kind.exclusive else ~(targets[:, old:] > 0).any(1)


def _doubt(view: View, pathway: Pathway, examples: Examples) -> float:
    kind, old, known = pathway.task_kind, len(pathway.classes), _of_old(pathway, examples)
    if int(known.sum()) < TOLD:
        return 0.0
    targets = examples.targets[known] if kind.exclusive else examples.targets[known, :old]
    score = kind.score(view.logits(pathway.task, examples.inputs[known]).cpu(), targets)
    return 1.0 - min(1.0, max(0.0, score))
