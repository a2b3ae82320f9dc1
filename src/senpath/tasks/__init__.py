"""Kinds of task: what a task answers, and all that follows from it."""

from senpath.tasks.base import Targets, TaskKind, TaskKindName
from senpath.tasks.classification import Classification
from senpath.tasks.labels import Label
from senpath.tasks.multilabel import Multilabel
from senpath.tasks.registry import TASK_KINDS, read_targets, task_kind
from senpath.tasks.regression import Regression
from senpath.tasks.scale import TargetScale

__all__ = [
    "TASK_KINDS",
    "Classification",
    "Label",
    "Multilabel",
    "Regression",
    "TargetScale",
    "Targets",
    "TaskKind",
    "TaskKindName",
    "read_targets",
    "task_kind",
]
