"""Whether a transfer helps, by cross-validation on the new task's own examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from senpath.training import score
from senpath.types import Examples

FOLDS = 5
FEW = 2_000
"""Up to this many examples every fold is held out once; beyond, one fifth is, once."""

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Verdict:
    """How good answers to held-out examples are with and without the transfer (`senpath.training.score`), and on how many."""

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
    scores = {transfer: score(examples.kind, torch.cat(outputs), torch.cat(truth)) for transfer, outputs in found.items()}
    return Verdict(scores[True], scores[False], sum(map(len, truth)))


def splits(examples: Examples, seed: int, *, least: int = 2) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Places (int64) of the examples to learn from and of those to measure on; none if there are less than `least` of a class.

    Up to `FEW` examples every one is held out once, in at most `FOLDS` folds; beyond, one fifth is, once. Classes keep their shares.
    """
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit  # large, and rarely needed

    classes = examples.kind == "classification"
    smallest = int(examples.targets.bincount().min()) if classes else len(examples)
    if smallest < least:
        return
    targets = examples.targets.numpy() if classes else np.zeros(len(examples))
    if len(examples) <= FEW:
        folds = min(FOLDS, smallest)
        kind = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
    else:
        kind = (StratifiedShuffleSplit if classes else ShuffleSplit)(1, test_size=0.2, random_state=seed)
    for fitted, held in kind.split(targets, targets):
        yield torch.from_numpy(fitted), torch.from_numpy(held)
