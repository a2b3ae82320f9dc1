"""`check_method` finds what a method does wrong, and says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from senpath import InputError
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.testing import ConstantMethod, check_method, tiny_network, tiny_task
from senpath.types import Examples

Fault = Callable[[MethodResult, View, Examples, Progress], Any]


class Careless:
    """A method that does everything right but for one thing."""

    name = "careless"

    def __init__(self, fault: Fault, random_state: int = 0) -> None:
        self.fault, self.random_state = fault, random_state

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> Any:
        right = ConstantMethod(hidden=4, random_state=self.random_state).propose(view, task, examples, progress)
        return self.fault(right, view, examples, progress)


class Choosy:
    """A method for classifications alone, which says so."""

    name, kinds = "choosy", ("classification",)

    def __init__(self, random_state: int = 0) -> None:
        self.propose = ConstantMethod(hidden=4, random_state=random_state).propose


def no_fault(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    return result


def write(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    (Path(view._store.where) / "notes.txt").write_text("mine")
    return result


def draw(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    torch.rand(1)
    return result


def change_earlier(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    for value in view.component(view.pathway("low").components[-1]).module.parameters():
        value.data.add_(1)
    return result


def train_earlier(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    view.component(view.pathway("low").components[-1]).module.train()
    return result


def stop_half_way(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    progress("half", 1, 2)
    return result


def return_nothing(result: MethodResult, view: View, examples: Examples, progress: Progress) -> None:
    return None


def return_modules(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    part: Any = result.chain[1]
    return replace(result, chain=(result.chain[0], part.module))


def bring_too_much(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    return replace(result, parts=ConstantMethod(source="low").propose(view, "", examples, silent).parts)


def borrow_from_all(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    low, high = (ConstantMethod(source=task).propose(view, "", examples, silent) for task in ("low", "high"))
    return replace(result, parts=(*low.parts, *high.parts), links=(*low.links, *high.links))


def draw_anew(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    return ConstantMethod(hidden=4, random_state=int(np.random.default_rng().integers(2**31))).propose(view, "", examples, silent)


def ignore_the_seed(result: MethodResult, view: View, examples: Examples, progress: Progress) -> MethodResult:
    return ConstantMethod(hidden=4).propose(view, "", examples, silent)


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        (write, r"propose\(\) writes nothing into the network's folder"),
        (draw, "torch's global random numbers stay"),
        (change_earlier, "earlier tasks answer as before, to the bit"),
        (train_earlier, "earlier components stay in evaluation mode"),
        (stop_half_way, "progress ends at its total: half did not"),
        (return_nothing, "returns a MethodResult, not NoneType"),
        (return_modules, "consists of components and of hashes, not of Linear"),
        (bring_too_much, "has no component that its pathway does not need"),
        (borrow_from_all, "at most two pathways are active"),
        (draw_anew, "one seed makes the same components"),
        (ignore_the_seed, "another seed makes other components"),
    ],
)
def test_a_broken_promise_is_named(fault: Fault, promise: str) -> None:
    with pytest.raises(AssertionError, match=f"broken promise of a method: .*{promise}"):
        check_method(partial(Careless, fault), kinds=["classification"])


def test_what_a_method_does_not_learn_it_refuses() -> None:
    check_method(Choosy)
    with pytest.raises(
        AssertionError, match="a regression, which it does not learn, is refused by an InputError that names the method 'careless'"
    ):
        check_method(partial(Careless, no_fault), kinds=["classification", "multilabel"])


def test_what_is_expected_of_it_can_be_less() -> None:
    check_method(partial(Careless, ignore_the_seed), draws=False, network=tiny_network(tasks=["iris"]), data=tiny_task("iris"))
    check_method(partial(Careless, borrow_from_all), strict=False)


def test_a_tiny_network_knows_its_tasks(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net.sen", ["low", "high", "iris", "weather"])
    for task in net.tasks:
        x, y = tiny_task(task)
        assert (net.predict(x, task=task).label == np.array(y)).mean() > 0.9, task
    assert {task for task in net.tasks if net.tasks[task].transfers} == {"high"}
    net.verify()
    with pytest.raises(KeyError, match="wether"):
        tiny_task("wether")


def test_its_source_has_to_be_there() -> None:
    with pytest.raises(InputError, match="task 'low': expected one that the network has learned"):
        tiny_network(tasks=()).learn("high", *tiny_task("high"), method=ConstantMethod(source="low"))
