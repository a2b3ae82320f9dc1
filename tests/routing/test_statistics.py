"""What is read of a task is bounded and decided by a seed; features are fixed; the binary form has a model per task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from senpath import Network, data
from senpath.components import Component
from senpath.routing import Collected, CommonCovariance, collect, feature_map, pack, statistics_of, unpack
from senpath.routing.statistics import FEW, HELD, READ
from senpath.types import DataType, Examples

Tasks = dict[str, tuple[np.ndarray, np.ndarray]]
CPU = torch.device("cpu")
ROW = DataType("table", (6,), {"fingerprint": "f"})


def rows(examples: int, classes: int, seed: int = 0) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(examples) % classes
    inputs = torch.randn(examples, 6, generator=generator) + targets[:, None] % 7
    return Examples(ROW, inputs, targets, tuple(range(classes)))


class Reading(Component):
    """A feature map that counts the inputs it was given."""

    __slots__ = ("read",)

    def __init__(self, real: Component) -> None:
        super().__init__(real.kind, real.config, real.module, real.hash, real.payload)
        self.read = 0

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        self.read += len(inputs)
        return super().__call__(inputs)


@pytest.mark.parametrize(("examples", "refused"), [(30, 0.25), (120, 0.1), (1_000, 0.1)])
def test_a_gate_s_limit_is_not_read_off_what_it_was_made_of(examples: int, refused: float) -> None:
    features = feature_map(ROW, 0)
    gate = statistics_of(collect(rows(examples, 3), features, 0, device=CPU), gate=True).gate
    assert gate is not None
    assert float((gate(features(rows(400, 3, seed=1).inputs)) > 1).float().mean()) < refused


@pytest.mark.parametrize("examples", [12, 300])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_copies_say_nothing_new(examples: int, kind: str) -> None:
    # As those who repeat the examples of a rare class have them.
    once = rows(examples, 3)
    if kind == "regression":
        once = replace(once, targets=once.targets[:, None].double(), classes=(0,), kind="regression")
    often = once.subset(torch.cat([torch.arange(examples), torch.randint(examples, (700,), generator=torch.Generator().manual_seed(1))]))
    kept = [statistics_of(collect(some, feature_map(ROW, 0), 0, device=CPU), gate=False) for some in (once, often)]
    assert kept[0].figures == kept[1].figures
    np.testing.assert_array_equal(kept[0].columns, kept[1].columns)
    np.testing.assert_array_equal(kept[0].counts, kept[1].counts)


def test_of_one_example_a_class_the_limit_is_as_far_as_classes_are_apart() -> None:
    kept = statistics_of(collect(rows(5, 5), feature_map(ROW, 0), 0, device=CPU), gate=False)
    apart = torch.cdist(torch.from_numpy(kept.columns), torch.from_numpy(kept.columns)).square().fill_diagonal_(torch.inf)
    assert kept.figures["limit"] == pytest.approx(float(apart.min(1).values.max()), rel=1e-4)


@pytest.mark.parametrize("classes", [1, 4])
def test_one_example_of_each_class_of_many_sets_no_limit(classes: int) -> None:
    collected = collect(rows(classes, classes), feature_map(ROW, 0), 0, device=CPU, few=False)
    assert collected.means_without is not None
    assert collected.held.shape == collected.means_without.shape == (0, collected.means.shape[1])
    assert collected.counts.tolist() == [1] * classes


@pytest.mark.parametrize(
    ("examples", "classes", "most"),
    [(30_000, 2, READ), (30_000, 26, READ + 26), (3_000, 10, 3_000), (9_000, 400, 400 * FEW), (40, 10, 40)],
)
def test_of_a_huge_task_only_a_part_is_read(examples: int, classes: int, most: int) -> None:
    features = Reading(feature_map(ROW, 0))
    told: list[tuple[str, int, int]] = []
    collected = collect(rows(examples, classes), features, 0, device=CPU, progress=lambda *step: told.append(step))
    assert features.read <= most
    assert told[-1] == ("dispatcher", features.read, features.read)
    behind = int(collected.counts.sum())
    assert features.read == (behind if examples < FEW * classes else behind + len(collected.held))
    assert len(collected.held) <= max(HELD, examples // 10)
    assert len(collected.means) <= 6 * classes


def parts(collected: Collected) -> list[torch.Tensor]:
    return [collected.means, collected.counts, collected.scatter, collected.held, collected.features]


@pytest.mark.parametrize(("examples", "classes"), [(900, 3), (30, 3), (3, 3)])
def test_a_seed_decides_what_is_read(examples: int, classes: int) -> None:
    data, features = rows(examples, classes), feature_map(ROW, 0)
    state = torch.get_rng_state()
    first, again, other = (collect(data, features, seed, device=CPU) for seed in (4, 4, 5))
    assert all(torch.equal(a, b) for a, b in zip(parts(first), parts(again), strict=True))
    if examples > 100:
        assert not torch.equal(first.held, other.held)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_class_has_columns_and_their_examples_are_counted() -> None:
    targets = torch.tensor([0] * 300 + [1] * 45 + [2] * 2)
    inputs = torch.randn(len(targets), 6, generator=torch.Generator().manual_seed(0)) + 9.0 * targets[:, None]
    collected = collect(Examples(ROW, inputs, targets, (0, 1, 2)), feature_map(ROW, 0), 0, device=CPU)
    nearest = feature_map(ROW, 0)(torch.tensor([[0.0] * 6, [9.0] * 6, [18.0] * 6]))
    owner = torch.cdist(collected.means, nearest).argmin(1)
    assert owner.bincount().tolist() == [6, 2, 1]
    assert (collected.counts > 0).all()


def test_few_examples_are_their_own_columns_and_limit() -> None:
    few = rows(15, 5)
    features = feature_map(ROW, 0)
    collected = collect(few, features, 0, device=CPU)
    values = features(few.inputs)
    expected = torch.stack([values[few.targets == target].mean(0) for target in range(5)])
    torch.testing.assert_close(collected.means, expected)
    assert collected.means_without is not None
    for held, without, target, index in zip(collected.held, collected.means_without, few.targets, range(15), strict=True):
        others = (few.targets == target) & (torch.arange(15) != index)
        torch.testing.assert_close(held, values[index])
        torch.testing.assert_close(without, values[others].mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("examples", "few"), [(900, 0.0), (30, 1.0), (3, 1.0)])
def test_what_is_kept_is_finite(examples: int, few: float) -> None:
    statistics = statistics_of(collect(rows(examples, 3), feature_map(ROW, 0), 0, device=CPU), gate=True)
    assert statistics.figures["few"] == few
    assert statistics.figures["limit"] > 0
    assert all(np.isfinite(values).all() for values in (statistics.columns, statistics.counts, statistics.covariance))
    assert statistics.columns.dtype == np.float32
    assert statistics.gate is not None
    assert float(statistics.gate.module.limit) > 0


@pytest.mark.parametrize("width", [1, 2, 7])
def test_a_packed_triangle_is_the_matrix_again(width: int) -> None:
    square = torch.randn(width, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrix = square + square.T
    packed = pack(matrix)
    assert len(packed) == width * (width + 1) // 2
    torch.testing.assert_close(unpack(packed, width), matrix, rtol=0, atol=0)


def test_a_later_sum_leaves_the_earlier_one_as_it_was() -> None:
    kept = {str(seed): pack(torch.rand(5, 5, generator=torch.Generator().manual_seed(seed))) for seed in range(3)}
    earlier = CommonCovariance.of(["0", "1"], kept.__getitem__, 5)
    before = earlier.total.copy()
    later = CommonCovariance.of(["0", "1", "2"], kept.__getitem__, 5, earlier)
    assert np.array_equal(earlier.total, before)
    assert np.array_equal(later.total, CommonCovariance.of([*kept], kept.__getitem__, 5).total)
    assert np.array_equal(earlier.mean(kept.__getitem__), before / 2)


def test_what_is_kept_of_images_is_the_covariance_around_the_columns() -> None:
    images = torch.rand(10, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    few = Examples(DataType("image", (1, 28, 28)), images, torch.arange(10) % 2, (0, 1))
    collected = collect(few, feature_map(few.data_type, 0), 0, device=CPU)
    rests = (collected.features.view(10, -1, 1_024) - collected.means[few.targets][:, None]).flatten(0, 1).double()
    expected = (rests.T @ rests / len(rests)).triu()
    assert collected.scatter.dtype == torch.float32
    torch.testing.assert_close(collected.scatter.triu().double(), expected, rtol=1e-4, atol=1e-7)


TYPES = [DataType("image", (1, 28, 28)), DataType("image", (3, 9, 40)), DataType("audio", (10, 64)), ROW, DataType("text", (4096,))]


@pytest.mark.parametrize("data_type", TYPES, ids=lambda data_type: f"{data_type.modality}-{data_type.shape[0]}")
def test_features_follow_from_the_seed(data_type: DataType) -> None:
    state = torch.get_rng_state()
    first, again, other = feature_map(data_type, 1), feature_map(data_type, 1), feature_map(data_type, 2)
    assert first.hash == again.hash != other.hash
    values = first(torch.rand(3, *data_type.shape, generator=torch.Generator().manual_seed(0)))
    assert values.ndim == 2
    assert torch.isfinite(values).all()
    assert torch.equal(torch.get_rng_state(), state)


def test_features_of_images_do_not_depend_on_brightness_and_hardly_on_size() -> None:
    features = feature_map(DataType("image", (1, 28, 28)), 0)
    generator = torch.Generator().manual_seed(0)
    images = torch.nn.functional.interpolate(torch.rand(4, 1, 7, 7, generator=generator), (28, 28), mode="bilinear")
    values = features(images)
    torch.testing.assert_close(features(images * 0.6 + 0.2), values, rtol=0, atol=0.15)
    larger = torch.nn.functional.interpolate(images, (56, 56), mode="bilinear", align_corners=False)
    assert (features(larger) - values).norm() < 0.1 * values.norm()


def test_tables_far_from_the_first_are_still_told_apart(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    net = Network(tmp_path / "n.sen")
    net.learn("unit", random.normal(size=(300, 6)), np.arange(300) % 2, links="none", epochs=0, hidden=2)
    tests = {}
    for name, centre in (("a", 300.0), ("b", 301.0), ("c", 302.0)):
        x = centre + random.normal(size=(300, 6))
        net.learn(name, x[:250], np.arange(250) % 2, links="none", epochs=0, hidden=2)
        tests[name] = x[250:]
    for name, x in tests.items():
        assert (net.predict(x, reject=False).task == name).mean() > 0.5


def test_the_binary_form_has_a_gate_per_task(tasks: Tasks, grow: Callable[..., Network]) -> None:
    learned = {name: (x[:150], y[:150]) for name, (x, y) in tasks.items()}
    net = grow(learned, dispatcher="binary")
    gates = [net.view.tasks[name].statistics.gate for name in learned]
    assert len({*gates}) == 3
    assert all(net.view.component(gate).kind.name == "gate.v1" for gate in gates if gate)
    alone = grow({"high": learned["high"]}, dispatcher="binary")
    assert alone.view.tasks["high"].statistics.gate == gates[2]
    x = np.concatenate([x[-40:] for x, _ in tasks.values()])
    found = net.predict(x, reject=False)
    assert (found.task == np.repeat(list(learned), 40)).mean() > 0.5
    noise = np.random.default_rng(0).random((30, 8, 8))
    assert all(task is None for task in net.predict(noise).task)


def test_the_binary_form_tells_digits_from_letters(letters: Any, grow: Callable[..., Network]) -> None:
    x, y = data.load("mnist")
    digits = np.asarray(x[:1400]), np.asarray(y[:1400])
    lower = letters["lower"]
    sets = {"digits": (digits[0][:1100], digits[1][:1100]), "lower": (lower[0][:800], lower[1][:800])}
    net = grow(sets, dispatcher="binary")
    for name, x in (("digits", digits[0][1100:]), ("lower", lower[0][800:])):
        found = net.predict(x, reject=False)
        assert (found.task == name).mean() > 0.75
        assert np.mean([name in names for names in found.candidates]) >= (found.task == name).mean()
        assert 0 < net.predict(x).activated[0].dispatcher_weights < net.weights["total"]
