"""The ladder by itself: what it tries, for how long, and what it keeps; and what it learns in a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senpath import Network
from senpath.methods.munet import Child, LayerPath, Outcome, PathLayer, Penalty, SearchSpace
from senpath.methods.munet.hyper import DEFAULTS
from senpath.methods.munet.ladder import TRIAL, TRIALS, Ladder, affordable, candidates
from senpath.methods.munet.train import TrainingBudget

Labelled = tuple[np.ndarray, np.ndarray]
BUDGET = TrainingBudget(cycles=40, examples=1_000, batch=20)
PENALTY = Penalty(1.0, 1.0, 400, 1.0)


def parent(space: SearchSpace, name: str) -> LayerPath:
    """Another task's path, whose layers it trained."""
    layers = [replace(layer, component=f"{layer.name} of {name}", origin=name) for layer in space.layers]
    return LayerPath(name, (*layers, replace(space.head(name), component=f"head of {name}", trained=False)), DEFAULTS)


def tried(space: SearchSpace, parents: Sequence[str], random_root: bool = True, **how: Any) -> list[Any]:
    how = {"clone": "evolve", "adapters": False, "layers": False, "random_root": random_root, **how}
    return candidates("new", space, space.root(DEFAULTS), [parent(space, name) for name in parents], **how)


def shared(path: LayerPath) -> int:
    return sum(not layer.trained for layer in path.layers)


def judge(child: Child) -> Outcome:
    """The more is shared of "a" the better, but for one layer."""
    names = tuple(f"{layer.name} of {child.path.number}" if layer.trained else layer.component or "" for layer in child.path.layers)
    quality = 0.5 + (0.1 * shared(child.path) if child.path.layers[0].component == "inputs of a" and shared(child.path) < 4 else 0.0)
    return Outcome(quality, 1.0, names)


def run(ladder: Ladder, quality: Callable[[Child], Outcome | None] = judge) -> list[list[Child]]:
    asked = []
    while not ladder.done:
        asked.append(ladder.ask())
        ladder.tell([quality(child) for child in asked[-1]])
    return asked


def test_parents_and_cuts_are_tried(space: SearchSpace) -> None:
    found = tried(space, ["a", "b"])
    assert [(one.parent, shared(one.path)) for one in found] == [(None, 0), *((name, cut) for name in "ab" for cut in range(5))]
    for one in found:
        *layers, head = one.path.layers
        assert [layer.trained for layer in layers] == sorted(layer.trained for layer in layers)  # what is shared is in front
        assert (head.component, head.trained, head.origin) == (None, True, "new")
        assert all((layer.origin == "new") == layer.trained for layer in layers)
    assert [shared(one.path) for one in tried(space, [], random_root=False)] == [0, 1, 2, 3, 4]
    assert [(one.parent, shared(one.path)) for one in tried(space, [], clone="none")] == [(None, 4)]
    assert len(tried(space, [str(number) for number in range(50)])) <= TRIALS


def test_paths_of_three_tasks_are_tried_however_deep_they_are(space: SearchSpace) -> None:
    names = {f"block {number}" for number in range(30)}
    layers = (*space.layers, *(replace(space.layers[1], name=name) for name in sorted(names)))
    shapes = {layer.name: space.shapes[space.layers[1].name] for layer in layers}
    deep = replace(space, layers=layers, optional=space.optional | names, shapes=shapes)
    for parents in ([], ["a"], [*"abcd"]):
        cuts: dict[str | None, list[int]] = {}
        for one in tried(deep, parents, random_root=False):
            cuts.setdefault(one.parent, []).append(shared(one.path))
        assert [*cuts] == [None, *parents[:3]]
        assert sum(map(len, cuts.values())) == TRIALS
        for mine in cuts.values():
            assert mine[0] == 0
            assert np.ptp(np.diff([*mine, 35])) <= 1  # evenly


def test_a_random_root_is_tried_with_fewer_blocks_too(space: SearchSpace) -> None:
    def depths(**how: Any) -> list[tuple[str | None, int]]:
        return [(one.parent, len(one.path.layers) - 2) for one in tried(space, ["a"], layers=True, **how)]  # but the first and the output

    assert depths() == [(None, 3), (None, 2), *[("a", 3)] * 5]
    assert depths(clone="all") == [(None, 3), (None, 2), ("a", 3)]
    assert depths(clone="none") == [(None, 3), ("a", 3)]
    assert depths(random_root=False) == [(None, 3)] * 5 + [("a", 3)] * 5


def test_the_last_normalisation_is_always_trained(space: SearchSpace) -> None:
    norm = PathLayer("norm", "class-norm.v1", {"width": 8}, 16, "hash of norm", False, None)
    normed = replace(space, layers=(*space.layers, norm), shapes={**space.shapes, "norm": (8,)}, tuned=frozenset({"norm"}))
    found = tried(normed, ["a"])
    assert [shared(one.path) for one in found if one.parent == "a"] == [0, 1, 2, 3, 4]
    assert all(one.path.layers[-2].trained for one in found)


def test_the_better_half_goes_on_and_the_best_has_the_long_run(space: SearchSpace) -> None:
    ladder = Ladder("new", tried(space, ["a", "b"]), {}, PENALTY, BUDGET, 0)
    asked = run(ladder)
    assert [len(children) for children in asked] == [11, 6, 3, 2, 1]
    assert len(asked) == ladder.generations
    assert sum(map(len, asked)) == ladder.planned
    efforts = [children[0].effort for children in asked]
    lengths = [effort.cycles * effort.examples for effort in efforts if effort is not None]
    assert lengths[1:4] == [2 * length for length in lengths[:3]]
    total = sum(length * len(children) for length, children in zip(lengths, asked, strict=True))
    assert 0.99 * 40_000 < total <= 40_000
    assert lengths[-1] >= 30_000  # three quarters of the budget at least
    (winner,) = asked[-1]
    assert (winner.parent_task, shared(winner.path)) == ("new", 3)
    assert ladder.best is not None
    assert ladder.best.number == winner.path.number
    assert ladder.origin(ladder.best) == "a"


def test_each_goes_on_where_it_was(space: SearchSpace) -> None:
    rounds = run(Ladder("new", tried(space, ["a", "b"]), {}, PENALTY, BUDGET, 0))
    assert [(child.parent, child.parent_task) for child in rounds[0]] == [(0, None), *[(0, "a")] * 5, *[(0, "b")] * 5]
    before = {child.path.number: child.path for children in rounds for child in children}
    for child in (child for children in rounds[1:] for child in children):
        for layer, was in zip(child.path.layers, before[child.parent].layers, strict=True):
            assert layer == replace(was, component=f"{was.name} of {child.parent}" if was.trained else was.component)


@pytest.mark.parametrize("examples", [100, 4_000, 16_000, 64_000, 120_000, 10_000_000])
def test_a_small_budget_tries_fewer(space: SearchSpace, examples: int) -> None:
    count = affordable(examples)
    found = tried(space, ["a", "b"], random_root=False, trials=count)
    assert {one.parent for one in found} >= {None, "a"}
    assert 4 <= len(found) <= count <= TRIALS
    first = Ladder("new", found, {}, PENALTY, TrainingBudget(1, examples, 20), 0).ask()[0].effort
    assert count == 4 or (first is not None and first.examples >= TRIAL)


def test_a_single_candidate_has_the_whole_budget(space: SearchSpace) -> None:
    ((only,),) = run(Ladder("new", tried(space, []), {}, PENALTY, BUDGET, 0))
    assert only.effort == BUDGET


def test_fewer_blocks_are_kept_where_they_answer_as_well(space: SearchSpace) -> None:
    def depth(best: int) -> int:
        """Of the path that is kept where so many blocks are the first that answer well."""

        def quality(child: Child) -> Outcome:
            return replace(judge(child), quality=0.9 if len(child.path.layers) - 2 >= best else 0.6)

        ladder = Ladder("new", tried(space, [], layers=True), {}, Penalty(0.9, 1.0, 400, 1.0), BUDGET, 0)
        return len(run(ladder, quality)[-1][0].path.layers) - 2

    assert [depth(best) for best in (2, 3)] == [2, 3]


def test_size_costs(space: SearchSpace) -> None:
    """Of two that are as good the one that accounts for less is chosen."""

    def alike(child: Child) -> Outcome:
        return replace(judge(child), quality=0.5)

    ladder = Ladder("new", tried(space, ["a"]), {f"{layer.name} of a": 1 for layer in space.layers}, Penalty(0.9, 1.0, 400, 1.0), BUDGET, 0)
    assert shared(run(ladder, alike)[-1][0].path) == 4


def test_a_stopped_ladder_goes_on(space: SearchSpace) -> None:
    whole, first, second = (Ladder("new", tried(space, ["a", "b"]), {}, PENALTY, BUDGET, 3) for _ in range(3))
    asked = run(whole)
    for _ in range(2):
        first.tell([judge(child) for child in first.ask()])
    second.restore(json.loads(json.dumps(first.state())))
    assert run(second) == asked[2:]
    assert second.best == whole.best
    for wrong in ({"left": [[99, 0]]}, {"left": [[0, 99]]}, {"candidates": "others"}):
        with pytest.raises(ValueError, match="candidates that there are not"):
            second.restore({**whole.state(), **wrong})


def test_what_fails_is_left_out(space: SearchSpace) -> None:
    ladder = Ladder("new", tried(space, ["a", "b"]), {}, PENALTY, BUDGET, 0)
    run(ladder, lambda child: judge(child) if child.parent_task in ("b", "new") else None)
    assert ladder.best is not None
    assert ladder.origin(ladder.best) == "b"
    last = Ladder("new", tried(space, ["a"]), {}, PENALTY, BUDGET, 0)
    run(last, lambda child: judge(child) if len(last.history) + 1 < last.generations else None)
    assert last.best is not None
    assert last.best.number == last.history[-2][0].number or last.history[-1][0].quality is None
    nothing = Ladder("new", tried(space, ["a"]), {}, PENALTY, BUDGET, 0)
    run(nothing, lambda child: None)
    assert nothing.best is None


def test_tasks_learn_by_it_and_share(tmp_path: Path, train: Labelled, fresh: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    turned = {"upright": train[0], "turned": train[0].swapaxes(1, 2)[:, ::-1]}
    settings: dict[str, Any] = {"method": "munet", "root": "mlp", "generations": 2, "children": 2, "cycles": 2, "examples": 3_000}
    for name, x in turned.items():
        net.learn(name, x, train[1], **settings)
    again = net.learn("again", *train, **settings, size_penalty=0.7)
    assert again.provenance.record["parent"] in ("upright", "turned")
    assert {layer["origin"] for layer in again.provenance.record["layers"]} - {"again"}
    for name, x in {"upright": fresh[0], "again": fresh[0], "turned": fresh[0].swapaxes(1, 2)[:, ::-1]}.items():
        assert (net.predict(x, task=name).label == fresh[1]).mean() > 0.85
    net.verify()
