"""How far from a task's own examples an input may be, as it was learned and as people have set it since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from senpath.routing import LIMIT_QUANTILE

if TYPE_CHECKING:
    from senpath.snapshot.view import View
    from senpath.store import StatisticsRecord

LEAST_LIMIT, LARGEST_LIMIT = 0.01, 100.0
"""Multiples of the limit that a task was learned with."""
LEARNED = "learned_limit"
"""Of a task's figures, the limit as it was learned, where "limit" is another one by now."""


@dataclass(frozen=True)
class Threshold:
    """What a task refuses.

    Attributes:
        task: its name.
        limit: the furthest that an input may be, as a multiple of the limit that the task was learned with: 1 as learned, above 1 less is
            refused. An `ood_score` is the distance as a share of this, so that 1 is always the border.
        reason: a sentence that says what is refused and why.

    Example:
        >>> net.thresholds["iris"].limit, net.set_limit("iris", 2).limit  # less is refused
        (1.0, 2.0)
    """

    task: str
    limit: float
    reason: str


def limit_share(kept: StatisticsRecord) -> float:
    """A task's limit as a multiple of the one that it was learned with."""
    return float(f"{kept.figures['limit'] / kept.figures.get(LEARNED, kept.figures['limit']):.9g}")  # as it was set, not as divided


def with_limit(kept: StatisticsRecord, share: float) -> StatisticsRecord:
    """What is kept of a task, with a limit of so many times the learned one."""
    figures = {**kept.figures}
    learned = figures.pop(LEARNED, figures["limit"])
    figures["limit"] = learned * share
    return replace(kept, figures=figures if share == 1 else {**figures, LEARNED: learned})


def threshold_of(view: View, task: str) -> Threshold:
    """What a version refuses of what seems to be a task's; raises UnknownTaskError."""
    view.pathway(task)  # which says what is wrong with the name
    share = limit_share(view.tasks[task].statistics)
    learned = f"the distance that {100 * LIMIT_QUANTILE:.0f} % of further inputs like its own examples are to be within"
    if share == 1:
        return Threshold(task, share, f"refuses what is further from it than {learned}; set when it was learned")
    return Threshold(task, share, f"refuses what is further from it than {share:.3g} times {learned}; set by hand")
