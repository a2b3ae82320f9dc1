"""What senpath is measured against: scikit-learn's logistic regression on the same encoded inputs, tuned on the examples themselves."""

import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from senpath.types import Examples

FEW = 1_000
"""Up to so many examples the search is a fine one."""
FOLDS = 5
WIDE, NARROW, OF_ALL = (10.0 ** np.arange(-4, 5)).tolist(), (10.0 ** np.arange(-2, 4)).tolist(), (10.0 ** np.arange(-2, 3)).tolist()
"""Strengths C, from the most regular model to the freest."""
ROUNDS = 300
CRITERIA = ("log loss", "accuracy")
LEAST = 1e-12
"""Probabilities are not taken for smaller than this."""
Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """How a logistic regression is set: scikit-learn's C, and whether every input is brought to mean 0 and variance 1 before."""

    strength: float
    standardised: bool


def choose(examples: Examples, shots: int | None, seed: int) -> dict[str, Choice]:
    """The best settings by each of `CRITERIA`, by cross-validation; with all examples (`shots` None) on a tenth left out."""
    x, y = arrays(examples)
    if shots is None:
        return _best(x, y, StratifiedShuffleSplit(1, test_size=0.1, random_state=seed).split(x, y), OF_ALL, (False,))
    few = len(y) <= FEW
    folds = StratifiedKFold(min(FOLDS, shots) if few else 2, shuffle=True, random_state=seed).split(x, y)
    return _best(x, y, folds, WIDE if few else NARROW, (False, True))


def fit(examples: Examples, choice: Choice) -> LogisticRegression:
    """A pipeline that answers with places of classes."""
    model = make_pipeline(_scaler(choice.standardised), LogisticRegression(C=choice.strength, max_iter=ROUNDS))
    with _unfinished():
        return model.fit(*arrays(examples))


def arrays(examples: Examples) -> Split:
    """Inputs float64 (n, features) and places of classes."""
    return examples.inputs.flatten(1).numpy().astype(np.float64), examples.targets.numpy()


def _best(x: np.ndarray, y: np.ndarray, splits: Iterable[Split], strengths: list[float], ways: tuple[bool, ...]) -> dict[str, Choice]:
    penalties: dict[Choice, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for fitted, held in splits:
        for standardised in ways:
            inputs, asked = _turned(_scaler(standardised).fit(x[fitted]), x[fitted], x[held])
            model = LogisticRegression(max_iter=ROUNDS, warm_start=True)  # from where the more regular model ended
            for strength in strengths:
                with _unfinished():
                    chances = model.set_params(C=strength).fit(inputs, y[fitted]).predict_proba(asked)
                own = np.log(np.maximum(chances[np.arange(len(held)), y[held]], LEAST))
                penalties[Choice(strength, standardised)] += -own.sum(), (chances.argmax(1) != y[held]).sum()
    return {name: min(penalties, key=lambda choice: penalties[choice][place]) for place, name in enumerate(CRITERIA)}


def _turned(scaler: StandardScaler | FunctionTransformer, fitted: np.ndarray, held: np.ndarray) -> Split:
    """Both scaled, in the coordinates of the space that the first span: no weight leads out of it, so the models are the same ones."""
    inputs, asked = scaler.transform(fitted), scaler.transform(held)
    if len(inputs) >= inputs.shape[1]:
        return inputs, asked
    basis, _ = np.linalg.qr(inputs.T)
    return inputs @ basis, asked @ basis


def _scaler(standardised: bool) -> StandardScaler | FunctionTransformer:
    return StandardScaler() if standardised else FunctionTransformer()


def _unfinished() -> warnings.catch_warnings:
    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)
