"""Which examples to learn from and which to measure on, where there are no others."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import torch

from senpath.types import Examples

FOLDS = 5
FEW = 2_000
"""Up to this many examples every fold is held out once; beyond, one fifth is, once."""
RARE = 0.1
"""Share of the examples that may be of classes with too few to hold any out: every fold learns from these."""


def splits(examples: Examples, seed: int, *, least: int = 2) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Places (int64) of the examples to learn from and of those to measure on; none if too many are of classes with less than `least`.

    Up to `FEW` examples every one is held out once, in at most `FOLDS` folds; beyond, one fifth is, once, and at least one of each class.
    Classes keep their shares. Of a class with less than `least`, of which there may be `RARE`, nothing is held out.
    """
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit  # large, and rarely needed

    strata = _strata(examples)
    counts = np.array([len(examples)]) if strata is None else np.bincount(strata)
    many = counts >= least
    common = np.arange(len(examples)) if strata is None else np.flatnonzero(many[strata])
    rare = np.setdiff1d(np.arange(len(examples)), common)
    if counts.min() < 1 or len(rare) > RARE * len(examples) or many.sum() < min(2, len(counts)):
        return
    kept = None if strata is None else strata[common]
    if len(common) <= FEW:
        folds = (KFold if kept is None else StratifiedKFold)(min(FOLDS, int(counts[many].min())), shuffle=True, random_state=seed)
    else:
        held_out = max(len(common) // 5, int(many.sum()))
        folds = (ShuffleSplit if kept is None else StratifiedShuffleSplit)(1, test_size=held_out, random_state=seed)
    for fitted, held in folds.split(np.zeros(len(common)), kept):
        yield torch.from_numpy(np.concatenate([common[fitted], rare])), torch.from_numpy(common[held])


ENOUGH, EACH = 100, 5
"""Examples, in all and for each class, from which on some can be spared."""


def spare(examples: Examples, most: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As `hold_out`, but nothing of fewer than 100 examples, or 5 a class, and never a class's only example."""
    everything = torch.arange(len(examples))
    if not most or len(examples) < max(ENOUGH, EACH * len(examples.classes)):
        return everything, everything[:0]
    fitted, held = hold_out(examples, most, seed)
    strata = _strata(examples)
    if strata is not None:
        several = torch.from_numpy(np.bincount(strata)[strata] > 1)
        held = held[several[held]]
        fitted = everything[~torch.isin(everything, held)]
    return fitted, held


def hold_out(examples: Examples, most: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Places (int64) of the examples to learn from and of those to measure on: a fifth, at most `most`, and one of each class at least.

    Where a class has one example only, classes do not keep their shares; a single example is both.
    """
    from sklearn.model_selection import train_test_split  # large, and rarely needed

    if len(examples) < 2:
        return torch.arange(len(examples)), torch.arange(len(examples))
    size = max(1, min(most, len(examples) // 5))
    strata = _strata(examples)
    if strata is not None:
        counts = np.bincount(strata, minlength=len(examples.classes))
        if counts.min() >= 2 and len(examples) >= 2 * len(counts):
            size = max(size, len(counts))
        else:
            strata = None
    fitted, held = train_test_split(np.arange(len(examples)), test_size=size, random_state=seed, stratify=strata)
    return torch.from_numpy(np.sort(fitted)), torch.from_numpy(np.sort(held))


def hold_out_share(examples: Examples, share: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Places (int64) of the examples to learn from and of those to measure on: this share of each class, rounded; one of each stays."""
    random, strata = np.random.default_rng(seed), _strata(examples)
    groups = [np.arange(len(examples))] if strata is None else [np.flatnonzero(strata == label) for label in np.unique(strata)]
    held = [random.permutation(group)[: min(len(group) - 1, int(share * len(group) + 0.5))] for group in groups]
    places = np.sort(np.concatenate(held))
    return torch.from_numpy(np.setdiff1d(np.arange(len(examples)), places)), torch.from_numpy(places)


def distinct(examples: Examples) -> Examples:
    """The examples, which have a class each, without the copies that some have among those of their class."""
    keys: dict[bytes, int] = {}
    for place, (row, target) in enumerate(zip(examples.inputs.flatten(1).numpy(), examples.targets.tolist(), strict=True)):
        keys.setdefault(blake2b(row.tobytes(), digest_size=16).digest() + bytes(str(target), "ascii"), place)
    return examples if len(keys) == len(examples) else examples.subset(torch.tensor([*keys.values()]))


def _strata(examples: Examples) -> np.ndarray | None:
    """The class of each example, of which folds keep the shares; None where examples have none."""
    strata = examples.task_kind.strata(examples.targets)
    return None if strata is None else strata.cpu().numpy()
