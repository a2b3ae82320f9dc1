"""How far from a task an input may be: the limit that its own examples set, and how distances are measured."""

import math

import numpy as np
import torch

from senpath.components import UNIT_FEATURES, Component, UnitFeatures, freeze
from senpath.routing import Discriminant, collect, statistics_of, temperature_of
from senpath.routing.limits import LIMIT_QUANTILE, limit_within, soft_nearest
from senpath.types import DataType, Examples

CPU = torch.device("cpu")
WIDTH = 16
TEXTS, PICTURES = (DataType(modality, (WIDTH,), {"encoder": {"name": "any"}}) for modality in ("text", "image"))


def groups(data_type: DataType, classes: int, each: int, seed: int) -> Examples:
    """Vectors around the classes' middles."""
    random = np.random.default_rng(seed)
    middles = random.normal(size=(classes, 1, WIDTH))
    x = middles + 0.4 * random.normal(size=(classes, each, WIDTH))
    y = torch.arange(classes).repeat_interleave(each)
    return Examples(data_type, torch.from_numpy(x.reshape(-1, WIDTH).astype(np.float32)), y, tuple(map(str, range(classes))))


def unit() -> Component:
    return freeze(UNIT_FEATURES, {"outputs": WIDTH, "root": False}, UnitFeatures(WIDTH, False))


def test_few_examples_set_a_limit_that_lets_the_next_ones_in() -> None:
    generator = torch.Generator().manual_seed(0)
    for count in (10, 40, 500):
        draws = torch.rand(2000, count + 1, generator=generator)
        inside = torch.stack([draw[-1] <= limit_within(draw[:-1]) for draw in draws]).double().mean()
        assert inside >= min(LIMIT_QUANTILE, count / (count + 1)) - 0.012
        assert inside <= LIMIT_QUANTILE + 0.025


def test_an_input_between_columns_is_nearer_than_one_beside_a_single_one() -> None:
    squares = torch.tensor([[1.0, 1.0, 9.0], [1.0, 9.0, 9.0]])
    between, beside = soft_nearest(squares, 0.5).tolist()
    assert math.isclose(between, 1 - 0.5 * math.log(2), abs_tol=1e-4)
    assert math.isclose(beside, 1.0, abs_tol=1e-4)
    assert soft_nearest(squares, 0.0).tolist() == [1.0, 1.0]
    assert soft_nearest(torch.zeros(1, 9), 0.5).tolist() == [0.0]  # never below nothing


def test_only_texts_behind_an_encoder_are_measured_softly() -> None:
    kept = {kind.modality: statistics_of(collect(groups(kind, 3, 60, 0), unit(), 0, device=CPU), gate=False) for kind in (TEXTS, PICTURES)}
    assert kept["text"].figures["softness"] > 0
    assert "softness" not in kept["image"].figures


def test_one_input_alone_is_as_far_as_in_a_batch() -> None:
    tasks = {name: statistics_of(collect(groups(TEXTS, 3, 60, seed), unit(), 0, device=CPU), gate=False) for seed, name in enumerate("ab")}
    dispatcher = Discriminant.of(unit(), tasks, CPU)
    inputs = groups(TEXTS, 3, 60, 0).inputs[::9]
    together = dispatcher.decide(inputs).ood_score
    alone = np.concatenate([dispatcher.decide(inputs[place : place + 1]).ood_score for place in range(len(inputs))])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert (together <= 1).mean() > 0.8
    assert (dispatcher.decide(groups(TEXTS, 3, 60, 9).inputs).ood_score > 1).mean() > 0.8


def test_tasks_that_say_no_temperature_keep_that_of_their_kind() -> None:
    new, old = {"limit": 1.0, "temperature": 6.0}, {"limit": 1.0}
    assert temperature_of(UNIT_FEATURES, [new, {**new, "temperature": 8.0}]) == 6
    assert temperature_of(UNIT_FEATURES, [old, old]) == temperature_of(UNIT_FEATURES, [new, old]) == 4
