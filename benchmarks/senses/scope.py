"""CLINC150 alone in a network, and requests that are outside its 150 intents: what is refused, and which score tells them best."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.senses import peer
from benchmarks.senses.sets import OUTSIDE, encoded, sample
from benchmarks.senses.shots import SHOTS, choices, share_right
from senpath.reproduce.jobs import Job, Record, Tell
from senpath.snapshot import View

NAME = "clinc150"
DOUBT = 0.3
"""Weight of 1 − the largest softmax beside ood_score, chosen on validation data for the squared distance."""


def jobs(seeds: int, few: Path, full: Path) -> list[Job]:
    """Args: few, full: folders of records in which the logistic regressions' settings are."""
    cells = [(None, 0, full), *((shots, seed, few) for shots in SHOTS for seed in range(seeds))]
    return [Job(f"{shots or 'all'}-{seed}", partial(_measure, shots, seed, folder)) for shots, seed, folder in cells]


def _measure(shots: int | None, seed: int, folder: Path, tell: Tell) -> None:
    learned, test = sample(NAME, shots, seed)
    outside = encoded(OUTSIDE, "test")
    net = sp.Network(random_state=seed)
    net.learn(NAME, learned, random_state=seed)
    asked = torch.cat([test.inputs, outside.inputs])
    scores = _scores(net.view, asked)
    for criterion, choice in choices(folder, NAME, shots, seed).items():
        chances = peer.fit(learned, choice).predict_proba(asked.numpy().astype(np.float64))
        scores[f"logistic regression, {criterion}"] = 1 - chances.max(1)
    free, always, refused = net.predict(test), net.predict(test, reject=False), net.predict(outside)
    record: Record = {
        "shots": shots,
        "seed": seed,
        "inside": len(test),
        "accuracy": share_right(free.label, test),
        "accuracy, none refused": share_right(always.label, test),
        "refused inside": 100 * float(np.mean([task is None for task in free.task])),
        "recall": 100 * float(np.mean([task is None for task in refused.task])),
        # Seven digits are what the page needs to compare them.
        "scores": {name: [float(f"{value:.7g}") for value in values] for name, values in scores.items()},
    }
    tell(record)


def _scores(view: View, inputs: torch.Tensor) -> dict[str, np.ndarray]:
    """How foreign each input looks to the network."""
    ood_score = view.dispatcher("text").decide(inputs).ood_score
    doubt = 1 - view.logits(NAME, inputs).double().softmax(1).max(1).values.numpy()
    return {"ood_score": ood_score, "ood_score and softmax": ood_score + DOUBT * doubt, "softmax of the pathway": doubt}
