"""What a method of somebody else's may get wrong: one clear error that names it, and a network that is as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from raising import raises_error

import senpath as sp
from senpath.snapshot import MethodResult
from senpath.testing import ConstantMethod, tiny_task


class Nothing(ConstantMethod):
    """Returns nothing."""

    name = "nothing"

    def propose(self, *given: Any) -> MethodResult:
        return None  # type: ignore[return-value]


class HeadAlone(ConstantMethod):
    """Forgets the layer that its output layer reads."""

    name = "head-alone"

    def propose(self, *given: Any) -> MethodResult:
        result = super().propose(*given)
        return replace(result, chain=result.chain[1:])


class NoHead(ConstantMethod):
    """Forgets the output layer."""

    name = "no-head"

    def propose(self, *given: Any) -> MethodResult:
        result = super().propose(*given)
        return replace(result, chain=result.chain[:1])


class NumbersOnly(ConstantMethod):
    """Learns regressions."""

    name = "numbers-only"
    kinds = ("regression",)


class Together(ConstantMethod):
    """Learns tasks together, and forgets the last."""

    name = "together"

    def propose_many(self, view: sp.View, tasks: Any, progress: Any) -> dict[str, MethodResult]:
        return {task: self.propose(view, task, examples, progress) for task, examples in list(tasks.items())[:-1]}


FAULTS: dict[str, tuple[Callable[..., Any], type[sp.SenpathError], dict[str, Any]]] = {
    "nothing": (Nothing, sp.SenpathError, {"what": "method 'nothing', task 'new'", "expected": "a MethodResult", "got": "NoneType"}),
    "a part forgotten": (HeadAlone, sp.InputError, {"what": "learned by method 'head-alone'", "expected": "parts that fit together"}),
    "no output layer": (NoHead, sp.InputError, {"what": "learned by method 'no-head'", "expected": "parts that fit together", "got": "32"}),
    "another kind": (NumbersOnly, sp.InputError, {"what": "method 'numbers-only'", "expected": "regression", "got": "a classification"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_error_names_the_method(unchanged: Any, fault: str) -> None:
    method, error, parts = FAULTS[fault]
    net = sp.Network()
    net.learn("old", *tiny_task("low"), method=ConstantMethod())
    with unchanged(net.path), raises_error(error, **parts):
        net.learn("new", *tiny_task("high"), method=method())
    assert net.version == 1
    assert list(net.tasks) == ["old"]


def test_a_joint_method_that_forgets_a_task(unchanged: Any) -> None:
    net = sp.Network()
    with unchanged(net.path), raises_error(sp.SenpathError, "method 'together'", expected="a result for each of 'a', 'b'", got="'a'"):
        net.learn_many({"a": tiny_task("low"), "b": tiny_task("high")}, method=Together())
