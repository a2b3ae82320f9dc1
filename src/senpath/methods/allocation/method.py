"""Learned parameter allocation: tasks learned together, and which components each uses (Maziarz et al. 2019, arXiv 1910.04915)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from senpath.components import FLATTEN, MEAN, Component, ComponentKind, build, freeze
from senpath.methods.allocation.blueprint import Blueprint, make_blueprint
from senpath.methods.allocation.config import NAME, AllocationSettings
from senpath.methods.allocation.report import report_section
from senpath.methods.allocation.train import Lesson, Training
from senpath.methods.sen.learner import freeze_head
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View, one_type
from senpath.training import spare
from senpath.types import DataType, Examples


def results_of(tasks: Sequence[str], training: Training, blueprint: Blueprint, settings: AllocationSettings) -> dict[str, MethodResult]:
    """Every task's pathway: the stem, of each layer the mean of what the task uses, its output layer."""
    parts = _Parts(blueprint, training)
    active, probabilities = training.active(), training.probabilities()
    log = {"checks": [[check.step, round(check.quality, 6), round(check.use, 6), check.within] for check in training.checks]}
    results = {}
    for place, task in enumerate(tasks):
        chain = parts.chain(place, active[place])
        record = _figures(training, blueprint, place, active[place], probabilities[place])
        results[task] = MethodResult(
            chain=chain,
            parts=tuple(parts.frozen.values()),
            settings=settings.to_json(),
            record={**record, "together": len(tasks)},
            log=log,
        )
    return results


class _Parts:
    """The components that some task uses, frozen when they are first asked for."""

    def __init__(self, blueprint: Blueprint, training: Training) -> None:
        self._blueprint, self._training = blueprint, training
        self._names: dict[int, str] = {}
        self.frozen: dict[str, Component] = {}

    def chain(self, place: int, active: torch.Tensor) -> tuple[str, ...]:
        """A task's components, run one after another.

        Args:
            active: what it uses, bool (layers, components).
        """
        model = self._training.model
        names = [self._add(self._blueprint.stem.kind, self._blueprint.stem.config, model.stem)]
        for number, (parts, modules) in enumerate(zip(self._blueprint.layers, _layers(model.layers), strict=True)):
            used = torch.nonzero(active[number]).flatten().tolist()
            inside = tuple(self._add(parts[index].kind, parts[index].config, modules[index]) for index in used)
            config = {"children": list(inside), "shape": list(self._blueprint.shapes[number])}
            names.append(self._add(MEAN, config, build(MEAN, config), keep=False))
        if not self._blueprint.flat:
            names.append(self._add(FLATTEN, {}, build(FLATTEN, {}), keep=False))
        names.append(self._head(place))
        return tuple(names)

    def _add(self, kind: ComponentKind, config: dict[str, Any], module: nn.Module, *, keep: bool = True) -> str:
        """Freeze a module of the model once; `keep` is for those, which stay at their place in memory."""
        if keep and id(module) in self._names:
            return self._names[id(module)]
        component = freeze(kind, config, module)
        self.frozen.setdefault(component.hash, component)
        if keep:
            self._names[id(module)] = component.hash
        return component.hash

    def _head(self, place: int) -> str:
        head = self._training.model.heads[place]
        if not isinstance(head, nn.Linear):
            raise TypeError("an output layer is a linear map")
        self._training.scalers[place].fold_into(head)  # it answers in the targets' own units
        component = freeze_head(head)
        self.frozen[component.hash] = component
        return component.hash


def _layers(layers: nn.ModuleList) -> list[list[nn.Module]]:
    return [[*layer] for layer in layers if isinstance(layer, nn.ModuleList)]


def _figures(training: Training, blueprint: Blueprint, place: int, active: torch.Tensor, probabilities: torch.Tensor) -> dict[str, Any]:
    best = training.best
    quality = best.qualities[place] if best is not None else None
    return {
        "components": [*blueprint.names],
        "probabilities": [[round(value, 4) for value in layer] for layer in _lists(probabilities)],
        "used": [[bool(value) for value in layer] for layer in _lists(active)],
        "active": [int(layer.sum()) for layer in active],
        "quality": round(quality, 6) if quality is not None else None,
        "step": best.step if best is not None else training.step,
        "steps": training.step,
    }


def _lists(values: torch.Tensor) -> Sequence[Sequence[Any]]:
    found: list[list[Any]] = values.tolist()
    return found


class Allocation:
    """Learns several tasks together in layers of components, and which of the components each task uses (Maziarz et al. 2019).

    A matrix of probabilities, tasks × components, is learned with the weights by the straight-through Gumbel-softmax. Afterwards a task's
    pathway has only the components that the task uses; tasks that use the same ones in a layer share that layer. Earlier tasks are not
    changed.

    Args:
        settings: by name, see `AllocationSettings`.
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
        blueprint = make_blueprint(one_type(tasks), self.settings)
        lessons = [self._lesson(examples, task) for task, examples in tasks.items()]
        training = Training(lessons, blueprint, self.settings, view.device)
        training.run(progress)
        training.keep_best()
        return results_of([*tasks], training, blueprint, self.settings)

    def _lesson(self, examples: Examples, task: str) -> Lesson:
        fitted, held = spare(examples, self.settings.validation, derive(self.settings.random_state, "held out", task))
        return Lesson(examples.subset(fitted), examples.subset(held))
