"""The guard keeps a transfer that helps on held-out examples and drops one that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from senpath import Examples, Network
from senpath.methods.sen.method import judge
from senpath.training.folds import FEW
from senpath.types import DataType

Labelled = tuple[np.ndarray, np.ndarray]


def test_a_useful_transfer_is_kept(base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], quick: Any) -> None:
    x, y = few(fresh[0], words[fresh[1]], 3)
    learned = base.learn("named", x, y, guard=True, **quick)
    verdict = learned.provenance.record["guard"]
    assert verdict["kept"] is True
    assert verdict["with_transfer"] > verdict["alone"] + 0.1
    assert verdict["examples"] == 30
    assert learned.transfers
    assert base.log[-1]["record"]["guard"] == verdict


def test_a_useless_transfer_is_dropped(base: Network, fresh: Labelled, few: Callable[..., Labelled], quick: Any) -> None:
    # Zeros and ones are told apart without anybody's help, so there is nothing to gain.
    x, y = few(fresh[0][fresh[1] < 2], fresh[1][fresh[1] < 2], 15)
    learned = base.learn("easy", x, y, guard=True, **quick)
    assert learned.provenance.record["guard"] == {"with_transfer": 1.0, "alone": 1.0, "examples": 30, "kept": False}
    assert learned.transfers == ()
    assert base.view.pathway("easy").links == ()


def test_what_is_learned_is_learned_from_all_examples(base: Network, fresh: Labelled, few: Callable[..., Labelled], quick: Any) -> None:
    x, y = few(fresh[0], fresh[1], 3)
    guarded = base.learn("guarded", x, y, guard=True, **quick)
    base.learn("plain", x, y, guard=False, **quick)
    assert guarded.provenance.record["guard"]["kept"]
    with_guard, without = base.view.pathway("guarded"), base.view.pathway("plain")
    first_source = {link.source for link in without.links}
    assert first_source == {"digits"}
    assert [link.component for link in with_guard.links] == [link.component for link in without.links]
    assert with_guard.components == without.components


@pytest.mark.parametrize("settings", [{"guard": False}, {"guard": True, "links": "none"}, {"guard": True, "epochs": 0}])
def test_without_anything_to_judge_there_is_no_verdict(
    base: Network, fresh: Labelled, few: Callable[..., Labelled], settings: dict[str, Any]
) -> None:
    learned = base.learn("named", *few(fresh[0], fresh[1], 3), **{"epochs": 1, "hidden": 4, **settings})
    assert "guard" not in learned.provenance.record


def test_one_example_a_class_cannot_be_judged(base: Network, fresh: Labelled, few: Callable[..., Labelled]) -> None:
    learned = base.learn("named", *few(fresh[0], fresh[1], 1), guard=True, epochs=1, hidden=4)
    assert "guard" not in learned.provenance.record
    assert learned.transfers


def plain_examples(count: int, classes: int) -> Examples:
    targets = torch.arange(count) % classes
    return Examples(DataType("table", (1,)), targets[:, None].float(), targets, tuple(range(classes)))


@pytest.mark.parametrize(("count", "classes", "held"), [(30, 3, 30), (9, 3, 9), (FEW, 4, FEW), (FEW + 400, 4, (FEW + 400) // 5)])
def test_held_out_examples_are_never_learned_from(count: int, classes: int, held: int) -> None:
    examples = plain_examples(count, classes)
    numbered = Examples(examples.data_type, torch.arange(count).float()[:, None], examples.targets, examples.classes)
    answered: list[int] = []

    def learn(part: Examples, transfer: bool) -> Callable[[torch.Tensor], torch.Tensor]:
        known = {*part.inputs.flatten().int().tolist()}
        assert part.targets.bincount(minlength=classes).min() > 0

        def answer(inputs: torch.Tensor) -> torch.Tensor:
            asked = inputs.flatten().int().tolist()
            assert not known & {*asked}
            answered.extend(asked if transfer else [])
            truth = torch.nn.functional.one_hot(examples.targets[asked], classes)
            return truth if transfer else 1 - truth

        return answer

    verdict = judge(numbered, learn, seed=0)
    assert verdict is not None
    assert (verdict.with_transfer, verdict.alone, verdict.examples, verdict.keep) == (1.0, 0.0, held, True)
    assert len({*answered}) == len(answered) == held


def test_a_tie_is_no_gain() -> None:
    verdict = judge(plain_examples(12, 2), lambda part, transfer: lambda inputs: torch.ones(len(inputs), 2), seed=0)
    assert verdict is not None
    assert verdict.with_transfer == verdict.alone == 0.5
    assert not verdict.keep


def test_a_class_of_one_is_not_judged() -> None:
    examples = plain_examples(7, 3).subset(torch.tensor([0, 1, 2, 3, 4]))
    assert judge(examples, lambda part, transfer: lambda inputs: inputs, seed=0) is None
