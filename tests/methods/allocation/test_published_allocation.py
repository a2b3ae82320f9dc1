"""The published model and its estimator, against a plain one that is written here by the paper's and its code's description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from senpath import Network
from senpath.methods.allocation import AllocationSettings, Training
from senpath.methods.allocation.blueprint import make_blueprint
from senpath.methods.allocation.model import ESTIMATORS, AllocationRouter, SharedModel, gumbel
from senpath.seeds import seeded
from senpath.snapshot import encode_examples
from senpath.types import DataType

Make = Callable[..., Training]
Labelled = tuple[np.ndarray, np.ndarray]
SEVEN = ("3x3", "5x5", "7x7", "1x7", "max", "avg", "identity")
KERNELS = {"3x3": (3, 3), "5x5": (5, 5), "7x7": (7, 7)}
WIDTH = 8


def convolution(kernel: tuple[int, int], stride: int) -> nn.Conv2d:
    return nn.Conv2d(WIDTH, WIDTH, kernel, stride, (kernel[0] // 2, kernel[1] // 2))


def part(name: str, stride: int) -> nn.Sequential:
    """A component; the last operation has the stride, and a strided identity is a 1×1 convolution."""
    if name in ("max", "avg"):
        return nn.Sequential(nn.MaxPool2d(3, stride, 1) if name == "max" else nn.AvgPool2d(3, stride, 1, count_include_pad=False))
    if name == "identity":
        return nn.Sequential(*[convolution((1, 1), stride)] * (stride > 1))
    first, second = ((1, 7), (7, 1)) if name == "1x7" else (KERNELS[name],) * 2
    norms = [nn.GroupNorm(4, WIDTH) for _ in range(2)]
    return nn.Sequential(convolution(first, 1), norms[0], nn.ReLU(), convolution(second, stride), norms[1], nn.ReLU())


class Published(nn.Module):
    """Stem, layers of components, and behind each layer's mean group normalisation and ReLU; the output layers apart."""

    def __init__(self, strides: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, WIDTH, 1), nn.GroupNorm(4, WIDTH), nn.ReLU())
        self.layers = nn.ModuleList([nn.ModuleList([part(name, stride) for name in SEVEN]) for stride in strides])
        self.behind = nn.ModuleList([nn.Sequential(nn.GroupNorm(4, WIDTH), nn.ReLU()) for _ in strides])

    def take(self, model: SharedModel) -> None:
        """The weights of a model of ours."""
        mine, theirs = [self.stem, *self.behind], [model.stem, *model.norms]
        for place, layer in enumerate(self.layers):
            mine += [*layer]
            theirs += model.components(place)
        for copy, original in zip(mine, theirs, strict=True):
            for wanted in (nn.Conv2d, nn.GroupNorm):
                pairs = [[module for module in part.modules() if isinstance(module, wanted)] for part in (copy, original)]
                for into, source in zip(*pairs, strict=True):
                    into.load_state_dict(source.state_dict())

    def forward(self, inputs: torch.Tensor, paths: torch.Tensor) -> torch.Tensor:
        """For inputs of one task, whose 0s and 1s are (layers, components): every component is evaluated and weighted."""
        values = self.stem(inputs)
        for layer, behind, use in zip(self.layers, self.behind, paths, strict=True):
            share = use / torch.maximum(use.sum(), torch.tensor(1.0))
            values = behind(sum(weight * component(values) for weight, component in zip(share, layer, strict=True)))
        return values.flatten(1)


def straight_through(logits: torch.Tensor, noise: torch.Tensor, temperature: float) -> torch.Tensor:
    """A hard sample forwards, the softmax backwards."""
    soft = ((logits + noise) / temperature).softmax(-1)
    hard = (soft == soft.max(-1, keepdim=True).values).float()
    return (hard.detach() - soft.detach() + soft)[..., 0]


@pytest.fixture
def ours() -> SharedModel:
    settings = AllocationSettings(components=SEVEN, layers=2, width=WIDTH, strides=(2, 1))
    with seeded(0):
        model = SharedModel(make_blueprint(DataType("image", (1, 9, 9)), settings), [3, 3, 3])
        for values in model.parameters():  # so that no normalisation has its first weights
            values.data += 0.1 * torch.randn(values.shape)
    return model


@pytest.mark.parametrize("p0", [0.2, 0.5, 0.97])
def test_outputs_and_gradients_are_those_of_the_published_model(ours: SharedModel, p0: float) -> None:
    reference = Published((2, 1))
    reference.take(ours)
    inputs, owner = torch.rand(6, 1, 9, 9, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 0, 1, 1, 2, 2])
    router = AllocationRouter(3, 2, len(SEVEN), p0)
    logits = router.logits.detach().clone().requires_grad_()
    noise = gumbel(logits.shape, 3)
    made = ours.features(inputs, owner, router.draw(noise, 2.0), ESTIMATORS["all"])
    paths = straight_through(logits, noise, 2.0)
    expected = torch.cat([reference(inputs[owner == task], paths[task]) for task in range(3)])
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)
    ahead = torch.randn(made.shape, generator=torch.Generator().manual_seed(2))
    (made * ahead).sum().backward()
    (expected * ahead).sum().backward()
    assert router.logits.grad is not None
    assert logits.grad is not None
    assert (paths.detach() < 0.5).any()
    assert (logits.grad[paths.detach() < 0.5] != 0).float().mean() > 0.8  # what is not used has one too, but in front of a layer of none
    torch.testing.assert_close(router.logits.grad, logits.grad, rtol=1e-3, atol=1e-4)
    stems = [module.stem.state_dict(keep_vars=True).values() for module in (ours, reference)]
    for mine, theirs in zip(*stems, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-3, atol=1e-4)


def test_without_evaluating_all_only_what_is_used_gets_a_gradient(ours: SharedModel) -> None:
    router = AllocationRouter(3, 2, len(SEVEN), 0.5)
    inputs, owner = torch.rand(6, 1, 9, 9), torch.tensor([0, 0, 1, 1, 2, 2])
    use = router.draw(gumbel(router.logits.shape, 3), 2.0)
    features = [ours.features(inputs, owner, use, ESTIMATORS[which]) for which in ("used", "all")]
    assert torch.equal(*features)
    features[0].square().sum().backward()
    assert router.logits.grad is not None
    assert not router.logits.grad[use.detach() < 0.5].any()
    assert router.logits.grad[use.detach() > 0.5].any()


def test_a_committed_pathway_is_the_published_model(tmp_path: object, halves_of_digits: dict[str, Labelled]) -> None:
    net = Network(f"{tmp_path}/n.sen")
    settings = {"components": SEVEN, "layers": 2, "width": WIDTH, "strides": (2, 1), "steps": 10, "p0": 0.6, "router_rate": 0.2}
    net.learn_many(halves_of_digits, method="allocation", **settings)
    for task, (x, y) in halves_of_digits.items():
        parts = [net.view.component(name) for name in net.view.pathway(task).components]
        assert [component.kind.name for component in parts] == ["pointwise.v1", *["mean.v1", "normed.v1"] * 2, "flatten.v1", "linear.v1"]
        kinds = {child.split(":")[0] for child in _children(net, task)}
        assert kinds <= {"conv-pair.v2", "pool.v1", "projection.v1", "identity.v1"}
        reference, used = Published((2, 1)), torch.tensor(net.tasks[task].provenance.record["used"]).float()
        for mine, theirs in zip([reference.stem, *reference.behind], [parts[0], parts[2], parts[4]], strict=True):
            _load(mine, theirs.module)
        for layer, mean, row in zip(reference.layers, (parts[1], parts[3]), used, strict=True):
            chosen = [component for component, use in zip(layer, row.tolist(), strict=True) if use]
            for mine, name in zip(chosen, mean.config["children"], strict=True):
                _load(mine, net.view.component(name).module)
        inputs = encode_examples(net.view, x, y).inputs
        expected = parts[-1].module(reference(inputs, used))
        torch.testing.assert_close(net.view.logits(task, inputs), expected, rtol=1e-4, atol=1e-5)


def _children(net: Network, task: str) -> list[str]:
    pathway = net.view.pathway(task)
    return [net.view.component(name).kind.name for names in pathway.children.values() for name in names]


def _load(mine: nn.Module, theirs: nn.Module) -> None:
    for wanted in (nn.Conv2d, nn.GroupNorm):
        pairs = [[module for module in each.modules() if isinstance(module, wanted)] for each in (mine, theirs)]
        for into, source in zip(*pairs, strict=True):
            into.load_state_dict(source.state_dict())


@pytest.mark.parametrize("changes", [{}, {"tasks_per_update": 1}])
def test_the_entropy_penalty_is_the_published_one(make_training: Make, changes: dict[str, int]) -> None:
    """penalty · (share of the updates that is done)^α · the sum of the entropies of a task's decisions."""
    free, priced = (make_training(p0=0.6, steps=4, entropy_penalty=penalty, entropy_alpha=2.0, **changes) for penalty in (0.0, 0.5))
    updates = 9 if changes else 3
    entropy = 2 * 4 * -(0.6 * np.log(0.6) + 0.4 * np.log(0.4))
    with torch.no_grad():
        added = [float(priced.loss(update) - free.loss(update)) for update in range(updates + 1)]
    assert added[updates] == pytest.approx(0.5 * (9 / 12) ** 2 * entropy, rel=1e-4)
    assert added[0] == 0
    assert all(first < second for first, second in pairwise(added))


def test_the_entropy_penalty_makes_decisions_surer(make_training: Make) -> None:
    def entropy(penalty: float) -> float:
        training = make_training(p0=0.6, steps=60, router_rate=0.05, entropy_penalty=penalty)
        training.run()
        return float(training.router.entropy().detach().sum())

    assert entropy(10.0) < 0.7 * entropy(0.0)
