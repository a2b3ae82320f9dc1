"""Which examples are held out where some classes have too few."""

from __future__ import annotations

import pytest
import torch

from senpath.training import splits
from senpath.types import DataType, Examples


def examples_of(counts: list[int]) -> Examples:
    """So many of each class, in order; the input is the place."""
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return Examples(DataType("table", (1,)), torch.arange(len(targets)).float()[:, None], targets, tuple(range(len(counts))))


@pytest.mark.parametrize("counts", [[40, 30, 1, 1], [1, 1_500, 1_500]])
def test_a_rare_class_is_learned_from_in_every_fold(counts: list[int]) -> None:
    examples = examples_of(counts)
    held_out = []
    for fitted, held in splits(examples, 0):
        assert not {*fitted.tolist()} & {*held.tolist()}
        assert len(fitted) + len(held) == len(examples)
        assert examples.targets[fitted].bincount(minlength=len(counts)).min() > 0
        held_out += held.tolist()
    of_each = examples.targets[held_out].bincount(minlength=len(counts))
    assert [bool(count) for count in of_each] == [count > 1 for count in counts]
    assert len(held_out) == len({*held_out})


@pytest.mark.parametrize("counts", [[1, 1, 1], [5, 5, 1, 1], [50, 1], [1, 50, 0]])
def test_nothing_is_held_out_of_which_little_could_be_told(counts: list[int]) -> None:
    assert not [*splits(examples_of(counts), 0)]


def test_without_rare_classes_all_are_held_out_once() -> None:
    held = torch.cat([held for _, held in splits(examples_of([7, 9, 20]), 3)])
    assert sorted(held.tolist()) == [*range(36)]
