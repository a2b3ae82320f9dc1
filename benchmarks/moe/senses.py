"""Pictures and sounds: each task alone, by `sen` as it reads them and by `moe` as tokens; and two sets of pictures in one mixture."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Record, Records, interval, percent, table_of
from senpath.data import load

PICTURES, SOUNDS = ("mnist", "bangla"), ("speech",)
LEARNED, TESTED = 1_000, 500
"""Examples of a task, at most, drawn by the seed from the training and the test part."""
ROWS = ("sen", "moe", "moe together")
TOKENS = {"image": "patches", "audio": "sound-frames"}


def learn(task: str, seed: int, row: str) -> Iterator[Record]:
    """One task, or for "moe together" every set of pictures in one mixture, of which this task is recorded."""
    names = PICTURES if row == "moe together" else (task,)
    if task not in names or (row == "moe together" and task != PICTURES[0]):
        return
    net = sp.Network(encoders={} if row == "sen" else TOKENS, random_state=seed)
    learned = {name: _drawn(name, "train", LEARNED, seed) for name in names}
    start = time.process_time()
    net.learn_many(learned, method="moe" if row.startswith("moe") else "sen", random_state=seed)
    seconds = time.process_time() - start
    for name in names:
        x, y = _drawn(name, "test", TESTED, seed)
        right = percent(net.predict(x, task=name).label == y)
        yield {"task": name, "accuracy": right, "seconds": seconds / len(names), "examples": len(learned[name][1])}


def _drawn(name: str, split: str, most: int, seed: int) -> tuple[Any, np.ndarray]:
    x, y = load(name, split)
    places = np.random.default_rng(seed).permutation(len(y))[:most]
    return (x[places] if isinstance(x, np.ndarray) else [x[place] for place in places]), np.asarray(y)[places]


def page(records: Records) -> str:
    """A line a task."""
    columns: dict[str, Callable[[Records], object]] = {
        "task": lambda mine: mine[0]["task"],
        "examples": lambda mine: mine[0]["examples"],
        "seeds": lambda mine: len(mine.distinct("seed")),
        **{row: partial(_accuracy, row) for row in ROWS},
        "seconds of processor time, sen / moe": lambda mine: " / ".join(
            f"{np.mean(mine.where(row=row).values('seconds')):.0f}" for row in ("sen", "moe")
        ),
    }
    tasks = [records.where(task=task) for task in (*PICTURES, *SOUNDS)]
    return f"Test accuracy, %, task given: mean and 95 % interval over seeds.\n\n{table_of(filter(None, tasks), columns)}"


def _accuracy(row: str, mine: Records) -> str:
    values = mine.where(row=row).values("accuracy")
    return interval(values) if values else "–"
