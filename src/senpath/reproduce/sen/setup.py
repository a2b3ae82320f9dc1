"""What the reproduction runs on and with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from senpath import __version__, data
from senpath.errors import InputError, MissingExtraError
from senpath.evaluation.protocol import Split
from senpath.methods import SenSettings
from senpath.reproduce.sen.published import TASKS
from senpath.types import Examples

RECIPES: dict[str, dict[str, Any]] = {
    "default": {"min_separability": 0.0},
    "paper": {"min_separability": 0.0, "augment": 0.0, "links": "similar", "start": "random"},
}
"""Settings of every strategy, by recipe: the library's defaults; and the paper as it can be read: no distortions, class links alone. In
both similarity alone decides whether to borrow, as in the paper."""
FEW = (5, 10)
"""Shots of the paper's tables."""
CURVE = (1, 2, 5, 10, 20, 50, 100)
"""Shots of the curve, on the task UPPER with the default recipe."""
BETWEEN = (7, 15, 30)
"""Shots between, for Single, so that the place where it reaches SEN's five shots is seen."""
CURVE_TASK = "upper"
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""EWC's λ is chosen among these."""
VALIDATION = 10
"""One training example in this many is held out where λ is chosen."""


@dataclass(frozen=True)
class Setup:
    """One run.

    Args:
        seeds: how many; a seed decides the few examples, the initial weights and the distortions.
        epochs: passes over the data, the same for all; None is the library's rule (a step count that follows from the number of examples).
    """

    seeds: int = 5
    epochs: int | None = None

    def settings(self, recipe: str, seed: int, **changed: Any) -> SenSettings:
        """What every strategy learns with."""
        return SenSettings(**{"epochs": self.epochs, **RECIPES[recipe], "random_state": seed, **changed})


def set_name(task: str) -> str:
    """The data set of a task. EMNIST ByClass is what the paper used; where it is not to be had, other handwritten letters stand in."""
    if task in ("lower", "upper"):
        present = {known.name for known in data.available() if known.present}
        return f"emnist-{task}" if f"emnist-{task}" in present else task
    return task


def require_all() -> None:
    """Say at once what is missing.

    Raises:
        MissingExtraError: if a package for sounds or figures is not installed.
        InputError: if a set is not there.
    """
    for package in ("librosa", "matplotlib"):
        if find_spec(package) is None:
            raise MissingExtraError.of("reproduction", package, "audio,plots")
    present = {known.name for known in data.available() if known.present}
    missing = [name for name in map(set_name, TASKS) if name not in present]
    if missing:
        do = "Run `senpath data download`, or set SENPATH_DATA to a folder that has them"
        raise InputError(
            "data of the paper's tasks", expected="fashion, mnist, lower, upper and speech", got=f"no {', '.join(missing)}", do=do
        )


def versions() -> dict[str, str]:
    """Of what figures depend on."""
    return {"senpath": __version__, "torch": torch.__version__, "numpy": np.__version__}


def data_digests() -> dict[str, str]:
    """The first digits of the SHA-256 of every set's arrays, so that a run is not continued on other data."""
    digests = {}
    for task in TASKS:
        digest = hashlib.sha256()
        for split in ("train", "test"):
            x, y = data.load(set_name(task), split)
            for part in [x] if isinstance(x, np.ndarray) else [item.samples for item in x if not isinstance(item, str)]:
                digest.update(np.ascontiguousarray(part).tobytes())
            digest.update(" ".join(map(str, y)).encode())
        digests[set_name(task)] = digest.hexdigest()[:16]
    return digests


@cache
def split(task: str) -> Split:
    """A task's encoded examples; read once a process."""
    return Split.of(*(data.load(set_name(task), part) for part in ("train", "test")))


def few(examples: Examples, shots: int, seed: int) -> Examples:
    """So many examples of each class, drawn by the seed."""
    return examples.subset(torch.from_numpy(data.few_shot(examples.inputs, examples.targets.numpy(), shots, seed)))  # type: ignore[arg-type]


def shots_of(task: str, method: str, recipe: str) -> list[int]:
    """The few shots that a task is learned from, as far as its smallest class has them."""
    wanted = list(FEW)
    if task == CURVE_TASK:
        wanted = sorted({*FEW, *(CURVE if recipe == "default" else ()), *(BETWEEN if method == "Single" else ())})
    smallest = int(split(task).train.targets.bincount().min())
    return [shots for shots in wanted if shots <= smallest]
