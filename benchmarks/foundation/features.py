"""Which fixed features the dispatcher should have: accuracy against floating-point operations, on validation data."""

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.foundation.growing import tasks
from benchmarks.harness import Record, Records, markdown_table, spread
from senpath.components import Component, ConvFeatures, DenseFeatures, freeze
from senpath.data import few_shot
from senpath.inputs.modalities import MODALITIES
from senpath.routing import Discriminant, TaskStatistics, collect, image_features, statistics_of
from senpath.tasks import read_targets
from senpath.types import DataType, Examples

CPU = torch.device("cpu")
TYPE = DataType("image", (1, 28, 28))
NAMES = ("fashion", "mnist", "lower", "upper")
MOST, HELD = 5_600, 600
SHAPES = [(filters, stride, grid) for filters in (8, 16, 32, 64) for stride in (1, 2) for grid in (4,)] + [(32, 1, 3), (32, 3, 4)]


def measure(seed: int) -> Iterator[Record]:
    train, held = _split(seed)
    maps = {f"strokes, {f} filters 7×7, stride {s}, {g}×{g}": image_features(1, seed, filters=f, stride=s, grid=g) for f, s, g in SHAPES}
    maps["Gaussian filters 7×7, 32, stride 1, 4×4"] = _gaussian(seed)
    maps["dense random, 1,024"] = _dense(seed)
    for name, component in maps.items():
        width = int(component.module.outputs)  # type: ignore[arg-type]
        # The map itself and the query against the covariance; the columns cost the same again for every 1,000 of them.
        mega = (float(component.module.operations) + 2 * width**2) / 1e6  # type: ignore[arg-type]
        about = {"features": name, "number": f"{width:,}", "operations": f"{mega:.2f}"}
        yield {**about, "figures": _measure(component, train, held, seed)}


def table(records: Records) -> str:
    rows = []
    for key, mine in records.by("features", "number", "operations").items():
        rows.append([*key, *(spread(values) for values in zip(*(one["figures"] for one in mine), strict=True))])
    full = ["features", "number", "Mflop an input", "first: Fashion", "MNIST", "LOWER", "UPPER", "among, least"]
    return markdown_table([*full, "UPPER at 5 shots: first", "among", "largest loss of another"], rows)


def _measure(features: Component, train: dict[str, Examples], held: dict[str, torch.Tensor], seed: int) -> list[float]:
    stored = {name: _statistics(examples, features, seed) for name, examples in train.items()}
    first, among = _shares(features, stored, held)
    upper = train["upper"]
    few = upper.subset(torch.from_numpy(few_shot(upper.inputs.numpy(), upper.targets.numpy(), 5, seed)))
    short = {**stored, "upper": _statistics(few, features, seed)}
    few_first, few_among = _shares(features, short, held)
    loss = max(before - after for before, after in zip(first[:-1], few_first[:-1], strict=True))
    return [*first, min(among), few_first[-1], few_among[-1], loss]


def _statistics(examples: Examples, features: Component, seed: int) -> TaskStatistics:
    return statistics_of(collect(examples, features, seed, device=CPU), gate=False)


def _shares(features: Component, stored: dict[str, TaskStatistics], held: dict[str, torch.Tensor]) -> tuple[list[float], list[float]]:
    """Per task: the share, in %, of held-out inputs for which it is the first choice, and among the candidates."""
    dispatcher = Discriminant.of(features, stored, CPU)
    first, among = [], []
    for index, inputs in enumerate(held.values()):
        decision = dispatcher.decide(inputs)
        right = decision.order == index
        first.append(100 * float(right[:, 0].mean()))
        among.append(100 * float((right[:, 0] | (right[:, 1] & decision.admitted)).mean()))
    return first, among


def _split(seed: int) -> tuple[dict[str, Examples], dict[str, torch.Tensor]]:
    train, held = {}, {}
    for name in NAMES:
        x, y = tasks()[name].train
        order = np.random.default_rng(seed).permutation(len(y))[:MOST]
        inputs = MODALITIES["image"].encode(np.asarray(x)[order], TYPE)
        targets = read_targets(y[order], len(order), "classification")
        train[name], held[name] = Examples(TYPE, inputs[HELD:], targets.values[HELD:], targets.classes), inputs[:HELD]
    return train, held


def _gaussian(seed: int) -> Component:
    component = image_features(1, seed)
    module = ConvFeatures(**component.config)
    weight = torch.randn(module.weight.shape, generator=torch.Generator().manual_seed(seed))
    weight -= weight.mean((1, 2, 3), keepdim=True)
    module.weight.copy_(weight / weight.flatten(1).norm(dim=1)[:, None, None, None])
    return freeze(component.kind, component.config, module)


def _dense(seed: int) -> Component:
    module = DenseFeatures(784, 1024)
    generator = torch.Generator().manual_seed(seed)
    module.weight.copy_(torch.randn(1024, 784, generator=generator) * (2 / 784) ** 0.5)
    module.bias.copy_(torch.rand(1024, generator=generator) - 0.5)
    return freeze("dense-features.v1", {"inputs": 784, "outputs": 1024}, module)
