"""Sparse matrices as tables: the same numbers as the dense ones, or hashed, and never all dense at once."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sps
from sklearn.datasets import load_iris

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.modalities.sparse import WIDEST
from senpath.inputs.modalities.table import TableModality
from senpath.sklearn import SENClassifier
from senpath.testing import ConstantMethod
from tests.raising import raises_error

TABLE = TableModality()
X = np.where(load_iris().data > 2, load_iris().data, 0)
Y = load_iris().target
FORMS = [sps.csr_matrix, sps.csc_array, sps.coo_matrix, sps.lil_array]


def rows_of(x: Any) -> Any:
    return split_by_modality(x)[0].items


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_table_that_it_is_when_it_is_dense(form: Any) -> None:
    kind = TABLE.define(rows_of(form(X)))
    assert kind == TABLE.define(X)
    assert TABLE.encode(rows_of(form(X)), kind).equal(TABLE.encode(X, kind))


def test_it_is_learned_and_asked_like_any_table() -> None:
    net = sp.Network()
    net.learn("iris", sps.csr_matrix(X), Y, method=ConstantMethod())
    dense, sparse = net.predict(X), net.predict(sps.csc_array(X))
    assert sparse.confidence.tolist() == dense.confidence.tolist()
    assert net.explain(sps.csr_matrix(X)[0]).label == net.explain(X[0]).label
    assert sp.evaluate(net, {"iris": (sps.csr_matrix(X), Y)}).scores["iris"].examples == len(Y)


@pytest.mark.slow("traces every allocation")
def test_very_many_columns_are_hashed() -> None:
    wide = sps.random(40, 10**5, 1e-3, format="csr", random_state=0)
    tracemalloc.start()
    kind = TABLE.define(rows_of(wide))
    encoded = TABLE.encode(rows_of(wide), kind)
    assert kind.shape == (WIDEST,)
    assert encoded[7].equal(TABLE.encode(rows_of(wide[[7]]), kind)[0])
    other = TABLE.define(rows_of(sps.random(9, 5000, 1e-2, format="csr", random_state=0)))
    assert other.key != kind.key


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [(sps.csr_matrix((10**7, 5000)), "at most 4 GiB encoded"), (sps.csr_matrix((3, 0)), "shape"), (sps.csr_matrix(X * 1j), "numbers")],
)
def test_what_is_refused(matrix: Any, expected: str) -> None:
    with raises_error(InputError, "sparse matrix", expected=expected):
        sp.Network().learn("t", matrix, [0, 1], method=ConstantMethod())


@pytest.mark.slow("fits several classifiers")
def test_the_classifier_takes_sparse_matrices_gaps_and_words() -> None:
    model = SENClassifier(epochs=5, hidden=8)
    dense = model.fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(model.fit(sps.csr_matrix(X), Y).predict_proba(sps.csr_matrix(X)), dense)
    assert model.n_features_in_ == 4
    gaps = X.copy()
    gaps[::5, 0] = np.nan
    assert model.fit(gaps, Y).score(gaps, Y) > 0.8
    frame = pd.DataFrame(X, columns=[*"abcd"]).assign(word=np.where(Y > 0, "x", None), day=pd.Timestamp("2020-01-01"))
    assert model.fit(frame, Y).score(frame, Y) > 0.8
    assert model.feature_names_in_.tolist() == [*"abcd", "word", "day"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.drop(columns="word"))
