"""Measuring a network."""

from senpath.evaluation.evaluate import evaluate
from senpath.evaluation.records import Recorded, latest_by_version, record_evaluation, recorded_evaluations
from senpath.evaluation.scores import Evaluation, TaskScore

__all__ = ["Evaluation", "Recorded", "TaskScore", "evaluate", "latest_by_version", "record_evaluation", "recorded_evaluations"]
