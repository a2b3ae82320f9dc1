"""Networks of one hidden layer are fitted as the general loop fits them, one or several at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from senpath.components import ClassLink, Mlp
from senpath.tasks import TASK_KINDS, Classification, TaskKind
from senpath.training import DenseTraining, Recipe, fit, fit_dense

SHAPE, CLASSES = (1, 8, 6), 3
STEPS = Recipe(steps=30, batch_size=16, learning_rate=5e-3, decay=1e-3)


def frozen(inputs: torch.Tensor) -> torch.Tensor:
    """A layer of an earlier task."""
    return torch.relu(inputs.flatten(1)[:, :5] - 0.4)


class Reference(nn.Module):
    """The same network in plain torch, whose gradients autograd finds."""

    def __init__(self, training: DenseTraining, kind: TaskKind) -> None:
        super().__init__()
        self.hidden, self.head = training.hidden, training.head
        self.links, self.kind = nn.ModuleList([link for _, link in training.links]), kind

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        own = self.head(torch.relu(self.hidden(inputs.flatten(1))))
        loss = self.kind.loss(own + sum(link(frozen(inputs)) for link in self.links), targets, weights)
        return loss + self.kind.loss(own, targets, weights) if self.links else loss


def made(seed: int, examples: int = 40, *, kind: str = "classification", linked: bool = False, weighted: bool = False) -> DenseTraining:
    torch.manual_seed(seed)
    links = [((frozen,), ClassLink(5, CLASSES, [0, 2]))] if linked else []
    for _, link in links:
        nn.init.normal_(link.weight)
    inputs, classes = torch.rand(examples, *SHAPE), torch.arange(examples) % CLASSES
    targets = classes if kind == "classification" else nn.functional.one_hot(classes, CLASSES).float()
    weights = torch.rand(examples) if weighted else None
    return DenseTraining(nn.Linear(48, 7), nn.Linear(7, CLASSES), links, inputs, targets, seed, weights)


def numbers(training: DenseTraining) -> torch.Tensor:
    modules = [training.hidden, training.head, *(link for _, link in training.links)]
    return torch.cat([values.detach().flatten() for module in modules for values in module.parameters()])


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("kind", "weighted"), [("classification", False), ("classification", True), ("multilabel", True), ("regression", False)]
)
def test_moves_as_the_general_loop_does(kind: str, weighted: bool, linked: bool) -> None:
    ours, theirs = (made(3, kind=kind, linked=linked, weighted=weighted) for _ in range(2))
    before = numbers(ours)
    fit_dense([ours], TASK_KINDS[kind], STEPS)
    fit(Reference(theirs, TASK_KINDS[kind]), theirs.inputs, theirs.targets, STEPS, 3, weights=theirs.weights)
    assert (numbers(ours) - before).abs().max() > 0.01
    assert torch.allclose(numbers(ours), numbers(theirs), atol=1e-4)


@pytest.mark.parametrize("linked", [False, True])
def test_several_at_once_come_out_as_one_by_one(linked: bool) -> None:
    recipe = Recipe(steps=12, batch_size=16, learning_rate=5e-3, augment=1.0, shrink=2)
    together, alone = ([made(seed, 20 + seed, linked=linked) for seed in range(6)] for _ in range(2))
    assert len({training.shape for training in together}) == 1
    fit_dense(together, Classification(), recipe)
    for training in alone:
        fit_dense([training], Classification(), recipe)
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(numbers(one), numbers(other), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_those_of_one_seed_are_distorted_alike_and_come_out_as_one_by_one(channels: int) -> None:
    recipe = Recipe(steps=70, batch_size=16, learning_rate=5e-3, augment=1.0, shrink=2)

    def tasks() -> list[DenseTraining]:
        torch.manual_seed(channels)
        inputs = [torch.rand(20, channels, *SHAPE[1:]) for _ in range(3)]
        targets = torch.arange(20) % CLASSES
        return [DenseTraining(nn.Linear(48 * channels, 7), nn.Linear(7, CLASSES), [], some, targets, 5) for some in inputs]

    together, alone = tasks(), tasks()
    fit_dense(together, Classification(), recipe)
    for training in alone:
        fit_dense([training], Classification(), recipe)
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(numbers(one), numbers(other), atol=1e-4)
    assert not torch.allclose(numbers(together[0]), numbers(together[1]), atol=1e-2)


def test_what_is_learned_from_images_of_half_the_size_is_for_whole_ones() -> None:
    torch.manual_seed(0)
    smooth = nn.functional.interpolate(torch.rand(30, 1, 4, 3), scale_factor=2)
    training = replace(made(0), inputs=smooth, targets=(smooth.mean((1, 2, 3)) > 0.5).long())
    fit_dense([training], Classification(), Recipe(steps=200, batch_size=30, learning_rate=2e-2, shrink=2))
    squares = training.hidden.weight.view(-1, *SHAPE)
    assert torch.equal(squares[:, :, ::2, ::2], squares[:, :, 1::2, 1::2])
    answers = training.head(torch.relu(training.hidden(smooth.flatten(1)))).argmax(1)
    assert (answers == training.targets).float().mean() > 0.9


def test_links_read_what_their_layers_say_of_enlarged_images() -> None:
    torch.manual_seed(1)
    layer = Mlp(48, [5]).requires_grad_(False)
    recipe = Recipe(steps=40, batch_size=16, learning_rate=5e-3, shrink=2)
    plain, wrapped = (made(4, linked=True) for _ in range(2))
    plain = replace(plain, links=[((layer,), plain.links[0][1])])
    wrapped = replace(wrapped, links=[((lambda images: layer(images),), wrapped.links[0][1])])
    for training in (plain, wrapped):
        fit_dense([training], Classification(), recipe)
    assert torch.allclose(numbers(plain), numbers(wrapped), atol=1e-4)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    fit_dense(
        [made(seed) for seed in range(18)],
        Classification(),
        STEPS,
        progress=lambda *step, **figures: told.append(step) if figures["loss"] > 0 else None,
    )
    assert told[-1] == ("train", 60, 60)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
