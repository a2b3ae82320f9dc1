"""One search for a task of a network: where its children come from, and what becomes of the best one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from senpath.components import Component
from senpath.errors import SenpathError
from senpath.methods.munet.config import MunetSettings
from senpath.methods.munet.evolution import Evolution, SearchBudget
from senpath.methods.munet.ladder import Ladder, affordable, candidates
from senpath.methods.munet.mutate import MutationRules, SearchSpace
from senpath.methods.munet.path import ROOT, LayerPath, PathLayer
from senpath.methods.munet.record import MunetRecord, RecordedLayer
from senpath.methods.munet.roots import Root, choose_root
from senpath.methods.munet.schedule import Child, Penalty, Schedule
from senpath.methods.munet.train import ChildJob, TrainingBudget, TrainingSplit, count_flops
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View
from senpath.snapshot.examples import fingerprint
from senpath.training import hold_out
from senpath.types import Examples

PASSES = 10
"""Over the examples in one cycle, at most: what few examples say is known by then."""
LEAST, BATCH, BATCHES = 16, 64, 8
"""Examples of a step at least and at most, and in between so many steps in a pass."""


@dataclass(frozen=True)
class SearchSession:
    """A search, with the part of the network that it depends on.

    Attributes:
        root: that paths begin from.
        split: the examples, as children are trained on them.
        budget: how long a child is trained, unless it says otherwise.
        others: records of the tasks whose paths may be parents, by name.
        penalty: see `Penalty`.
    """

    view: View
    task: str
    examples: Examples
    settings: MunetSettings
    root: Root
    split: TrainingSplit
    budget: TrainingBudget
    search: Schedule
    others: dict[str, MunetRecord]
    penalty: Penalty

    @staticmethod
    def of(view: View, task: str, examples: Examples, settings: MunetSettings) -> SearchSession:
        """The search for a path of `task`.

        Raises:
            InputError: if the root does not read such inputs.
        """
        settings = settings.for_examples(len(examples))
        root = choose_root(settings.root, settings.blocks, examples.data_type, view.settings.random_state, _earlier(view, examples))
        space = SearchSpace.of(root, root.shapes(examples.data_type), len(examples.classes))
        fitted, held = hold_out(examples, settings.validation, derive(settings.random_state, "held out"))
        batch = settings.batch_size or max(LEAST, min(BATCH, len(fitted) // BATCHES))
        budget = TrainingBudget(settings.cycles, min(settings.examples, PASSES * len(fitted)), batch)
        split = TrainingSplit.of(examples, fitted, held, view.device)
        layers = [layer.component.module for layer in root.layers]
        penalty = Penalty(settings.kept, settings.compute_penalty, root.weights, count_flops(layers, examples.inputs[:1]))
        others = _parents(view, examples.data_type.key, root) if settings.others else {}
        begin, path = space.root(settings.hyper, settings.depth), partial(_parent_path, view, others, task)
        seed, users = derive(settings.random_state, "search", task), _users(view)
        search: Schedule
        if settings.schedule == "evolve":
            form, tries = examples.data_type.form == "image", SearchBudget(settings.generations, settings.children)
            rules = MutationRules(form, root.random, settings.clone, settings.adapters, settings.layers, settings.learned_rates)
            search = Evolution(task, space, begin, tuple(others), path, users, rules, penalty, tries, seed)
        else:
            once = settings.schedule == "once"
            whole = replace(budget, cycles=settings.generations * settings.children * settings.cycles)
            tried = candidates(
                task,
                space,
                begin,
                [] if once else [path(name) for name in reversed(others)],
                clone="all" if once and settings.clone == "evolve" else settings.clone,
                adapters=settings.adapters == "all",
                random_root=root.random,
                layers=settings.layers and not once,
                trials=affordable(whole.cycles * whole.examples),
            )
            search = Ladder(task, tried, users, penalty, whole, seed)
        return SearchSession(view, task, examples, settings, root, split, budget, search, others, penalty)

    def identity(self) -> dict[str, Any]:
        """What decides the result: searches of one identity come to the same."""
        paths = {task: self.view.pathway(task).components for task in self.others}
        names = self.root.components.keys() | {name for components in paths.values() for name in components}
        users = _users(self.view)
        return {
            "task": self.task,
            "data": fingerprint(self.examples),
            "settings": self.settings.to_json(),
            "root": [self.root.identity, self.root.random, [layer.optional for layer in self.root.layers]],
            "device": str(self.view.device),
            "others": [[task, list(paths[task]), record.hyper, record.rates] for task, record in self.others.items()],
            "users": {name: users[name] for name in sorted(names)},
        }

    def job(self, child: Child, known: Mapping[str, Component]) -> ChildJob:
        """A child with the components that its training needs.

        Args:
            known: components of the search's own paths, by hash.
        """
        known = {**self.root.components, **known}
        names = [layer.component for layer in child.path.layers if layer.component is not None]
        components = {name: known[name] if name in known else self.view.with_payload(name) for name in names}
        return ChildJob(child.path.number, child.path.layers, components, child.path.hyper, child.seed, child.effort or self.budget)

    def result(self, known: Mapping[str, Component], warnings: Sequence[str]) -> MethodResult:
        """The best path as what the method learned.

        Args:
            known: components of the search's own paths, by hash.
            warnings: what went wrong, in sentences.

        Raises:
            SenpathError: if no child was kept.
        """
        best = self.search.best
        if best is None:
            why = warnings[-1] if warnings else "none was kept"
            raise SenpathError(f"search for task {self.task!r}", expected="a child that can be trained", got=f"none: {why}")
        names = tuple(layer.component or "" for layer in best.layers)
        known = {**self.root.components, **known}
        return MethodResult(
            chain=names,
            parts=tuple(known[name] for name in names if name not in self.view.sizes),
            settings=self.settings.to_json(),
            record=self._record(best).to_json(),
            untrained=frozenset(layer.component or "" for layer in best.layers if layer.origin is ROOT),
            log={"generations": [[vars(child) for child in generation] for generation in self.search.history], "warnings": list(warnings)},
        )

    def _record(self, best: LayerPath) -> MunetRecord:
        return MunetRecord(
            root=self.root.name,
            root_id=self.root.identity,
            root_weights=self.root.weights,
            root_flops=self.penalty.flops,
            layers=tuple(RecordedLayer(layer.name, layer.origin, layer.component or "") for layer in best.layers),
            hyper=dict(best.hyper),
            rates=dict(best.rates),
            parent=self.search.origin(best),
            child=best.number,
            quality=round(best.quality, 6),
            score=round(best.score, 6),
            accounted=round(best.accounted, 1),
            flops=best.flops,
        )


def _parents(view: View, key: str, root: Root) -> dict[str, MunetRecord]:
    """The tasks of a type of data whose paths come from this root; but none that was pruned, for its children would have its full size."""
    parents = {}
    for task, info in view.tasks.items():
        record = MunetRecord.of(info.pathway)
        pruned = info.pathway.provenance.revisions_by("prune")
        if record is not None and info.pathway.data_type == key and record.root_id == root.identity and not pruned:
            parents[task] = record
    return parents


def _earlier(view: View, examples: Examples) -> str | None:
    """The name of the root that the last such task of this type of data began from: those of one root can share."""
    records = [MunetRecord.of(info.pathway) for info in view.tasks.values() if info.pathway.data_type == examples.data_type.key]
    return next((record.root for record in reversed(records) if record is not None), None)


def _parent_path(view: View, records: Mapping[str, MunetRecord], searching: str, task: str) -> LayerPath:
    return path_of(view, task, records[task], searching)


def path_of(view: View, task: str, record: MunetRecord, searching: str) -> LayerPath:
    """A task's path as a parent.

    Args:
        record: of the task.
        searching: the new task; a layer that an earlier one of its name trained, which was removed, is not its own.
    """
    layers = []
    for layer, name in zip(record.layers, view.pathway(task).components, strict=True):
        component, trainer = view.component(name), layer.trainer(task, name)
        origin = f"{searching}, earlier" if trainer == searching else trainer
        layers.append(PathLayer(layer.name, component.kind.name, component.config, component.weights, name, False, origin))
    return LayerPath(task, tuple(layers), record.hyper, record.rates)


def _users(view: View) -> Counter[str]:
    """How many tasks have each component in their pathway, links' included, by hash."""
    return Counter(name for pathway in view.paths for name in pathway.references)
