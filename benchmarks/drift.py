"""What one task does to the routing of the others, well-formed or not, and whether removing it undoes that.

    python -m benchmarks.drift

Writes docs/results/drift.md. Fourteen real sets of four kinds of data. Of each kind all sets but the last are learned, then the last one,
as it is or spoilt, which is removed again. Pathways are not trained: what is measured is which task an input is taken for. Another version
of senpath is measured beside with `PYTHONPATH=ITS/src:. python -m benchmarks.drift earlier`. Needs SENPATH_DATA.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, markdown_table, percent
from senpath import data
from senpath.learning import propose
from senpath.snapshot import encode_examples
from senpath.testing import ConstantMethod

TRAIN, TEST = 600, 250
SETS = {
    "tables": ("wine", "cancer", "digits", "diabetes"),
    "images": ("mnist", "fashion", "semeion", "lower"),
    "texts": ("trec", "sst2", "agnews", "cr"),
    "sounds": ("speech", "esc10"),
}
"""Of tables six columns each, standardised by themselves."""
Labelled = tuple[Any, np.ndarray]
Spoil = Callable[[Any], Any]


def one_cell(x: np.ndarray) -> np.ndarray:
    spoilt = x.copy()
    spoilt[7, 2] = 999_999_999
    return spoilt


def one_column(x: np.ndarray) -> np.ndarray:
    spoilt = x.copy()
    spoilt[:, 3] = 1e30
    return spoilt


def _one_long(x: Any) -> Any:
    return [*x[:-1], " ".join(x)]


DATA: dict[str, dict[str, Spoil]] = {
    "tables": {
        "10,000 times as large": lambda x: 1e4 * x,
        "one cell of 999,999,999": one_cell,
        "a column of 1e30": one_column,
    },
    "images": {"inverted": lambda x: 255 - np.asarray(x)},
    "texts": {"one text of all": _one_long},
    "sounds": {"10,000 times as loud": lambda x: [sp.Audio(1e4 * one.samples, one.rate) for one in x]},
}
COVARIANCES: dict[str, Spoil] = {
    "covariance × 10¹²": lambda packed: 1e12 * packed,
    "covariance of one direction": lambda packed: _one_direction(packed),
}
"""As a task that was exported elsewhere may have it."""


def _one_direction(packed: np.ndarray) -> np.ndarray:
    width = round((2 * len(packed)) ** 0.5 - 0.5)
    direction = np.random.default_rng(0).normal(size=width)
    upper: np.ndarray = np.outer(direction, direction)[np.triu_indices(width)]
    return 1e6 * upper


@cache
def _table(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "digits":
        bunch = load_digits()
        x, y = bunch.data[:, [10, 19, 21, 28, 36, 42]], bunch.target
    else:
        bunch = {"wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}[name]()
        x, y = bunch.data[:, :6], bunch.target if name != "diabetes" else bunch.target > 140
        x = bunch.data[:, 4:] if name == "diabetes" else x
    return (x - x.mean(0)) / x.std(0), y.astype(int)


@cache
def _set(name: str, split: str) -> Labelled:
    """So many examples of a set, drawn at random."""
    if name in SETS["tables"]:
        x, y = _table(name)
        order = np.random.default_rng(0).permutation(len(y))
        half = len(y) * 7 // 10
        chosen = order[:half][:TRAIN] if split == "train" else order[half:][:TEST]
    else:
        x, y = data.load(name, split)
        y = np.asarray(y)
        chosen = np.random.default_rng(0).permutation(len(y))[: TRAIN if split == "train" else TEST]
    return x[chosen] if isinstance(x, np.ndarray) else [x[index] for index in chosen], y[chosen]


def _routed(net: sp.Network, names: tuple[str, ...], spoil: Spoil | None = None) -> tuple[float, float]:
    """For how many test examples of these sets, in %, the right task comes first, and how many it answers where none may fit."""
    first, answered = [], []
    for name in names:
        x = _set(name, "test")[0]
        x = x if spoil is None else spoil(x)
        first.append(percent(net.predict(x, reject=False).task == name))
        answered.append(percent(net.predict(x).task == name))
    return float(np.mean(first)), float(np.mean(answered))


def _measure(kind: str, spoilt: str) -> Iterator[Record]:
    """The others' routing before the last set is learned, with it, and when it is removed again; and the last one's own."""
    *names, last = SETS[kind]
    others = tuple(names)
    net = sp.Network()
    for name in others:
        net.learn(name, *_set(name, "train"), method=ConstantMethod())
    record: Record = {"before": _routed(net, others)}
    try:
        record["misled"] = _learn(net, last, DATA[kind].get(spoilt), COVARIANCES.get(spoilt))
    except sp.SenpathError as error:
        yield {**record, "refused": str(error)}
        return
    whole = spoilt in ("as it is", "10,000 times as large", "a column of 1e30", "inverted", "10,000 times as loud")
    record |= {"after": _routed(net, others), "own": _routed(net, (last,), DATA[kind].get(spoilt) if whole else None)[0]}
    net.remove(last)
    yield {**record, "removed": _routed(net, others)}


def _learn(net: sp.Network, name: str, spoil: Spoil | None, spoil_covariance: Spoil | None) -> float | None:
    x, y = _set(name, "train")
    x = x if spoil is None else spoil(x)
    if spoil_covariance is None:
        return getattr(net.learn(name, x, y, method=ConstantMethod()), "misled", None)
    proposal = propose(net.view, ConstantMethod(), name, encode_examples(net.view, x, y))
    kept: Any = proposal.statistics[name]
    field = "covariance" if hasattr(kept, "covariance") else "pooled"  # as earlier versions call it
    net.commit(replace(proposal, statistics={name: replace(kept, **{field: spoil_covariance(getattr(kept, field))})}))
    return getattr(net.view.tasks[name], "misled", None)


def _cells() -> list[Record]:
    return [{"kind": kind, "spoilt": spoilt} for kind in SETS for spoilt in ("as it is", *DATA[kind], *COVARIANCES)]


def _table_of(records: Records, earlier: Records) -> str:
    heads = ["data", "the last set", "others before", "with it", "removed", "its own", "estimate"]
    rows = [
        [one["kind"], one["spoilt"], *(_shown(one, part) for part in ("before", "after", "removed")), _own(one), _estimate(one)]
        for one in records
    ]
    if earlier:
        heads += ["earlier: with it", "removed"]
        for row, one in zip(rows, records, strict=True):
            (old,) = earlier.where(kind=one["kind"], spoilt=one["spoilt"]) or [{}]
            row += [_shown(old, "after"), _shown(old, "removed")]
    return markdown_table(heads, rows)


def _shown(record: Record, part: str) -> str:
    if part in record:
        return f"{record[part][0]:.1f} / {record[part][1]:.1f}"
    return "refused" if "refused" in record else "–"


def _own(record: Record) -> str:
    return f"{record['own']:.1f}" if "own" in record else "–"


def _estimate(record: Record) -> str:
    return f"{record['misled']:+.3f}" if record.get("misled") is not None else "–"


PART = Part(_measure, lambda arguments: _cells())
PARTS = {"drift": PART, "earlier": replace(PART, asked=True)}
BENCHMARK = Benchmark("drift", __doc__, PARTS, {"drift": Section(_table_of, ["drift"], ["earlier"])}, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
