"""Finding the right one of many tasks of handwritten characters, beside the nearest class mean on the same features.

    python -m benchmarks.scale.characters [--seeds 3] [--folder runs/characters]

Two streams of Omniglot: its 50 alphabets, fifteen drawings of each character to learn from; and 300 tasks of five random characters, five
drawings each. What is measured is unseen drawings, five and fifteen of each character, without their task. Needs SENPATH_DATA.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table, spread
from benchmarks.scale.measure import routes
from benchmarks.scale.stream import alphabets, five_characters
from benchmarks.sequence import Task

STREAMS: dict[str, Callable[[int], Sequence[Task]]] = {
    "alphabets": lambda seed: list(alphabets(seed)),
    "five": lambda seed: list(five_characters(300, seed)),
}


def _measure(seed: int, stream: str, folder: Path) -> Iterator[Record]:
    tasks = STREAMS[stream](seed)
    net = sp.Network(folder / f"{stream}-{seed}.sen")
    for task in tasks[len(net.view.tasks) :]:
        net.learn(task.name, *task.train, random_state=seed)
        print(f"\r{stream}, seed {seed}: {len(net.view.tasks)} tasks", end="", flush=True)
    print()
    ours = routes(net, {task.name: task.test for task in tasks})
    yield {"tasks": len(tasks), "senpath": ours, "means": _nearest_means(net, tasks)}


def _nearest_means(net: sp.Network, tasks: Sequence[Task]) -> dict[str, Any]:
    """The same features; every class of every task is its examples' mean, and an input is of the nearest. Its two candidates are the tasks
    of the nearest class and of the nearest one of another task."""
    view = net.view
    features = view.feature_map(view.manifest.types["image"].data_type)

    def read(images: np.ndarray) -> torch.Tensor:
        return features(torch.from_numpy(images).float()[:, None] / 255)

    means, owner, label = [], [], []
    for place, task in enumerate(tasks):
        mapped = read(task.train[0])
        for one in np.unique(task.train[1]):
            means.append(mapped[torch.from_numpy(task.train[1] == one)].mean(0))
            owner.append(place)
            label.append(int(one))
    images, labels = (np.concatenate([task.test[part] for task in tasks]) for part in range(2))
    names = np.repeat([task.name for task in tasks], [len(task.test[1]) for task in tasks])
    distances = torch.cdist(read(images), torch.stack(means))
    owners, places = torch.tensor(owner), np.array([task.name for task in tasks])
    best = distances.argmin(1)
    per_task = torch.full((len(images), len(tasks)), torch.inf).scatter_reduce(1, owners.expand(len(images), -1), distances, "amin")
    two = per_task.topk(2, 1, largest=False).indices.numpy()
    return {
        "first": float((places[two[:, 0]] == names).mean()),
        "among": float((places[two] == names[:, None]).any(1).mean()),
        "candidates": 2.0,
        "label": float(((places[owners[best].numpy()] == names) & (np.array(label)[best.numpy()] == labels)).mean()),
    }


def _table(records: Records) -> str:
    titles = {"alphabets": "50 alphabets, 15 drawings a character", "five": "300 tasks of five characters, 5 drawings each"}
    columns = {"first": "right pathway first", "among": "among the candidates", "candidates": "candidates", "label": "right task and label"}
    rows = []
    for stream, title in titles.items():
        for who, name in (("senpath", "senpath"), ("means", "nearest class mean, two candidates")):
            mine = [one[who] for one in records.where(stream=stream)]
            shown = [spread([one[key] * (1 if key == "candidates" else 100) for one in mine]) for key in columns]
            rows.append([title, name, *shown, spread([100 * one["label_given"] for one in mine]) if who == "senpath" else "–"])
    table = markdown_table(["tasks", "method", *columns.values(), "label, task given"], rows)
    seeds = len(records.distinct("seed"))
    return f"{table}\n\nIn %, " + (f"mean ± sample standard deviation over {seeds} seeds." if seeds > 1 else "one seed.")


PART = Part(_measure, {"seed": "seeds", "stream": STREAMS})
BENCHMARK = Benchmark("characters", __doc__, {"characters": PART}, {"characters": _table}, "scale.md", seeds=3, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
