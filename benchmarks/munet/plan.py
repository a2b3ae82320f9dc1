"""How large each experiment is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.munet.rows import Budget, Experiment
from benchmarks.munet.sequence import learn_in_turn
from senpath.reproduce.jobs import Job

EVERY = ("munet", "fine-tuning", "adapters", "head", "sen")
EFFICIENTNET = {"root": "efficientnet-lite0", "validation": 1_000, "start": {"mutation": 0.1, "learning_rate": 0.02}}
PLAN = {
    "toy": Experiment("toy", (3, 32, 32), EVERY, Budget(8, 2, 3, 2_500), 3, {}),
    "chars": Experiment("chars", (3, 32, 32), EVERY, Budget(6, 2, 2, 1_000), 2, {}),
    "photographs": Experiment("photographs", (3, 64, 64), ("munet",), Budget(4, 2, 2, 1_000), 1, EFFICIENTNET),
    "cifar": Experiment("cifar", (3, 64, 64), ("fine-tuning", "head"), Budget(4, 2, 2, 1_000), 2, EFFICIENTNET),
    "stream": Experiment("stream", (3, 32, 32), ("munet",), Budget(3, 2, 2, 800), 1, {}),
}


def jobs_of(name: str, folder: Path) -> list[Job]:
    """One job for each row and seed."""
    experiment = PLAN[name]
    return [
        Job(f"{row}-{seed}", partial(learn_in_turn, experiment, row, seed, folder))
        for seed in range(experiment.seeds)
        for row in experiment.rows
    ]
