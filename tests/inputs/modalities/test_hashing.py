"""Texts are counted as scikit-learn's `HashingVectorizer` counts them, to the bit: networks of earlier versions answer as they did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from senpath.inputs.modalities.hashing import AT_ONCE, hashed_counts, to_length_one

TEXTS = ["a nice day", "", " ", "x", "ab cd", "Größe\t日本語  ключ\n🙂 İ", "_-.,' \u00a0\u2003", "well-known don't", "x" * 1000, "12 3.5 §"]


def expected(texts: list[str], buckets: int, norm: str | None) -> np.ndarray:
    words = HashingVectorizer(ngram_range=(1, 2), n_features=buckets, norm=norm, token_pattern=r"(?u)\b\w+\b")
    letters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=buckets, norm=norm)
    return np.concatenate([part.transform(texts).toarray() for part in (words, letters)], 1)


@pytest.mark.parametrize("buckets", [2048, 16, 7, 1])
def test_counts_are_those_of_scikit_learn(buckets: int) -> None:
    np.testing.assert_array_equal(hashed_counts(TEXTS, buckets), expected(TEXTS, buckets, None))
    np.testing.assert_array_equal(to_length_one(hashed_counts(TEXTS, buckets)), expected(TEXTS, buckets, "l2"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=4))
def test_of_any_text(texts: list[str]) -> None:
    np.testing.assert_array_equal(hashed_counts(texts, 64), expected(texts, 64, None))


def test_texts_that_are_counted_in_parts() -> None:
    texts = ["warm and dry " * (AT_ONCE // 26)] * 3 + TEXTS
    np.testing.assert_array_equal(hashed_counts(texts, 32), expected(texts, 32, None))
    assert hashed_counts([], 32).shape == (0, 64)
