"""The minibatch loop and its parts, what trainings of several tasks share, folds, and random changes of images."""

from senpath.training.augment import Augmentation
from senpath.training.dense import DenseTraining, fit_dense
from senpath.training.folds import distinct, hold_out, hold_out_share, spare, splits
from senpath.training.joint import TaskSplit, in_chunks, mean_quality
from senpath.training.loop import BestState, Descent, Measured, Recipe, fit, passes, schedule, training_steps
from senpath.training.target_scaler import TargetScaler

__all__ = [
    "Augmentation",
    "BestState",
    "DenseTraining",
    "Descent",
    "Measured",
    "Recipe",
    "TargetScaler",
    "TaskSplit",
    "distinct",
    "fit",
    "fit_dense",
    "hold_out",
    "hold_out_share",
    "in_chunks",
    "mean_quality",
    "passes",
    "schedule",
    "spare",
    "splits",
    "training_steps",
]
