"""Learning one task by scikit-learn's conventions; what is learned can move into a network, and may borrow from one."""

from senpath.sklearn.classifier import SENClassifier
from senpath.sklearn.estimator import TASK
from senpath.sklearn.regressor import SENRegressor

__all__ = ["TASK", "SENClassifier", "SENRegressor"]
