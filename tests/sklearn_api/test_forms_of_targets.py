"""Targets and inputs of estimators that numpy takes for something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from senpath.errors import InputError
from senpath.sklearn import SENClassifier, SENRegressor
from tests.raising import raises_error


@pytest.mark.parametrize("targets", [pd.date_range("2020-01-01", periods=20), pd.to_timedelta(np.arange(20), unit="h")])
def test_times_are_no_numbers(targets: Any) -> None:
    for given in (targets, pd.Series(targets).where(np.arange(20) > 1)):
        with raises_error(InputError, "targets y", expected="numbers", do="Give times as numbers"):
            SENRegressor(epochs=1).fit(np.arange(20.0)[:, None], given)


def test_texts_of_polars() -> None:
    texts, labels = pl.Series(["a good day", "a bad night"] * 10), pl.Series(["day", "night"] * 10)
    assert SENClassifier(LogisticRegression(), links="none").fit(texts, labels).score(texts, labels) == 1
