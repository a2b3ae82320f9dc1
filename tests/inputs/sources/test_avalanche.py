"""What has the form of Avalanche's streams; tests/avalanche_api has real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import senpath as sp

INPUTS = torch.rand(40, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 4


@dataclass
class Experience:
    """The part of an experience that is read: triples of an input, its label and its task."""

    dataset: Any
    current_experience: int


def experiences() -> list[Experience]:
    rows = [torch.nonzero(half == LABELS // 2).flatten() for half in (0, 1)]
    return [Experience(TensorDataset(INPUTS[some], LABELS[some], torch.zeros(20)), place) for place, some in enumerate(rows)]


def check_learning(stream: Any) -> None:
    tasks = sp.tasks_of(stream)
    assert [*tasks] == ["experience 0", "experience 1"]
    net = sp.Network()
    net.learn_many(tasks, epochs=1, hidden=2)
    assert [net.tasks[name].classes_ for name in tasks] == [(0, 1), (2, 3)]
    assert sp.read(tasks["experience 1"]).about == "20 rows"


def test_a_stream_is_a_task_of_each_experience() -> None:
    check_learning(experiences())


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (7, "stream: expected experiences with a dataset each, got int"),
        ([], "stream: expected at least one experience, got none"),
        ([1], "experience 0: expected an experience with a dataset, got int"),
    ],
)
def test_what_is_no_stream(stream: Any, message: str) -> None:
    with pytest.raises(sp.InputError, match=message):
        sp.tasks_of(stream)
