"""Which limit a task should have, judged by inputs that are its own and inputs that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt
from typing import Any

import numpy as np

from senpath.arrays import as_number
from senpath.errors import InputError
from senpath.inference.batches import decided
from senpath.inference.predict import Reading
from senpath.routing import LIMIT_QUANTILE
from senpath.snapshot import View
from senpath.snapshot.thresholds import LARGEST_LIMIT, LEAST_LIMIT, limit_share

SURE = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True)
class Refusals:
    """What a limit makes of some inputs.

    Attributes:
        inputs: how many of them have this task as their likeliest one, so that its limit decides.
        elsewhere: how many go to another task, whose limit decides.
        before: share of `inputs` that the present limit refuses, in 0 … 1; NaN where there are none.
        after: share that the suggested limit refuses.
        interval: where `after` is for further inputs like these, with a chance of 95 % (Wilson 1927).
    """

    inputs: int
    elsewhere: int
    before: float
    after: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class SuggestedLimit:
    """A limit that fits the inputs that were shown.

    Attributes:
        task: whose.
        limit: as a multiple of the one that the task was learned with, see `Threshold`.
        present: the limit that it has.
        own: what becomes of inputs that are the task's.
        others: what becomes of inputs that are not; None where there were none.
        reason: a sentence that says how the limit was chosen.

    Example:
        >>> suggested = net.suggest_limit("iris", tiny_task("iris")[0])
        >>> changed = net.set_limit("iris", suggested.limit)
        >>> changed.limit == suggested.limit
        True
    """

    task: str
    limit: float
    present: float
    own: Refusals
    others: Refusals | None
    reason: str


def suggest_limit(view: View, task: str, x: Any, others: Any, refuse: float) -> SuggestedLimit:
    """See `Network.suggest_limit`.

    Raises:
        InputError: if `refuse` is out of range, or none of the inputs that are the task's goes to it, or they are its own examples.
    """
    if not 0 < as_number(refuse) <= 0.5:
        raise InputError("refuse", expected="a share above 0 and at most 0.5", got=repr(refuse))
    refuse = float(refuse)
    view.pathway(task)  # which says what is wrong with the name
    present = limit_share(view.tasks[task].statistics)
    mine, elsewhere = distances_to(view, task, x)
    if not len(mine) and not elsewhere:
        raise InputError("inputs that belong", expected="at least one", got="none")
    if not len(mine):
        do = "Tell the tasks apart first: more examples of both, or predict(task=…)"
        raise InputError("inputs that belong", expected=f"some that go to {task!r}", got=f"{elsewhere} that go to other tasks", do=do)
    if others is None:
        limit, reason = _letting_in(mine, refuse)
        return SuggestedLimit(task, limit, present, _refusals(mine, elsewhere, present, limit), None, reason)
    foreign, gone = distances_to(view, task, others)
    if len(foreign):
        limit, reason = _between(mine, foreign), "the fewest wrong refusals and wrong admissions together, as shares"
    else:
        limit, reason = _letting_in(mine, refuse)
    kept = (_refusals(mine, elsewhere, present, limit), _refusals(foreign, gone, present, limit))
    return SuggestedLimit(task, limit, present, *kept, reason)


def distances_to(view: View, task: str, x: Any) -> tuple[np.ndarray, int]:
    """How far inputs are from the task, as multiples of the limit that it was learned with, and how many go to other tasks.

    Returns:
        float64 (n,) for those whose likeliest task it is, and the number of the others.
    """
    share, parts, elsewhere = limit_share(view.tasks[task].statistics), [np.zeros(0)], 0
    for _, decision in decided(view, Reading(view, x).batches()):
        here = np.array([decision.names[place] == task for place in decision.order[:, 0]], dtype=bool)
        parts.append(decision.ood_score[here] * share)
        elsewhere += int((~here).sum())
    return np.concatenate(parts), elsewhere


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); 0 … 1 where there is nothing to go by."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, SURE**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = SURE * sqrt(share * (1 - share) / of + square / (4 * of**2)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def _letting_in(mine: np.ndarray, refuse: float) -> tuple[float, str]:
    """The smallest limit that refuses at most this share of further inputs, as a conformal quantile."""
    rank = ceil((len(mine) + 1) * (1 - refuse))
    reason = f"the smallest limit that is to refuse at most {refuse:.3g} of further inputs like those that belong"
    if rank > len(mine):
        reason = f"lets all of them in; to judge a share of {refuse:.3g}, {ceil((1 - refuse) / refuse)} inputs are needed"
    furthest = float(np.sort(mine)[min(rank, len(mine)) - 1])
    if furthest < LEAST_LIMIT:
        got = "inputs that lie where its own examples do"
        raise InputError("inputs that belong", expected="some that it was not learned from", got=got, do="Show it further ones")
    return rounded_up(furthest), reason


def _between(mine: np.ndarray, foreign: np.ndarray) -> float:
    """The middle of the widest range of limits with the smallest sum of the share of `mine` beyond and of `foreign` within."""
    places = np.unique(np.concatenate([mine, foreign]))
    wrong = (mine > places[:, None]).mean(1) + (foreign <= places[:, None]).mean(1)
    best = np.flatnonzero(wrong <= wrong.min() + 1e-12)
    ends = np.append(places, places[-1] * 1.1)
    widest = best[np.argmax(ends[best + 1] - ends[best])]
    return rounded_up(float((ends[widest] + ends[widest + 1]) / 2))


def rounded_up(limit: float) -> float:
    """Three digits, within the range that limits have."""
    limit = min(max(limit, LEAST_LIMIT), LARGEST_LIMIT)
    step = 10.0 ** (floor(log10(limit)) - 2)
    return float(f"{min(ceil(limit / step - 1e-9) * step, LARGEST_LIMIT):.3g}")


def _refusals(distances: np.ndarray, elsewhere: int, present: float, limit: float) -> Refusals:
    before, after = (_share(distances > bound) for bound in (present, limit))
    return Refusals(len(distances), elsewhere, before, after, wilson(int((distances > limit).sum()), len(distances)))


def _share(of: Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(of)) if len(of) else float("nan")


REFUSE = round(1 - LIMIT_QUANTILE, 6)
"""The share of a task's own inputs that a limit refuses as it is learned."""
