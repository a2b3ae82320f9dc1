"""What schedules have in common: children are asked for, trained wherever, and told of. Nothing is trained here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from senpath.errors import InputError
from senpath.methods.munet.path import LayerPath, PathLayer
from senpath.methods.munet.train import TrainingBudget


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
        effort: how long it is trained; None as every child of the search.
    """

    path: LayerPath
    parent: int
    parent_task: str | None
    seed: int
    effort: TrainingBudget | None = None


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


class Schedule(ABC):
    """Two verbs in turn: `ask` for the children of a generation, train them wherever, and `tell` what came of it.

    Args:
        task: the name.
        penalty: see there.
        users: how many tasks use each component, by hash; those that are not named are used by none.

    Attributes:
        history: what came of each generation.
    """

    def __init__(self, task: str, penalty: Penalty, users: Mapping[str, int]) -> None:
        self.task, self._penalty, self._users = task, penalty, users
        self.history: list[list[ChildSummary]] = []
        self._population: list[LayerPath] = []
        self._asked: list[Child] | None = None

    @property
    @abstractmethod
    def generations(self) -> int:
        """How often children are asked for."""

    @property
    @abstractmethod
    def planned(self) -> int:
        """Children of all generations."""

    @property
    def done(self) -> bool:
        """Whether all generations have been told of."""
        return len(self.history) >= self.generations

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
            raise InputError("ask", expected=f"{self.generations} generations at most", got="one more")
        self._asked = self._children()
        return list(self._asked)

    def tell(self, outcomes: Sequence[Outcome | None]) -> list[ChildSummary]:
        """What became of the children, in the order in which they were asked for; None for one that failed.

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
        paths = [self._scored(child.path, outcome) if outcome else None for child, outcome in zip(self._asked, outcomes, strict=True)]
        kept = self._keep(self._asked, paths)
        # Stable, so that among equals the earlier one is the better.
        self._population = sorted(kept, key=worth, reverse=True)
        numbers = {path.number for path in kept}
        tried = [
            ChildSummary.of(child, path, path is not None and path.number in numbers)
            for child, path in zip(self._asked, paths, strict=True)
        ]
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
            **self._own_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of a search with the same arguments."""
        self._population = [LayerPath.from_json(path) for path in state["population"]]
        self.history = [[ChildSummary(**tried) for tried in generation] for generation in state["history"]]
        self._asked = None
        self._restore_own(state)

    @abstractmethod
    def _children(self) -> list[Child]:
        """Those of the next generation."""

    @abstractmethod
    def _keep(self, asked: Sequence[Child], paths: Sequence[LayerPath | None]) -> list[LayerPath]:
        """The new population, given what became of the children; None of one that failed."""

    @abstractmethod
    def _own_state(self) -> dict[str, Any]:
        """What else the search goes on from, as JSON values."""

    @abstractmethod
    def _restore_own(self, state: Mapping[str, Any]) -> None:
        """Go on from it."""

    def _scored(self, path: LayerPath, outcome: Outcome) -> LayerPath:
        accounted = self.accounted(path.layers)
        score = self._penalty.score(outcome.quality, accounted, outcome.flops)
        layers = tuple(replace(layer, component=name, trained=False) for layer, name in zip(path.layers, outcome.components, strict=True))
        return replace(path, layers=layers, quality=outcome.quality, score=score, accounted=accounted, flops=outcome.flops)


def worth(path: LayerPath) -> tuple[float, float]:
    """What paths are compared by: where scores are equal, as where all are 0, the quality decides."""
    return path.score, path.quality
