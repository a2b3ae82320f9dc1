"""When to borrow: how well measures go with the gain, and what following them would come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

from benchmarks.harness import Record, Records
from benchmarks.transfer.measures import LEAST
from benchmarks.transfer.tasks import TASKS

KEY = ("seed", "shots", "source", "target")
LOSS = 2.0
"""How often a lost point counts where a least value is chosen: a task is to lose nothing by what came before it."""


class Table:
    """The records of one number of shots, as columns.

    Attributes:
        sources, targets: names, one per record.
        seeds: int64.
        gains: accuracy of forced transfer less Single's, in points, on the test set; `chosen_by` on validation data.
        single: Single's accuracy on the test set.
        links: as `gains`, and `links_chosen_by`, where the hidden layer is not copied; NaN where that was not measured.
        measures: each measure's values by its name.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.sources = np.array([one["source"] for one in records])
        self.targets = np.array([one["target"] for one in records])
        self.seeds = np.array([one["seed"] for one in records])
        self.gains = np.array([_difference(one, "forced", "test") for one in records])
        self.chosen_by = np.array([_difference(one, "forced", "validation") for one in records])
        self.single = np.array([one["single"]["test"] for one in records])
        self.links = np.array([_difference(one, "links", "test") for one in records])
        self.links_chosen_by = np.array([_difference(one, "links", "validation") for one in records])
        self.measures = {name: np.array([one["measures"][name] for one in records]) for name in records[0]["measures"]}
        names = sorted({*zip(self.sources.tolist(), self.targets.tolist(), strict=True)})
        place = {name: index for index, name in enumerate(names)}
        self.names = names
        self.pair = np.array([place[one["source"], one["target"]] for one in records])

    def by_pair(self, values: np.ndarray) -> np.ndarray:
        """Mean over the seeds of each pair."""
        return np.asarray(np.bincount(self.pair, values) / np.bincount(self.pair))

    @property
    def whole(self) -> bool:
        """Whether it has every pair of tasks."""
        return len(self.names) == len(TASKS) * (len(TASKS) - 1)

    @property
    def noise(self) -> float:
        """Standard error of a pair's mean gain: how its gain varies from seed to seed, taken together over all pairs."""
        seeds = np.bincount(self.pair)
        if seeds.min() < 2:
            return float("nan")
        squares = (self.gains - self.by_pair(self.gains)[self.pair]) ** 2
        return float(np.sqrt(squares.sum() / (seeds - 1).sum() / seeds.mean()))


def join(pairs: Records, measures: Records, sequence: Records, links: Sequence[Record] = (), verdicts: Sequence[Record] = ()) -> Records:
    """Each pair with all that is known of it."""
    joined = {tuple(one[name] for name in KEY): one for one in pairs}
    # The default after nine tasks is the forced transfer from the source that it chose.
    for one in sequence.where(lambda one: one["source"] is not None):
        joined.setdefault(tuple(one[name] for name in KEY), {**one, "forced": one["default"]})
    known = {"measures": (measures, "measures"), "links": (links, "forced"), "verdicts": (verdicts, None)}
    for name, (records, field) in known.items():
        for one in records:
            joined.get(tuple(one[part] for part in KEY), {})[name] = one[field] if field else one
    return Records(joined.values())


def tables_of(*records: Records) -> dict[int, Table]:
    """A table for each number of shots, in ascending order; of what `join` takes."""
    return {shots: Table(mine) for shots, mine in sorted(join(*records).by("shots").items())}


@dataclass(frozen=True)
class Outcome:
    """What following a rule comes to: the share of the cases in which it borrows; mean accuracy on the test set; the largest mean loss of a
    pair against Single, in points, 0 if none; and the share of the pairs that lose more than twice the noise."""

    borrowed: float
    accuracy: float
    worst: float
    losing: float


def correlation(table: Table, name: str) -> tuple[float, float]:
    """Spearman's rank correlation of a measure with the gain: over all pairs, and over the sources of one target, mean over the targets."""
    measured, gains = table.by_pair(table.measures[name]), table.by_pair(table.gains)
    targets = np.array([target for _, target in table.names])
    within = [_spearman(measured[targets == one], gains[targets == one]) for one in np.unique(targets)]
    return _spearman(measured, gains), float(np.mean(within))


def picked(table: Table, name: str | None) -> float:
    """Mean gain where each target borrows from the source of the largest measure, ties shared; None picks the best by validation data."""
    values = table.chosen_by if name is None else table.measures[name]
    found = []
    for seed in np.unique(table.seeds):
        for target in np.unique(table.targets):
            mine = (table.seeds == seed) & (table.targets == target)
            if mine.any():
                found.append(table.gains[mine][values[mine] == values[mine].max()].mean())
    return float(np.mean(found))


def outcome(table: Table, borrow: np.ndarray, gains: np.ndarray | None = None) -> Outcome:
    """What comes of borrowing with these chances (0 … 1), if borrowing gains this; forced transfer's gains by default."""
    gained = borrow * (table.gains if gains is None else gains)
    of_pairs = table.by_pair(gained)
    losing = float((of_pairs < -2 * table.noise).mean())
    return Outcome(float(borrow.mean()), float((table.single + gained).mean()), float(max(0.0, -of_pairs.min())), losing)


def references(table: Table) -> dict[str, np.ndarray]:
    """When rules without a threshold of their own borrow."""
    return {
        "never (Single)": np.zeros(len(table.gains)),
        "always": np.ones(len(table.gains)),
        f"highest share ≥ {LEAST} (default)": (table.measures["highest"] >= LEAST).astype(float),
        "the better one by validation data": (table.chosen_by > 0).astype(float),
        "the better one by test data (oracle)": (table.gains > 0).astype(float),
    }


def held_out(table: Table, name: str, by: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """How often each case borrows if the least value of a measure is the best for half of the tasks as targets, by validation data, and the
    other half follows it: chances over all halvings; and the median of the values.

    Args:
        by: what borrowing gains on validation data; forced transfer's gains by default.
    """
    chosen_by = table.chosen_by if by is None else by
    tasks, values = np.unique(table.targets), table.measures[name]
    times, borrowed, chosen = np.zeros(len(values)), np.zeros(len(values)), []
    for half in combinations(tasks, len(tasks) // 2):
        inside = np.isin(table.targets, half)
        least = best_least(values[inside], chosen_by[inside])
        chosen.append(least)
        times += ~inside
        borrowed += ~inside & (values >= least)
    return borrowed / np.maximum(times, 1), float(np.median(chosen))


def best_least(values: np.ndarray, gains: np.ndarray) -> float:
    """The least value to borrow at that gains most in all, a loss counted LOSS times; infinite if nothing does."""
    levels, counted = np.unique(values), np.where(gains < 0, LOSS * gains, gains)
    totals = [counted[values >= level].sum() for level in levels]
    best = int(np.argmax(totals))
    if totals[best] <= 0:
        return float("inf")
    below = levels[best - 1] if best else -np.inf  # halfway, for what lies between was not seen
    return float(levels[best] if np.isinf(below) else (levels[best] + below) / 2)


def least_without(table: Table, name: str, target: str) -> float:
    """The least value of a measure to borrow at that is best for all other targets, by validation data."""
    others = table.targets != target
    return best_least(table.measures[name][others], table.chosen_by[others])


def _difference(record: Record, way: str, part: str) -> float:
    return float(record[way][part] - record["single"][part]) if way in record else float("nan")


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    if len(np.unique(first)) < 2 or len(np.unique(second)) < 2:
        return 0.0
    return float(spearmanr(first, second).statistic)
