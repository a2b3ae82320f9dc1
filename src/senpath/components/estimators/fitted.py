"""A fitted scikit-learn object as its type and attributes, whether it is there or was read from a file without being made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from senpath.components.estimators.steps import Step

PROBABILITIES, SCORES, VALUES, FEATURES = "predict_proba", "decision_function", "predict", "transform"
"""What an estimator can be asked, by the name of scikit-learn's method."""


class UntranslatableError(Exception):
    """An estimator, or a part of it, for which there are no steps."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted object.

    Args:
        module, name: of its type.
        attributes: as they are; those that are scikit-learn's objects may be such objects, or `Fitted` themselves.
    """

    module: str
    name: str
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any) -> Fitted:
        """What this object holds; a decision tree's arrays are in its state."""
        if isinstance(value, Fitted):
            return value
        state = value.__getstate__() if type(value).__name__ == "Tree" else getattr(value, "__dict__", {})
        return cls(type(value).__module__, type(value).__name__, state)

    def __getattr__(self, name: str) -> Any:
        """An attribute of the object.

        Raises:
            UntranslatableError: if it has none of that name.
        """
        if name.startswith("__") or name not in self.attributes:
            raise UntranslatableError(f"{self.name} without {name}")
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or a default."""
        return self.attributes.get(name, default)

    def floats(self, name: str) -> np.ndarray:
        """An attribute of floating-point numbers, float32 or float64 as it is."""
        return floats(getattr(self, name), name)

    def labels(self, name: str = "classes_") -> np.ndarray:
        """An attribute of whole numbers, int64 (n,)."""
        values = np.asarray(getattr(self, name))
        if values.dtype.kind not in "iub" or values.ndim != 1:
            raise UntranslatableError(f"{self.name} with {name} that are no whole numbers")
        return values.astype(np.int64)


def floats(value: Any, name: str = "an array") -> np.ndarray:
    """Floating-point numbers, float32 or float64 as they are; whole ones as float64."""
    array = np.asarray(value) if isinstance(value, np.ndarray | np.generic | int | float | list | tuple) else np.empty(0, object)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.name not in ("float32", "float64"):
        raise UntranslatableError(f"{name} that is no array of numbers")
    return array  # its order in memory too, by which products are rounded


def holds(condition: bool, what: str) -> None:
    """Raise UntranslatableError, saying what there is instead, unless this holds."""
    if not condition:
        raise UntranslatableError(what)


Translator = Callable[[Fitted, str], Step]
TRANSLATORS: dict[str, Translator] = {}
"""By name of a type: from a fitted object and what it is asked, its steps."""


def translates(*names: str) -> Callable[[Translator], Translator]:
    """Make a function known as the translator of these types."""

    def remember(translator: Translator) -> Translator:
        TRANSLATORS.update(dict.fromkeys(names, translator))
        return translator

    return remember


def translate(estimator: Any, asked: str) -> Step:
    """The steps by which an estimator answers.

    Args:
        estimator: fitted, or what was read of it.
        asked: the method whose answer they give: (n, classes) or (n, outputs), float. Of two classes `SCORES` is one column, and
            `VALUES` of a classifier is a column of labels. Probabilities of several labels are those of each label.

    Raises:
        UntranslatableError: if there are none; says of what.
    """
    fitted = Fitted.of(estimator)
    translator = TRANSLATORS.get(fitted.name) if fitted.module.startswith("sklearn.") else None
    if translator is None:
        raise UntranslatableError(f"{fitted.module}.{fitted.name}")
    try:
        return translator(fitted, asked)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:  # such as attributes of another shape
        raise UntranslatableError(f"{fitted.name} with other attributes ({type(error).__name__}: {error})") from error


def answers(estimator: Any, asked: str) -> bool:
    """Whether an estimator can be asked this, and there are steps for it."""
    try:
        translate(estimator, asked)
    except UntranslatableError:
        return False
    return True
