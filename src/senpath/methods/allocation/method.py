"""Learned parameter allocation: tasks learned together, and which components each uses (Maziarz et al. 2019, arXiv 1910.04915)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import torch

from senpath.components import FLATTEN, MEAN, Component, Linear, freeze_head
from senpath.methods.allocation.blueprint import ComponentSpec, make_blueprint
from senpath.methods.allocation.config import NAME, AllocationSettings
from senpath.methods.allocation.report import report_section
from senpath.methods.allocation.train import Training
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View, one_type
from senpath.training import TaskSplit
from senpath.types import DataType, Examples


class Allocation:
    """Learns several tasks together in layers of components, and which of the components each task uses (Maziarz et al. 2019).

    A matrix of probabilities, tasks × components, is learned with the weights by the straight-through Gumbel-softmax. Afterwards a task's
    pathway has only the components that the task uses; tasks that use the same ones in a layer share that layer. Earlier tasks are not
    changed.

    Args:
        settings: by name, see `AllocationSettings`.

    Example:
        >>> both = {"low": tiny_task("low"), "high": tiny_task("high")}
        >>> learned = sp.Network().learn_many(both, method=sp.Allocation(layers=1, steps=2))
        >>> {task.version for task in learned.values()}  # one, for they were learned together
        {1}
    """

    name = NAME
    settings_class = AllocationSettings
    report_section = staticmethod(report_section)

    def __init__(self, **settings: Any) -> None:
        self.settings = AllocationSettings(**settings)

    def check(self, data_type: DataType) -> None:
        """Raise InputError if this type of data cannot be learned, or the settings do not fit it."""
        make_blueprint(data_type, self.settings)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn one task by itself; nothing is written."""
        return self.propose_many(view, {task: examples}, progress)[task]

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        """Learn tasks of one data type together; nothing is written.

        Raises:
            InputError: if the tasks have several types, or one that cannot be learned.
        """
        self.check(one_type(tasks))
        most, seed = self.settings.validation, self.settings.random_state
        splits = [TaskSplit.spare(examples, most, derive(seed, "held out", task)) for task, examples in tasks.items()]
        training = Training(splits, self.settings, view.device)
        training.run(progress)
        training.keep_best()
        return results_of([*tasks], training)


def results_of(tasks: Sequence[str], training: Training) -> dict[str, MethodResult]:
    """Every task's pathway: the stem, of each layer the mean of what the task uses and the normalisation, its output layer."""
    blueprint, model, active = training.blueprint, training.model, training.active()
    settings, log = training.settings.to_json(), {"checks": _checks(training)}
    stem, norms = blueprint.stem.freeze(model.stem), [blueprint.norm.freeze(norm) for norm in model.norms]

    @cache
    def component(layer: int, place: int) -> Component:
        return blueprint.layers[layer][place].freeze(model.components(layer)[place])

    results = {}
    for number, task in enumerate(tasks):
        chain, inside = [stem], list[Component]()
        for layer, shape in enumerate(blueprint.shapes):
            used = [component(layer, place) for place in torch.nonzero(active[number, layer]).flatten().tolist()]
            chain += [ComponentSpec(MEAN, {"children": [part.hash for part in used], "shape": [*shape]}).freeze(), norms[layer]]
            inside += used
        if not blueprint.flat:
            chain.append(ComponentSpec(FLATTEN, {}).freeze())
        head = cast(Linear, model.heads[number])
        training.splits[number].scaler.fold_into(head)  # it answers in the targets' own units
        record = {**_record(training, number), "together": len(tasks)}
        results[task] = MethodResult((*chain, freeze_head(head)), tuple(inside), settings=settings, record=record, log=log)
    return results


def _record(training: Training, number: int) -> dict[str, Any]:
    """What is kept with a task: what it uses, with which probability, and how well it did in the state that was kept."""
    best, active = training.best, training.active()[number]
    quality = best.qualities[number] if best is not None else None
    return {
        "components": [*training.blueprint.names],
        "probabilities": [[round(value, 4) for value in layer.tolist()] for layer in training.probabilities()[number]],
        "used": active.tolist(),
        "active": active.sum(1).tolist(),
        "quality": round(quality, 6) if quality is not None else None,
        "step": best.step if best is not None else training.step,
        "steps": training.step,
    }


def _checks(training: Training) -> list[list[float]]:
    return [[check.step, round(check.quality, 6), round(check.use, 6), check.within] for check in training.checks]
