"""The minibatch loop and its parts, folds, and random changes of images."""

from senpath.training.augment import Augmentation
from senpath.training.fit import fit
from senpath.training.folds import hold_out, spare, splits
from senpath.training.loop import BestState, Descent, passes, schedule, training_steps
from senpath.training.recipe import Recipe
from senpath.training.target_scaler import TargetScaler

__all__ = [
    "Augmentation",
    "BestState",
    "Descent",
    "Recipe",
    "TargetScaler",
    "fit",
    "hold_out",
    "passes",
    "schedule",
    "spare",
    "splits",
    "training_steps",
]
