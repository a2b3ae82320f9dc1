"""Learning several tasks together: one proposal for all of them, one commit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from senpath.errors import InputError, SenpathError
from senpath.history.checkout import Checkout
from senpath.learning.batch import read_tasks
from senpath.learning.propose import propose_jointly
from senpath.progress import Progress
from senpath.snapshot.examples import one_type
from senpath.snapshot.method import JointMethod


def learn_jointly(
    checkout: Checkout, tasks: Mapping[str, Any], method: JointMethod, jobs: int, progress: Progress, kind: str | None, concept: str | None
) -> dict[str, float]:
    """Learn tasks together and commit them; see `Network.learn_many`.

    Returns:
        For each task the seconds from this call to the commit.
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
        _learn(checkout, tasks, method, progress, kind)
    except KeyboardInterrupt:
        checkout.refresh()
        learned = all(task in checkout.view.tasks for task in tasks)
        state = "interrupted after the tasks were committed" if learned else "interrupted; the network is as it was"
        raise KeyboardInterrupt(f"{state}, at version {checkout.view.version}") from None
    return dict.fromkeys(tasks, time.perf_counter() - start)


def _learn(checkout: Checkout, tasks: Mapping[str, Any], method: JointMethod, progress: Progress, kind: str | None) -> None:
    view = checkout.view
    examples = read_tasks(view, tasks, method, kind)
    if not examples:
        return
    one_type(examples)
    raised: list[Exception] = []

    def told(stage: str, done: int, total: int) -> None:
        try:
            progress(stage, done, total)
        except Exception as error:
            raised.append(error)
            raise

    try:
        checkout.commit(propose_jointly(view, method, examples, told))
    except (SenpathError, KeyboardInterrupt):
        raise
    except Exception as error:
        if error in raised:  # of the caller's own
            raise
        got = f"{type(error).__name__}: {error}"
        do = f"The network is as it was, at version {view.version}"
        raise SenpathError(f"tasks {', '.join(map(repr, tasks))}"[:200], expected="a proposal of the method", got=got, do=do) from error
