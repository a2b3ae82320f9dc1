"""The search by itself: what it asks for, and what it keeps of what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senpath.errors import InputError
from senpath.methods.munet import Blueprint, Budget, Child, Outcome, Path, Penalty, Rules, Search
from senpath.methods.munet.hyper import DEFAULTS, MUTATION, lists
from senpath.methods.munet.mutate import mutate

MakeSearch = Callable[..., Search]
CHOICES = st.sampled_from(["evolve", "all", "none"])


def outcome(child: Child, quality: float, flops: float = 1.0) -> Outcome:
    names = tuple(f"{part.place} of {child.path.number}" if part.trained else part.component or "" for part in child.path.parts)
    return Outcome(quality, flops, names)


def run(search: Search, judge: Callable[[Child], float | None]) -> list[list[Child]]:
    """The whole search; `judge` says a child's quality, None for one that is lost."""
    asked = []
    while not search.done:
        children = search.ask()
        asked.append(children)
        qualities = [judge(child) for child in children]
        search.tell([None if value is None else outcome(child, value) for child, value in zip(children, qualities, strict=True)])
    return asked


def by_number(child: Child) -> float:
    """A quality that goes up and down with the child's number."""
    return 0.5 + 0.4 * float(np.sin(child.path.number * 1.7))


def test_a_seed_decides_the_whole_search(make_search: MakeSearch) -> None:
    assert run(make_search(seed=3), by_number) == run(make_search(seed=3), by_number)
    assert run(make_search(seed=3), by_number) != run(make_search(seed=4), by_number)


def test_a_stopped_search_goes_on_as_it_would_have(make_search: MakeSearch) -> None:
    whole = make_search()
    asked = run(whole, by_number)
    first = make_search()
    for _ in range(2):
        first.tell([outcome(child, by_number(child)) for child in first.ask()])
    second = make_search()
    second.restore(json.loads(json.dumps(first.state())))
    assert run(second, by_number) == asked[2:]
    assert second.best == whole.best
    assert second.history == whole.history


def test_the_verbs_come_in_turn(make_search: MakeSearch) -> None:
    search = make_search(budget=Budget(1, 2))
    with pytest.raises(InputError, match="tell: expected children asked for first, got none"):
        search.tell([])
    children = search.ask()
    with pytest.raises(InputError, match="ask: expected tell of the 2 children asked for first, got another ask"):
        search.ask()
    with pytest.raises(InputError, match="state of the search: expected all children told of, got 2 that are not"):
        search.state()
    with pytest.raises(InputError, match="outcomes: expected 2, one per child, got 1"):
        search.tell([outcome(children[0], 0.5)])
    with pytest.raises(InputError, match=f"outcome of child 1: expected {len(children[0].path.parts)} components, got 1"):
        search.tell([Outcome(0.5, 1.0, ("one",)), None])
    search.tell([outcome(child, 0.5) for child in children])  # what was refused before has changed nothing
    with pytest.raises(InputError, match="ask: expected 1 generations at most, got one more"):
        search.ask()


def test_a_child_of_the_task_has_to_reach_its_parent(make_search: MakeSearch) -> None:
    search = make_search(budget=Budget(30, 3))
    while not search.done:
        children = search.ask()
        before = {path.number: path.score for path in search.population}
        tried = search.tell([outcome(child, by_number(child)) for child in children])
        for child, found in zip(children, tried, strict=True):
            assert found.kept == (child.parent == 0 or (found.score or 0) >= before[child.parent])
            assert (found.number in {path.number for path in search.population}) == found.kept
        for path in search.population:
            assert search.origin(path) is None  # all lines began at the root
    scores = [path.score for path in search.population]
    assert scores == sorted(scores, reverse=True)
    assert search.best is not None
    assert any(not found.kept for generation in search.history for found in generation)


def test_lost_children_do_not_end_it(make_search: MakeSearch) -> None:
    search = make_search()
    run(search, lambda child: None if child.path.number % 3 else by_number(child))
    assert search.done
    assert {path.number % 3 for path in search.population} == {0}
    nothing = make_search()
    run(nothing, lambda child: None)
    assert nothing.best is None
    assert all(found.quality is None and not found.kept for generation in nothing.history for found in generation)


def test_the_best_own_path_is_the_parent_most_often(make_search: MakeSearch) -> None:
    """The first asked is accepted always, then with half the probability after each time."""
    search = make_search(budget=Budget(2, 64))
    search.tell([outcome(child, by_number(child)) for child in search.ask()])
    best = search.best
    assert best is not None
    parents = [child.parent for child in search.ask()]
    assert parents[0] == best.number
    counts = {number: parents.count(number) for number in parents}
    assert 2 <= counts[best.number] <= 16  # about log2 of 64
    assert len(counts) > 8


def test_paths_of_others_and_the_root_are_all_tried(make_search: MakeSearch, blueprint: Blueprint) -> None:
    root = blueprint.root(DEFAULTS)
    known = {name: replace(root, task=name, parts=(*root.parts, replace(blueprint.head(name), component=name))) for name in ("a", "b")}
    search = make_search(others=tuple(known), path_of=known.__getitem__, budget=Budget(1, 12))
    children = search.ask()
    assert {child.parent_task for child in children} == {None, "a", "b"}
    for child in children:
        head = child.path.parts[-1]
        assert (head.place, head.component, head.trained, head.config["outputs"]) == ("head", None, True, 5)  # always a fresh one


def test_size_and_operations_cost(make_search: MakeSearch) -> None:
    search = make_search(
        penalty=Penalty(0.5, 0.9, 400, 10.0),
        budget=Budget(1, 1),
        users={"hash of inputs": 3},
        rules=Rules(False, clone="none", adapters="none"),
    )
    (child,) = search.ask()
    (found,) = search.tell([outcome(child, 0.8, flops=20.0)])
    layers = sum(part.weights for part in child.path.parts[1:-1])
    accounted = 100 / 4 + layers + 9 * 5
    assert found.accounted == accounted
    assert found.score == pytest.approx(0.8 * 0.5 ** (accounted / 400) * 0.9 ** (20 / 10))


def test_of_qualities_below_nothing_the_better_wins(make_search: MakeSearch) -> None:
    search = make_search(budget=Budget(1, 3))
    search.tell([outcome(child, quality) for child, quality in zip(search.ask(), (-5.0, -0.1, -3.0), strict=True)])
    assert search.best is not None
    assert search.best.quality == -0.1


def test_a_quality_below_nothing_is_nothing() -> None:
    assert Penalty(0.9, 1.0, 100, 1.0).score(-3.0, 50, 1.0) == 0.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32 - 1), clone=CHOICES, adapters=CHOICES, learned_rates=st.booleans())
def test_children_are_what_the_rules_allow(blueprint: Blueprint, seed: int, clone: Any, adapters: Any, learned_rates: bool) -> None:
    rules = Rules(True, False, clone, adapters, layers=True, learned_rates=learned_rates)
    random, path = np.random.default_rng(seed), blueprint.root(DEFAULTS)
    order = [part.place for part in blueprint.layers]
    for generation in range(8):
        child = mutate(path, "new", blueprint, rules, random)
        check(child, path, order, rules, generation)
        names = tuple(replace(part, component=part.component or f"{part.place} {generation}", trained=False) for part in child.parts)
        path = replace(child, parts=names)


def check(child: Path, parent: Path, order: Sequence[str], rules: Rules, generation: int) -> None:
    layers = [part.place for part in child.parts if part.place in order]
    assert layers == [place for place in order if place in layers]
    assert layers[0] == "inputs"
    assert abs(len(layers) - len([part for part in parent.parts if part.place in order])) <= 1
    assert child.parts[-1].place == "head"
    assert child.parts[-1].trained
    assert len({part.place for part in child.parts}) == len(child.parts)
    for before, part in zip(child.parts, child.parts[1:], strict=False):
        if part.place.startswith("adapter"):
            assert part.place == f"adapter {before.place}"
    own = {part.place for part in child.parts if part.origin == "new"}
    assert own == {part.place for part in child.parts if part.trained}
    if rules.clone != "evolve":
        frozen = {part.place for part in child.parts if part.place in order and not part.trained}
        assert frozen == (set(layers) if rules.clone == "none" else set())
    adapters = {part.place for part in child.parts if part.place.startswith("adapter")}
    if rules.adapters != "evolve":
        assert adapters == ({f"adapter {place}" for place in layers[1:]} if rules.adapters == "all" else set())
    for name, values in lists(image=True).items():
        moved = values.index(child.hyper[name]) - values.index(parent.hyper[name])
        assert abs(moved) <= 1
    assert set(child.rates.values()) <= set(MUTATION)
    assert bool(child.rates) == rules.learned_rates


def test_learned_rates_move_apart(blueprint: Blueprint) -> None:
    path, random = blueprint.root(DEFAULTS), np.random.default_rng(0)
    for _ in range(20):
        path = mutate(path, "new", blueprint, Rules(True, learned_rates=True), random)
    assert len(set(path.rates.values())) > 3
    assert {"learning_rate", "layers", "clone block 2", "adapter block 1"} <= set(path.rates)
    assert path.hyper["mutation"] == DEFAULTS["mutation"]


def test_layers_of_a_random_root_are_trained(blueprint: Blueprint) -> None:
    """There is nothing in them to share; what a task has trained is shared by chance as ever."""
    random, root = np.random.default_rng(0), blueprint.root(DEFAULTS)
    child = mutate(root, "a", blueprint, Rules(True, random_root=True, adapters="none"), random)
    assert all(part.trained for part in child.parts)
    kept = tuple(replace(part, component=f"{part.place} of a", trained=False) for part in child.parts)
    children = [mutate(replace(child, parts=kept), "b", blueprint, Rules(True, random_root=True), random) for _ in range(20)]
    shared = [part for other in children for part in other.parts if not part.trained]
    assert 20 < len(shared) < 80
    assert {part.origin for part in shared} == {"a"}
