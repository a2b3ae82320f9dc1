"""Learning one task or several, and changing tasks that there are."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from senpath.errors import ConflictError, InputError, SenpathError
from senpath.history.checkout import Checkout
from senpath.inputs.modalities.table import notes_of
from senpath.inputs.sources import read_labelled
from senpath.learning.batch import LearnedOne, learn_batch, learn_jointly
from senpath.learning.own_examples import say
from senpath.learning.propose import propose, propose_revision, require_kind
from senpath.learning.stream import Routed, extend_routed
from senpath.learning.validation import measure_validation, with_validation
from senpath.notebook.html import block, facts, note, table
from senpath.parallel import check_jobs
from senpath.pathways import LearningCost, Pathway, Provenance, Transfer
from senpath.progress import Progress
from senpath.snapshot.examples import check_encoded, check_name, check_task, encode_examples, labels_of, pair_of, read_concept, read_more
from senpath.snapshot.proposal import Declined, JointMethod, Method, Proposal, Revised, Revision, try_out
from senpath.snapshot.task_info import task_info
from senpath.snapshot.view import View
from senpath.types import Examples


@dataclass(frozen=True)
class TaskChange:
    """The score of a task that was changed along with another; None where no data was given to measure it.

    Attributes:
        examples: number of examples it was measured on.
        before: score of the previous pathway, see `senpath.tasks.TaskKind.score`.
        after: score of the changed pathway.

    Example:
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1)
        >>> learned.changed  # no earlier task, by default
        {}
    """

    examples: int = 0
    before: float | None = None
    after: float | None = None

    @property
    def lost(self) -> float | None:
        """Score before minus score after; below 0 if the task gained."""
        return None if self.before is None or self.after is None else self.before - self.after


def measure_changes(view: View, proposal: Proposal, tests: Mapping[str, Examples]) -> dict[str, TaskChange]:
    """What a proposal does to each task that it replaces.

    Args:
        tests: labelled examples of some of them.

    Raises:
        InputError: if there are examples of a task that is not replaced.
    """
    require_changing(tests, proposal.replaces)
    changed = {}
    for place, pathway in enumerate(proposal.pathways):
        if pathway.task in proposal.replaces:
            changed[pathway.task] = _measured(view, proposal, place, tests[pathway.task]) if pathway.task in tests else TaskChange()
    return changed


def require_changing(names: Iterable[str], changing: Collection[str]) -> None:
    """Refuse to measure a task that will not change."""
    strange = [name for name in names if name not in changing]
    if strange:
        what = ", ".join(sorted(changing)) or "none, for may_change names none"
        raise InputError("measure", expected=f"data of tasks that may change: {what}", got=repr(strange[0]))


def _measured(view: View, proposal: Proposal, place: int, test: Examples) -> TaskChange:
    pathway = proposal.pathways[place]
    after = try_out(view, proposal, test.inputs, place).cpu()
    before = view.logits(pathway.task, test.inputs).cpu()
    score = pathway.task_kind.score
    return TaskChange(len(test), score(before, test.targets), score(after, test.targets))


@dataclass(frozen=True)
class Learned:
    """The outcome of learning a task.

    Attributes:
        task: its name.
        version: the network's version that has it.
        seconds: from the call to the commit.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        provenance: how it was learned, including the cost.
        changed: the earlier tasks that were changed along with it (`may_change`), and what they lost.
        warning: what to do if it cannot tell its own examples apart, or if another task has the very same ones, as a `SenpathWarning` and
            the log say it too; else None.
        misled: the share of the other tasks' inputs that are taken for another task's now and were not before, because all share a metric:
            an estimate from what is kept of them; below 0 if there are fewer. From 0.02 on there is a `RoutingWarning`. What the new task's
            own columns attract is not counted.
        notes: of a table what stands for values that are missing, and which words none of its type's first rows had.
        validation: how good it is on what was held out, see `senpath.tasks.TaskKind.score`; None if nothing was.
        read_as: which type of data its inputs were taken for and why, where there was something to choose: pictures open a type of their
            own where they would lose what they show in the network's, and with `encoders="auto"` speech is read in another way than noises.

    Example:
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1)
        >>> learned.task, learned.version, learned.provenance.method
        ('odd', 4, 'sen')
    """

    task: str
    version: int
    seconds: float
    transfers: tuple[tuple[str, Transfer], ...]
    provenance: Provenance
    changed: Mapping[str, TaskChange]
    warning: str | None = None
    misled: float = 0.0
    notes: tuple[str, ...] = ()
    read_as: str = ""
    validation: float | None = None

    @property
    def cost(self) -> LearningCost:
        """The weights that ran and that changed, including the search for a source; for tasks learned together, of all of them."""
        if self.provenance.cost is None:
            raise SenpathError(f"cost of task {self.task!r}", expected="one that was counted", got="none")
        return self.provenance.cost

    def _repr_html_(self) -> str:
        lenders = ", ".join(f"{source} ({sum(other == source for other, _ in self.transfers)})" for source in dict(self.transfers))
        told = {"version": self.version, "seconds": f"{self.seconds:.1f}", "examples": self.provenance.examples}
        told |= {"method": self.provenance.method, "classes that borrow": lenders, "read as": self.read_as, "warning": self.warning}
        told |= {"score on what was held out": f"{self.validation:.3f}"} if self.validation is not None else {}
        tasks = [(name, change.before, change.after) for name, change in self.changed.items()]
        changes = table(["changed along", "score before", "after"], tasks, (1, 2)) if tasks else ""
        return block(f"learned {self.task}", facts(told), changes, *map(note, self.notes))


RAY = "ray"
"""The name of an engine."""
ATTEMPTS = 3
"""How often a task is learned whose sources other threads remove meanwhile."""


def learn(
    checkout: Checkout,
    task: str,
    x: Any,
    y: Any,
    kind: str | None,
    concept: str | None,
    method: Method,
    measure: Mapping[str, Any] | None,
    validation: Any,
    progress: Progress,
) -> Learned:
    """Learn a task and commit it; see `senpath.Network.learn`."""
    start = time.perf_counter()
    with _saying_where_it_stopped(checkout, task):
        checkout.refresh()
        checkout.store.require_writable()
        for attempt in range(ATTEMPTS):
            view = checkout.view
            try:
                proposal, changed, notes, score = _propose(view, task, x, y, kind, concept, method, measure, validation, progress)
                say(proposal.warnings)
                info = task_info(checkout.commit(proposal), task)
                break
            except ConflictError:  # what it builds on went, by another thread that has this object if it shows another version now
                if attempt + 1 == ATTEMPTS or checkout.view is view:
                    raise
    warning, read_as = proposal.warnings.get(task), proposal.read_as.get(task, "")
    learned = _learned(LearnedOne(info, time.perf_counter() - start, warning, read_as), task, changed, notes)
    return replace(learned, validation=score)


def _propose(
    view: View,
    task: str,
    x: Any,
    y: Any,
    kind: str | None,
    concept: str | None,
    method: Method,
    measure: Mapping[str, Any] | None,
    validation: Any,
    progress: Progress,
) -> tuple[Proposal, dict[str, TaskChange], tuple[str, ...], float | None]:
    check_task(task, view)
    if concept is not None:
        check_name("concept", concept)
    if isinstance(x, Examples):
        examples, notes = check_encoded(view, x, y, kind), tuple[str, ...]()
    else:
        x, y = read_labelled(x, y, kind)
        examples = encode_examples(view, x, y, kind=kind, progress=progress)
        notes = notes_of(x, examples.data_type)
    if concept is not None:
        examples = read_concept(concept, examples, labels_of(view.paths, concept))
    if validation is not None:
        examples = with_validation(view, task, examples, validation)
    require_kind(method, examples)
    tests = _read_tests(view, method, {} if measure is None else measure)
    proposal = propose(view, method, task, examples, progress, concept)
    changed, score = measure_changes(view, proposal, tests), None
    if examples.held_out is not None:
        score = measure_validation(view, proposal, examples.held_out, progress)
        proposal = replace(proposal, entry={**proposal.entry, "validation": {"examples": len(examples.held_out), "score": score}})
    if changed:
        entry = {**proposal.entry, "changed": {name: asdict(change) for name, change in changed.items()}}
        proposal = replace(proposal, entry=entry)
    return proposal, changed, notes, score


def learn_many(
    checkout: Checkout,
    tasks: Mapping[str, Any],
    kind: str | None,
    concept: str | None,
    method: Method,
    jobs: int | None,
    engine: str | None,
    progress: Progress,
) -> dict[str, Learned]:
    """Learn several tasks and commit them; see `senpath.Network.learn_many`."""
    checkout.store.require_writable()
    if jobs is not None:
        check_jobs(jobs)
    if engine not in (None, RAY):
        raise InputError("engine", expected=f"{RAY!r} or None", got=repr(engine))
    if isinstance(method, JointMethod):
        if engine is not None:
            expected = f"None with {method.name!r}, which learns tasks together"
            raise InputError("engine", expected=expected, got=repr(engine), do="Leave it out, or choose another method, such as 'sen'")
        learned = learn_jointly(checkout, tasks, method, jobs or 1, progress, kind, concept)
    else:
        learned = learn_batch(checkout, tasks, method, jobs, progress, kind, concept, engine)
    return {task: _learned(outcome, task, {}) for task, outcome in learned.items()}


def _learned(outcome: LearnedOne, task: str, changed: Mapping[str, TaskChange], notes: tuple[str, ...] = ()) -> Learned:
    info = outcome.info
    return Learned(
        task,
        info.version,
        outcome.seconds,
        info.transfers,
        info.provenance,
        changed,
        outcome.warning,
        info.misled,
        notes=notes,
        read_as=outcome.read_as,
    )


@contextmanager
def _saying_where_it_stopped(checkout: Checkout, task: str) -> Iterator[None]:
    """Within, Ctrl-C says whether the task was committed before it."""
    try:
        yield
    except KeyboardInterrupt:
        checkout.refresh()
        view = checkout.view
        if task in view.tasks:
            message = f"interrupted after {task!r} was committed as version {view.tasks[task].version}"
        else:
            message = f"interrupted; the network is as it was, at version {view.version}"
        raise KeyboardInterrupt(message) from None


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
        return read_more(view, pathway, *pair_of(data), new_classes=False, usual="test")
    except InputError as error:
        whose = f"measure of task {pathway.task!r}"
        error.reword(f"{whose}: {error}", what=f"{whose}: {error.what}")
        raise


def revise(checkout: Checkout, task: str, revision: Revision, x: Any, y: Any, progress: Progress) -> Revised:
    """Change a task by a revision; see `senpath.Network.revise`."""
    start = time.perf_counter()
    checkout.refresh()
    view = checkout.view
    pathway = view.pathway(task)
    checkout.store.require_writable()
    examples = None if x is None and y is None else read_more(view, pathway, x, y, new_classes=revision.grows)
    try:
        answer = propose_revision(view, revision, task, examples, progress)
        if not isinstance(answer, Declined):
            say(answer[1].warnings)
            view = checkout.commit(answer[1])
    except KeyboardInterrupt:
        checkout.refresh()
        raise KeyboardInterrupt(f"interrupted; the network is at version {checkout.view.version}") from None
    changed = not isinstance(answer, Declined)
    told = answer if isinstance(answer, Declined) else answer[0]
    return Revised(task, changed, told.reason, view.version, time.perf_counter() - start, told.record)


def extend(checkout: Checkout, task: Any, x: Any, y: Any, revision: Revision, progress: Progress) -> Revised | Routed:
    """Add examples to a task, or to the tasks that a stream's examples fit; see `senpath.Network.extend`."""
    checkout.refresh()  # another writer may have learned the task meanwhile
    name = checkout.view.task_name(task)
    if isinstance(task, str) and (x is not None or y is not None or name in checkout.view.tasks or not os.path.exists(task)):
        return revise(checkout, name, revision, x, y, progress)
    if y is not None:
        raise InputError("task to extend", expected="a name, or no task, but a stream of inputs and labels", got=type(task).__name__)
    return extend_routed(checkout.view, task, x, lambda name, examples: revise(checkout, name, revision, examples, None, progress))
