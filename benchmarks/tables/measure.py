"""What is measured: `learn` as it is, and tuned peers, on the same rows."""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import senpath as sp
from benchmarks.harness import Record, percent
from benchmarks.tables.sets import CLASSIFICATION, made, split

Model = Callable[[int], Any]
MADE_TEST = 80
"""Rows of a made table that are measured on."""


def _columns() -> Any:
    """Numbers standardised, and a column for each word."""
    words = (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number"))
    return make_column_transformer(words, (StandardScaler(), make_column_selector(dtype_include="number")))


def _ridge(seed: int) -> Any:
    return make_pipeline(_columns(), RidgeCV(np.logspace(-3, 5, 33)))


def _boosting(seed: int) -> Any:
    grid = {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [8, 31]}
    return make_pipeline(_columns(), GridSearchCV(HistGradientBoostingRegressor(max_iter=200, random_state=seed), grid, cv=3))


def _logistic(seed: int) -> Any:
    return make_pipeline(_columns(), _search(5))


def _search(folds: int) -> GridSearchCV:
    return GridSearchCV(LogisticRegression(max_iter=500), {"C": np.logspace(-3, 3, 7).tolist()}, cv=folds)


def _forest(seed: int) -> Any:
    grid = {"max_features": ["sqrt", 0.5]}
    return make_pipeline(_columns(), GridSearchCV(RandomForestClassifier(200, random_state=seed), grid, cv=3))


REGRESSORS: Mapping[str, Model] = {"ridge": _ridge, "boosting": _boosting}
CLASSIFIERS: Mapping[str, Model] = {"logistic": _logistic, "forest": _forest}


def beside(name: str, seed: int) -> Iterator[Record]:
    """R² of a regression, or the share of rows that get their class, in %."""
    x, y, others, truth = split(name, seed)
    of_classes = name in CLASSIFICATION
    net = sp.Network(random_state=seed)
    start = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        net.learn("table", x, y, kind=None if of_classes else "regression", random_state=seed)
    taken = time.process_time() - start
    answers = net.predict(others, task="table").label
    record: Record = {"rows": len(y), "columns": x.shape[1], "senpath": _score(answers, truth), "seconds": taken}
    record |= {name: net.view.pathway("table").provenance.record["training"].get(name) for name in ("strength", "hidden_share")}
    for way, model in (CLASSIFIERS if of_classes else REGRESSORS).items():
        start = time.process_time()
        with warnings.catch_warnings(action="ignore"):
            fitted = model(seed).fit(x, y)
        record |= {way: _score(fitted.predict(others), truth), f"{way} seconds": time.process_time() - start}
    yield record


def _score(answers: np.ndarray, truth: np.ndarray) -> float:
    if truth.dtype.kind == "f":
        return 1 - float(((answers.astype(np.float64) - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    return 100 * float(np.mean(answers == truth))


def rescaled(columns: int, times: float, added: float, spoilt: bool, seed: int) -> Iterator[Record]:
    """A second task of the same columns, whose numbers are so many times the first one's, with one wrong cell or none."""
    first, y, later, labels = made(columns, seed)
    later = times * later + added
    learned, held = later[:-MADE_TEST].copy(), later[-MADE_TEST:]
    if spoilt:
        learned[7, 2] = 999_999_999 * times
    net = sp.Network(random_state=seed)
    with warnings.catch_warnings(action="ignore"):
        net.learn("first", first, y, random_state=seed)
        start = time.process_time()
        net.learn("later", learned, labels[:-MADE_TEST], random_state=seed)
        taken = time.process_time() - start
        told = net.predict(held, task="later").label == labels[-MADE_TEST:]
        alone = net.predict(held, reject=False).task == "later"
        # In as many numbers as there are rows, on which the penalty is the same.
        logistic = make_pipeline(StandardScaler(), PCA(svd_solver="full"), _search(5)).fit(later[:-MADE_TEST], labels[:-MADE_TEST])
    right = logistic.predict(held) == labels[-MADE_TEST:]
    yield {"senpath": percent(told), "routed": percent(alone), "logistic": percent(right), "seconds": taken}
