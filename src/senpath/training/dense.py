"""Fitting networks of one hidden layer, several of one shape at once: the gradients are written out, so that a step takes few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import ceil
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim.adam import adam

from senpath.components import ClassLink, Component, Mlp
from senpath.pathways import run_chain
from senpath.progress import Progress, silent
from senpath.tasks import TaskKind
from senpath.training.augment import Augmentation
from senpath.training.loop import REPORTS, Measured, Recipe, passes, schedule

CHUNK = 32
"""Steps whose images are changed, and whose frozen layers are read, at once."""
SMALL = 2**15
"""Numbers in the inputs of a step up to which those of further steps are put together with them."""
TOGETHER = 16
"""Networks in one product."""
BETAS, EPSILON = (0.9, 0.999), 1e-8  # Kingma and Ba 2015, section 2

Chain = Sequence[Callable[[torch.Tensor], torch.Tensor]]
Slope = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class DenseTraining:
    """One network to be fitted, and what on; its modules are moved.

    Its loss is that of the whole answer and, where there are links, that of head and hidden layer alone.

    Args:
        hidden: the layer behind which is a ReLU.
        head: reads the hidden layer.
        links: each with the frozen components that it reads.
        inputs: float32 (n, …), on the modules' device.
        targets: as `TaskKind.loss` wants them, (n, …).
        seed: decides the order of the examples and their distortions.
        weights: how much each example counts, see `senpath.types.Examples`.
    """

    hidden: nn.Linear
    head: nn.Linear
    links: Sequence[tuple[Chain, ClassLink]]
    inputs: torch.Tensor
    targets: torch.Tensor
    seed: int
    weights: torch.Tensor | None = None

    @property
    def shape(self) -> tuple[object, ...]:
        """Trainings of one shape can be fitted at once."""
        widths = tuple(link.weight.shape[1] for _, link in self.links)
        layers, inputs = (tuple(layer.weight.shape) for layer in (self.hidden, self.head)), tuple(self.inputs.shape[1:])
        return (*layers, widths, inputs, self.inputs.device, self.weights is None)


def fit_dense(
    trainings: Sequence[DenseTraining],
    kind: TaskKind,
    recipe: Recipe,
    *,
    progress: Progress = silent,
    stage: str = "train",
    measured: Measured | None = None,
) -> None:
    """Minimise the loss of each network on its own examples, as `fit` does of any model.

    Args:
        trainings: of one shape; with at least `recipe.batch_size` examples each.
        kind: of all tasks.
        recipe: how long and how fast; it clips no gradients.
        measured: see `fit`; of the modules as they are by then.
    """
    with torch.no_grad():
        each = ceil(len(trainings) / ceil(len(trainings) / TOGETHER))  # of like size, for small stacks take longer a network
        stacks = [_Stack(trainings[start : start + each], kind, recipe) for start in range(0, len(trainings), each)]
        steps = recipe.steps * len(stacks)
        for place, stack in enumerate(stacks):
            for taken in stack.steps():
                done = place * recipe.steps + taken
                if done % max(1, steps // REPORTS) == 0 or done == steps:
                    if measured is not None:
                        stack.write()
                    progress(stage, done, steps, loss=stack.loss(), **(measured() if measured is not None else {}))
            stack.write()


class _Stack:
    """The weights of several networks, one behind the other, and steps that move all of them.

    Images are reduced by `recipe.shrink` while training: numbers of a reduced image are the sums over its squares divided by their side,
    weights likewise, so that answers to smooth images are the same.
    """

    def __init__(self, trainings: Sequence[DenseTraining], kind: TaskKind, recipe: Recipe) -> None:
        self._trainings, self._kind, self._recipe = trainings, kind, recipe
        first = trainings[0]
        self._weighted = first.weights is not None
        self._weights = [t.weights if t.weights is not None else t.targets.new_zeros(len(t.targets)) for t in trainings]
        self._given = [self._reduced(training.inputs) for training in trainings]
        # With one seed and as many images, as tasks of one call have them, all networks' are distorted alike: as channels of one image.
        alike = bool(recipe.augment) and len(trainings) > 1 and len({(training.seed, len(training.inputs)) for training in trainings}) == 1
        self._as_one = torch.cat(self._given, 1) if alike else None
        kernels = [self._reduced(t.hidden.weight.view(-1, *first.inputs.shape[1:])).flatten(1).T for t in trainings]
        self.weights = [torch.stack(kernels).contiguous(), torch.stack([t.head.weight.T for t in trainings]).contiguous()]
        self.biases = [
            torch.stack([layer.bias[None] for layer in layers]) for layers in ([t.hidden for t in trainings], [t.head for t in trainings])
        ]
        self._read = [[self._of_reduced(t.links[place][0]) for t in trainings] for place in range(len(first.links))]
        self._linked: list[torch.Tensor] = []  # 1 where a link adds to an output, (networks, 1, outputs)
        for links in zip(*([link for _, link in t.links] for t in trainings), strict=True):
            spread = [_spread(link) for link in links]
            for values, part in zip((self.weights, self.biases, self._linked), zip(*spread, strict=True), strict=True):
                values.append(torch.stack(part))
        parts = [*self.weights, *self.biases]
        # All numbers that move lie one behind the other, so that the optimizer moves one tensor.
        self._moved = torch.cat([part.flatten() for part in parts])
        self._slopes, self._first_moments, self._second_moments = (torch.zeros_like(self._moved) for _ in range(3))
        views, self._gradients = _views(self._moved, parts), _views(self._slopes, parts)
        self.weights, self.biases = views[: len(self.weights)], views[len(self.weights) :]
        self._last: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]
        self._count = torch.zeros((), device=first.inputs.device)

    def steps(self) -> Iterator[int]:
        """Take all steps; yields how many are done."""
        recipe = self._recipe
        drawing = self._trainings if self._as_one is None else self._trainings[:1]
        generators = [torch.Generator().manual_seed(training.seed) for training in drawing]
        batches = [passes(len(t.inputs), recipe.batch_size, generator) for t, generator in zip(drawing, generators, strict=True)]
        numbers = len(self._trainings) * recipe.batch_size * self._trainings[0].hidden.in_features
        done, size = 0, CHUNK if recipe.augment or self._linked or numbers <= SMALL else 1
        while done < recipe.steps:
            count = min(size, recipe.steps - done)
            places = [self._places(some, count) for some in batches] * (len(self._trainings) // len(batches))
            for inputs, targets, weights, *read in zip(
                *(values.chunk(count, 1) for values in self._batches(places, generators)), strict=True
            ):
                rate = recipe.learning_rate * schedule(done / recipe.steps)
                counted = weights if self._weighted else None
                outputs = self._step(inputs, read, partial(self._slope, targets=targets, weights=counted), rate)
                self._last = outputs, targets, counted
                done += 1
                yield done

    def _places(self, batches: Iterator[torch.Tensor], steps: int) -> torch.Tensor:
        """Of the examples of so many steps, one step behind the other."""
        each = 2 if self._recipe.opposed else 1
        drawn = [batch for batch in islice(batches, ceil(steps / each)) for _ in range(each)]
        return torch.cat(drawn[:steps])

    def _batches(self, places: Sequence[torch.Tensor], generators: Sequence[torch.Generator]) -> Iterator[torch.Tensor]:
        """Of these places: inputs (networks, n, numbers), targets and weights (answers, n), and what each link reads (networks, n, units).

        A network with links has two answers, see `_step`; those of all networks come one behind the other.
        """
        images = self._images(places, generators)
        yield images.flatten(2)
        for values in ([training.targets for training in self._trainings], self._weights):
            mine = _stacked([part[some] for part, some in zip(values, places, strict=True)])
            yield torch.cat([mine, mine]) if self._read else mine
        for chains in self._read:
            yield _stacked([run_chain(chain, some) for chain, some in zip(chains, images, strict=True)])

    def _images(self, places: Sequence[torch.Tensor], generators: Sequence[torch.Generator]) -> torch.Tensor:
        """The inputs of these places (networks, n, …), distorted."""
        recipe = self._recipe
        augment = Augmentation(distortion=recipe.augment, opposed=recipe.batch_size if recipe.opposed else 0)
        if self._as_one is not None:
            drawn: torch.Tensor = augment(self._as_one[places[0]], generators[0]).unflatten(1, (len(self._trainings), -1))
            return drawn.transpose(0, 1)
        images = [given[some] for given, some in zip(self._given, places, strict=True)]
        if recipe.augment:  # what is no image is never distorted
            images = [augment(some, generator) for some, generator in zip(images, generators, strict=True)]
        return _stacked(images)

    def _step(self, inputs: torch.Tensor, read: Sequence[torch.Tensor], slope_of: Slope, rate: float) -> torch.Tensor:
        """Move all weights; returns the outputs before, (networks, n, outputs)."""
        (first, second, *linked), (start, offset, *offsets) = self.weights, self.biases
        hidden = torch.baddbmm(start, inputs, first).relu_()
        own = torch.baddbmm(offset, hidden, second)
        if read:
            added = [torch.baddbmm(bias, values, weight) for values, weight, bias in zip(read, linked, offsets, strict=True)]
            whole = own + (added[0] if len(added) == 1 else torch.stack(added).sum(0))
            slope, of_whole = slope_of(torch.cat([own, whole])).chunk(2)
            slopes = [of_whole * which for which in self._linked]
            slope += of_whole
        else:
            whole, slopes, slope = own, [], slope_of(own)
        behind = torch.bmm(slope, second.mT)
        behind *= hidden.sign()  # 0 or 1, behind a ReLU
        pairs = [(inputs, behind), (hidden, slope), *zip(read, slopes, strict=True)]
        for (values, of), weight, bias in zip(pairs, self._gradients[: len(pairs)], self._gradients[len(pairs) :], strict=True):
            torch.bmm(values.mT, of, out=weight)
            torch.sum(of, 1, keepdim=True, out=bias)
        rates: dict[str, Any] = {"lr": rate, "beta1": BETAS[0], "beta2": BETAS[1], "eps": EPSILON, "weight_decay": self._recipe.decay}
        options: dict[str, Any] = {"fused": True, "amsgrad": False, "maximize": False}
        moved, slopes, moments, squares = ([values] for values in (self._moved, self._slopes, self._first_moments, self._second_moments))
        adam(moved, slopes, moments, squares, [], [self._count], **options, **rates)
        return whole

    def loss(self) -> float:
        """The mean loss of the networks' whole answers to the batches of the last step."""
        outputs, targets, weights = self._last
        counted = None if weights is None else weights[: len(outputs)].flatten()
        return float(self._kind.loss(outputs.flatten(0, 1), targets[: len(outputs)].flatten(0, 1), counted))

    def _slope(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Of each loss along the outputs (answers, n, outputs) that it is of."""
        counted = None if weights is None else weights.flatten()
        return self._kind.slope(outputs.flatten(0, 1), targets.flatten(0, 1), counted).mul_(len(outputs)).view(outputs.shape)

    def write(self) -> None:
        """Give the modules the weights as they are now."""
        (first, second, *linked), (start, offset, *offsets) = self.weights, self.biases
        for row, training in enumerate(self._trainings):
            shape = self._given[row].shape[1:]
            training.hidden.weight.copy_(self._enlarged(first[row].T.reshape(-1, *shape)).flatten(1))
            training.head.weight.copy_(second[row].T)
            for layer, bias in ((training.hidden, start), (training.head, offset)):
                layer.bias.copy_(bias[row, 0])
            for (_, link), weight, bias in zip(training.links, linked, offsets, strict=True):
                link.weight.copy_(weight[row, :, link.classes].T)
                link.bias.copy_(bias[row, 0, link.classes])

    def _of_reduced(self, chain: Chain) -> Chain:
        """Frozen layers that answer to reduced images as these do to them enlarged; where the first is dense, its weights are reduced."""
        if self._recipe.shrink == 1:
            return chain
        module = chain[0].module if isinstance(chain[0], Component) else chain[0]
        first = module.layers[0] if isinstance(module, Mlp) else None
        if not isinstance(module, Mlp) or not isinstance(first, nn.Linear):
            return [self._enlarged, *chain]
        weight = self._reduced(first.weight.view(-1, *self._trainings[0].inputs.shape[1:])).flatten(1)
        return [nn.Flatten(), partial(functional.linear, weight=weight, bias=first.bias), *list(module.layers)[1:], *chain[1:]]

    def _reduced(self, images: torch.Tensor) -> torch.Tensor:
        side = self._recipe.shrink
        return functional.avg_pool2d(images, side) * side if side > 1 else images

    def _enlarged(self, images: torch.Tensor) -> torch.Tensor:
        side = self._recipe.shrink
        return functional.interpolate(images, scale_factor=side) / side if side > 1 else images


def _stacked(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """One behind the other; a single one is not copied."""
    return parts[0][None] if len(parts) == 1 else torch.stack([*parts])


def _views(flat: torch.Tensor, parts: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Parts of a row of numbers, one behind the other, each of the shape of one of these."""
    return [part.view(like.shape) for part, like in zip(flat.split([*map(torch.numel, parts)]), parts, strict=True)]


def _spread(link: ClassLink) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A link's weights (units, outputs) and bias (1, outputs), 0 for what it does not add to; and 1 for what it does, (1, outputs)."""
    weight, bias, which = (link.weight.new_zeros(rows, link.outputs) for rows in (link.weight.shape[1], 1, 1))
    weight[:, link.classes], bias[0, link.classes], which[0, link.classes] = link.weight.T, link.bias, 1
    return weight, bias, which
