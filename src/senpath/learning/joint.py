"""Learning several tasks together: one proposal for all of them, one commit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from senpath.errors import InputError, SenpathError
from senpath.history.checkout import Checkout
from senpath.learning.batch import read_tasks
from senpath.learning.cost import learning_cost
from senpath.pathways import LearningCost
from senpath.progress import Progress
from senpath.snapshot.examples import one_type
from senpath.snapshot.proposal import Joint


def learn_jointly(
    checkout: Checkout, tasks: Mapping[str, Any], method: Joint, jobs: int, progress: Progress, kind: str | None, concept: str | None
) -> dict[str, tuple[float, LearningCost]]:
    """Learn tasks together and commit them; see `Network.learn_many`.

    Returns:
        For each task the seconds from this call to the commit, and the cost: that of all together, for it cannot be told apart.
    """
    start = time.perf_counter()
    together = f"with {method.name!r}, which learns tasks together"
    if jobs != 1:
        raise InputError("jobs", expected=f"1 {together}", got=jobs, do="Leave it out")
    if concept is not None:
        do = "Learn tasks of a concept with method 'sen'"
        raise InputError("concept", expected=f"none {together}", got=repr(concept), do=do)
    checkout.refresh()
    try:
        cost = _learn(checkout, tasks, method, progress, kind)
    except KeyboardInterrupt:
        checkout.refresh()
        learned = all(task in checkout.view.tasks for task in tasks)
        state = "interrupted after the tasks were committed" if learned else "interrupted; the network is as it was"
        raise KeyboardInterrupt(f"{state}, at version {checkout.view.version}") from None
    return dict.fromkeys(tasks, (time.perf_counter() - start, cost)) if cost is not None else {}


def _learn(checkout: Checkout, tasks: Mapping[str, Any], method: Joint, progress: Progress, kind: str | None) -> LearningCost | None:
    """The cost, or None where there is nothing to learn."""
    view = checkout.view
    examples = read_tasks(view, tasks, method, kind)
    if not examples:
        return None
    one_type(examples)
    raised: list[Exception] = []

    def told(stage: str, done: int, total: int) -> None:
        try:
            progress(stage, done, total)
        except Exception as error:
            raised.append(error)
            raise

    try:
        with view.watch() as touched:
            proposal = method.propose_many(view, examples, told)
        cost = learning_cost(view, touched, proposal)
        checkout.commit(replace(proposal, entry={**proposal.entry, "cost": asdict(cost)}))
    except (SenpathError, KeyboardInterrupt):
        raise
    except Exception as error:
        if error in raised:  # of the caller's own
            raise
        got = f"{type(error).__name__}: {error}"
        do = f"The network is as it was, at version {view.version}"
        raise SenpathError(f"tasks {', '.join(map(repr, tasks))}"[:200], expected="a proposal of the method", got=got, do=do) from error
    return cost
