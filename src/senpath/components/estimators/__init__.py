"""Scikit-learn estimators as components: as steps over plain arrays, or as files that are opened on the user's word alone."""

from __future__ import annotations

from senpath.components.estimators.kinds import ESTIMATOR, PLAIN, Estimator, PlainEstimator, freeze_estimator, is_estimator

__all__ = ["ESTIMATOR", "PLAIN", "Estimator", "PlainEstimator", "freeze_estimator", "is_estimator"]
