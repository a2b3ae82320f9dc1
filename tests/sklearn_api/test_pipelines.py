"""In scikit-learn's pipelines: texts as TF-IDF, columns of a frame each in its own way, and frames as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from senpath.sklearn import SENClassifier, SENRegressor
from tests.sklearn_api.test_classifier import MLP, QUICK

ANIMALS = ("the cat purrs", "a cat sleeps", "our cat eats fish", "cats like milk", "kitten and cat")
MACHINES = ("the engine stalls", "a motor runs", "oil for the engine", "engines like oil", "motor and engine")


def texts(copies: int = 4) -> tuple[list[str], np.ndarray]:
    words = ("today", "again", "at night", "in May", "soon", "here")[:copies]
    return [f"{text} {word}" for text in ANIMALS + MACHINES for word in words], np.repeat(["animal", "machine"], 5 * copies)


def mixed(rows: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    """Prices with words and gaps; what a town costs is not written in any number."""
    generator = np.random.default_rng(0)
    towns, costs = np.array(["Bonn", "Graz", "Oslo"], dtype=object), np.array([0.0, 40.0, 90.0])
    town, size = generator.integers(0, 3, rows), generator.uniform(20, 100, rows)
    frame = pd.DataFrame({"town": towns[town], "size": size, "rooms": generator.integers(1, 5, rows).astype(float)})
    frame.loc[::9, "town"], frame.loc[4::11, "rooms"] = None, np.nan
    return frame, size + costs[town]


def test_texts_as_tf_idf() -> None:
    x, y = texts()
    pipeline = make_pipeline(TfidfVectorizer(), SENClassifier(**MLP))
    search = GridSearchCV(pipeline, {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}, cv=2).fit(x, y)
    assert search.best_score_ > 0.8
    assert search.predict(["a cat", "an engine"]).tolist() == ["animal", "machine"]


def test_columns_each_in_its_own_way() -> None:
    frame, price = mixed()
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), ["town"]),
            ("numbers", SimpleImputer(), make_column_selector(dtype_include="number")),
        ]
    )
    pipeline = make_pipeline(columns, SENRegressor(**QUICK)).fit(frame[:90], price[:90])
    assert pipeline.score(frame[90:], price[90:]) > 0.8


def test_frames_with_words_and_gaps_need_no_preparation() -> None:
    frame, price = mixed()
    assert SENRegressor(**QUICK).fit(frame[:90], price[:90]).score(frame[90:], price[90:]) > 0.8
    dear = np.where(price > 100, "dear", "cheap")
    learned = SENClassifier(**MLP).fit(frame[:90], dear[:90], sample_weight=np.where(frame["town"].isna()[:90], 0.0, 1.0))
    assert learned.score(frame[90:], dear[90:]) > 0.8
    assert learned.feature_names_in_.tolist() == ["town", "size", "rooms"]


def test_weights_go_through_a_pipeline() -> None:
    frame, price = mixed()
    pipeline = make_pipeline(SimpleImputer(), SENRegressor(**MLP))
    numbers = frame[["size", "rooms"]]
    heavy = np.where(frame["town"] == "Oslo", 1.0, 0.0)
    pipeline.fit(numbers, price, senregressor__sample_weight=heavy)
    oslo = heavy > 0
    assert np.abs(pipeline.predict(numbers[oslo]) - price[oslo]).mean() < 5
