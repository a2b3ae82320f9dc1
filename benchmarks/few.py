"""Learning from few images: ten tasks of five classes and five images each, beside the recipe of larger tasks on whole images.

    python -m benchmarks.few [few] [together] [--seeds 3]

Later tasks may borrow from earlier ones. Seconds are the processor's own, of one thread: of `learn`, from arrays to the commit. The part
`together` has the same ten tasks in one call of `learn_many`, and `learn` once for each, in turn. Needs SENPATH_DATA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import process_time
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, half_interval, markdown_table, mean, percent
from senpath import data
from senpath.parallel import one_thread

SETS = ("fashion", "mnist", "lower", "upper", "chars74k-lower")
WAYS, SHOTS = 5, 5
ROUNDS = 3
MOST_VALIDATION = 400
RECIPES: dict[str, dict[str, Any]] = {"few": {}, "whole": {"learning_rate": 4e-3}}
"""A rate that is given has the model learn at it, on whole images."""


Examples = Mapping[str, tuple[np.ndarray, np.ndarray]]


def _episode(name: str, first: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Examples of five classes to learn from, of the training part; others of it; and those of the test part."""
    x, y = (np.asarray(part) for part in data.load(name, "train"))
    classes = sorted(set(y.tolist()))[first : first + WAYS]
    generator = np.random.default_rng(seed)
    places = [generator.permutation(np.flatnonzero(y == one)) for one in classes]
    few = np.concatenate([some[:SHOTS] for some in places])
    rest = np.concatenate([some[SHOTS : SHOTS + MOST_VALIDATION // WAYS] for some in places])
    test_x, test_y = (np.asarray(part) for part in data.load(name, "test"))
    yield from ((x[few], y[few]), (x[rest], y[rest]))
    test = np.isin(test_y, classes)
    yield test_x[test], test_y[test]


def _few(recipe: str, seed: int) -> Iterator[Record]:
    """The ten tasks, one after another in one network."""
    net = sp.Network()
    for name in SETS:
        for first in (0, WAYS):
            few, *others = _episode(name, first, seed)
            with one_thread():
                start = process_time()
                net.learn(f"{name} {first}", *few, random_state=seed, **RECIPES[recipe])
                seconds = process_time() - start
            task = f"{name} {first}"
            scores = [percent(net.predict(x, task=task).label == y) for x, y in others]
            yield {"task": task, "validation": scores[0], "test": scores[1], "seconds": seconds}


def _together(seed: int) -> Iterator[Record]:
    """The ten tasks in one call, and one by one, several times in turn."""
    episodes = {f"{name} {first}": [*_episode(name, first, seed)] for name in SETS for first in (0, WAYS)}
    examples = {task: few for task, (few, *_) in episodes.items()}
    seconds = dict[str, list[float]]({way: [] for way in WAYS_TO_LEARN})
    for turn in range(ROUNDS + 1):  # the first warms up
        for way, learn in WAYS_TO_LEARN.items():
            with one_thread():
                net, start = sp.Network(), process_time()
                learn(net, examples, seed)
                seconds[way] += [process_time() - start] if turn else []
            if turn == ROUNDS:
                for task, (_, *others) in episodes.items():
                    scores = [percent(net.predict(x, task=task).label == y) for x, y in others]
                    yield {"way": way, "task": task, "validation": scores[0], "test": scores[1], "seconds": float(np.median(seconds[way]))}


def _one_by_one(net: sp.Network, tasks: Examples, seed: int) -> None:
    for task, (x, y) in tasks.items():
        net.learn(task, x, y, random_state=seed)


def _in_one_call(net: sp.Network, tasks: Examples, seed: int) -> None:
    net.learn_many(tasks, random_state=seed)


WAYS_TO_LEARN: dict[str, Callable[[sp.Network, Examples, int], None]] = {"one by one": _one_by_one, "in one call": _in_one_call}


def _together_table(records: Records) -> str:
    rows, tasks = [], len(records.distinct("task"))
    for way, mine in records.by("way").items():
        seconds = [float(np.mean(some.values("seconds"))) / tasks for some in mine.by("seed").values()]
        rows.append([way, mean(mine.values("validation")), mean(mine.values("test")), f"{np.mean(seconds):.3f}"])
    one, all_at_once = (records.where(way=way) for way in WAYS_TO_LEARN)
    gains = [a - b for a, b in zip(all_at_once.values("test"), one.values("test"), strict=True)]
    ratios = [a / b for a, b in zip(one.values("seconds"), all_at_once.values("seconds"), strict=True)]
    head = f"{tasks} tasks, {WAYS} classes, {SHOTS} images of each, {len(records.distinct('seed'))} seeds, {ROUNDS} rounds in turn."
    gain = f"{mean(gains, sign=True)} ± {half_interval(gains):.1f} points"
    foot = f"In one call **{np.mean(ratios):.2f}** times as many tasks a second; on test data {gain}."
    return f"{head}\n\n{markdown_table(['way', 'validation', 'test', 'seconds a task'], rows)}\n\n{foot}"


def _table(records: Records) -> str:
    rows = []
    for task, mine in records.by("task").items():
        rows.append([task, *_cells(mine)])
    rows.append(["all", *_cells(records)])
    head = f"{WAYS} classes, {SHOTS} images of each, {len(records.distinct('seed'))} seeds; paired."
    columns = ["task", "validation", "whole images", "test", "whole images", "gain on test", "95 % interval", "seconds", "whole images"]
    return f"{head}\n\n{markdown_table(columns, rows)}"


def _cells(records: Records) -> list[str]:
    few, whole = (records.where(recipe=recipe) for recipe in RECIPES)
    gains = [a - b for a, b in zip(few.values("test"), whole.values("test"), strict=True)]
    times = [f"{np.median(some.values('seconds')):.2f}" for some in (few, whole)]
    scores = [mean(some.values(part)) for part in ("validation", "test") for some in (few, whole)]
    return [*scores, mean(gains, sign=True), f"±{half_interval(gains):.1f}" if len(gains) > 1 else "–", *times]


PARTS = {"few": Part(_few, {"recipe": RECIPES, "seed": "seeds"}), "together": Part(_together, {"seed": "seeds"})}
SECTIONS = {"few-images": Section(_table, ["few"]), "few-together": Section(_together_table, ["together"])}
BENCHMARK = Benchmark("few", __doc__, PARTS, SECTIONS, "foundation.md", seeds=3, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
