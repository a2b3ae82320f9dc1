"""All tasks of a type in one network: does an input find its pathway when nobody says which task it belongs to?"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np

import senpath as sp
from benchmarks.senses.sets import IMAGES, TEXTS, sample
from senpath.reproduce.jobs import Job, Tell

SHOTS = 20
SENSES = {"text": TEXTS, "image": IMAGES}


def jobs(seeds: int) -> list[Job]:
    """All examples with one seed, a few with every one."""
    cells = [(sense, SHOTS, seed) for seed in range(seeds) for sense in SENSES] + [(sense, None, 0) for sense in SENSES]
    return [Job(f"{sense}-{shots or 'all'}-{seed}", partial(_measure, sense, shots, seed)) for sense, shots, seed in cells]


def _measure(sense: str, shots: int | None, seed: int, tell: Tell) -> None:
    net, tests, links = sp.Network(random_state=seed), {}, {}
    for name in SENSES[sense]:
        learned, test = sample(name, shots, seed)
        found = net.learn(name, learned, random_state=seed)
        links[name] = sorted({source for source, _ in found.transfers})
        tests[name] = test, np.array(test.classes, dtype=object)[test.targets.numpy()]
    measured = sp.evaluate(net, tests)
    scores = {name: asdict(score) for name, score in measured.scores.items()}
    confusion = {name: {str(task): count for task, count in row.items()} for name, row in measured.confusion.items()}
    tell({"sense": sense, "shots": shots, "seed": seed, "scores": scores, "confusion": confusion, "links": links})
