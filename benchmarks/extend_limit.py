"""What tasks lose when they are extended, as `extend` estimates it and as held-out data say.

    python -m benchmarks.extend_limit [--seeds 2] [--only iris …]

The section "guard" of docs/results/extend.md, on test data. About half an hour of one core for two seeds. Needs SENPATH_DATA.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine

from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table
from senpath import Network, data

SHOTS = (1, 2, 5, 20)
"""New examples, of each new class."""
TRAIN, TEST = 1_000, 1_000
"""Examples of the old classes that are learned, and all that are asked, at most."""
ALLOWED = 0.15
CLOTHES = (
    {"top"},
    {"legs"},
    {"top", "sleeves"},
    {"top", "legs"},
    {"top", "sleeves"},
    {"shoe"},
    {"top", "sleeves"},
    {"shoe", "closed"},
    {"bag"},
    {"shoe", "closed"},
)
"""What the ten classes of Fashion-MNIST are and have; the shoes come later."""
DIGITS = tuple(
    {"odd" if digit % 2 else "even"} | ({"prime"} if digit in (2, 3, 5, 7) else set()) | ({"large"} if digit > 7 else set())
    for digit in range(10)
)
"""What the ten digits are; the large ones come later."""


@dataclass(frozen=True)
class Case:
    """A task that is extended.

    Args:
        about: what its examples are.
        new: the places of the classes that come later, among all.
        labels: of each class, where an example has several.
    """

    about: str
    new: Sequence[int]
    labels: Sequence[set[str]] | None = None


CASES = {
    "iris": Case("table, 4 columns", (2,)),
    "wine": Case("table, 13 columns", (2,)),
    "digits": Case("table, 64 columns", (8, 9)),
    "kinds of digits": Case("table, several labels", (8, 9), DIGITS),
    "mnist": Case("pictures, digits", (8, 9)),
    "lower": Case("pictures, letters", (3, 8, 12, 18, 24)),
    "clothes": Case("pictures, several labels", (5, 7, 9), CLOTHES),
    "trec": Case("texts, questions", (4,)),
    "semeion": Case("pictures, digits", (8, 9)),
    "fashion": Case("pictures, clothes", (8, 9)),
    "speech": Case("sounds, digits", (8, 9)),
}
FILES = {"clothes": "fashion", "kinds of digits": "digits"}


def _read(name: str, seed: int) -> tuple[tuple[Any, np.ndarray], tuple[Any, np.ndarray]]:
    """Training and test data with one class each."""
    random, tables = np.random.default_rng(seed), {"iris": load_iris, "wine": load_wine, "digits": load_digits}
    name = FILES.get(name, name)
    if name in tables:
        x, y = tables[name](return_X_y=True)
        order = random.permutation(len(y))
        return tuple((x[part], y[part]) for part in (order[: len(y) * 3 // 5], order[len(y) * 3 // 5 :]))  # type: ignore[return-value]
    parts = []
    for split, most in (("train", 4 * TRAIN), ("test", TEST)):
        x, y = data.load(name, split)
        places = random.permutation(len(y))[:most]
        parts.append((_items(x, places), np.asarray(y)[places]))
    return parts[0], parts[1]


def _items(x: Any, places: np.ndarray) -> Any:
    return [x[place] for place in places] if isinstance(x, list) else np.asarray(x)[places]


def _score(net: Network, x: Any, truth: Sequence[Any]) -> float:
    """Share of right answers; of several labels the mean Jaccard index."""
    answers = net.predict(x, task="task").label
    if not isinstance(truth[0], set):
        return float(np.mean([answer == right for answer, right in zip(answers, truth, strict=True)]))
    return float(np.mean([len({*answer} & right) / max(1, len({*answer} | right)) for answer, right in zip(answers, truth, strict=True)]))


def _measure(seed: int, moved: bool, name: str) -> Iterator[Record]:
    case, (train, test) = CASES[name], _read(name, seed)
    new = np.unique(train[1])[[*case.new]]

    def labels(classes: np.ndarray) -> list[Any]:
        return [label.item() if case.labels is None else case.labels[label] for label in classes]

    later, asked_later = np.isin(train[1], new), np.isin(test[1], new)
    old = np.flatnonzero(~later)[:TRAIN]
    base = Network()
    base.learn("task", _items(train[0], old), labels(train[1][old]), random_state=seed, **({"kind": "multilabel"} if case.labels else {}))
    parts = [(_items(test[0], np.flatnonzero(mine)), labels(test[1][mine])) for mine in (~asked_later, asked_later)]
    before = _score(base, *parts[0])
    for shots in SHOTS:
        added = np.concatenate([np.flatnonzero(train[1] == one)[:shots] for one in new])
        for most in (ALLOWED, 1.0):
            with tempfile.TemporaryDirectory() as folder:
                net = Network(shutil.copytree(base.path, Path(folder) / "net.sen"))
                settings = {"most_lost": most, "finetune": moved, "random_state": seed}
                told = net.extend("task", _items(train[0], added), labels(train[1][added]), **settings)
                scores = {"old": _score(net, *parts[0]), "new": _score(net, *parts[1])}
            about = {"shots": shots, "most": most, "changed": told.changed, "estimate": told.record.get("lost")}
            yield {**about, "before": before, **scores, "seconds": told.seconds}


def _table(records: Records) -> str:
    rows = []
    for (moved, name), mine in records.by("moved", "name").items():
        cells = []
        for shots in SHOTS:
            free, held = (mine.where(shots=shots, most=most) for most in (1.0, ALLOWED))
            declined = sum(not record["changed"] for record in held)
            cells.append(f"{_lost(free)} → {_lost(held)}" + (f" ({declined} declined)" if declined else ""))
        rows.append([name, CASES[name].about, "yes" if moved else "no", f"{100 * np.mean(mine.values('before')):.1f}", *cells])
    columns = ["task", "examples", "`finetune`", "before", *(f"{shots} new" for shots in SHOTS)]
    held = records.where(most=ALLOWED, changed=True)
    lost = [record["before"] - record["old"] for record in held]
    apart = [abs(record["estimate"] - one) for record, one in zip(held, lost, strict=True) if record["estimate"] is not None]
    seeds, declined = len(records.distinct("seed")), len(records.where(most=ALLOWED, changed=False))
    means = f"means of {seeds} seeds" if seeds > 1 else "one seed"
    note = (
        "Points of the old classes' accuracy (of several labels: of the mean Jaccard index) on test data that are lost with "
        f"`most_lost=1` → by default, {means}. By default {len(held)} extensions were accepted, {declined} declined; of the "
        f"accepted ones {sum(one > ALLOWED for one in lost)} lost more than 15 points, {100 * max(lost):.1f} at most. The estimate was "
        f"{100 * np.mean(apart):.1f} points beside the loss on average."
    )
    return f"{markdown_table(columns, rows)}\n\n{note}"


def _lost(records: Records) -> str:
    return f"{np.mean([100 * (record['before'] - record['old']) for record in records]):.1f}"


BENCHMARK = Benchmark(
    "extend-limit",
    __doc__,
    {"limit": Part(_measure, {"seed": "seeds", "moved": [False, True], "name": [*CASES]})},
    {"guard": _table},
    "extend.md",
    seeds=2,
)

if __name__ == "__main__":
    BENCHMARK.main()
