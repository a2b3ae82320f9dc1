"""Learning tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from senpath.errors import InputError
from senpath.execution import check_jobs
from senpath.network.changes import TaskChange, measure_changes, require_changing
from senpath.network.concepts import check_concept, labels_of
from senpath.network.inputs import check_encoded, check_name, check_task, encode_examples, pair_of, read_more
from senpath.network.joint import learn_jointly
from senpath.network.many import learn_batch, propose
from senpath.network.opened import OpenNetwork
from senpath.network.proposal import Joint, Method
from senpath.network.view import View
from senpath.pathways import LearningCost, Pathway, Transfer
from senpath.progress import Progress, silent
from senpath.reading import read_labelled
from senpath.types import Examples


@dataclass(frozen=True)
class Learned:
    """What learning a task came to.

    Attributes:
        task: its name.
        version: the network's version that has it.
        seconds: from the call to the commit.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        notes: what the method noted down.
        cost: the weights that ran and that changed, the search for a source included.
        changed: the earlier tasks that were changed along with it, and what they lost; none unless that was asked for.
    """

    task: str
    version: int
    seconds: float
    transfers: tuple[tuple[str, Transfer], ...]
    notes: Mapping[str, Any]
    cost: LearningCost
    changed: Mapping[str, TaskChange]


class LearningNetwork(OpenNetwork):
    """The part of `Network` that learns."""

    methods: ClassVar[Mapping[str, Callable[..., Method]]] = {}
    """Methods by name; the package root fills it in."""

    def learn(
        self,
        task: str,
        x: Any,
        y: Any = None,
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str | Method = "sen",
        measure: Mapping[str, Any] | None = None,
        progress: Progress = silent,
        **settings: Any,
    ) -> Learned:
        """Learn a task from labelled examples and commit it.

        Earlier tasks are read, never changed, unless the method is asked to (`may_change`). Interrupted or failing, it leaves the network
        at the version it had.

        Args:
            task: a new name.
            x: inputs, see `senpath.modalities.split_by_modality`; or labelled data without `y`, see `senpath.read`; or encoded `Examples`.
            y: one label per input, whole numbers or strings, at least two different ones; for a multilabel task a collection of labels per
                input, or 0s and 1s (n, labels); for a regression numbers (n,) or (n, outputs). Beside data with columns the name of the
                one that holds the labels.
            kind: "classification", "multilabel" or "regression"; None is what y looks like, one of the first two, or what `Examples` say.
            concept: what the inputs are signs of, if other senses tell of it too: all tasks of a concept have the same labels, and
                `predict` puts together what they say of one thing. How far each may be trusted is measured by cross-validation, which
                takes up to five more trainings.
            method: name of a method, or a method.
            measure: for earlier tasks that may change, labelled data, (x, y) or what takes their place: how good their answers to it are is
                measured before and after.
            progress: told of stages and steps.
            settings: of the method; for "sen" see `senpath.methods.SenSettings`.

        Raises:
            InputError: if the data or a setting cannot be used.
            TaskExistsError: if the name is taken.
            StoreError: if the folder cannot be written.
        """
        start = time.perf_counter()
        try:
            cost, changed = self._learn(task, x, y, kind, concept, method, {} if measure is None else measure, progress, settings)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self._interrupted(task)) from None
        return self._learned(task, time.perf_counter() - start, cost, changed)

    def learn_many(
        self,
        tasks: Mapping[str, Any],
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str | Method = "sen",
        jobs: int = 1,
        progress: Progress = silent,
        **settings: Any,
    ) -> dict[str, Learned]:
        """Learn several tasks, each from what the network is now, and commit them one by one in their order; or together.

        The methods "allocation" and "moe" learn the tasks together, of one type of data, and commit them as one version: all or none.
        With any other method no task of the call borrows from another one; every task is computed with one thread, so any number of
        jobs gives the same bits; whatever fails later, the tasks committed before stay, and the error says which. Nothing is learned
        if a name, data, labels or a setting cannot be used.

        Args:
            tasks: for each new name (x, y), or labelled data without y, or encoded `Examples`; see `learn`. The first task of a data
                type that is new to the network defines it for the others.
            kind: of all the tasks, as for `learn`; None goes by what each one's labels look like.
            concept: of all the tasks, as for `learn`; not of tasks that are learned together.
            jobs: processes at once; 1 works in this one. A script that asks for more needs `if __name__ == "__main__":`. Tasks that are
                learned together are one piece of work.
            progress: told ("tasks", committed, all); of tasks that are learned together the stages and steps.
            method, settings: as for `learn`, the same for all tasks.

        Returns:
            What came of each task, by name; its seconds count from this call to its commit. The cost of tasks that are learned together
            is that of all of them.

        Raises:
            InputError: if the data or a setting cannot be used; names the task.
            TaskExistsError: if a name is taken.
            StoreError: if the folder cannot be written.
            SenpathError: if a worker process ends, as one does that is out of memory.
        """
        check_jobs(jobs)
        worker = self.make_method(method, settings)
        if isinstance(worker, Joint):
            costs = learn_jointly(self, tasks, worker, jobs, progress, kind, concept)
        else:
            costs = learn_batch(self, tasks, worker, jobs, progress, kind, concept)
        return {task: self._learned(task, seconds, cost) for task, (seconds, cost) in costs.items()}

    def _learn(
        self,
        task: str,
        x: Any,
        y: Any,
        kind: str | None,
        concept: str | None,
        method: str | Method,
        measure: Mapping[str, Any],
        progress: Progress,
        settings: Mapping[str, Any],
    ) -> tuple[LearningCost, Mapping[str, TaskChange]]:
        self.refresh()
        view = self._view
        check_task(task, view)
        if concept is not None:
            check_name("concept", concept)
        worker = self.make_method(method, settings)
        if isinstance(x, Examples):
            examples = check_encoded(view, x, y, kind)
        else:
            examples = encode_examples(view, *read_labelled(x, y), kind=kind, progress=progress)
        if concept is not None:
            check_concept(concept, examples.kind, examples.classes, labels_of(view.paths, concept))
        tests = _read_tests(view, worker, measure)
        proposal, cost = propose(view, worker, task, examples, progress, concept)
        changed = measure_changes(view, proposal, tests)
        if changed:
            entry = {**proposal.entry, "changed": {name: asdict(change) for name, change in changed.items()}}
            proposal = replace(proposal, entry=entry)
        self.commit(proposal)
        return cost, changed

    @classmethod
    def make_method(cls, method: str | Method, settings: Mapping[str, Any]) -> Method:
        """A method of this name with these settings, or the method itself.

        Raises:
            InputError: for an unknown method or setting, or settings beside a method.
        """
        if callable(getattr(method, "propose", None)) and not isinstance(method, str):
            if settings:
                raise InputError("settings", expected="none beside a method that has its own", got=sorted(settings))
            return method
        if not isinstance(method, str) or method not in cls.methods:
            raise InputError("method", expected=f"one of {', '.join(cls.methods)}", got=repr(method))
        return cls.methods[method](**settings)

    def _learned(self, task: str, seconds: float, cost: LearningCost, changed: Mapping[str, TaskChange] | None = None) -> Learned:
        info = self._info(task)
        return Learned(task, info.version, seconds, info.transfers, info.notes, cost, changed or {})

    def _interrupted(self, task: str) -> str:
        self.refresh()
        if task in self._view.tasks:
            return f"interrupted after {task!r} was committed as version {self._view.tasks[task].version}"
        return f"interrupted; the network is as it was, at version {self.version}"


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
