"""A pool in this process, on processes and on Ray: what fails or dies is tried once more, then left out, and the rest goes on."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from senpath import InputError, MissingExtraError, SenpathError
from senpath.parallel import FailedJob, WorkerPool
from senpath.parallel.ray_backend import Ray

HERE: dict[str, Any] = {"jobs": 1}
TWO: dict[str, Any] = {"jobs": 2}
RAY: dict[str, Any] = {"jobs": 2, "ray": "local"}


def pool_of(prepare: Callable[[], Any], jobs: int = 1, ray: str | None = None, **told: Any) -> WorkerPool[Any, Any]:
    return WorkerPool(prepare, jobs, backend=None if ray is None else Ray(ray), **told)


DEATH = {"two": "worker process was ended by SIGKILL", "ray": "Ray actor was lost (its worker process has died: SYSTEM_ERROR)"}
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="senpath[ray] is not installed")
ray_is_slow = pytest.mark.slow("Ray and its workers take seconds to start")
RAY_MARKS = (needs_ray, ray_is_slow)
several_starts = pytest.mark.slow("starts processes, each of which loads all of torch")


@dataclass(frozen=True)
class Task:
    """A number to be squared, and what goes wrong with it, at the first `times` attempts if there is a file to count them in."""

    number: int
    trouble: str = ""
    marks: Path | None = None
    times: int = 99


def squares() -> Callable[[Task], Any]:
    return square


def square(task: Task) -> Any:
    """The square, torch's threads and the process, after a while that is longer for early numbers."""
    time.sleep(0.05 * max(0, 3 - task.number))
    if task.marks is None or mark(task.marks) <= task.times:
        stumble(task)
    if task.trouble == "lambda":
        return lambda: task
    if task.trouble == "pool":
        with pool_of(squares, jobs=2) as own:
            return own.run([Task(task.number)])[0]
    return task.number**2, torch.get_num_threads(), os.getpid()


def stumble(task: Task) -> None:
    if task.trouble == "luck":
        raise ValueError(f"no luck\nwith {task.number}.")
    if task.trouble == "input":
        raise InputError("number", expected="luck", got=task.number)
    if task.trouble == "death":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.trouble == "long":
        time.sleep(600)


def mark(marks: Path) -> int:
    """Leave a mark in a file, and count them."""
    with marks.open("a") as file:
        file.write("x")
    return len(marks.read_text())


def refuse() -> Any:
    raise InputError("preparing", expected="luck", got="none")


def die() -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def numbers(results: list[Any]) -> list[Any]:
    return [result if isinstance(result, FailedJob) else result[0] for result in results]


def ended(process: int) -> bool:
    """Whether it is gone within some seconds, as a process or at least as more than an entry in the system's list.

    Its last thread closes its files, which may be later than the entry says that it is no more.
    """
    for _ in range(100):
        try:
            dead = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if dead and len(os.listdir(f"/proc/{process}/task")) <= 1:
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@dataclass(frozen=True)
class Running:
    """A pool that tests share: it has to live through all of them."""

    pool: WorkerPool[Task, Any]
    told: list[str]
    death: str


@needs_ray
@ray_is_slow
def test_a_cluster_that_does_not_answer(without_ray: None) -> None:
    start = time.perf_counter()
    match = r"Ray: expected a cluster at '127\.0\.0\.1:1', got ConnectionRefusedError: .*'local' needs none"
    with pytest.raises(SenpathError, match=match), pool_of(squares, ray="127.0.0.1:1"):
        pass
    assert time.perf_counter() - start < 10


@needs_ray
@ray_is_slow
def test_a_ray_of_its_own_ends_with_the_pool_here_one_that_cannot_prepare(without_ray: None) -> None:
    import ray

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InputError, match="preparing: expected luck, got none"), pool_of(refuse, ray="local"):
        pass
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) == handler


@several_starts
@pytest.mark.parametrize("where", [TWO, pytest.param({"jobs": 1, "ray": "local"}, marks=needs_ray)], ids=["two", "on_ray"])
def test_workers_that_cannot_start(where: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if "ray" in where:
        request.getfixturevalue("with_ray")
    told: list[str] = []
    died = "was lost .*SYSTEM_ERROR" if "ray" in where else "was ended by SIGKILL"
    with pytest.raises(SenpathError, match=f"expected one that starts, got one that {died}"), pool_of(die, **where, tell=told.append):
        pass
    assert re.match(f".* {died}.* before it was ready; another takes its place", told[0])


@needs_ray
@ray_is_slow
def test_a_ray_with_few_processors(with_ray: Any) -> None:
    told: list[str] = []
    match = "preparing: expected luck, got none"
    with pytest.raises(InputError, match=match), pool_of(refuse, jobs=4, ray="local", tell=told.append):
        pass
    assert told == ["Ray has 2 CPUs for 4 workers, of which the others wait for more"]


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    yield from shared("", **HERE)


@pytest.fixture(scope="module")
def two() -> Iterator[Running]:
    yield from shared(DEATH["two"], **TWO)
    assert multiprocessing.active_children() == []


@pytest.fixture(scope="module")
def on_ray(with_ray: Any) -> Iterator[Running]:
    yield from shared(DEATH["ray"], **RAY)


def shared(death: str, **where: Any) -> Iterator[Running]:
    told: list[str] = []
    with pool_of(squares, **where, tell=told.append, name=lambda place, item: f"child {place}") as own:
        yield Running(own, told, death)


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Running:
    found: Running = request.getfixturevalue(request.param)
    found.told.clear()
    return found


on_ray_too = pytest.param("on_ray", marks=RAY_MARKS)
everywhere = pytest.mark.parametrize("running", ["here", "two", on_ray_too], indirect=True)
elsewhere = pytest.mark.parametrize("running", ["two", on_ray_too], indirect=True)


@everywhere
def test_results_are_the_same_everywhere(running: Running) -> None:
    threads = torch.get_num_threads()
    for _ in range(2):
        found: dict[int, Any] = {}
        results = running.pool.run([Task(number) for number in range(7)], found.__setitem__)
        assert numbers(results) == [number**2 for number in range(7)]
        assert found == dict(enumerate(results))
        assert {threads for _, threads, _ in results} == {1}
        assert len({process for _, _, process in results}) <= 2
    assert running.pool.run([]) == []
    assert running.told == []
    assert torch.get_num_threads() == threads


@everywhere
def test_what_fails_is_tried_once_more(running: Running, tmp_path: Path) -> None:
    once, always, wrong = (tmp_path / name for name in ("once", "always", "wrong"))
    tasks = [Task(0), Task(1, "luck", once, 1), Task(2, "luck", always), Task(3), Task(4, "input", wrong), Task(5)]
    found: dict[int, Any] = {}
    results = running.pool.run(tasks, found.__setitem__)
    failed = FailedJob("ValueError: no luck with 2; then ValueError: no luck with 2", 2)
    wrong_input = FailedJob("number: expected luck, got 4", 1)
    assert numbers(results) == [0, 1, failed, 9, wrong_input, 25]
    assert found == dict(enumerate(results))
    assert [len(marks.read_text()) for marks in (once, always, wrong)] == [2, 2, 1]
    assert sorted(running.told) == [
        "child 1 is tried again: ValueError: no luck with 1",
        f"child 2 failed: {failed.reason}",
        "child 2 is tried again: ValueError: no luck with 2",
        f"child 4 failed: {wrong_input.reason}",
    ]


@pytest.mark.slow("workers have to start anew")
@elsewhere
def test_a_worker_that_dies_is_replaced(running: Running, tmp_path: Path) -> None:
    once, always = tmp_path / "once", tmp_path / "always"
    tasks = [Task(0), Task(1, "death", once, 1), Task(2), Task(3, "death", always), Task(4), Task(5), Task(6)]
    results = running.pool.run(tasks)
    failed = FailedJob(f"its {running.death}; then its {running.death}", 2)
    assert numbers(results) == [0, 1, 4, failed, 16, 25, 36]
    assert [len(marks.read_text()) for marks in (once, always)] == [2, 2]
    assert sorted(running.told) == [
        f"child 1 is tried again: its {running.death}",
        f"child 3 failed: {failed.reason}",
        f"child 3 is tried again: its {running.death}",
    ]
    assert numbers(running.pool.run([Task(2)])) == [4]


@pytest.mark.slow("starts processes of its own")
@elsewhere
def test_a_worker_that_dies_while_it_has_nothing_to_do_costs_no_attempt(running: Running, tmp_path: Path) -> None:
    processes = {process for _, _, process in running.pool.run([Task(number) for number in range(6)])}
    for process in processes:
        os.kill(process, signal.SIGKILL)
    assert all(ended(process) for process in processes)
    results = running.pool.run([Task(4, "luck", tmp_path / "marks", 1), Task(5), Task(6)])
    assert numbers(results) == [16, 25, 36]
    idle = f"a {running.death} while it had nothing to do; another takes its place"
    assert running.told == [*[idle] * len(processes), "child 0 is tried again: ValueError: no luck with 4"]


@elsewhere
def test_what_cannot_be_sent_fails(running: Running) -> None:
    unsendable: Any = lambda: None  # noqa: E731
    results = running.pool.run([Task(4), Task(5, unsendable), Task(6), Task(7, "lambda")])
    assert numbers([results[0], results[2]]) == [16, 36]
    for job in results[1], results[3]:
        assert job.attempts == 1
        assert re.match("work for several jobs: expected what pickle can send, got .*lambda", job.reason)


def test_a_process_that_may_start_none_works_itself(two: Running) -> None:
    ((square, threads, process), (_, _, other)) = two.pool.run([Task(5, "pool"), Task(6, "pool")])
    assert (square, threads) == (25, 1)
    assert {process, other} <= {child.pid for child in multiprocessing.active_children()}


def test_a_pool_works_on_after_an_error_of_the_caller(here: Running) -> None:
    def done(place: int, result: Any) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        here.pool.run([Task(5), Task(6)], done)
    assert numbers(here.pool.run([Task(7), Task(8)])) == [49, 64]


@pytest.mark.slow("starts real processes and kills them")
def test_ctrl_c_goes_through_and_leaves_no_process() -> None:
    before, processes = set(multiprocessing.active_children()), set[int]()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt, match="for good"), pool_of(squares, jobs=2) as own:  # noqa: PT012
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            own.run([Task(4, "long"), Task(5, "long")])
        processes.update(process for _, _, process in own.run([Task(number) for number in range(6)]))  # who was at something is replaced
        raise KeyboardInterrupt("for good")
    assert time.perf_counter() - start < 300
    assert all(ended(process) for process in processes)
    assert set(multiprocessing.active_children()) == before


@pytest.mark.parametrize("where", [HERE, pytest.param(TWO, marks=several_starts)], ids=["here", "two"])
def test_a_pool_that_cannot_prepare(where: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="preparing: expected luck, got none"), pool_of(refuse, **where):
        pass


@pytest.mark.parametrize("where", [TWO, pytest.param(RAY, marks=RAY_MARKS)], ids=["two", "on_ray"])
def test_a_pool_whose_preparing_cannot_be_sent(where: dict[str, Any]) -> None:
    match = r"work for several jobs: expected what pickle can send, .* Use jobs=1, or"
    with pytest.raises(InputError, match=match), pool_of(lambda: abs, **where):
        pass


def test_a_pool_of_this_process_sends_nothing() -> None:
    with pool_of(lambda: abs) as own:
        assert own.run([-1, 2]) == [1, 2]


def test_a_pool_of_none() -> None:
    with pytest.raises(InputError, match="jobs: expected a whole number, 1 or more, got 0"), pool_of(squares, jobs=0):
        pass


def test_ray_is_installed_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    match = r"work on Ray: expected ray, got not installed\. pip install 'senpath\[ray\]'"
    with pytest.raises(MissingExtraError, match=match), pool_of(squares, ray="local"):
        pass
