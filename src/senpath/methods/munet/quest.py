"""One search of µ2Net: from the network and a task's examples to children, and from the best child to a proposal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from senpath.components import Component
from senpath.errors import SenpathError
from senpath.methods.munet.child import Effort, Lesson, Work
from senpath.methods.munet.config import MunetSettings
from senpath.methods.munet.flops import count_flops
from senpath.methods.munet.mutate import Blueprint, Rules
from senpath.methods.munet.path import ROOT, Part, Path
from senpath.methods.munet.roots import Root, choose_root
from senpath.methods.munet.search import Budget, Child, Penalty, Search
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View
from senpath.snapshot.examples import fingerprint
from senpath.training import hold_out
from senpath.types import Examples

NAME = "munet"
PASSES = 10
"""Over the examples in one cycle, at most: what few examples say is known by then."""
LEAST, BATCH, BATCHES = 16, 64, 8
"""Examples of a step at least and at most, and in between so many steps in a pass."""


@dataclass(frozen=True)
class Quest:
    """One search, and where its children come from and go to."""

    view: View
    task: str
    examples: Examples
    settings: MunetSettings
    root: Root
    lesson: Lesson
    search: Search
    others: dict[str, Any]
    penalty: Penalty

    @staticmethod
    def of(view: View, task: str, examples: Examples, settings: MunetSettings) -> Quest:
        root = choose_root(settings.root, settings.blocks, examples.data_type, view.settings.random_state)
        blueprint = Blueprint.of(root, root.shapes(examples.data_type), len(examples.classes))
        fitted, held = hold_out(examples, settings.validation, derive(settings.random_state, "held out"))
        batch = settings.batch_size or max(LEAST, min(BATCH, len(fitted) // BATCHES))
        effort = Effort(settings.cycles, min(settings.examples, PASSES * len(fitted)), batch)
        lesson = Lesson.of(examples, fitted, held, effort, view.device)
        rules = Rules(
            examples.data_type.form == "image",
            root.random,
            settings.clone,
            settings.adapters,
            settings.layers,
            settings.learned_rates,
        )
        layers = [layer.component.module for layer in root.layers]
        penalty = Penalty(settings.size_penalty, settings.compute_penalty, root.weights, count_flops(layers, examples.inputs[:1]))
        others = retained(view, examples.data_type.key, root) if settings.others else {}
        search = Search(
            task,
            blueprint,
            blueprint.root(settings.hyper, settings.depth),
            tuple(others),
            partial(path_of, view, task),
            users_of(view),
            rules,
            penalty,
            Budget(settings.generations, settings.children),
            derive(settings.random_state, "search"),
        )
        return Quest(view, task, examples, settings, root, lesson, search, others, penalty)

    def identity(self) -> dict[str, Any]:
        """What decides the result: searches of which it is the same would find the same."""
        names = self.root.components.keys() | {name for kept in self.others.values() for name in kept[0]}
        users = users_of(self.view)
        return {
            "task": self.task,
            "data": fingerprint(self.examples),
            "settings": self.settings.to_json(),
            "root": [self.root.identity, self.root.random, [layer.optional for layer in self.root.layers]],
            "device": str(self.view.device),
            "others": [list(self.others), self.others],
            "users": {name: users[name] for name in sorted(names)},
        }

    def work(self, child: Child, found: dict[str, Component]) -> Work:
        """A child with the components that it takes."""
        known = {**self.root.components, **found}
        names = [part.component for part in child.path.parts if part.component is not None]
        components = {name: known[name] if name in known else self.view.with_payload(name) for name in names}
        return Work(child.path.number, child.path.parts, components, child.path.hyper, child.seed)

    def result(self, found: dict[str, Component], troubles: Sequence[str]) -> MethodResult:
        """The best path as the task's pathway.

        Raises:
            SenpathError: if no child was kept.
        """
        best = self.search.best
        if best is None:
            why = troubles[-1] if troubles else "none was kept"
            raise SenpathError(f"search for task {self.task!r}", expected="a child that can be trained", got=f"none: {why}")
        names = tuple(part.component or "" for part in best.parts)
        known = {**self.root.components, **found}
        new = tuple(known[name] for name in names if name not in self.view.manifest.components)
        history = [[vars(tried) for tried in generation] for generation in self.search.history]
        return MethodResult(
            chain=names,
            parts=new,
            settings=self.settings.to_json(),
            record=self._record(best),
            untrained=frozenset(part.component or "" for part in best.parts if part.origin is ROOT),
            log={"generations": history, "troubles": list(troubles)},
        )

    def _record(self, best: Path) -> dict[str, Any]:
        return {
            "root": self.root.name,
            "root_id": self.root.identity,
            "root_weights": self.root.weights,
            "root_flops": self.penalty.flops,
            "parts": [{"place": part.place, "origin": part.origin, "component": part.component} for part in best.parts],
            "hyper": dict(best.hyper),
            "rates": dict(best.rates),
            # Where its line began: another task, or None for the root.
            "parent": self.search.origin(best),
            "child": best.number,
            "quality": round(best.quality, 6),
            "score": round(best.score, 6),
            "accounted": round(best.accounted, 1),
            "flops": best.flops,
        }


def retained(view: View, key: str, root: Root) -> dict[str, Any]:
    """The tasks of a type that have a path from this root, with what a child of theirs depends on."""
    found = {}
    for name, task in view.tasks.items():
        pathway = task.pathway
        if pathway.data_type != key or pathway.provenance.method != NAME or pathway.provenance.revisions_by("prune"):
            continue  # a pruned one would go on at its full size
        record = pathway.provenance.record
        if record.get("root_id") == root.identity and len(record["parts"]) == len(pathway.components):
            found[name] = [list(pathway.components), record["hyper"], record["rates"]]
    return found


def path_of(view: View, searching: str, task: str) -> Path:
    """A task's retained path, as its pathway and notes say.

    Args:
        searching: the new task; a layer that an earlier one of its name trained, which was removed, is not its own.
    """
    pathway = view.pathway(task)
    record = pathway.provenance.record
    parts = []
    for name, kept in zip(pathway.components, record["parts"], strict=True):
        component = view.component(name)
        trained_by = kept["origin"] if kept["component"] == name else task  # a layer that was changed since is the task's own
        origin = f"{searching}, earlier" if trained_by == searching else trained_by
        parts.append(Part(kept["place"], component.kind, component.config, component.weights, name, False, origin))
    return Path(task, tuple(parts), record["hyper"], record["rates"])


def users_of(view: View) -> Counter[str]:
    """How many tasks have each component in their pathway, links' included, by hash."""
    return Counter(name for pathway in view.paths for name in pathway.references)
