"""Tasks of few images that one call learns: trained in one product and committed as one version, each as if it were learned alone."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from raising import raises_error
from sklearn.datasets import load_digits

import senpath as sp
from senpath.learning import propose
from senpath.parallel import one_thread
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult
from senpath.testing import ConstantMethod

Labelled = tuple[np.ndarray, np.ndarray]


def digits(*classes: int, shots: int = 2) -> Labelled:
    """The first images of these digits, brought to 24 × 24 pixels."""
    x, y = load_digits(return_X_y=True)
    few = np.concatenate([np.flatnonzero(y == one)[:shots] for one in classes])
    return np.kron(x[few].reshape(-1, 8, 8) / 16, np.ones((3, 3))), y[few]


@pytest.fixture
def net(tmp_path: Path) -> sp.Network:
    net = sp.Network(tmp_path / "net")
    net.learn("base", *digits(0, 1, 2), method=ConstantMethod())
    return net


def test_each_is_what_it_would_be_alone_but_for_rounding(net: sp.Network) -> None:
    tasks, told = {"one": digits(0, 1), "other": digits(3, 4), "three": digits(0, 1, 5)}, list[tuple[str, int, int]]()
    with one_thread():
        alone = {task: propose(net.view, sp.Sen(), task, net.encode_examples(*data)) for task, data in tasks.items()}
    learned = net.learn_many(tasks, progress=lambda *step: told.append(step))
    assert told == [("tasks", 3, 3)]
    assert [(task.task, task.version) for task in learned.values()] == [(task, 2) for task in tasks]
    assert learned["one"].transfers
    for task, proposal in alone.items():
        pathway, (expected,) = net.view.pathway(task), proposal.pathways
        assert [link.transfers for link in pathway.links] == [link.transfers for link in expected.links]
        assert pathway.provenance == expected.provenance  # what it cost and borrowed, too
        parts = {part.hash: part for part in proposal.components}
        for names, others in zip(pathway.chains, expected.chains, strict=True):
            for name, other in zip(names, others, strict=True):
                if name != other:
                    pairs = zip(net.view.component(name).module.parameters(), parts[other].module.parameters(), strict=True)
                    assert all(torch.allclose(mine, its, atol=1e-4) for mine, its in pairs)
        x, y = tasks[task]
        assert net.predict(x, task=task).label.tolist() == y.tolist()
    entry = net.log[-1]
    assert entry["tasks"] == [*tasks]
    assert entry["examples"] == 14
    assert {task: entry["learned"][task]["data"] for task in tasks} == {task: p.pathways[0].provenance.data for task, p in alone.items()}
    net.verify()


def test_one_that_cannot_be_committed_is_named_and_those_before_it_stay(net: sp.Network) -> None:
    x, y = digits(0, 1)
    wrong = net.encode_examples(x, y)
    wrong.inputs[2:].mul_(3e38)
    with raises_error(sp.InputError, "task 'wrong'", got="infinity") as caught:
        net.learn_many({"one": (x, y), "wrong": wrong, "other": digits(3, 4)})
    assert "Learned before: 'one'; the network is otherwise as it was, at version 2" in str(caught.value)
    assert [*net.tasks] == ["base", "one"]
    net.verify()


def test_a_subclass_that_learns_in_a_way_of_its_own_is_asked_for_each(net: sp.Network) -> None:
    class Own(sp.Sen):
        asked: ClassVar[list[str]] = []

        def propose(self, view: sp.View, task: str, examples: sp.Examples, progress: Progress = silent) -> MethodResult:
            self.asked.append(task)
            return ConstantMethod().propose(view, task, examples)

    learned = net.learn_many({"one": digits(0, 1), "other": digits(3, 4)}, method=Own())
    assert Own.asked == ["one", "other"]
    assert [task.version for task in learned.values()] == [2, 3]
