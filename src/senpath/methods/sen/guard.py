"""Whether a transfer helps, by cross-validation on the new task's own examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from senpath.training import splits
from senpath.types import Examples

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Verdict:
    """How good answers to held-out examples are with and without the transfer (`senpath.tasks.TaskKind.score`), and on how many."""

    with_transfer: float
    alone: float
    examples: int

    @property
    def keep(self) -> bool:
        """A transfer has to gain something; else the simpler pathway is the better one."""
        return self.with_transfer > self.alone


def judge(examples: Examples, learn: Callable[[Examples, bool], Answer], seed: int, *, least: int = 2) -> Verdict | None:
    """Learn on part of the examples with and without transfer and compare on the rest; None if there are less than `least` of a class.

    Args:
        learn: from examples, and whether to transfer, makes a function from inputs to logits.
    """
    found: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    truth = []
    for fitted, held in splits(examples, seed, least=least):
        part, rest = examples.subset(fitted), examples.subset(held)
        truth.append(rest.targets)
        for transfer, outputs in found.items():
            outputs.append(learn(part, transfer)(rest.inputs).cpu())
    if not truth:
        return None
    scores = {transfer: examples.task_kind.score(torch.cat(outputs), torch.cat(truth)) for transfer, outputs in found.items()}
    return Verdict(scores[True], scores[False], sum(map(len, truth)))
