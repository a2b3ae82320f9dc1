"""How well a network answers, with and without being told the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.evaluation.records import record_evaluation
from senpath.evaluation.scores import Evaluation, TaskScore
from senpath.modalities import read_labelled
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
    scores, confusion = {}, {}
    for task, data in tests.items():
        x, y = read_labelled(*data) if isinstance(data, tuple) else read_labelled(data)
        given = net.predict(x, task=task)
        _require_labels(task, y, len(given))
        free = net.predict(x, admit=admit, reject=reject)
        answered = free if not reject else net.predict(x, admit=admit, reject=False)
        scores[task] = _score(task, [*y], given, free, answered)
        confusion[task] = dict(Counter(free.task.tolist()))
    measured = Evaluation(scores, confusion)
    if record:
        record_evaluation(net, measured)
    return measured


def _require_labels(task: str, y: Any, inputs: int) -> None:
    if len(y) != inputs:
        raise InputError(f"test labels of {task!r}", expected=f"{inputs}, one per input", got=len(y))
    if not inputs:
        raise InputError(f"test data of {task!r}", expected="at least one input", got="none")


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
    plain = true.item() if hasattr(true, "item") else true
    return bool(label is not None and label == plain)
