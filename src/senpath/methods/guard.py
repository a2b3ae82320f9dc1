"""Whether a transfer helps, by cross-validation on the new task's own examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from senpath.types import Examples

FOLDS = 5
FEW = 2_000
"""Up to this many examples every fold is held out once; beyond, one fifth is, once."""

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Verdict:
    """Accuracy on held-out examples with and without the transfer, in 0 … 1, and on how many."""

    with_transfer: float
    alone: float
    examples: int

    @property
    def keep(self) -> bool:
        """A transfer has to gain something; else the simpler pathway is the better one."""
        return self.with_transfer > self.alone


def judge(examples: Examples, learn: Callable[[Examples, bool], Answer], seed: int, *, least: int = 2) -> Verdict | None:
    """Learn on part of the examples with and without transfer and compare on the rest; None if a class has less than `least` examples.

    Args:
        learn: from examples, and whether to transfer, makes a function from inputs to logits.
    """
    targets = examples.targets.numpy()
    smallest = int(examples.targets.bincount().min())
    if smallest < least:
        return None
    from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit  # large, and only the guard needs it

    if len(examples) <= FEW:
        splits = StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=seed).split(targets, targets)
    else:
        splits = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(targets, targets)
    right, seen = {True: 0, False: 0}, 0
    for fitted, held in splits:
        part, rest = examples.subset(torch.from_numpy(fitted)), examples.subset(torch.from_numpy(held))
        seen += len(rest)
        for transfer in right:
            right[transfer] += int((learn(part, transfer)(rest.inputs).argmax(1).cpu() == rest.targets).sum())
    return Verdict(right[True] / seen, right[False] / seen, seen)
