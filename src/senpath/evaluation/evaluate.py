"""How well a network answers, with and without being told the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.evaluation.records import record_evaluation
from senpath.evaluation.scores import Evaluation, TaskScore
from senpath.modalities import label_array, read_labelled
from senpath.network import Network, Prediction


def evaluate(
    net: Network, tests: Mapping[str, Any], *, admit: float | None = None, reject: bool = True, record: bool = False
) -> Evaluation:
    """Measure a network on labelled test data.

    Args:
        net: the network.
        tests: by task, (x, y), or what `Network.learn` takes in place of them.
        admit: see `Network.predict`.
        reject: likewise.
        record: keep the figures with the network (`recorded_evaluations`), where `report` finds them; not beside `admit` or `reject`, so
            that all that is kept can be compared.

    Raises:
        UnknownTaskError: if a task is not in the network.
        InputError: if there are no test inputs, or not one label for each, or for `record` beside `admit` or `reject`.
        StoreError: if the figures cannot be recorded.
    """
    if record and (admit is not None or not reject):
        raise InputError("record", expected="False beside admit or reject", got=repr(record), do="Only figures that compare are kept")
    if not isinstance(tests, Mapping):
        raise InputError("tests", expected="a mapping of tasks to labelled data", got=type(tests).__name__)
    scores, confusion = {}, {}
    for task, data in tests.items():
        x, y = read_labelled(*data) if isinstance(data, tuple) and len(data) in (1, 2) else read_labelled(data)
        net.view.pathway(task)  # refuses None too, which `predict` takes for no task given
        given = net.predict(x, task=task)
        labels = _read_labels(task, y, len(given))
        free = net.predict(x, admit=admit, reject=reject)
        answered = free if not reject else net.predict(x, admit=admit, reject=False)
        scores[task] = _score(task, labels, given, free, answered)
        confusion[task] = dict(Counter(free.task.tolist()))
    measured = Evaluation(scores, confusion)
    if record:
        record_evaluation(net, measured)
    return measured


def _read_labels(task: str, y: Any, inputs: int) -> list[Any]:
    labels = label_array(y)
    if labels.ndim != 1:
        raise InputError(f"test labels of {task!r}", expected="shape (n,)", got=f"shape {labels.shape}")
    if len(labels) != inputs:
        raise InputError(f"test labels of {task!r}", expected=f"{inputs}, one per input", got=len(labels))
    if not inputs:
        raise InputError(f"test data of {task!r}", expected="at least one input", got="none")
    plain: list[Any] = labels.tolist()
    return plain


def _score(task: str, y: list[Any], given: Prediction, free: Prediction, answered: Prediction) -> TaskScore:
    def right(prediction: Prediction) -> np.ndarray:
        return np.array([_same(label, true) for label, true in zip(prediction.label, y, strict=True)])

    mine = free.task == task
    return TaskScore(
        examples=len(y),
        accuracy=float(right(given).mean()),
        accuracy_unlabelled=float((right(free) & mine).mean()),
        first=float(np.mean([bool(names) and names[0] == task for names in free.candidates])),
        task=float((answered.task == task).mean()),
        among=float(np.mean([task in names for names in free.candidates])),
        candidates=float(np.mean([len(names) for names in free.candidates])),
        refused=float(np.mean([name is None for name in free.task])),
    )


def _same(label: Any, true: Any) -> bool:
    return isinstance(true, str | int | float) and bool(label == true)
