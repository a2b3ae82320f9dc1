"""The search for one task's path: which children to try, and which to keep. It trains nothing (Gesmundo and Dean 2022, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.methods.munet.mutate import MutationRules, SearchSpace, mutate
from senpath.methods.munet.path import ROOT, LayerPath, PathLayer
from senpath.seeds import derive


@dataclass(frozen=True)
class SearchBudget:
    """How much a search tries.

    Args:
        generations: how often children are asked for.
        children: of one generation.
    """

    generations: int
    children: int


@dataclass(frozen=True)
class Penalty:
    """What a path's size costs: score = quality · size^(its accounted parameters / the root's) · compute^(its operations / the root's).

    Args:
        size: for so many parameters as the root has, the part of the quality that stays, in (0, 1]; 1 is no penalty.
        compute: likewise for operations (µ2Net+, Gesmundo 2022).
        weights, flops: those of the root.
    """

    size: float
    compute: float
    weights: float
    flops: float

    def score(self, quality: float, accounted: float, flops: float) -> float:
        """A quality below 0, as R² may be, counts as 0."""
        return float(max(quality, 0.0) * self.size ** (accounted / max(self.weights, 1.0)) * self.compute ** (flops / max(self.flops, 1.0)))


@dataclass(frozen=True)
class Child:
    """A candidate to be trained.

    Args:
        path: what it is made of.
        parent: number of the path of the same task that it comes from, 0 for one of another task.
        parent_task: whose path it comes from: this task, another one, or None, the root.
        seed: decides everything that is drawn while it is trained.
    """

    path: LayerPath
    parent: int
    parent_task: str | None
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What training a child came to.

    Args:
        quality: on validation examples, see `senpath.tasks.TaskKind.score`.
        flops: floating-point operations of one input.
        components: hash of each layer, those that were not trained included.
    """

    quality: float
    flops: float
    components: tuple[str, ...]


@dataclass(frozen=True)
class ChildSummary:
    """A child and what came of it, for people.

    Args:
        number: of the child.
        parent, parent_task: see `Child`.
        quality, score, accounted: see `LayerPath`; None where the child failed.
        kept: whether it joined the population.
    """

    number: int
    parent: int
    parent_task: str | None
    quality: float | None
    score: float | None
    accounted: float | None
    kept: bool

    @staticmethod
    def of(child: Child, path: LayerPath | None, kept: bool) -> ChildSummary:
        """The summary of a child that came to this path, or to none."""
        if path is None:
            return ChildSummary(child.path.number, child.parent, child.parent_task, None, None, None, kept)
        return ChildSummary(child.path.number, child.parent, child.parent_task, path.quality, path.score, path.accounted, kept)


class Search:
    """Two verbs in turn: `ask` for the children of a generation, train them wherever, and `tell` what came of it.

    Nothing but the arguments and what is told decides what it asks for.

    Args:
        task: the name.
        space: what paths can be made of.
        root: the root path, see `SearchSpace.root`.
        others: names of the tasks whose retained paths may be parents.
        path_of: their paths, by name; asked only for those that are chosen.
        users: how many tasks use each component, by hash; those that are not named are used by none.
        rules, penalty, budget: see there.
        seed: decides everything that is drawn.
    """

    def __init__(
        self,
        task: str,
        space: SearchSpace,
        root: LayerPath,
        others: Sequence[str],
        path_of: Callable[[str], LayerPath],
        users: Mapping[str, int],
        rules: MutationRules,
        penalty: Penalty,
        budget: SearchBudget,
        seed: int,
    ) -> None:
        self.task, self.budget = task, budget
        self._space, self._root, self._rules, self._penalty = space, root, rules, penalty
        self._others, self._path_of, self._users, self._seed = list(others), path_of, users, seed
        self.history: list[list[ChildSummary]] = []
        self._population: list[LayerPath] = []
        self._chosen: dict[str, int] = {}
        self._asked: list[Child] | None = None
        self._number = 0

    @property
    def done(self) -> bool:
        """Whether all generations have been told of."""
        return len(self.history) >= self.budget.generations

    @property
    def population(self) -> tuple[LayerPath, ...]:
        """The task's own paths so far, the best first."""
        return tuple(self._population)

    @property
    def best(self) -> LayerPath | None:
        """The path with the highest score; None while no child has been kept."""
        return self._population[0] if self._population else None

    def ask(self) -> list[Child]:
        """The children of the next generation.

        Raises:
            InputError: if those asked for before have not been told of, or the search is done.
        """
        if self._asked is not None:
            raise InputError("ask", expected=f"tell of the {len(self._asked)} children asked for first", got="another ask")
        if self.done:
            raise InputError("ask", expected=f"{self.budget.generations} generations at most", got="one more")
        generation = len(self.history)
        random = np.random.default_rng(derive(self._seed, "generation", generation))
        children = []
        for _ in range(self.budget.children):
            parent = self._parent(random)
            path = replace(mutate(parent, self.task, self._space, self._rules, random), number=self._number + 1)
            self._number += 1
            own = parent.task == self.task
            children.append(Child(path, parent.number if own else 0, parent.task, derive(self._seed, "child", self._number)))
        self._asked = children
        return list(children)

    def tell(self, outcomes: Sequence[Outcome | None]) -> list[ChildSummary]:
        """What became of the children, in the order in which they were asked for; None for one that failed.

        A child of this task's own path is kept if it reaches its parent's score, any other child in any case.

        Raises:
            InputError: if no children were asked for, or there are more or fewer outcomes than children, or one does not fit its child.
        """
        if self._asked is None:
            raise InputError("tell", expected="children asked for first", got="none")
        if len(outcomes) != len(self._asked):
            raise InputError("outcomes", expected=f"{len(self._asked)}, one per child", got=len(outcomes))
        for child, outcome in zip(self._asked, outcomes, strict=True):
            if outcome is not None and len(outcome.components) != len(child.path.layers):
                what = f"outcome of child {child.path.number}"
                raise InputError(what, expected=f"{len(child.path.layers)} components", got=len(outcome.components))
        worth = {path.number: _worth(path) for path in self._population}
        tried, new = [], []
        for child, outcome in zip(self._asked, outcomes, strict=True):
            path = self._scored(child.path, outcome) if outcome is not None else None
            kept = path is not None and (child.parent == 0 or _worth(path) >= worth[child.parent])
            if path is not None and kept:
                new.append(path)
            tried.append(ChildSummary.of(child, path, kept))
        # Stable, so that among equals the earlier one is the better.
        self._population = sorted([*self._population, *new], key=_worth, reverse=True)
        self.history.append(tried)
        self._asked = None
        return tried

    def accounted(self, layers: Sequence[PathLayer]) -> float:
        """Parameters that a path accounts for: of a component that other tasks use too, its share."""
        return sum(layer.weights / (1 if layer.trained else 1 + self._users.get(layer.component or "", 0)) for layer in layers)

    def origin(self, path: LayerPath) -> str | None:
        """Where the line of a path of the population began: another task, or None for the root."""
        tried = {child.number: child for generation in self.history for child in generation}
        child = tried[path.number]
        while child.parent:
            child = tried[child.parent]
        return child.parent_task

    def state(self) -> dict[str, Any]:
        """All that was told so far, as JSON values; between `tell` and `ask` only."""
        if self._asked is not None:
            raise InputError("state of the search", expected="all children told of", got=f"{len(self._asked)} that are not")
        return {
            "population": [path.to_json() for path in self._population],
            "history": [[vars(tried) for tried in generation] for generation in self.history],
            "chosen": dict(self._chosen),
            "number": self._number,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of a search with the same arguments."""
        self._population = [LayerPath.from_json(path) for path in state["population"]]
        self.history = [[ChildSummary(**tried) for tried in generation] for generation in state["history"]]
        self._chosen = dict(state["chosen"])
        self._number, self._asked = int(state["number"]), None

    def _scored(self, path: LayerPath, outcome: Outcome) -> LayerPath:
        accounted = self.accounted(path.layers)
        score = self._penalty.score(outcome.quality, accounted, outcome.flops)
        layers = tuple(replace(layer, component=name, trained=False) for layer, name in zip(path.layers, outcome.components, strict=True))
        return replace(path, layers=layers, quality=outcome.quality, score=score, accounted=accounted, flops=outcome.flops)

    def _parent(self, random: np.random.Generator) -> LayerPath:
        """The task's own paths by falling score, then the others' and the root in any order: each is accepted with probability ½ to the
        power of how often it was chosen. If none is, any one of them."""
        own = [(f"{path.number}", path) for path in self._population]
        for name, path in own:
            if self._accepted(name, random):
                return path
        others: list[str | None] = [*self._others, ROOT]
        for index in random.permutation(len(others)):
            if self._accepted(_other(others[index]), random):
                return self._other_path(others[index])
        index = int(random.integers(len(own) + len(others)))
        name = own[index][0] if index < len(own) else _other(others[index - len(own)])
        self._chosen[name] = self._chosen.get(name, 0) + 1
        return own[index][1] if index < len(own) else self._other_path(others[index - len(own)])

    def _accepted(self, name: str, random: np.random.Generator) -> bool:
        times = self._chosen.get(name, 0)
        if random.random() >= 0.5**times:
            return False
        self._chosen[name] = times + 1
        return True

    def _other_path(self, name: str | None) -> LayerPath:
        return self._root if name is ROOT else self._path_of(name)


def _worth(path: LayerPath) -> tuple[float, float]:
    """What paths are compared by: where scores are equal, as where all are 0, the quality decides."""
    return path.score, path.quality


def _other(name: str | None) -> str:
    """The key of a path that is not the task's own; those are numbers, and a task may be named like one."""
    return "root" if name is ROOT else f"of {name}"
