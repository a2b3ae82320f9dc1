"""The jobs of the reproduction: one per strategy and seed, and a few beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any

import numpy as np
import torch

from senpath import data
from senpath.evaluation.baselines import Pnn, Shared, Single
from senpath.evaluation.protocol import Split, Stage, learn_in_turn
from senpath.evaluation.strategy import Growing, Strategy
from senpath.experiments.jobs import Job, Tell
from senpath.methods import SenSettings
from senpath.methods.sen.model import choose_backbone, recipe_for
from senpath.reproduce.sen.published import IMAGES, METHODS
from senpath.reproduce.sen.setup import CURVE_TASK, FEW, RECIPES, STRENGTHS, VALIDATION, Setup, few, shots_of, split

WAYS = [(links, start, augment) for augment in (True, False) for links in ("none", "similar", "all") for start in ("random", "copy")]
"""Every way of transfer, with distortions and without."""


def choosing_jobs(setup: Setup) -> list[Job]:
    """One job for each λ that EWC may have."""
    return [Job(f"strength-{value:g}", partial(_try_strength, setup, value)) for value in STRENGTHS]


def main_jobs(setup: Setup, strength: float) -> list[Job]:
    """Everything else, the longest first.

    Args:
        strength: EWC's λ.
    """
    jobs = [
        Job(f"{_slug(name)}-{seed}", partial(_sequence, setup, strength, name, seed))
        for name in METHODS[::-1]
        for seed in range(setup.seeds)
    ]
    return jobs + [Job(f"speaker-{name}", partial(_speaker, setup, name)) for name in sorted(set(data.speakers("all").tolist()))]


def _sequence(setup: Setup, strength: float, method: str, seed: int, tell: Tell) -> None:
    """All that one strategy is measured on with one seed."""
    same: list[Stage] = []
    for recipe in RECIPES:
        settings = setup.settings(recipe, seed)
        where = {"method": method, "recipe": recipe, "seed": seed}
        tasks = {task: split(task) for task in IMAGES}
        if method == "SEN" and recipe == "default":  # neither distortions nor links apply to sounds: both recipes are one there
            tasks["speech"] = split("speech")
        stages = []
        for stage in _all_stages(_make(method, strength), tasks, settings, same):
            stages.append(stage)
            _tell_stage(stage, tasks, where, tell)
            for shots in shots_of(stage.task, method, recipe):
                sample = few(tasks[stage.task].train, shots, seed)
                accuracy = stage.before.learn(stage.task, sample, settings).accuracy(stage.task, tasks[stage.task].test)
                tell({"kind": "cell", **where, "task": stage.task, "shots": str(shots), "accuracy": accuracy})
            if stage.task == CURVE_TASK and method == "SEN" and recipe == "default":
                _tell_ways(stage.before, tasks[CURVE_TASK], settings, tell)
        same = _same_under_both(stages, tasks, setup, seed)


def _all_stages(strategy: Strategy, tasks: dict[str, Split], settings: SenSettings, done: list[Stage]) -> Iterator[Stage]:
    """The stages of a sequence, of which the first are there already."""
    yield from done
    known = {stage.task: tasks[stage.task] for stage in done}
    rest = {task: each for task, each in tasks.items() if task not in known}
    yield from learn_in_turn(done[-1].after if done else strategy, rest, settings, known)


def _same_under_both(stages: list[Stage], tasks: dict[str, Split], setup: Setup, seed: int) -> list[Stage]:
    """The first stages, as long as the recipes differ in nothing that the task is learned with: what comes out is the same to the bit."""

    def same(stage: Stage) -> bool:
        train = tasks[stage.task].train
        default, other = (setup.settings(recipe, seed) for recipe in RECIPES)
        kind = choose_backbone(default.model, train.data_type, default.hidden).kind
        borrowed = isinstance(stage.after, Growing) and bool(stage.after.net.tasks[stage.task].transfers)
        return stage.task in IMAGES and recipe_for(kind, train, default) == recipe_for(kind, train, other) and not borrowed

    return list(takewhile(same, stages))


def _tell_stage(stage: Stage, tasks: dict[str, Split], where: dict[str, Any], tell: Tell) -> None:
    task, after = stage.task, stage.after
    tell({"kind": "cell", **where, "task": task, "shots": "0", "accuracy": stage.untouched})
    tell({"kind": "cell", **where, "task": task, "shots": "all", "accuracy": stage.accuracies[task]})
    for name, accuracy in stage.accuracies.items():
        tell({"kind": "stage", **where, "after": task, "task": name, "accuracy": accuracy})
    if after.cost is not None:
        tell({"kind": "cost", **where, "task": task, **vars(after.cost), "examples": len(tasks[task].train)})
    tell({"kind": "active", **where, "task": task, "run": after.activated(task), "all": after.weights})
    if isinstance(after, Growing):
        for source, transfer in after.net.tasks[task].transfers:
            pair = {"source": source, "from": str(transfer.source), "to": str(transfer.target), "share": transfer.share}
            tell({"kind": "similar", **where, "task": task, **pair})


def _tell_ways(before: Strategy, upper: Split, settings: SenSettings, tell: Tell) -> None:
    """The ablation: every way of borrowing, at few shots and at none."""
    seed = settings.random_state
    for shots in FEW:
        sample = few(upper.train, shots, seed)
        for links, start, augment in WAYS:
            way = {"links": links, "start": start, "augment": augment}
            tried = replace(settings, links=links, start=start, augment=None if augment else 0.0)  # type: ignore[arg-type]
            accuracy = before.learn(CURVE_TASK, sample, tried).accuracy(CURVE_TASK, upper.test)
            tell({"kind": "way", "seed": seed, "shots": str(shots), **way, "accuracy": accuracy})
    for links in ("similar", "all"):
        for labels, sample in (("5", few(upper.train, FEW[0], seed)), ("all", upper.train)):
            tried = replace(settings, links=links, epochs=0)  # type: ignore[arg-type]
            accuracy = before.learn(CURVE_TASK, sample, tried).accuracy(CURVE_TASK, upper.test)
            tell({"kind": "zero", "seed": seed, "links": links, "labels": labels, "accuracy": accuracy})


def _try_strength(setup: Setup, value: float, tell: Tell) -> None:
    """Mean accuracy on held-out training examples after the last image task."""
    tasks = {}
    for task in IMAGES:
        train = split(task).train
        held = torch.arange(len(train)) % VALIDATION == 0
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(train)))  # the files may be sorted by class
        tasks[task] = Split(train.subset(order[~held]), train.subset(order[held]))
    *_, last = learn_in_turn(Shared(value), tasks, setup.settings("default", 0))
    tell({"kind": "strength", "value": value, "accuracy": float(np.mean([*last.accuracies.values()]))})


def _speaker(setup: Setup, speaker: str, tell: Tell) -> None:
    """Spoken digits learned from all other speakers, measured on this one."""
    x, y = data.load("speech", "all")
    mine = data.speakers("all") == speaker
    others, theirs = (([item for item, use in zip(x, mask, strict=True) if use], y[mask]) for mask in (~mine, mine))
    parts = Split.of(others, theirs)
    accuracy = Single().learn("speech", parts.train, setup.settings("default", 0)).accuracy("speech", parts.test)
    tell({"kind": "speaker", "speaker": speaker, "accuracy": accuracy})


def _make(method: str, strength: float) -> Strategy:
    made: dict[str, Strategy] = {"Single": Single(), "Multi-task (seq)": Shared(), "EWC": Shared(strength), "PNN": Pnn(), "SEN": Growing()}
    return made[method]


def _slug(method: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in method.lower()).strip("-")
