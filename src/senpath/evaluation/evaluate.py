"""How well a network answers, with and without being told the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np

from senpath.errors import ConflictError, InputError
from senpath.evaluation.records import ClassConfusion, Evaluation, TaskScore, record_evaluation
from senpath.inference.unanswered import of_test_data
from senpath.inputs.sources import read_labelled
from senpath.isolation import isolated
from senpath.network import Network
from senpath.pathways import Pathway
from senpath.progress import Follower, Progress, follow
from senpath.snapshot.examples import pair_of


@isolated
def evaluate(
    net: Network,
    tests: Mapping[str, Any],
    *,
    admit: float | None = None,
    reject: bool = True,
    record: bool = False,
    progress: Follower = None,
) -> Evaluation:
    """Measure a network on labelled test data, with the task given and without.

    Args:
        net: the network.
        tests: for each task (x, y), or whatever `Network.learn` takes in place of them.
        admit: see `Network.predict`.
        reject: see `Network.predict`.
        record: keep the figures with the network, where `report` and `recorded_evaluations` find them. Not together with `admit` or
            `reject`, so that all recorded figures can be compared.
        progress: as for `Network.learn`; told ("encode", done, all) where a pretrained encoder runs, and ("evaluate", tasks, all).

    Raises:
        UnknownTaskError: if a task is not in the network.
        InputError: if there are no test inputs, or not one label for each, or for `record` together with `admit` or `reject`.
        StoreError: if the figures cannot be recorded.
        ConflictError: for `record`, if the network changed meanwhile, so that they are of no one version.

    Example:
        >>> measured = sp.evaluate(net, {"low": tiny_task("low"), "iris": tiny_task("iris")})
        >>> measured.scores["iris"].accuracy > 0.9
        True
    """
    if record and (admit is not None or not reject):
        raise InputError("record", expected="False beside admit or reject", got=repr(record), do="Only figures that compare are kept")
    if not isinstance(tests, Mapping):
        raise InputError("tests", expected="a mapping of tasks to labelled data", got=type(tests).__name__)
    version = net.version
    measured = follow(progress, "evaluate", {}, lambda told: _measure(net, tests, admit, reject, told))
    if record:
        if net.version != version:
            expected, got = f"version {version} from beginning to end, for they are recorded", f"version {net.version} at the end"
            raise ConflictError("figures of an evaluation", expected=expected, got=got, do="Evaluate again, or without record=True")
        record_evaluation(net, measured)
    return measured


def _measure(net: Network, tests: Mapping[str, Any], admit: float | None, reject: bool, progress: Progress) -> Evaluation:
    scores, confusion, by_class = {}, {}, {}
    for place, (task, data) in enumerate(tests.items()):
        progress("evaluate", place, len(tests))
        task = net.view.task_name(task)
        pathway = net.view.pathway(task)  # refuses None too, which `predict` takes for no task given
        x, y = read_labelled(*(pair := pair_of(data)), pathway.kind, usual="test")
        try:
            x = net.encode(x, progress)  # once: it is predicted three times
            given = net.predict(x, task=task, progress=False)
        except InputError as error:
            raise of_test_data(task, error, guessed=pair[1] is None) from error
        truth = read_truth(pathway, y, len(given))
        free = net.predict(x, admit=admit, reject=reject, progress=False)
        answered = free if not reject else net.predict(x, admit=admit, reject=False, progress=False)
        scores[task], confused, confusion[task] = figures(pathway, truth, given, free, answered)
        if confused is not None:
            by_class[task] = confused
    if tests:
        progress("evaluate", len(tests), len(tests))
    return Evaluation(scores, confusion, by_class)


class Measured(Protocol):
    """Measured to test inputs: a `Prediction`, or what is left of one that travelled."""

    @property
    def task(self) -> Any: ...

    @property
    def label(self) -> Any: ...

    @property
    def candidates(self) -> Any: ...

    def __len__(self) -> int: ...


def figures(
    pathway: Pathway, truth: Any, given: Measured, free: Measured, answered: Measured
) -> tuple[TaskScore, ClassConfusion | None, dict[str | None, int]]:
    """A task's figures, which of its classes were confused, and how many inputs each task answered.

    Args:
        truth: as `read_truth` makes it.
        given: answers with the task given.
        free: answers without.
        answered: the same where nothing was refused.
    """
    pairs = pathway.task_kind.confused(given.label.tolist(), truth, pathway.classes)
    confused = ClassConfusion(pathway.classes, pairs) if pairs is not None else None
    return _score(pathway.task, partial(_right, pathway, truth), given, free, answered), confused, dict(Counter(free.task.tolist()))


def read_truth(pathway: Pathway, y: Any, inputs: int) -> Any:
    """What answers of a task to these inputs are compared with."""
    try:
        return pathway.task_kind.read_truth(y, inputs, pathway.classes)
    except InputError as error:
        what = f"test data of {pathway.task!r}:"
        error.reword(f"{what} {error.message}", what=f"{what} {error.what}")
        raise


def _right(pathway: Pathway, truth: Any, answers: Measured) -> float:
    """How good answers of a task are; see `TaskScore`. An answer of another task, or none, is a wrong one."""
    own = [label if task == pathway.task else None for task, label in zip(answers.task, answers.label, strict=True)]
    return pathway.task_kind.score_answers(own, truth, pathway.classes)


def _score(task: str, right: Callable[[Measured], float], given: Measured, free: Measured, answered: Measured) -> TaskScore:
    return TaskScore(
        examples=len(given),
        accuracy=right(given),
        accuracy_unlabelled=right(free),
        first=float(np.mean([bool(names) and names[0] == task for names in free.candidates])),
        task=float((answered.task == task).mean()),
        among=float(np.mean([task in names for names in free.candidates])),
        candidates=float(np.mean([len(names) for names in free.candidates])),
        refused=float(np.mean([name is None for name in free.task])),
    )
