"""Extending tasks: new classes beside old ones, and a mixed stream that the dispatcher splits.

    python -m benchmarks.extend [--seeds 3] [--only stream lower mnist limit]

The sections of docs/results/extend.md, measured on test data. About twelve minutes of one core. Needs SENPATH_DATA.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_iris, load_wine

from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table, spread
from senpath import Network, data, evaluate

NEW_LETTERS, NEW_DIGITS = 5, (8, 9)
DIGITS = 2_000
"""Images of MNIST, old and new classes together."""
STREAM, SHOTS = 300, 5
LIMIT_SHOTS = (1, 5, 20)
TASKS = ("mnist", "fashion", "lower", "upper", "speech")
WAYS = {"kept": False, "moved": True}
"""Whether the hidden layer may move."""
Labelled = tuple[Any, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A task that is extended: the name of its data, labelled images, and the classes that come later."""

    name: str
    train: Labelled
    test: Labelled
    new: np.ndarray

    @staticmethod
    def of(name: str, seed: int) -> "Case":
        x, y = data.load(name)
        random = np.random.default_rng(seed)
        if name == "mnist":
            chosen = random.choice(len(y), DIGITS, replace=False)
            return Case(name, (np.asarray(x)[chosen], y[chosen]), data.load(name, "test"), np.array(NEW_DIGITS))
        return Case(name, (np.asarray(x), y), data.load(name, "test"), random.choice(np.unique(y), NEW_LETTERS, replace=False))

    def examples(self, shots: int | None, seed: int, *, new: bool) -> Labelled:
        """Examples of the new or of the old classes, so many of each, or all."""
        x, y = self.train
        mine = np.flatnonzero(np.isin(y, self.new) == new)
        chosen = mine if shots is None else mine[data.few_shot(mine, y[mine], shots, seed)]
        return x[chosen], y[chosen]

    def accuracy(self, net: Network) -> dict[str, float]:
        """Of the old and of the new classes, with the task given."""
        x, y = self.test
        right, new = net.predict(x, task="task").label == y, np.isin(y, self.new)
        return {"old": float(right[~new].mean()), "new": float(right[new].mean())}


def _join(*parts: Labelled) -> Labelled:
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _extend_classes(task: str, seed: int) -> Iterator[Record]:
    """All ways to extend one task."""
    case = Case.of(task, seed)
    with tempfile.TemporaryDirectory() as folder:
        base, old = Network(Path(folder) / "base.sen"), case.examples(None, seed, new=False)
        base.learn("task", *old, random_state=seed)
        for shots in SHOTS_OF[task]:
            added, about = case.examples(shots, seed, new=True), {"shots": "all" if shots is None else str(shots)}
            yield {**about, "way": "before", **case.accuracy(base)}
            for given in (False, True):
                x, y = _join(added, case.examples(shots, seed, new=False)) if given else added
                for way, move in WAYS.items():
                    net = Network(shutil.copytree(base.path, Path(folder) / f"{shots}{given}{way}.sen"))
                    net.extend("task", x, y, finetune=move, most_lost=1, random_state=seed)
                    yield {**about, "way": way, "given": given, **case.accuracy(net)}
            if shots == SHOTS_OF[task][-1]:
                net = Network(Path(folder) / f"{shots}.sen")
                net.learn("task", *_join(old, added), random_state=seed)
                yield {**about, "way": "at once", **case.accuracy(net)}


def _limit(table: str, seed: int) -> Iterator[Record]:
    """A table's last class added to the others, with any loss allowed and with the default limit."""
    x, y = {"iris": load_iris, "wine": load_wine}[table](return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    train, test = order[: len(y) * 3 // 5], order[len(y) * 3 // 5 :]
    new, old = y.max(), train[y[train] < y.max()]
    base = Network()
    base.learn("task", x[old], y[old], random_state=seed)
    for shots in LIMIT_SHOTS:
        added = train[y[train] == new][:shots]
        for most in (1.0, 0.15):
            with tempfile.TemporaryDirectory() as folder:
                net = Network(shutil.copytree(base.path, Path(folder) / "net.sen"))
                told = net.extend("task", x[added], y[added], most_lost=most, random_state=seed)
                right, is_new = net.predict(x[test], task="task").label == y[test], y[test] == new
                before = base.predict(x[test][~is_new], task="task").label == y[test][~is_new]
                figures = {"before": float(before.mean()), "old": float(right[~is_new].mean()), "new": float(right[is_new].mean())}
                yield {"shots": shots, "most": most, "changed": told.changed, **figures}


def _limit_table(records: Records) -> str:
    rows = []
    for (table, shots), mine in records.by("table", "shots").items():
        pairs = [_pair(mine.where(most=most)) for most in (1.0, 0.15)]
        rows.append([table, shots, _show(mine.where(most=0.15), "before"), *pairs])
    columns = ["table", "new examples", "before, old", "`most_lost=1`, old / new", "`most_lost=0.15`, the default"]
    return _with_note(markdown_table(columns, rows), records)


def _extend_stream(stream: str, seed: int) -> Iterator[Record]:
    """Five tasks of few examples, and a mixed stream of further ones."""
    random, items = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as folder:
        base = Network(Path(folder) / "base.sen")
        for task in TASKS:
            x, y = data.load(task)
            shots = data.few_shot(x, np.asarray(y), SHOTS, seed)
            base.learn(task, _items(x, shots), [label.item() for label in np.asarray(y)[shots]], random_state=seed)
            rest = random.permutation(np.setdiff1d(np.arange(len(y)), shots))[:STREAM]
            items += [(task, x[place], np.asarray(y)[place].item()) for place in rest]
        truth, inputs, labels = zip(*(items[place] for place in random.permutation(len(items))), strict=True)
        tests = {task: data.load(task, "test") for task in TASKS}
        yield from _measure(base, tests, "before")
        for way, move in WAYS.items():
            net = Network(shutil.copytree(base.path, Path(folder) / f"{way}.sen"))
            extended = net.extend(list(inputs), list(labels), finetune=move, most_lost=1, random_state=seed)
            yield from _measure(net, tests, way)
    went = np.full(len(truth), "", dtype=object)
    for task, places in extended.sent.items():
        went[places] = task
    for task in TASKS:
        mine = went[np.array(truth) == task]
        shares = {"right": mine == task, "wrong": (mine != task) & (mine != ""), "returned": mine == ""}
        yield {"task": task, "way": "sent", **{what: float(share.mean()) for what, share in shares.items()}}


def _items(x: Any, places: np.ndarray) -> list[Any]:
    return [x[place] for place in places]


def _measure(net: Network, tests: dict[str, Labelled], way: str) -> Iterator[Record]:
    """Accuracy on at most 500 test examples of each task, with the task given and found."""
    for task, (x, y) in tests.items():
        places = np.random.default_rng(0).permutation(len(y))[:500]
        score = evaluate(net, {task: (_items(x, places), np.asarray(y)[places])}).scores[task]
        yield {"task": task, "way": way, "given": score.accuracy, "found": score.accuracy_unlabelled}


def _classes_table(records: Records) -> str:
    columns = ["task", "new examples a class", "old ones given too", "before, old", "nothing moved, old / new", "`finetune=True`"]
    rows = []
    for (name, shots), mine in records.by("task", "shots").items():
        for given in (False, True):
            many = ("all" if shots == "all" else f"{shots} a class") if given else "none"
            ways = [_pair(mine.where(way=way, given=given)) for way in WAYS]
            before = _show(mine.where(way="before"), "old")
            rows.append([name.upper(), shots, many, before, *ways, _pair(mine.where(way="at once"))])
    return _with_note(markdown_table([*columns, "learned at once"], rows), records)


def _stream_table(records: Records) -> str:
    columns = ["task", "sent to it", "sent elsewhere", "returned", "accuracy before, given / found", "nothing moved", "`finetune=True`"]
    rows = []
    for task, mine in records.by("task").items():
        shares = [_show(mine.where(way="sent"), what) for what in ("right", "wrong", "returned")]
        rows.append([task, *shares, *(_pair(mine.where(way=way), "given", "found") for way in ("before", *WAYS))])
    return _with_note(markdown_table(columns, rows), records)


def _pair(records: Records, first: str = "old", second: str = "new") -> str:
    return f"{_show(records, first)} / {_show(records, second)}" if records else "–"


def _show(records: Records, figure: str) -> str:
    return spread(records.values(figure, 100))


def _with_note(table: str, records: Records) -> str:
    count = len(records.distinct("seed"))
    return f"{table}\n\nAccuracy on test data in %, mean ± sample standard deviation, {f'{count} seeds' if count > 1 else 'one seed'}."


SHOTS_OF: dict[str, tuple[int | None, ...]] = {"lower": (5, 20, None), "mnist": (5, 20)}
PARTS = {name: Part(_extend_classes, {"task": [name], "seed": "seeds"}) for name in SHOTS_OF} | {
    "stream": Part(_extend_stream, {"stream": ["stream"], "seed": "seeds"}),
    "limit": Part(_limit, {"table": ["iris", "wine"], "seed": "seeds"}),
}
SECTIONS = {"lower": _classes_table, "mnist": _classes_table, "stream": _stream_table, "limit": _limit_table}
BENCHMARK = Benchmark("extend", __doc__, PARTS, SECTIONS, seeds=3, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
