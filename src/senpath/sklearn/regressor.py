"""A regressor by scikit-learn's conventions, of one number or of several for each input."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from senpath.errors import InputError
from senpath.isolation import isolated
from senpath.sklearn.estimator import TASK, SENEstimator, target_array
from senpath.tasks import Regression, TaskKindName
from senpath.tasks.targets import DATES


@final
class SENRegressor(RegressorMixin, SENEstimator):  # type: ignore[misc]
    """A regressor that learns as `Network.learn` does with `kind="regression"`.

    Inputs, parameters and attributes are those of `SENClassifier`, but for its labels. Targets are numbers, (n,) or (n, outputs).

    Example:
        >>> from senpath.sklearn import SENRegressor
        >>> flowers, _ = tiny_task("iris")
        >>> SENRegressor(epochs=20).fit(flowers[:, :3], flowers[:, 3]).predict(flowers[:2, :3]).shape
        (2,)
    """

    @isolated
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from inputs X and their numbers y; weights and errors as for `SENClassifier.fit`."""
        self._learn(X, y, sample_weight)
        return self

    @available_if(lambda self: self._learns_on())  # type: ignore[untyped-decorator]
    @isolated
    def partial_fit(self, X: Any, y: Any) -> Self:
        """Learn on from further examples; see `SENClassifier.partial_fit`."""
        if not hasattr(self, "network_"):
            return self.fit(X, y)
        self._learn_on(X, y)
        return self

    @isolated
    def predict(self, X: Any) -> np.ndarray:
        """The numbers of each input, float64 (n,), or (n, outputs) of several.

        Raises:
            ValueError: if an input cannot be read, or is of another type than those that were learned; NotFittedError is one too.
        """
        outputs = self._outputs(X)
        scale = self.network_.view.pathway(TASK).scale
        numbers: np.ndarray = (outputs if scale is None else scale.to_numbers(outputs)).numpy()
        return numbers[:, 0] if numbers.shape[1] == 1 else numbers

    def _targets(self, y: Any) -> tuple[Any, TaskKindName]:
        numbers = target_array(y)
        if numbers.dtype.kind in "mM":  # which numpy takes for numbers, those that are missing too
            raise InputError("targets y", expected="numbers", got=f"dtype {numbers.dtype}", do=DATES)
        try:
            return numbers.astype(np.float64), Regression.name
        except TypeError as error:  # objects such as dates; of words scikit-learn's own error says enough
            dates = any(isinstance(value, date | timedelta) for value in numbers.ravel())
            raise InputError("targets y", expected="numbers", got=str(error), do=DATES if dates else "") from error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
