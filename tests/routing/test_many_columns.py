"""Where there are many columns an index says which are worth scoring; the answers stay those of scoring all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from senpath.components import CONV_FEATURES
from senpath.errors import StoreError
from senpath.routing import Columns, Discriminant, Metric, StoredTask, TaskStatistics, collect, feature_map, pack, statistics_of
from senpath.routing.metric import NEAREST, SCANNED, SHRINKAGE, ColumnIndex, find_cells
from senpath.routing.statistics import SINCE
from senpath.types import DataType, Examples

TUNED = SINCE[CONV_FEATURES]

CPU = torch.device("cpu")
TYPE = DataType("image", (1, 8, 8))
TASKS, SHOTS = 110, 3

Tasks = dict[str, tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def permuted(tasks: Tasks) -> tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray]:
    """The statistics of 110 tasks of ten digits, each under its own order of the pixels; ten test images of each, and whose they are."""
    x, y = (np.concatenate(parts) for parts in zip(*tasks.values(), strict=True))
    random = np.random.default_rng(0)
    kept, tests = {}, []
    features = feature_map(TYPE, 0)
    for number in range(TASKS):
        order = random.permutation(64)
        rows = np.concatenate([random.choice(np.flatnonzero(y == digit), SHOTS + 1, replace=False) for digit in range(10)])
        images = torch.from_numpy(x[rows].reshape(-1, 64)[:, order].reshape(-1, 1, 8, 8)).float()
        held = np.arange(0, len(rows), SHOTS + 1)
        learned = np.setdiff1d(np.arange(len(rows)), held)
        examples = Examples(TYPE, images[learned], torch.from_numpy(y[rows][learned]), tuple(range(10)))
        kept[f"task {number}"] = statistics_of(collect(examples, features, 0, device=CPU), gate=False)
        tests.append(images[held])
    return kept, torch.cat(tests), np.repeat(np.arange(TASKS), 10)


@pytest.fixture(scope="module")
def indexed(permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray]) -> Discriminant:
    return Discriminant.of(feature_map(TYPE, 0), permuted[0], CPU)


def mean(kept: dict[str, TaskStatistics]) -> np.ndarray:
    """The tasks' mean covariance, packed."""
    return np.mean([one.covariance for one in kept.values()], 0, dtype=np.float64)


def stored(kept: dict[str, TaskStatistics]) -> list[StoredTask]:
    ends = np.cumsum([0, *(len(one.columns) for one in kept.values())])
    return [StoredTask(name, int(end), one.counts.tolist(), one.figures) for end, (name, one) in zip(ends, kept.items(), strict=False)]


def score_everything(dispatcher: Discriminant, kept: dict[str, TaskStatistics], inputs: torch.Tensor) -> np.ndarray:
    """The two best tasks of each input, int64 (n, 2), by all columns of all tasks in the dispatcher's metric."""
    features = dispatcher.features(inputs).double().numpy()
    precision, centre = dispatcher.metric.precision.double().numpy(), dispatcher.metric.centre.double().numpy()
    scores, whitened = [], (features - centre) @ precision
    for one in kept.values():
        columns, counts = one.columns - centre, one.counts
        nearness = whitened @ columns.T - 0.5 * ((columns @ precision) * columns).sum(1)
        scores.append(
            logsumexp(
                (nearness + 0.5 * TUNED["correction"] * dispatcher.metric.freedom / counts) / TUNED["temperature"],
                1,
            )
        )
    return np.argsort(-np.stack(scores, 1), 1)[:, :2]


@pytest.mark.slow("learns from many columns")
def test_the_best_two_are_those_of_scoring_everything(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant
) -> None:
    kept, inputs, right = permuted
    assert indexed.indexed
    expected = score_everything(indexed, kept, inputs)
    decision = indexed.decide(inputs)
    assert (decision.order[:, 0] == expected[:, 0]).mean() >= 0.99
    assert (np.sort(decision.order, 1) == np.sort(expected, 1)).all(1).mean() >= 0.965
    assert (decision.order[:, 0] == right).mean() > 0.9


@pytest.mark.parametrize("removed", [2, 55, 100])
def test_rows_of_no_task_take_no_places(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant, removed: int
) -> None:
    """Tasks were removed, the metric is still the one that was made with them."""
    kept, inputs, right = permuted
    gone = np.random.default_rng(removed).permutation(TASKS)[:removed]
    left = {name: one for place, (name, one) in enumerate(kept.items()) if place not in gone}
    rows, tasks = np.concatenate([one.columns for one in kept.values()]), [task for task in stored(kept) if task.name in left]
    dispatcher = Discriminant(feature_map(TYPE, 0), indexed.metric, Columns(rows, tasks, lambda task: None), tasks)
    assert dispatcher.indexed
    mine = inputs[~np.isin(right, gone)]
    expected = score_everything(dispatcher, left, mine)
    decision = dispatcher.decide(mine)
    assert (decision.order[:, 0] == expected[:, 0]).mean() >= 0.99
    assert (np.sort(decision.order, 1) == np.sort(expected, 1)).all(1).mean() >= 0.965
    names = np.array(list(kept))[right[~np.isin(right, gone)]]
    assert (np.array(dispatcher.names)[decision.order[:, 0]] == names).mean() > 0.9
    assert ((dispatcher.probabilities(inputs) > 0).sum(1) <= NEAREST).all()


def test_a_task_that_comes_back_is_found_by_its_old_rows(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant
) -> None:
    kept, inputs, right = permuted
    rows, everything = np.concatenate([one.columns for one in kept.values()]), stored(kept)
    tasks = everything[:5] + everything[6:]
    before = Discriminant(feature_map(TYPE, 0), indexed.metric, Columns(rows, tasks, lambda task: None), tasks)
    earlier = before.probabilities(inputs[::7])
    again = [*tasks, everything[5]]
    grown = Discriminant(feature_map(TYPE, 0), indexed.metric, Columns(rows, again, lambda task: None), again, before)
    fresh = Discriminant(feature_map(TYPE, 0), indexed.metric, Columns(rows, again, lambda task: None), again)
    np.testing.assert_allclose(grown.probabilities(inputs), fresh.probabilities(inputs), atol=1e-6)
    assert (grown.decide(inputs[right == 5]).order[:, 0] == len(tasks)).mean() > 0.7
    np.testing.assert_array_equal(before.probabilities(inputs[::7]), earlier)


def test_rows_of_no_task_decide_nothing_in_a_metric(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray],
) -> None:
    kept = permuted[0]
    rows = np.concatenate([one.columns for one in kept.values()])
    common, owned = mean(kept), np.arange(len(rows))[40:]
    spoilt = rows.copy()
    spoilt[:40] = 0
    left, right = Metric.of(common, TASKS, rows, CPU, owned), Metric.of(common, TASKS, spoilt, CPU, owned)
    assert torch.equal(left.centre, right.centre)
    assert left.coordinates is not None
    assert right.coordinates is not None
    assert torch.equal(left.coordinates.projection, right.coordinates.projection)
    assert torch.equal(left.norms[40:], right.norms[40:])
    assert len(left.norms) == len(rows)


def test_an_input_alone_is_answered_as_in_a_batch(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant
) -> None:
    inputs = permuted[1][::100]
    together = indexed.decide(inputs)
    for place in range(len(inputs)):
        alone = indexed.decide(inputs[place : place + 1])
        np.testing.assert_array_equal(alone.order[0], together.order[place])
        np.testing.assert_allclose(alone.probability[0], together.probability[place], rtol=1e-3)
        np.testing.assert_allclose(alone.ood_score[0], together.ood_score[place], rtol=1e-3)


def test_what_is_not_scored_is_impossible_and_not_counted(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant
) -> None:
    chances = indexed.probabilities(permuted[1])
    np.testing.assert_allclose(chances.sum(1), 1)
    assert ((chances > 0).sum(1) <= NEAREST).all()
    ranking = indexed.rank(permuted[1])
    every_column = sum(one.columns.size for one in permuted[0].values())
    least = indexed.features.weights + 1024 * 1025 // 2
    assert (least < ranking.numbers).all()
    assert (ranking.numbers < least + every_column).all()
    assert ranking.numbers.max() < ranking.together()


def test_a_grown_dispatcher_answers_as_a_fresh_one(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray],
) -> None:
    kept, inputs, _ = permuted
    features, tasks = feature_map(TYPE, 0), stored(kept)
    rows = np.concatenate([one.columns for one in kept.values()])
    metric = Metric.of(mean(dict(list(kept.items())[:100])), 100, rows[:1000], CPU)
    before = Discriminant(features, metric, Columns(rows[:1000], tasks[:100], lambda task: None), tasks[:100])
    earlier = before.decide(inputs[:200])
    grown = before
    for count in (101, 110):
        grown = Discriminant(features, metric, Columns(rows[: 10 * count], tasks[:count], lambda task: None), tasks[:count], grown)
    fresh = Discriminant(features, metric, Columns(rows, tasks, lambda task: None), tasks)
    np.testing.assert_allclose(grown.probabilities(inputs), fresh.probabilities(inputs), atol=1e-6)
    # The dispatcher of the earlier version, whose index has got new columns meanwhile, answers as it did.
    later = before.decide(inputs[:200])
    np.testing.assert_array_equal(later.order, earlier.order)
    assert len(before.decide(inputs[:0]).order) == 0


def test_rows_are_checked_when_their_task_is_scored(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant
) -> None:
    kept, inputs, right = permuted
    rows, tasks = np.concatenate([one.columns for one in kept.values()]), stored(kept)
    asked: list[int] = []

    def check(task: int) -> None:
        asked.append(task)
        if task == 7:
            raise StoreError("columns", expected="rows that match their hash", got="changed content")

    dispatcher = Discriminant(feature_map(TYPE, 0), indexed.metric, Columns(rows, tasks, check), tasks)
    assert asked == []
    one = inputs[right == 50][:1]
    dispatcher.decide(one)
    assert 50 in asked
    assert len(asked) <= NEAREST
    assert len(set(asked)) == len(asked)
    with pytest.raises(StoreError, match="rows that match their hash"):
        dispatcher.decide(inputs[right == 7])


def test_a_metric_is_made_of_all_tasks_and_later_of_a_number_that_grows_by_quarters() -> None:
    tasks = {f"task {number}": number for number in range(1000)}
    made = [len(Metric.first(dict(list(tasks.items())[:count]))) for count in range(1, 1001)]
    assert made[:16] == list(range(1, 17))
    assert sorted({*made[15:]})[:7] == [16, 20, 25, 32, 40, 50, 63]
    assert all(count < of * 1.25 + 1 for count, of in enumerate(made, 1))
    assert [*Metric.first(tasks)] == list(tasks)[: made[-1]]


@pytest.mark.parametrize("cells", [1, 40])
def test_a_metric_of_the_rows_that_stay_ranks_as_before(
    permuted: tuple[dict[str, TaskStatistics], torch.Tensor, np.ndarray], indexed: Discriminant, cells: int
) -> None:
    """And its centre and cells are means of these rows."""
    kept, inputs, _ = permuted
    held = indexed.metric.coordinates
    assert held is not None
    metric = replace(indexed.metric, coordinates=replace(held, cells=held.columns[:: len(held.columns) // cells][:cells]))
    gone = (3, 50, 109)
    left = {name: one for place, (name, one) in enumerate(kept.items()) if place not in gone}
    rows, mine = np.concatenate([one.columns for one in kept.values()]), np.concatenate([one.columns for one in left.values()])
    tasks = [task for task in stored(kept) if task.name in left]
    before = Discriminant(feature_map(TYPE, 0), metric, Columns(rows, tasks, lambda task: None), tasks).decide(inputs)
    covering = metric.covering(mine)
    after = Discriminant(feature_map(TYPE, 0), covering, Columns(mine, stored(left), lambda task: None), stored(left)).decide(inputs)
    assert (after.order == before.order).mean() > (0.999 if cells == 1 else 0.98)
    if cells == 1:
        np.testing.assert_allclose(after.probability, before.probability, atol=2e-5)
    assert (covering.tasks, covering.freedom) == (metric.tasks, metric.freedom)
    assert torch.equal(covering.precision, metric.precision)
    torch.testing.assert_close(covering.centre, torch.from_numpy(mine).mean(0))
    own = covering.coordinates
    assert own is not None
    assert len(own.columns) == len(mine)
    assert 0 < len(own.cells) <= cells
    if cells == 1:
        torch.testing.assert_close(own.cells[0], own.columns.mean(0), atol=1e-4, rtol=1e-4)
    else:  # the division is nearly the one that there was
        assert (torch.cdist(own.cells, held.cells).min(1).values < torch.cdist(held.columns, held.cells).min(1).values.median()).all()


def test_a_metric_survives_its_file(indexed: Discriminant) -> None:
    metric = indexed.metric
    again = Metric.parse(metric.dump(), "x.metric", CPU, 1024, len(metric.norms))
    assert (again.tasks, again.freedom) == (metric.tasks, metric.freedom)
    for name in ("precision", "centre", "norms"):
        assert torch.equal(getattr(again, name), getattr(metric, name))
    assert again.coordinates is not None
    assert metric.coordinates is not None
    for name in ("projection", "cells", "columns"):
        assert torch.equal(getattr(again.coordinates, name), getattr(metric.coordinates, name))


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_file_that_is_no_metric(content: bytes) -> None:
    with pytest.raises(StoreError, match=r"x\.metric: expected the metric of a dispatcher, got "):
        Metric.parse(content, "x.metric", CPU, 1024, 10)


def clustered(points: int) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.normal(size=(points // 50, 16)) * 5
    return (centres[random.integers(0, len(centres), points)] + random.normal(size=(points, 16))).astype(np.float32)


@pytest.mark.parametrize("points", [500, SCANNED + 1000], ids=["all compared", "by cells"])
@pytest.mark.parametrize("parts", [1, 3])
def test_the_index_finds_the_nearest_points(points: int, parts: int) -> None:
    places = clustered(points)
    index = ColumnIndex(find_cells(places[: points // 2], points))
    for part in range(1, parts + 1):
        index.reach(places[: part * points // parts])
    assert len(index) == points
    assert index.sizes.sum() == points
    rows, cells = index.search(places[:200])
    exact = ((places[:200, None] - places[None]) ** 2).sum(2).argsort(1)[:, :NEAREST] if points <= 1000 else None
    assert (rows[:, 0] == np.arange(200)).mean() > 0.99
    if exact is not None:
        assert (np.sort(rows, 1) == np.sort(exact, 1)).mean() > 0.99
    searched = index.sizes[cells].sum(1)
    assert (searched == points).all() if points <= SCANNED else (searched < points / 2).all()


def test_fewer_points_than_are_looked_up() -> None:
    places = clustered(500)[:5]
    index = ColumnIndex(find_cells(places, 5))
    index.reach(places)
    index.reach(places[:2])
    rows, _ = index.search(places[:1])
    assert sorted(rows[0][rows[0] >= 0].tolist()) == [0, 1, 2, 3, 4]


def test_columns_that_come_one_by_one_are_measured_as_all_at_once() -> None:
    random = np.random.default_rng(0)
    rows = (30 * random.random((300, 512))).astype(np.float32)
    rests = random.normal(size=(20, 512)) * random.random(512) ** 4  # few examples of numbers that hardly vary: precisions far apart
    metric = Metric.of(pack(torch.from_numpy(rests.T @ rests / 20)), 1, rows[:100], torch.device("cpu"))
    together, along = metric.reaching(rows[100:]), metric
    for start, end in ((100, 101), (101, 104), (104, 170), (170, 300)):
        along = along.reaching(rows[start:end])
    np.testing.assert_array_equal(along.norms.numpy(), together.norms.numpy())


def test_what_was_inverted_lately_is_not_taken_for_another() -> None:
    random, rows = np.random.default_rng(0), np.zeros((2, 8), dtype=np.float32)
    matrices = [(values := random.normal(size=(20, 8))).T @ values / 20 for _ in range(3)]
    for place, scarcity in ((0, 0.0), (0, 0.0), (1, 0.0), (0, 0.5), (2, 0.0), (0, 0.0), (1, 0.0), (1, 0.5), (0, 0.5)):
        metric = Metric.of(pack(torch.from_numpy(matrices[place])), 1, rows, CPU, scarcity=scarcity)
        ridge = (SHRINKAGE + scarcity) * matrices[place].diagonal().mean()
        expected = np.linalg.inv(matrices[place] + ridge * np.eye(8))
        np.testing.assert_allclose(metric.precision, expected, rtol=1e-5)
        assert metric.freedom == pytest.approx(8 - ridge * expected.trace())
