"""Learning one task, or several."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from senpath.errors import InputError, SenpathError
from senpath.history.checkout import Checkout
from senpath.inputs.sources import read_labelled
from senpath.learning.batch import learn_batch
from senpath.learning.changes import TaskChange, measure_changes, require_changing
from senpath.learning.joint import learn_jointly
from senpath.learning.propose import propose, require_kind
from senpath.parallel import check_jobs
from senpath.pathways import LearningCost, Pathway, Provenance, Transfer
from senpath.progress import Progress
from senpath.snapshot.concepts import check_concept, labels_of
from senpath.snapshot.examples import check_encoded, check_name, check_task, encode_examples, pair_of, read_more
from senpath.snapshot.method import JointMethod, Method
from senpath.snapshot.task_info import task_info
from senpath.snapshot.view import View
from senpath.types import Examples


@dataclass(frozen=True)
class Learned:
    """What learning a task came to.

    Attributes:
        task: its name.
        version: the network's version that has it.
        seconds: from the call to the commit.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        provenance: how it was learned, what that cost included.
        changed: the earlier tasks that were changed along with it, and what they lost; none unless that was asked for.
    """

    task: str
    version: int
    seconds: float
    transfers: tuple[tuple[str, Transfer], ...]
    provenance: Provenance
    changed: Mapping[str, TaskChange]

    @property
    def cost(self) -> LearningCost:
        """The weights that ran and that changed, the search for a source included; of tasks learned together, those of all."""
        if self.provenance.cost is None:
            raise SenpathError(f"cost of task {self.task!r}", expected="one that was counted", got="none")
        return self.provenance.cost


def learn(
    checkout: Checkout,
    task: str,
    x: Any,
    y: Any,
    kind: str | None,
    concept: str | None,
    method: Method,
    measure: Mapping[str, Any] | None,
    progress: Progress,
) -> Learned:
    """Learn a task and commit it; see `senpath.Network.learn`."""
    start = time.perf_counter()
    try:
        changed = _learn(checkout, task, x, y, kind, concept, method, {} if measure is None else measure, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_interrupted(checkout, task)) from None
    return _learned(checkout.view, task, time.perf_counter() - start, changed)


def learn_many(
    checkout: Checkout,
    tasks: Mapping[str, Any],
    kind: str | None,
    concept: str | None,
    method: Method,
    jobs: int,
    progress: Progress,
) -> dict[str, Learned]:
    """Learn several tasks and commit them; see `senpath.Network.learn_many`."""
    check_jobs(jobs)
    if isinstance(method, JointMethod):
        seconds = learn_jointly(checkout, tasks, method, jobs, progress, kind, concept)
    else:
        seconds = learn_batch(checkout, tasks, method, jobs, progress, kind, concept)
    return {task: _learned(checkout.view, task, taken, {}) for task, taken in seconds.items()}


def _learn(
    checkout: Checkout,
    task: str,
    x: Any,
    y: Any,
    kind: str | None,
    concept: str | None,
    method: Method,
    measure: Mapping[str, Any],
    progress: Progress,
) -> Mapping[str, TaskChange]:
    checkout.refresh()
    view = checkout.view
    check_task(task, view)
    if concept is not None:
        check_name("concept", concept)
    if isinstance(x, Examples):
        examples = check_encoded(view, x, y, kind)
    else:
        examples = encode_examples(view, *read_labelled(x, y), kind=kind, progress=progress)
    if concept is not None:
        check_concept(concept, examples.task_kind, examples.classes, labels_of(view.paths, concept))
    require_kind(method, examples)
    tests = _read_tests(view, method, measure)
    proposal = propose(view, method, task, examples, progress, concept)
    changed = measure_changes(view, proposal, tests)
    if changed:
        entry = {**proposal.entry, "changed": {name: asdict(change) for name, change in changed.items()}}
        proposal = replace(proposal, entry=entry)
    checkout.commit(proposal)
    return changed


def _learned(view: View, task: str, seconds: float, changed: Mapping[str, TaskChange]) -> Learned:
    info = task_info(view, task)
    return Learned(task, info.version, seconds, info.transfers, info.provenance, changed)


def _interrupted(checkout: Checkout, task: str) -> str:
    checkout.refresh()
    view = checkout.view
    if task in view.tasks:
        return f"interrupted after {task!r} was committed as version {view.tasks[task].version}"
    return f"interrupted; the network is as it was, at version {view.version}"


def _read_tests(view: View, method: Method, measure: Mapping[str, Any]) -> dict[str, Examples]:
    """What earlier tasks are to be measured on, encoded.

    Of a method whose settings say what it may change the names are checked now; of any other one only its proposal tells.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if data cannot be used, or is of a task that will not change.
    """
    if not isinstance(measure, Mapping):
        raise InputError("measure", expected="a mapping of tasks to labelled data", got=type(measure).__name__)
    pathways = {name: view.pathway(name) for name in measure}
    changing: Any = getattr(getattr(method, "settings", None), "may_change", None)
    if isinstance(changing, tuple):
        require_changing(measure, changing)
    return {name: _read_test(view, pathway, measure[name]) for name, pathway in pathways.items()}


def _read_test(view: View, pathway: Pathway, data: Any) -> Examples:
    try:
        return read_more(view, pathway, *pair_of(data), new_classes=False)
    except InputError as error:
        raise InputError(f"measure of task {pathway.task!r}: {error}") from error
