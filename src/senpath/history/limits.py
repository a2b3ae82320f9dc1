"""Setting how far from a task's own examples an input may be."""

from __future__ import annotations

from senpath.arrays import as_number
from senpath.errors import InputError
from senpath.history.checkout import Checkout
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.thresholds import LARGEST_LIMIT, LEAST_LIMIT, Threshold, threshold_of


def set_limit(checkout: Checkout, task: str, limit: float) -> Threshold:
    """Commit the version in which a task has this limit; see `Network.set_limit`.

    Raises:
        InputError: if it is out of range.
        UnknownTaskError: if there is no such task.
        ConflictError: if another writer changed the task meanwhile.
    """
    if not LEAST_LIMIT <= as_number(limit) <= LARGEST_LIMIT:
        expected = f"a multiple of the limit that the task was learned with, {LEAST_LIMIT:g} to {LARGEST_LIMIT:g}"
        raise InputError(
            "limit", expected=expected, got=repr(limit), do="suggest_limit proposes one; predict(reject=False) refuses nothing"
        )
    checkout.refresh()
    view = checkout.view
    if threshold_of(view, task).limit == float(limit):
        return threshold_of(view, task)
    entry = {"limit": f"of {task}: {float(limit):g} times the learned one"}
    return threshold_of(checkout.commit(Proposal(view.version, (), (), {}, limits={task: float(limit)}, entry=entry)), task)
