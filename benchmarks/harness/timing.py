"""Times as ratios within one run: what is compared takes turns, so that what else the machine does meets all alike."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def seconds(job: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def timed(job: Callable[[], object]) -> Callable[[], float]:
    """A job that gives how long it took."""
    return lambda: seconds(job)


def processor_timed(job: Callable[[], object]) -> Callable[[], float]:
    """A job that gives how long this thread had a processor for it: waiting for one, as beside other programs, is left out."""

    def taken() -> float:
        start = time.thread_time()
        job()
        return time.thread_time() - start

    return taken


def in_turn(
    jobs: Mapping[K, Callable[[], float]], rounds: int, *, warm: int = 1, alternate: bool = False, tell: bool = False
) -> dict[K, list[float]]:
    """Each job once a round; gives what the jobs gave, round by round.

    Args:
        jobs: each gives the seconds that count.
        rounds: so many.
        warm: rounds before, which do not count.
        alternate: go through the jobs backwards in every other round.
        tell: print every figure.
    """
    taken: dict[K, list[float]] = {name: [] for name in jobs}
    for number in range(-warm, rounds):
        for name in reversed([*jobs]) if alternate and number % 2 else jobs:
            figure = jobs[name]()
            if tell:
                print(f"round {number + 1}, {name}: {figure:.2f} s", flush=True)
            if number >= 0:
                taken[name].append(figure)
    return taken


def ratio(mine: Sequence[float], other: Sequence[float]) -> float:
    """Median over the rounds of one time divided by the other."""
    return median(a / b for a, b in zip(mine, other, strict=True))
