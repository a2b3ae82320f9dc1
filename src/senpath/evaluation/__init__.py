"""Measuring a network."""

from senpath.evaluation.evaluate import Evaluation, TaskScore, evaluate

__all__ = ["Evaluation", "TaskScore", "evaluate"]
