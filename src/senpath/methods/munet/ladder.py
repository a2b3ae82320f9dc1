"""The ladder: short trials of how deep to be and how much of whose path to share, then one long run of the best. It trains nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from senpath.components import canonical_json
from senpath.methods.munet.mutate import Choice, SearchSpace
from senpath.methods.munet.path import HEAD, ROOT, LayerPath
from senpath.methods.munet.schedule import Child, Penalty, Schedule, worth
from senpath.methods.munet.train import TrainingBudget
from senpath.seeds import derive

SHARE = 4
"""The rounds take one part in so many of the budget."""
TRIALS, TRIAL = 24, 256
"""Trials of the first round at most, and examples of each at least: what fewer say is noise."""
PARENTS = 3
"""Of so many tasks a path is tried before all cuts of deep ones are."""


@dataclass(frozen=True)
class Candidate:
    """A path to be tried, and the task whose path it comes from; None for the root."""

    path: LayerPath
    parent: str | None


def candidates(
    task: str,
    space: SearchSpace,
    root: LayerPath,
    parents: Sequence[LayerPath],
    *,
    clone: Choice,
    adapters: bool,
    random_root: bool,
    layers: bool,
    trials: int = TRIALS,
) -> list[Candidate]:
    """Parents × how many of their first layers are shared; the rest is cloned, and the output layer is new.

    Cuts lie beside the layers that a path may do without, the blocks. The last normalisation is always trained. A root with random
    weights has nothing to share, and nothing to lose: it is tried with all of its blocks and with fewer.

    Args:
        task: the name.
        space: what paths are made of.
        root: the root path, with the hyperparameters of every candidate.
        parents: other tasks' paths, the most welcome first; as many are tried as there are trials for.
        clone: "evolve" tries every cut, "all" shares nothing, "none" trains the output layer alone.
        adapters: whether one is put behind every block.
        random_root: whether the root's weights are random.
        layers: whether the number of blocks may be another than the root path's.
        trials: candidates at most, 4 or more.
    """
    most = max(2, trials // (1 + min(len(parents), PARENTS)))
    roots = shortened(root, space) if random_root and layers and clone != "none" else [root]
    tried: list[Candidate] = []
    for parent in (*roots, *parents):
        kept = [layer for layer in parent.layers if layer.name != HEAD]
        cuts = _cuts([layer.name for layer in kept], space) if clone == "evolve" else [0 if clone == "all" else len(kept)]
        if parent.task is ROOT and random_root and clone == "evolve":
            cuts = [0]
        cuts = _thinned(cuts, most)
        if tried and len(tried) + len(cuts) > trials:
            break
        for cut in cuts:
            tuned = space.tuned if clone != "none" else frozenset()
            made = [
                replace(layer, trained=True, origin=task) if place >= cut or layer.name in tuned else replace(layer, trained=False)
                for place, layer in enumerate(kept)
            ]
            path = LayerPath(task, (*space.adapted(made, root.hyper["adapter"], task, lambda name: adapters), space.head(task)), root.hyper)
            tried.append(Candidate(path, parent.task))
    return tried


def shortened(root: LayerPath, space: SearchSpace) -> list[LayerPath]:
    """A root path with all of its blocks, and without the last third of them: one at least, and one is left."""
    blocks = [layer.name for layer in root.layers if layer.name in space.optional]
    gone = blocks[len(blocks) - max(1, len(blocks) // 3) :] if len(blocks) > 1 else []
    less = replace(root, layers=tuple(layer for layer in root.layers if layer.name not in gone))
    return [root, less] if gone else [root]


def _cuts(names: Sequence[str], space: SearchSpace) -> list[int]:
    """How many of a path's first layers may be shared, in ascending order."""
    optional = space.optional or frozenset(names)
    inside = [place for place in range(1, len(names)) if names[place] in optional or names[place - 1] in optional]
    last = len(names) - (names[-1] in space.tuned)
    return sorted({0, *(place for place in inside if place < last), last})


def _thinned(cuts: list[int], most: int) -> list[int]:
    """At most so many of them, evenly from the first on: to share all is the last choice where some have to go."""
    return cuts if len(cuts) <= most else [cuts[place * len(cuts) // most] for place in range(most)]


def affordable(examples: int) -> int:
    """How many candidates a budget of so many examples can try: the first round's trials have `TRIAL` each."""
    return max((count for count in range(4, TRIALS + 1) if _shares(count) * TRIAL * SHARE <= examples), default=4)


def _shares(count: int) -> int:
    """What all rounds of so many candidates take, in trials of the first."""
    return sum(size << number for number, size in enumerate(_rounds(count)))


def _rounds(count: int) -> Iterator[int]:
    """How many candidates are in each round, if none fails."""
    while count > 1:
        yield count
        count = ceil(count / 2)


class Ladder(Schedule):
    """Successive halving over candidates, and one uninterrupted run of the winner with what is left of the budget.

    In each round the better half goes on where it was, for twice as long. The rounds take a quarter of the budget. A single candidate
    is not tried.

    Args:
        task: the name.
        candidates: see there.
        users: how many tasks use each component, by hash.
        penalty: see there.
        budget: of everything: one cycle's examples, and so many cycles in all.
        seed: decides everything that is drawn in training.
    """

    def __init__(
        self, task: str, candidates: Sequence[Candidate], users: Mapping[str, int], penalty: Penalty, budget: TrainingBudget, seed: int
    ) -> None:
        super().__init__(task, penalty, users)
        self._candidates, self._budget, self._seed = candidates, budget, seed
        self._sizes = [*_rounds(len(candidates))]
        self._trial = self._total // (SHARE * max(1, _shares(len(candidates))))
        self._left = dict.fromkeys(range(len(candidates)), 0)
        """Candidates that are still in it, the best first, and the number of the path that each came to; 0 before it was tried."""

    @property
    def _total(self) -> int:
        return self._budget.cycles * self._budget.examples

    @property
    def generations(self) -> int:
        """The rounds and the run."""
        return len(self._sizes) + 1

    @property
    def planned(self) -> int:
        """Children in all."""
        return sum(self._sizes) + 1

    def _effort(self, number: int) -> TrainingBudget:
        """How long a child of this round, or the run, is trained."""
        if number < len(self._sizes):
            return replace(self._budget, cycles=1, examples=max(self._budget.batch, self._trial << number))
        spent = sum(size * self._effort(place).examples for place, size in enumerate(self._sizes))
        left = max(self._budget.batch, self._total - spent)
        cycles = max(1, round(left / self._budget.examples))
        return replace(self._budget, cycles=cycles, examples=max(1, left // cycles))

    def _children(self) -> list[Child]:
        number = len(self.history)
        chosen, effort = [*self._left.items()][: None if number < len(self._sizes) else 1], self._effort(number)
        first = sum(len(generation) for generation in self.history) + 1
        return [
            Child(
                replace(self._begin(place, before), number=first + index),
                before,
                self.task if before else self._candidates[place].parent,
                derive(self._seed, "child", number, place),
                effort,
            )
            for index, (place, before) in enumerate(chosen)
        ]

    def _begin(self, place: int, before: int) -> LayerPath:
        """A candidate's path as it is trained next: from what it came to, if it was tried."""
        path = self._candidates[place].path
        if not before:
            return path
        learned = next(one for one in self._population if one.number == before)
        layers = zip(path.layers, learned.layers, strict=True)
        return replace(path, layers=tuple(replace(layer, component=now.component) for layer, now in layers))

    def _keep(self, asked: Sequence[Child], paths: Sequence[LayerPath | None]) -> list[LayerPath]:
        """Paths of candidates that are left; after the run also what it began from, for the run may have failed."""
        if len(self.history) == len(self._sizes):
            return [*(path for path in paths if path is not None), *self._population]
        tried = [(path, place) for path, place in zip(paths, self._left, strict=True) if path is not None]
        better = sorted(tried, key=lambda one: worth(one[0]), reverse=True)[: ceil(len(asked) / 2)]
        if better:
            self._left = {place: path.number for path, place in better}
            return [path for path, _ in better]
        self._left = dict([*self._left.items()][:1])
        return list(self._population)

    def _own_state(self) -> dict[str, Any]:
        return {"left": [*self._left.items()], "candidates": self._key()}

    def _restore_own(self, state: Mapping[str, Any]) -> None:
        left = {int(place): int(number) for place, number in state["left"]}
        known = {0, *(path.number for path in self._population)}
        there = left and {*left} <= {*range(len(self._candidates))} and {*left.values()} <= known
        if state["candidates"] != self._key() or not there:
            raise ValueError("candidates that there are not")
        self._left = left

    def _key(self) -> str:
        """Stands for what is tried: a version that tries something else does not go on with it."""
        tried = [[one.parent, one.path.to_json()] for one in self._candidates]
        return hashlib.sha256(canonical_json(tried).encode()).hexdigest()
