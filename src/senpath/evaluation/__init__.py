"""Measuring a network, and comparing ways to learn a sequence of tasks."""

from senpath.evaluation.baselines import BASELINES, Pnn, Shared, Single
from senpath.evaluation.evaluate import evaluate
from senpath.evaluation.metrics import FORMULAS, AccuracyMatrix
from senpath.evaluation.protocol import Score, Split, Stage, accuracy_matrix, learn_in_turn, score
from senpath.evaluation.records import (
    ClassConfusion,
    Evaluation,
    Recorded,
    TaskScore,
    latest_by_version,
    record_evaluation,
    recorded_evaluations,
    remove_evaluation,
)
from senpath.evaluation.strategy import Growing, Strategy

__all__ = [
    "BASELINES",
    "FORMULAS",
    "AccuracyMatrix",
    "ClassConfusion",
    "Evaluation",
    "Growing",
    "Pnn",
    "Recorded",
    "Score",
    "Shared",
    "Single",
    "Split",
    "Stage",
    "Strategy",
    "TaskScore",
    "accuracy_matrix",
    "evaluate",
    "latest_by_version",
    "learn_in_turn",
    "record_evaluation",
    "recorded_evaluations",
    "remove_evaluation",
    "score",
]
