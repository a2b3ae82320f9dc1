"""The fitting loop, folds, and distortions of images."""

from senpath.training.augment import distort
from senpath.training.fit import fit, schedule
from senpath.training.folds import hold_out, spare, splits
from senpath.training.recipe import Recipe
from senpath.training.target_scaler import TargetScaler

__all__ = ["Recipe", "TargetScaler", "distort", "fit", "hold_out", "schedule", "spare", "splits"]
