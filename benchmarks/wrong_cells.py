"""What one wrong cell in the first table of its columns does to learning and to finding the task.

    python -m benchmarks.wrong_cells

Writes docs/results/drift.md. Ten real sets as tables: five of scikit-learn, and pictures and sounds of five more as sixteen numbers each.
400 rows are learned, others measured. Another version of senpath is measured beside with
`PYTHONPATH=ITS/src:. python -m benchmarks.wrong_cells earlier`. Needs SENPATH_DATA.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from torch.nn.functional import adaptive_avg_pool2d

import senpath as sp
from benchmarks.drift import Labelled, one_cell
from benchmarks.harness import Benchmark, Part, Record, Records, Section, markdown_table, percent
from senpath import data
from senpath.inputs.modalities import MODALITIES

TABLES = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes, "digits": load_digits}
PICTURES = ("mnist", "fashion", "semeion", "lower")
TRAIN, TEST = 400, 400


def _rows(name: str) -> Labelled:
    """A set as a table, in random order."""
    if name in TABLES:
        bunch = TABLES[name]()
        x, y = bunch.data, bunch.target if name != "diabetes" else bunch.target > 140
    else:
        x, y = data.load(name)
    order = np.random.default_rng(0).permutation(len(y))[: TRAIN + TEST]
    x, y = [x[index] for index in order], np.asarray(y)[order]
    if name in TABLES:
        return np.stack(x), y.astype(int)
    modality = MODALITIES["image" if name in PICTURES else "audio"]
    tensors = modality.encode(x, modality.define(x))
    return adaptive_avg_pool2d(tensors if name in PICTURES else tensors[:, None], 4).mean(1).flatten(1).double().numpy(), y


def _measure(name: str) -> Iterator[Record]:
    """Rows that are answered rightly, in %: told the task, and not."""
    x, y = _rows(name)
    learned = min(TRAIN, len(y) * 2 // 3)
    test, truth = x[learned:], y[learned:]
    record: Record = {}
    for what, table in (("whole", x[:learned]), ("spoilt", one_cell(x[:learned]))):
        net = sp.Network()
        with warnings.catch_warnings(action="ignore"):
            net.learn("first", table, y[:learned])
        record[what] = [percent(net.predict(test, task=task).label == truth) for task in ("first", None)]
    yield record


def _cells() -> list[Record]:
    return [{"name": name} for name in (*TABLES, *PICTURES, "speech")]


def _table(records: Records, earlier: Records) -> str:
    columns = [("earlier: as it is", earlier, "whole"), ("earlier: one cell", earlier, "spoilt")] if earlier else []
    columns += [("as it is", records, "whole"), ("one cell", records, "spoilt")]
    rows = []
    for one in records:
        pairs = [of.where(name=one["name"])[0][what] for _, of, what in columns]
        rows.append([one["name"], *map(_shown, pairs)])
    means = [np.mean([record[what] for record in of], axis=0) for _, of, what in columns]
    return markdown_table(["set", *(head for head, _, _ in columns)], [*rows, ["mean", *map(_shown, means)]])


def _shown(pair: Sequence[float]) -> str:
    return f"{pair[0]:.1f} / {pair[1]:.1f}"


PART = Part(_measure, lambda arguments: _cells())
PARTS = {"first": PART, "earlier": replace(PART, asked=True)}
BENCHMARK = Benchmark("wrong_cells", __doc__, PARTS, {"cells": Section(_table, ["first"], ["earlier"])}, page="drift.md", anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
