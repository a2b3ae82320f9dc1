"""A task alone in a network: from 5 and 20 examples a class, and from all, beside a tuned logistic regression on the same inputs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import numpy as np

import senpath as sp
from benchmarks.senses import peer
from benchmarks.senses.sets import IMAGES, SOUND, SPECTRA, TABLES, sample
from senpath.reproduce.jobs import Job, Record, Tell, read_records
from senpath.types import Examples

SHOTS = (5, 20)
FEW = (*TABLES, "trec", SOUND, "clothing", "signdigits", SPECTRA, "banking77", "grocery", "clinc150")
"""In the order in which they are learned: the quick ones first."""
FULL = ("trec", *IMAGES, "banking77", "clinc150")
TASK = "task"


def few_jobs(seeds: int) -> list[Job]:
    return [_job(name, shots, seed) for shots in SHOTS for name in FEW for seed in range(seeds)]


def full_jobs() -> list[Job]:
    return [_job(name, None, 0) for name in FULL]


def choices(folder: Path, name: str, shots: int | None, seed: int) -> dict[str, peer.Choice]:
    """How the logistic regression of this cell was set, from its record; without one it is searched for again."""
    for record in read_records([_job(name, shots, seed)], folder):
        return {criterion: peer.Choice(**found["choice"]) for criterion, found in record["logistic"].items()}
    return peer.choose(sample(name, shots, seed)[0], shots, seed)


def share_right(labels: np.ndarray, test: Examples) -> float:
    """In %: of the test inputs that got their label; None is wrong."""
    return 100 * float(np.mean([label == test.classes[place] for label, place in zip(labels, test.targets.tolist(), strict=True)]))


def _job(name: str, shots: int | None, seed: int) -> Job:
    return Job(f"{name}-{shots or 'all'}-{seed}".replace(", ", "-"), partial(_measure, name, shots, seed))


def _measure(name: str, shots: int | None, seed: int, tell: Tell) -> None:
    learned, test = sample(name, shots, seed)
    net = sp.Network(random_state=seed)
    found = net.learn(TASK, learned, random_state=seed)
    right = share_right(net.predict(test, task=TASK).label, test)
    start = time.perf_counter()
    settings = peer.choose(learned, shots, seed)
    searched = time.perf_counter() - start
    tell(
        {
            "task": name,
            "shots": shots,
            "seed": seed,
            "examples": len(learned),
            "classes": len(learned.classes),
            "sen": right,
            "strength": found.provenance.record["training"].get("strength"),
            "seconds": found.seconds,
            "logistic": {criterion: _logistic(learned, test, choice) for criterion, choice in settings.items()},
            "seconds of search": searched,
        }
    )


def _logistic(learned: Examples, test: Examples, choice: peer.Choice) -> Record:
    inputs, targets = peer.arrays(test)
    right = peer.fit(learned, choice).predict(inputs) == targets
    return {"accuracy": 100 * float(right.mean()), "choice": {"strength": choice.strength, "standardised": choice.standardised}}
