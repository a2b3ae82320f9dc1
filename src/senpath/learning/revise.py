"""Changing tasks that the network has."""

from __future__ import annotations

import os
import time
from typing import Any

from senpath.errors import InputError
from senpath.history.checkout import Checkout
from senpath.learning.propose import propose_revision
from senpath.learning.stream import Routed, extend_routed
from senpath.progress import Progress
from senpath.snapshot.examples import read_more
from senpath.snapshot.method import Declined, Revised, Revision


def revise(checkout: Checkout, task: str, revision: Revision, x: Any, y: Any, progress: Progress) -> Revised:
    """Change a task by a revision; see `senpath.Network.revise`."""
    start = time.perf_counter()
    checkout.refresh()
    view = checkout.view
    pathway = view.pathway(task)
    examples = None if x is None and y is None else read_more(view, pathway, x, y, new_classes=revision.grows)
    try:
        answer = propose_revision(view, revision, task, examples, progress)
        if not isinstance(answer, Declined):
            checkout.commit(answer[1])
    except KeyboardInterrupt:
        checkout.refresh()
        raise KeyboardInterrupt(f"interrupted; the network is at version {checkout.view.version}") from None
    changed = not isinstance(answer, Declined)
    told = answer if isinstance(answer, Declined) else answer[0]
    return Revised(task, changed, told.reason, checkout.view.version, time.perf_counter() - start, told.record)


def extend(checkout: Checkout, task: Any, x: Any, y: Any, revision: Revision, progress: Progress) -> Revised | Routed:
    """Add examples to a task, or to the tasks that a stream's examples fit; see `senpath.Network.extend`."""
    checkout.refresh()  # another writer may have learned the task meanwhile
    if isinstance(task, str) and (x is not None or y is not None or task in checkout.view.tasks or not os.path.exists(task)):
        return revise(checkout, task, revision, x, y, progress)
    if y is not None:
        raise InputError("task to extend", expected="a name, or no task, but a stream of inputs and labels", got=type(task).__name__)
    return extend_routed(checkout.view, task, x, lambda name, examples: revise(checkout, name, revision, examples, None, progress))
