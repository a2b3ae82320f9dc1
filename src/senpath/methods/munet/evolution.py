"""The published search for one task's path: which children to try, and which to keep (Gesmundo and Dean 2022, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from senpath.methods.munet.mutate import MutationRules, SearchSpace, mutate
from senpath.methods.munet.path import ROOT, LayerPath
from senpath.methods.munet.schedule import Child, Penalty, Schedule, worth
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


class Evolution(Schedule):
    """Evolution as published: children of the task's own best paths, and of others'.

    A child of this task's own path is kept if it reaches its parent's score, any other child in any case. Nothing but the arguments and
    what is told decides what it asks for.

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
        super().__init__(task, penalty, users)
        self.budget, self._space, self._root, self._rules = budget, space, root, rules
        self._others, self._path_of, self._seed = list(others), path_of, seed
        self._chosen: dict[str, int] = {}
        self._number = 0

    @property
    def generations(self) -> int:
        return self.budget.generations

    @property
    def planned(self) -> int:
        return self.budget.generations * self.budget.children

    def _children(self) -> list[Child]:
        random = np.random.default_rng(derive(self._seed, "generation", len(self.history)))
        children = []
        for _ in range(self.budget.children):
            parent = self._parent(random)
            path = replace(mutate(parent, self.task, self._space, self._rules, random), number=self._number + 1)
            self._number += 1
            own = parent.task == self.task
            children.append(Child(path, parent.number if own else 0, parent.task, derive(self._seed, "child", self._number)))
        return children

    def _keep(self, asked: Sequence[Child], paths: Sequence[LayerPath | None]) -> list[LayerPath]:
        least = {path.number: worth(path) for path in self._population}
        pairs = zip(asked, paths, strict=True)
        new = [path for child, path in pairs if path is not None and (child.parent == 0 or worth(path) >= least[child.parent])]
        return [*self._population, *new]

    def _own_state(self) -> dict[str, Any]:
        return {"chosen": dict(self._chosen), "number": self._number}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        self._chosen, self._number = dict(state["chosen"]), int(state["number"])

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


def _other(name: str | None) -> str:
    """The key of a path that is not the task's own; those are numbers, and a task may be named like one."""
    return "root" if name is ROOT else f"of {name}"
