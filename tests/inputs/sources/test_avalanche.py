"""Streams of Avalanche: real ones where it is installed, and what has its form."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

import senpath as sp

INPUTS = torch.rand(40, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 4


class Labelled(Dataset[Any]):
    """Pairs, with the attribute that Avalanche splits by."""

    targets = LABELS.tolist()

    def __len__(self) -> int:
        return len(INPUTS)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return INPUTS[place], int(LABELS[place])


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


def test_a_real_stream() -> None:
    if importlib.util.find_spec("avalanche") is None:
        pytest.skip("avalanche is not installed")
    from avalanche.benchmarks import nc_benchmark

    benchmark = nc_benchmark(Labelled(), Labelled(), n_experiences=2, task_labels=False, shuffle=False)
    for stream in (benchmark, benchmark.train_stream, benchmark.test_stream):
        check_learning(stream)


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
