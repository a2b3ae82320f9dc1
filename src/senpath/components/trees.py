"""Checking the decision trees of a file before they run: scikit-learn follows their indices without looking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.tree._tree import Tree

from senpath.errors import StoreError

TRUSTED = ("sklearn.tree._tree.Tree",)
"""A type that skops leaves to the reader's judgement: it runs no code, but indices in it that lie could end the process."""
SAME_COLUMNS = ("sklearn.tree.", "sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._weight_boosting")
"""Modules whose estimators hand their input on to their trees as it is, and check its width once."""


def check_trees(estimator: Any) -> None:
    """Look at every tree that this estimator holds.

    Raises:
        StoreError: if one leads to a node or a column that is not there.
    """
    _walk(estimator, np.inf, set())


def _walk(value: Any, width: float, seen: set[tuple[int, float]]) -> None:
    if isinstance(value, Tree):
        _check(value, width)
    elif isinstance(value, dict | list | tuple | np.ndarray) or hasattr(value, "__dict__"):
        if (id(value), width) in seen:
            return
        seen.add((id(value), width))
        width = _width(value, width)
        for part in _parts(value):
            _walk(part, width, seen)


def _width(value: Any, width: float) -> float:
    """How many columns the trees within may read; `width` is that of what is around."""
    if isinstance(value, dict | list | tuple | np.ndarray):
        return width
    same = type(value).__module__.startswith(SAME_COLUMNS) and hasattr(value, "n_features_in_")
    return min(width, value.n_features_in_) if same else np.inf


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, np.ndarray):
        return list(value.ravel()) if value.dtype == object else ()
    if isinstance(value, list | tuple):
        return value
    return list(value.values() if isinstance(value, dict) else vars(value).values())


def _check(tree: Tree, width: float) -> None:
    left, right, column = tree.children_left, tree.children_right, tree.feature
    place = np.arange(tree.node_count)
    inner = left != -1
    # A tree is built from its root on, so what branches off a node comes after it; that no path is endless follows.
    within = (left > place) & (left < len(place)) & (right > place) & (right < len(place)) & (column >= 0) & (column < width)
    if not len(place) or not within[inner].all():
        raise StoreError(
            "decision tree", expected="branches to later nodes, and columns of the input", got="others", do="Trust no such file"
        )
