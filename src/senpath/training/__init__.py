"""The fitting loop, and what it minimises."""

from senpath.training.fit import fit, schedule
from senpath.training.folds import hold_out, spare, splits
from senpath.training.losses import LOSSES, Loss, determination, distance, jaccard, score
from senpath.training.recipe import Recipe

__all__ = ["LOSSES", "Loss", "Recipe", "determination", "distance", "fit", "hold_out", "jaccard", "schedule", "score", "spare", "splits"]
