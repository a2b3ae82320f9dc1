"""What learning a task ran and changed is counted, and adds up to what the network then weighs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from senpath import Learned, Network
from senpath.pathways import LearningCost

Labelled = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"model": "mlp", "hidden": 4, "epochs": 10, "batch_size": 25, "learning_rate": 0.02}
FEATURES = 512
MAP = FEATURES * 4 + FEATURES
"""Weights of the feature map of tables of four columns."""
TRIANGLE = FEATURES * (FEATURES + 1) // 2
OWN = (4 * 4 + 4) + (4 * 3 + 3)
"""Weights of a task's own part."""
TASKS = 8
"""Tasks learned in all; from the seventh on the dispatcher is asked which five earlier ones matter."""


class Grown:
    """A network after it has learned flowers over and over, each time from another seed, and what each time was told."""

    def __init__(self, path: Path, form: Any, data: Labelled) -> None:
        self.net, self.told, self.weights = Network(path, dispatcher=form), list[Learned](), list[dict[str, int]]()
        for index in range(TASKS):
            self.told.append(self.net.learn(f"task {index}", *data, random_state=index, **QUICK))
            self.weights.append(self.net.weights)

    def own(self, task: str) -> int:
        """Weights of a task's own part, without its links."""
        return sum(self.net.view.component(name).weights for name in self.net.view.pathway(task).components)

    def kept(self, task: str) -> int:
        """Numbers that the dispatcher keeps of a task alone."""
        statistics = self.net.view.tasks[task].statistics
        return statistics.rows * FEATURES if statistics.gate is None else self.net.view.component(statistics.gate).weights


@pytest.fixture(scope="module", params=["discriminant", "binary"])
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, iris: Labelled) -> Grown:
    return Grown(tmp_path_factory.mktemp("cost") / "n.sen", request.param, iris)


@pytest.fixture(scope="module")
def _one(tmp_path_factory: pytest.TempPathFactory, iris: Labelled) -> Path:
    net = Network(tmp_path_factory.mktemp("one") / "n.sen")
    net.learn("task", *iris, **QUICK)
    return net.path


@pytest.fixture
def one(_one: Path, tmp_path: Path) -> Network:
    """Knows flowers. A copy of the test's own."""
    return Network(shutil.copytree(_one, tmp_path / "n.sen"))


def test_the_first_task_reads_nothing_earlier(grown: Grown) -> None:
    kept = grown.kept("task 0")
    summed = TRIANGLE if grown.net.view.settings.dispatcher == "discriminant" else 0
    assert grown.told[0].cost == LearningCost(
        read=0, updated=OWN, dispatcher_read=MAP, dispatcher_updated=kept + summed, total=OWN + MAP + kept + summed
    )


def test_a_task_that_borrows_reads_the_own_parts_of_earlier_ones(grown: Grown) -> None:
    for index in range(1, 6):
        cost, task = grown.told[index].cost, f"task {index}"
        assert grown.told[index].transfers
        # A link is never read by another task, so the earlier ones' links do not run.
        assert cost.read == sum(grown.own(f"task {earlier}") for earlier in range(index)) == index * OWN
        assert cost.updated == grown.net.tasks[task].weights > OWN
        assert cost.dispatcher_read == MAP


def test_beyond_five_sources_the_dispatcher_runs_and_is_counted(grown: Grown) -> None:
    for index in (6, 7):
        cost, tried = grown.told[index].cost, grown.told[index].provenance.sources_tried
        assert len(tried) == 5
        assert cost.read == sum(grown.own(task) for task in tried) == 5 * OWN
        assert cost.dispatcher_read == grown.weights[index - 1]["dispatcher"] > 2 * MAP
        assert cost.updated == grown.net.tasks[f"task {index}"].weights


def test_it_makes_no_difference_what_was_read_before(grown: Grown, tmp_path: Path, iris: Labelled) -> None:
    net = Network(shutil.copytree(grown.net.path, tmp_path / "n.sen"))
    again = Network(shutil.copytree(grown.net.path, tmp_path / "again.sen"))
    again.predict(iris[0][:20])
    again.verify()
    for task in again.tasks:
        again.predict(iris[0][:20], task=task)
    found = [each.learn("next", *iris, random_state=TASKS, **QUICK).cost for each in (net, again)]
    assert found[0] == found[1]
    assert found[0].dispatcher_read == grown.net.weights["dispatcher"]


def test_the_dispatcher_changes_by_what_the_new_task_adds(grown: Grown) -> None:
    summed = TRIANGLE if grown.net.view.settings.dispatcher == "discriminant" else 0
    for index, told in enumerate(grown.told):
        assert told.cost.dispatcher_updated == grown.kept(f"task {index}") + summed
    grew = [after["dispatcher"] - before["dispatcher"] for before, after in pairwise(grown.weights)]
    assert grew == [grown.kept(f"task {index}") for index in range(1, TASKS)]


def test_the_total_is_what_the_network_then_weighs(grown: Grown) -> None:
    assert [told.cost.total for told in grown.told] == [weights["total"] for weights in grown.weights]


def test_the_log_has_it(grown: Grown) -> None:
    assert [entry["cost"] for entry in Network(grown.net.path).log] == [asdict(told.cost) for told in grown.told]


def test_shares_are_parts_of_the_whole(grown: Grown) -> None:
    for cost in (told.cost for told in grown.told):
        assert cost.run_share == pytest.approx((cost.read + cost.updated + cost.dispatcher_read) / cost.total)
        assert cost.updated_share == pytest.approx((cost.updated + cost.dispatcher_updated) / cost.total)
        assert 0 < cost.run_share <= 1
        assert 0 < cost.updated_share <= 1


def test_a_task_learned_alone_reads_no_earlier_one(one: Network, iris: Labelled) -> None:
    cost = one.learn("alone", *iris, links="none", random_state=1, **QUICK).cost
    assert (cost.read, cost.updated, cost.dispatcher_read, cost.total) == (0, OWN, MAP, one.weights["total"])


def test_zero_shot_adds_the_links_alone(one: Network, iris: Labelled) -> None:
    cost = one.learn("names", iris[0], np.array(["a", "b", "c"])[iris[1]], epochs=0).cost
    assert (cost.read, cost.updated) == (OWN, 4 * 3 + 3)
    assert cost.total == one.weights["total"]


def test_looking_for_a_source_costs_though_nothing_is_borrowed(one: Network, iris: Labelled) -> None:
    told = one.learn("mixed up", iris[0], np.random.default_rng(0).integers(0, 5, len(iris[1])), **QUICK)
    assert told.transfers == ()
    assert told.cost.read == OWN


def rows(x: np.ndarray) -> list[dict[str, float]]:
    """The same numbers under other columns' names: another type of data, whose features are drawn alike."""
    return [dict(zip("abcd", row.tolist(), strict=True)) for row in x]


def images(_: np.ndarray) -> np.ndarray:
    return np.asarray(load_digits().images[:150] / 16)


@pytest.mark.parametrize("form", [lambda x: x, rows, images], ids=["same type", "other columns", "images"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model": "svm"},
        {"model": "svm", "links": "none"},
        {"guard": True},
        {"source": "per-class", "links": "similar"},
        {"links": "none", "start": "copy"},
        {"epochs": 0},
    ],
    ids=str,
)
def test_it_adds_up_whatever_is_learned(one: Network, iris: Labelled, form: Callable[[np.ndarray], Any], settings: dict[str, Any]) -> None:
    before = one.weights["total"]
    cost = one.learn("next", form(iris[0]), iris[1], **{**QUICK, "augment": 0.0, **settings}).cost
    assert cost.total == one.weights["total"] > before
    looked = form not in (rows, images) and settings.get("start", settings.get("links")) != "none"
    assert cost.read == (OWN if looked else 0)
    assert cost.dispatcher_read == one.view.component(one.view.manifest.types[one.tasks["next"].data_type].features).weights
    assert 0 < cost.run_share <= 1
    assert 0 < cost.updated_share <= 1
    assert one.log[-1]["cost"] == asdict(cost)


def test_what_is_there_already_is_not_counted_twice(one: Network, iris: Labelled) -> None:
    cost = one.learn("again", *iris, links="none", **QUICK).cost
    assert one.view.pathway("again").components == one.view.pathway("task").components
    assert cost.updated == 0
    assert cost.total == one.weights["total"]


def test_a_view_tells_what_it_handed_out_while_watched(one: Network) -> None:
    view = one.view
    body, head = view.pathway("task").components
    key = one.tasks["task"].data_type
    view.component(body)
    with view.watch() as outer:
        view.component(head)
        with view.watch() as inner:
            view.component(body)  # read before, and still handed out
            view.dispatcher(key)
        view.component(head)
    view.component(body)
    features = view.manifest.types[key].features
    assert (inner.components, inner.dispatchers) == ({body, features}, {key: view.dispatcher_weights(key)})
    assert (outer.components, outer.dispatchers) == ({body, head, features}, {key: view.dispatcher_weights(key)})


def test_a_view_stops_watching_after_an_error(one: Network) -> None:
    body, head = one.view.pathway("task").components

    def fail() -> None:
        one.view.component(body)
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"), one.view.watch() as touched:
        fail()
    one.view.component(head)
    assert touched.components == {body}


def test_of_nothing_the_shares_are_none() -> None:
    nothing = LearningCost(read=0, updated=0, dispatcher_read=0, dispatcher_updated=0, total=0)
    assert (nothing.run_share, nothing.updated_share) == (0, 0)
