"""Results in order, of this process and of others: one thread each, and no process left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch

from senpath import InputError, SenpathError
from senpath.parallel import WorkerPool, check_jobs, one_thread

Work = Callable[[Any], Any]


@contextmanager
def in_order(prepare: Callable[[], Work], items: Iterable[Any], jobs: int) -> Iterator[Iterator[Any]]:
    with WorkerPool(prepare, jobs) as pool:
        yield pool.in_order(items)


several_starts = pytest.mark.slow("starts processes, each of which loads all of torch")


def squares(base: int = 0) -> Work:
    return partial(square, base, [])


def square(base: int, seen: list[int], number: int) -> tuple[int, int, int]:
    """The square, after a while that is longer for early numbers; how many items this worker has had; its threads."""
    time.sleep(0.05 * max(0, 3 - number))
    seen.append(number)
    return base + number * number, len(seen), torch.get_num_threads()


def trouble() -> Work:
    return stumble


class OwnWayError(Exception):
    """Cannot be rebuilt from its text."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)


def stumble(number: int) -> Any:
    if number == 3:
        raise InputError("number 3", expected="luck", got="none")
    if number == 4:
        raise OwnWayError("no luck", 4)
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 6:
        os._exit(7)
    if number == 7:
        return lambda: number
    return number


def refuse() -> Work:
    raise InputError("preparing", expected="luck", got="none")


def calls() -> Work:
    return call


def call(item: tuple[Work, Any]) -> Any:
    work, argument = item
    return work(argument)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == threads


@pytest.fixture(scope="module")
def two() -> Iterator[WorkerPool[Any, Any]]:
    """Two workers, which outlive what fails in a test."""
    with WorkerPool(calls, 2) as pool:
        yield pool
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("jobs", [1, pytest.param(3, marks=several_starts)])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    with in_order(partial(squares, 100), range(7), jobs) as results:
        found = list(results)
    assert [result for result, _, _ in found] == [100 + number * number for number in range(7)]
    assert {threads for _, _, threads in found} == {1}
    assert sum(seen == 1 for _, seen, _ in found) <= jobs  # prepared once in a worker


def test_nothing_to_do() -> None:
    with in_order(squares, [], 1) as results:
        assert list(results) == []


def test_items_are_taken_when_a_worker_is_free_and_not_too_far_ahead(two: WorkerPool[Any, Any]) -> None:
    taken: list[int] = []

    def items() -> Iterator[Any]:
        for number in range(100):
            taken.append(number)
            yield squares(), number

    results = two.in_order(items())
    assert taken == []
    assert next(results)[0] == 0
    assert len(taken) <= 2 * 4 + 2
    results.close()
    with in_order(calls, items(), 1) as results:
        taken.clear()
        next(results)
        assert taken == [0]


ends_a_worker = pytest.mark.slow("another process has to start and to import torch")
DIED = r"worker process: expected one that lives to the end .*, got one that "


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (3, InputError, "number 3: expected luck, got none"),
        (4, RuntimeError, "OwnWayError: no luck"),
        pytest.param(5, SenpathError, DIED + r"was ended by SIGKILL\. If there", marks=ends_a_worker),
        pytest.param(6, SenpathError, DIED + r"ended itself with exit code 7\. If", marks=ends_a_worker),
        (7, InputError, "work for several jobs: expected what pickle can send, got .*lambda"),
    ],
)
def test_a_failure_comes_at_its_turn(two: WorkerPool[Any, Any], bad: int, error: type[Exception], match: str) -> None:
    results = two.in_order([(stumble, number) for number in (0, 1, bad, 2, 0, 1)])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(error, match=match):
        next(results)


def test_a_failure_of_this_process_comes_at_its_turn() -> None:
    with in_order(trouble, [0, 1, 3, 2], 1) as results:
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(InputError, match="number 3: expected luck, got none"):
            next(results)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=several_starts)])
def test_a_worker_that_cannot_begin(jobs: int) -> None:
    with pytest.raises(InputError, match="preparing: expected luck, got none"), in_order(refuse, [1], jobs):
        pass


def test_work_that_cannot_be_sent() -> None:
    match = r"work for several jobs: expected what pickle can send, .* Use jobs=1, or"
    with pytest.raises(InputError, match=match), in_order(lambda: abs, [1], 2):
        pass
    with in_order(lambda: abs, [-1], 1) as results:
        assert list(results) == [1]


@pytest.mark.parametrize("jobs", [0, -1, 1.0, True, "2", None])
def test_numbers_of_jobs(jobs: Any) -> None:
    with pytest.raises(InputError, match="jobs: expected a whole number, 1 or more, got "):
        check_jobs(jobs)


def test_one_thread_within_and_as_many_as_before_after() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(InputError, match="got 1"), one_thread():
            raise InputError("threads", got=torch.get_num_threads())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow("runs a script that starts processes of its own")
def test_a_script_without_its_guard_is_told(tmp_path: Any) -> None:
    script = """
        from senpath.parallel import WorkerPool

        def prepare():
            return abs

        with WorkerPool(prepare, 2) as pool:
            list(pool.in_order([1, 2]))
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    said = "expected one that starts, got one that ended itself with exit code 1. A script that asks for several jobs needs `if __name__"
    assert said in done.stderr
