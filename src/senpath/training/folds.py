"""Which examples to learn from and which to measure on, where there are no others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from senpath.types import Examples

FOLDS = 5
FEW = 2_000
"""Up to this many examples every fold is held out once; beyond, one fifth is, once."""


def splits(examples: Examples, seed: int, *, least: int = 2) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Places (int64) of the examples to learn from and of those to measure on; none if there are less than `least` of a class.

    Up to `FEW` examples every one is held out once, in at most `FOLDS` folds; beyond, one fifth is, once, and at least one of each class.
    Classes keep their shares.
    """
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit  # large, and rarely needed

    classes = examples.kind == "classification"
    counts = examples.targets.cpu().bincount() if classes else torch.tensor([len(examples)])
    smallest = int(counts.min())
    if smallest < least:
        return
    targets = examples.targets.cpu().numpy() if classes else np.zeros(len(examples))
    if len(examples) <= FEW:
        folds = min(FOLDS, smallest)
        kind = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
    else:
        kind = (StratifiedShuffleSplit if classes else ShuffleSplit)(1, test_size=max(len(examples) // 5, len(counts)), random_state=seed)
    for fitted, held in kind.split(targets, targets):
        yield torch.from_numpy(fitted), torch.from_numpy(held)
