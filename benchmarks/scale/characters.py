"""Finding the right one of many tasks of handwritten characters, beside the nearest class mean on the same features.

    python -m benchmarks.scale.characters [--seeds 3] [--folder runs/characters]

Two streams of Omniglot: its 50 alphabets, fifteen drawings of each character to learn from; and 300 tasks of five random characters, five
drawings each. What is measured is unseen drawings, five and fifteen of each character, without their task. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.scale.page import write_characters
from benchmarks.scale.records import keep
from benchmarks.scale.stream import alphabets, five_characters
from benchmarks.sequence import Task

STREAMS: dict[str, Callable[[int], Sequence[Task]]] = {
    "alphabets": lambda seed: list(alphabets(seed)),
    "five": lambda seed: list(five_characters(300, seed)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("runs/characters"))
    arguments = parser.parse_args()
    records = arguments.folder / "records.jsonl"
    records.unlink(missing_ok=True)
    for seed in range(arguments.seeds):
        for stream, make in STREAMS.items():
            tasks = make(seed)
            net = sp.Network(arguments.folder / f"{stream}-{seed}.sen")
            for task in tasks[len(net.view.tasks) :]:
                net.learn(task.name, *task.train, random_state=seed)
                print(f"\r{stream}, seed {seed}: {len(net.view.tasks)} tasks", end="", flush=True)
            print()
            keep(records, stream=stream, seed=seed, tasks=len(tasks), senpath=_found(net, tasks), means=_nearest_means(net, tasks))
    write_characters(records)


def _found(net: sp.Network, tasks: Sequence[Task]) -> dict[str, float]:
    images, names, labels = _tests(tasks)
    answers = net.predict(images, reject=False)
    given = [net.predict(task.test[0], task=task.name).label == task.test[1] for task in tasks]
    return {
        "first": float(np.mean([mine[0] == name for mine, name in zip(answers.candidates, names, strict=True)])),
        "among": float(np.mean([name in mine for mine, name in zip(answers.candidates, names, strict=True)])),
        "candidates": float(np.mean([len(mine) for mine in answers.candidates])),
        "label": float(np.mean((answers.task == names) & (answers.label == labels))),
        "label_given": float(np.concatenate(given).mean()),
    }


def _nearest_means(net: sp.Network, tasks: Sequence[Task]) -> dict[str, Any]:
    """The same features; every class of every task is its examples' mean, and an input is of the nearest. Its two candidates are the tasks
    of the nearest class and of the nearest one of another task."""
    view = net.view
    features = view.feature_map(view.manifest.types["image"].data_type)

    def read(images: np.ndarray) -> torch.Tensor:
        return features(torch.from_numpy(images).float()[:, None] / 255)

    means, owner, label = [], [], []
    for place, task in enumerate(tasks):
        found = read(task.train[0])
        for one in np.unique(task.train[1]):
            means.append(found[torch.from_numpy(task.train[1] == one)].mean(0))
            owner.append(place)
            label.append(int(one))
    images, names, labels = _tests(tasks)
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


def _tests(tasks: Sequence[Task]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = np.repeat([task.name for task in tasks], [len(task.test[1]) for task in tasks])
    return np.concatenate([task.test[0] for task in tasks]), names, np.concatenate([task.test[1] for task in tasks])


if __name__ == "__main__":
    main()
