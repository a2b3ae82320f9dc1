"""Kinds of task: what is minimised and what is measured."""

from senpath.tasks.losses import LOSSES, Loss, determination, distance, jaccard, score

__all__ = ["LOSSES", "Loss", "determination", "distance", "jaccard", "score"]
