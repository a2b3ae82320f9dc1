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
from senpath.methods.munet import Child, Evolution, LayerPath, MutationRules, Outcome, Penalty, SearchBudget, SearchSpace
from senpath.methods.munet.hyper import DEFAULTS, MUTATION, lists
from senpath.methods.munet.mutate import mutate

MakeSearch = Callable[..., Evolution]
CHOICES = st.sampled_from(["evolve", "all", "none"])


def outcome(child: Child, quality: float, flops: float = 1.0) -> Outcome:
    names = tuple(f"{layer.name} of {child.path.number}" if layer.trained else layer.component or "" for layer in child.path.layers)
    return Outcome(quality, flops, names)


def run(search: Evolution, judge: Callable[[Child], float | None]) -> list[list[Child]]:
    """The whole search; `judge` says a child's quality, None for one that fails."""
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
    search = make_search(budget=SearchBudget(1, 2))
    with pytest.raises(InputError, match="tell: expected children asked for first, got none"):
        search.tell([])
    children = search.ask()
    with pytest.raises(InputError, match="ask: expected tell of the 2 children asked for first, got another ask"):
        search.ask()
    with pytest.raises(InputError, match="state of the search: expected all children told of, got 2 that are not"):
        search.state()
    with pytest.raises(InputError, match="outcomes: expected 2, one per child, got 1"):
        search.tell([outcome(children[0], 0.5)])
    with pytest.raises(InputError, match=f"outcome of child 1: expected {len(children[0].path.layers)} components, got 1"):
        search.tell([Outcome(0.5, 1.0, ("one",)), None])
    search.tell([outcome(child, 0.5) for child in children])  # what was refused before has changed nothing
    with pytest.raises(InputError, match="ask: expected 1 generations at most, got one more"):
        search.ask()


def test_a_child_of_the_task_has_to_reach_its_parent(make_search: MakeSearch) -> None:
    search = make_search(budget=SearchBudget(30, 3))
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


def test_failed_children_do_not_end_it(make_search: MakeSearch) -> None:
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
    search = make_search(budget=SearchBudget(2, 64))
    search.tell([outcome(child, by_number(child)) for child in search.ask()])
    best = search.best
    assert best is not None
    parents = [child.parent for child in search.ask()]
    assert parents[0] == best.number
    counts = {number: parents.count(number) for number in parents}
    assert 2 <= counts[best.number] <= 16  # about log2 of 64
    assert len(counts) > 8


def test_paths_of_others_and_the_root_are_all_tried(make_search: MakeSearch, space: SearchSpace) -> None:
    root = space.root(DEFAULTS)
    known = {name: replace(root, task=name, layers=(*root.layers, replace(space.head(name), component=name))) for name in ("a", "b")}
    search = make_search(others=tuple(known), path_of=known.__getitem__, budget=SearchBudget(1, 12))
    children = search.ask()
    assert {child.parent_task for child in children} == {None, "a", "b"}
    for child in children:
        head = child.path.layers[-1]
        assert (head.name, head.component, head.trained, head.config["outputs"]) == ("head", None, True, 5)  # always a fresh one


def test_size_and_operations_cost(make_search: MakeSearch) -> None:
    search = make_search(
        penalty=Penalty(0.5, 0.9, 400, 10.0),
        budget=SearchBudget(1, 1),
        users={"hash of inputs": 3},
        rules=MutationRules(False, clone="none", adapters="none"),
    )
    (child,) = search.ask()
    (found,) = search.tell([outcome(child, 0.8, flops=20.0)])
    layers = sum(layer.weights for layer in child.path.layers[1:-1])
    accounted = 100 / 4 + layers + 9 * 5
    assert found.accounted == accounted
    assert found.score == pytest.approx(0.8 * 0.5 ** (accounted / 400) * 0.9 ** (20 / 10))


def test_of_qualities_below_nothing_the_better_wins(make_search: MakeSearch) -> None:
    search = make_search(budget=SearchBudget(1, 3))
    search.tell([outcome(child, quality) for child, quality in zip(search.ask(), (-5.0, -0.1, -3.0), strict=True)])
    assert search.best is not None
    assert search.best.quality == -0.1


def test_a_quality_below_nothing_is_nothing() -> None:
    assert Penalty(0.9, 1.0, 100, 1.0).score(-3.0, 50, 1.0) == 0.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32 - 1), clone=CHOICES, adapters=CHOICES, learned_rates=st.booleans())
def test_children_are_what_the_rules_allow(space: SearchSpace, seed: int, clone: Any, adapters: Any, learned_rates: bool) -> None:
    rules = MutationRules(True, False, clone, adapters, layers=True, learned_rates=learned_rates)
    random, path = np.random.default_rng(seed), space.root(DEFAULTS)
    order = [layer.name for layer in space.layers]
    for generation in range(8):
        child = mutate(path, "new", space, rules, random)
        check(child, path, order, rules, generation)
        names = tuple(replace(layer, component=layer.component or f"{layer.name} {generation}", trained=False) for layer in child.layers)
        path = replace(child, layers=names)


def check(child: LayerPath, parent: LayerPath, order: Sequence[str], rules: MutationRules, generation: int) -> None:
    layers = [layer.name for layer in child.layers if layer.name in order]
    assert layers == [place for place in order if place in layers]
    assert layers[0] == "inputs"
    assert abs(len(layers) - len([layer for layer in parent.layers if layer.name in order])) <= 1
    assert child.layers[-1].name == "head"
    assert child.layers[-1].trained
    assert len({layer.name for layer in child.layers}) == len(child.layers)
    for before, layer in zip(child.layers, child.layers[1:], strict=False):
        if layer.name.startswith("adapter"):
            assert layer.name == f"adapter {before.name}"
    own = {layer.name for layer in child.layers if layer.origin == "new"}
    assert own == {layer.name for layer in child.layers if layer.trained}
    if rules.clone != "evolve":
        frozen = {layer.name for layer in child.layers if layer.name in order and not layer.trained}
        assert frozen == (set(layers) if rules.clone == "none" else set())
    adapters = {layer.name for layer in child.layers if layer.name.startswith("adapter")}
    if rules.adapters != "evolve":
        assert adapters == ({f"adapter {place}" for place in layers[1:]} if rules.adapters == "all" else set())
    for name, values in lists(image=True).items():
        moved = values.index(child.hyper[name]) - values.index(parent.hyper[name])
        assert abs(moved) <= 1
    assert set(child.rates.values()) <= set(MUTATION)
    assert bool(child.rates) == rules.learned_rates


def test_learned_rates_move_apart(space: SearchSpace) -> None:
    path, random = space.root(DEFAULTS), np.random.default_rng(0)
    for _ in range(20):
        path = mutate(path, "new", space, MutationRules(True, learned_rates=True), random)
    assert len(set(path.rates.values())) > 3
    assert {"learning_rate", "layers", "clone block 2", "adapter block 1"} <= set(path.rates)
    assert path.hyper["mutation"] == DEFAULTS["mutation"]


def test_layers_of_a_random_root_are_trained(space: SearchSpace) -> None:
    """There is nothing in them to share; what a task has trained is shared by chance as ever."""
    random, root = np.random.default_rng(0), space.root(DEFAULTS)
    child = mutate(root, "a", space, MutationRules(True, random_root=True, adapters="none"), random)
    assert all(layer.trained for layer in child.layers)
    kept = tuple(replace(layer, component=f"{layer.name} of a", trained=False) for layer in child.layers)
    children = [mutate(replace(child, layers=kept), "b", space, MutationRules(True, random_root=True), random) for _ in range(20)]
    shared = [layer for other in children for layer in other.layers if not layer.trained]
    assert 20 < len(shared) < 80
    assert {layer.origin for layer in shared} == {"a"}
