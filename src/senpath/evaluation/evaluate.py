"""How well a network answers, with and without being told the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.evaluation.records import record_evaluation
from senpath.evaluation.scores import Evaluation, TaskScore
from senpath.inference import Prediction
from senpath.inputs.modalities import Targets, label_array, more_targets
from senpath.inputs.sources import read_labelled
from senpath.network import Network
from senpath.pathways import Pathway
from senpath.tasks import determination, jaccard


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
        pathway = net.view.pathway(task)  # refuses None too, which `predict` takes for no task given
        x = net.encode(x)  # once: it is predicted three times
        given = net.predict(x, task=task)
        right = _judge(pathway, y, len(given))
        free = net.predict(x, admit=admit, reject=reject)
        answered = free if not reject else net.predict(x, admit=admit, reject=False)
        scores[task] = _score(task, right, given, free, answered)
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


def _judge(pathway: Pathway, y: Any, inputs: int) -> Callable[[Prediction], float]:
    """How good answers of a task to these inputs are; see `TaskScore`. An answer of another task, or none, is a wrong one."""
    if pathway.kind == "classification":
        labels = _read_labels(pathway.task, y, inputs)
        return lambda found: float(
            np.mean(
                [task == pathway.task and _same(label, true) for task, label, true in zip(found.task, found.label, labels, strict=True)]
            )
        )
    try:
        truth = more_targets(y, inputs, Targets(pathway.kind, pathway.classes, torch.zeros(0)), new_classes=False).values
    except InputError as error:
        raise InputError(f"test data of {pathway.task!r}: {error}") from error
    return lambda found: _several_right(pathway, found, truth) if pathway.kind == "multilabel" else _numbers_right(pathway, found, truth)


def _several_right(pathway: Pathway, found: Prediction, truth: torch.Tensor) -> float:
    mine = torch.from_numpy(np.asarray(found.task == pathway.task, dtype=bool))
    answers = torch.tensor([[label in (labels or ()) for label in pathway.classes] for labels in _own(pathway, found)])
    return float((jaccard(answers, truth > 0.5) * mine).mean())


def _numbers_right(pathway: Pathway, found: Prediction, truth: torch.Tensor) -> float:
    """R², where no answer counts as one by the mean of all."""
    mean = tuple(truth.mean(0).tolist())
    answers = [mean if value is None else value if isinstance(value, tuple) else (value,) for value in _own(pathway, found)]
    return determination(torch.tensor(answers), truth)


def _own(pathway: Pathway, found: Prediction) -> list[Any]:
    """The task's own answers, None where another one or none answered."""
    return [label if task == pathway.task else None for task, label in zip(found.task, found.label, strict=True)]


def _score(task: str, right: Callable[[Prediction], float], given: Prediction, free: Prediction, answered: Prediction) -> TaskScore:
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


def _same(label: Any, true: Any) -> bool:
    return isinstance(true, str | int | float) and bool(label == true)
