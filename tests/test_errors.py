"""An error says what is wrong, what was expected, what was got and what to do, in its text and as attributes."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from raising import raises_error

from senpath.errors import InputError, SenpathError
from senpath.parallel.backend import WorkerDiedError
from senpath.serving.errors import Refusal


def test_the_parts_make_the_text() -> None:
    error = InputError("hidden", expected="a number", got=[3], do="Leave it out")
    assert str(error) == error.message == "hidden: expected a number, got [3]. Leave it out"
    assert (error.what, error.expected, error.got, error.do) == ("hidden", "a number", "[3]", "Leave it out")


def test_what_is_not_said_is_none() -> None:
    error = SenpathError("the folder is locked.")
    assert str(error) == error.what == "the folder is locked"
    assert (error.expected, error.got, error.do) == (None, None, None)


def test_another_text_keeps_the_parts_and_so_does_another_process() -> None:
    error = InputError("hidden", expected="a number", got=None, do="Leave it out")
    error.reword("task 'a': hidden is wrong")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - as between processes
    assert type(again) is InputError
    assert str(again) == "task 'a': hidden is wrong"
    assert (again.what, again.expected, again.got, again.do) == ("hidden", "a number", None, "Leave it out")


def test_the_helper_of_tests_looks_at_parts() -> None:
    with raises_error(InputError, "hid", expected=re.compile("^a num"), got="(3)"):
        raise InputError("hidden", expected="a number", got="(3)")
    with pytest.raises(AssertionError, match="does not say 'do'"), raises_error(InputError, do="x"):
        raise InputError("hidden")
    with pytest.raises(AssertionError, match="got is '3', not '4'"), raises_error(InputError, got="4"):
        raise InputError("hidden", got=3)


def subclasses(kind: type[SenpathError]) -> set[type[SenpathError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_every_error_comes_out_of_another_process() -> None:
    """One that cannot be unpickled leaves `multiprocessing.Pool` waiting for ever."""
    given: dict[type[SenpathError], tuple[object, ...]] = {WorkerDiedError: ("worker", "ended", True), Refusal: (404, "gone", "task 'a'")}
    for kind in subclasses(SenpathError):
        error = kind(*given.get(kind, ("task 'a'",)))  # type: ignore[arg-type]
        for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301 - as between processes
            assert type(again) is kind
            assert (str(again), again.__dict__) == (str(error), error.__dict__)
