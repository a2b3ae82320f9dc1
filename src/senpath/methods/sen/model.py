"""Which backbone a new task gets, and how it is trained by default."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn

from senpath.components import (
    CNN,
    LSTM,
    MLP,
    MOTION_WIDE_AND_DEEP,
    POOLED_CNN,
    POOLED_WIDE_AND_DEEP,
    WIDE_AND_DEEP,
    Component,
    ComponentKind,
    build,
    describe_module,
    freeze,
)
from senpath.errors import InputError
from senpath.methods.sen.config import SenSettings
from senpath.seeds import seeded
from senpath.training import Recipe
from senpath.types import DataType, Examples

BY_FORM = {"audio": "lstm", "table": "wide-and-deep", "vector": "wide-and-deep", "tokens": "wide-and-deep", "video": "wide-and-deep"}
"""The model for a form of inputs where none is asked for; for images see `LARGE`, for others an MLP."""
LARGE = 1_024
"""Numbers in an image, of all channels, above which the model is "pooled-cnn" (docs/results/defaults.md)."""
SIDE = 32
"""Longest side of the copies that a "pooled-cnn" makes, in pixels."""
TRIED, ALIKE = 3, 1e-3
"""Inputs that a module is tried on, and the share of its largest answer by which answers may differ that have to be alike."""
BESIDE = "In evaluation mode let it use no statistics of the batch and draw nothing: F.dropout(x, p, self.training)"
KEPT = "Keep what it computes with as the constructor's arguments, as parameters, or as buffers"


@dataclass(frozen=True)
class Backbone:
    """The layers from the raw input to the last hidden layer.

    Args:
        kind: of the component that they are.
        config: of the kind.
        outputs: units of the last hidden layer.
        start: a module that training starts from; None for random weights.
    """

    kind: ComponentKind
    config: dict[str, Any]
    outputs: int
    start: nn.Module | None = None

    @property
    def learning_rate(self) -> float:
        """The highest, by default."""
        return self.kind.training.learning_rate if self.kind.training is not None else 0.0

    def fresh(self) -> nn.Module:
        """A module to be trained: a copy of `start`, or one with weights that are drawn from torch's global generator."""
        return build(self.kind, self.config) if self.start is None else deepcopy(self.start)

    def freeze(self, module: nn.Module) -> Component:
        """As a component."""
        return freeze(self.kind, self.config, module)


def choose_backbone(model: str | nn.Module, data_type: DataType, hidden: int) -> Backbone:
    """The backbone of this name for inputs of this type, or that a module is; "auto" goes by the form of the inputs, see `BY_FORM`.

    Raises:
        InputError: if the model cannot read such inputs, or is a module of a class that is not registered.
    """
    if isinstance(model, nn.Module):
        return _given(model, data_type)
    name = default_model(data_type) if model == "auto" else model
    if name not in MODELS:
        raise InputError(
            "model",
            expected=f"one of auto, {', '.join(MODELS)}, svm, forest, a torch module, or a scikit-learn classifier",
            got=repr(model),
        )
    backbone = MODELS[name](data_type, hidden)
    if isinstance(backbone, str):
        raise InputError(f"model {name!r}", expected=backbone, got=f"{data_type.form} inputs")
    return backbone


def default_model(data_type: DataType) -> str:
    """The model for inputs of this type where none is asked for."""
    if data_type.form == "image":
        return "pooled-cnn" if prod(data_type.shape) > LARGE else "mlp"
    return BY_FORM.get(data_type.form, "mlp")


def _given(module: nn.Module, data_type: DataType) -> Backbone:
    """A module that users bring; it stays as it is, a copy is trained."""
    kind, config = describe_module(module)
    what, expected = f"model {type(module).__name__}", f"a vector for each input of shape {data_type.shape}"
    try:
        start = deepcopy(module).cpu().eval()
        with seeded(0), torch.no_grad():
            some = torch.rand(TRIED, *data_type.shape)
            answers = start(some.clone())
            alone = [start(one.clone()) for one in some.split(1)]
            again = build(kind, config)
            again.load_state_dict(start.state_dict())
            rebuilt = again.eval()(some.clone())
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise InputError(what, expected=expected, got=f"{type(error).__name__}: {error}") from error
    if (
        not isinstance(answers, torch.Tensor)
        or answers.dtype != torch.float32
        or answers.ndim != 2
        or not answers.numel()
        or len(answers) != TRIED
    ):
        got = f"{answers.dtype} of shape {tuple(answers.shape)}" if isinstance(answers, torch.Tensor) else type(answers).__name__
        raise InputError(what, expected=f"{expected}, float32 (n, units)", got=f"{got} for {TRIED} inputs")
    _require_alike(what, answers, torch.cat(alone), "the same answer to an input whatever is beside it, and each time", BESIDE)
    _require_alike(what, answers, rebuilt, "the same answers once it is built again from its arguments and its saved tensors", KEPT)
    return Backbone(kind, config, answers.shape[1], start)


def _require_alike(what: str, answers: torch.Tensor, others: torch.Tensor, expected: str, do: str) -> None:
    """Refuse a module that answers otherwise where it has to answer alike."""
    most = ALIKE * float(answers.abs().nan_to_num().max())
    if answers.shape != others.shape or not torch.allclose(answers, others, ALIKE, most, equal_nan=True):
        raise InputError(what, expected=expected, got="other answers", do=do)


def _mlp(data_type: DataType, hidden: int) -> Backbone:
    return Backbone(MLP, {"inputs": prod(data_type.shape), "hidden": [hidden]}, hidden)


def _wide_and_deep(data_type: DataType, hidden: int) -> Backbone:
    if data_type.form == "video":
        pooled = 4 * data_type.shape[1]
        return Backbone(MOTION_WIDE_AND_DEEP, {"inputs": pooled, "hidden": hidden}, pooled + hidden)
    pooled = data_type.read_by_mean
    inputs = data_type.shape[1] if pooled else prod(data_type.shape)
    return Backbone(POOLED_WIDE_AND_DEEP if pooled else WIDE_AND_DEEP, {"inputs": inputs, "hidden": hidden}, inputs + hidden)


def _cnn(data_type: DataType, hidden: int) -> Backbone | str:
    if data_type.form != "image":
        return "images"
    return Backbone(CNN, {"shape": list(data_type.shape), "filters": [32, 64], "hidden": hidden}, hidden)


def _pooled_cnn(data_type: DataType, hidden: int) -> Backbone | str:
    if data_type.form != "image":
        return "images"
    channels, *sides = data_type.shape
    pool = [min(side, -(-max(sides) // SIDE)) for side in sides]
    shape = [channels, *(side // step for side, step in zip(sides, pool, strict=True))]
    return Backbone(POOLED_CNN, {"pool": pool, "shape": shape, "filters": [16, 32, 64], "hidden": hidden}, hidden)


def _lstm(data_type: DataType, hidden: int) -> Backbone | str:
    if len(data_type.shape) != 2:
        return "sequences (sounds, clips)"
    # Ling et al., section 4: 500 units, mean over time, then 128 and 64.
    return Backbone(LSTM, {"inputs": data_type.shape[1], "units": 500, "hidden": [hidden, hidden // 2]}, hidden // 2)


MODELS: dict[str, Callable[[DataType, int], Backbone | str]] = {
    "mlp": _mlp,
    "wide-and-deep": _wide_and_deep,
    "cnn": _cnn,
    "pooled-cnn": _pooled_cnn,
    "lstm": _lstm,
}
"""Backbones by name: for inputs of a type and a number of hidden units the backbone, or the inputs that it wants instead, in words."""


AUGMENT_BELOW = 20_000
"""Image tasks with fewer examples are distorted while training; with more, distortions cost time and gain little."""

FEW, SMALL = 100, 24
"""Up to FEW distorted images a class, with even sides of SMALL pixels or more, an MLP is trained on images of half the size."""
OPPOSED = 10
"""Up to so many images a class every second step is on the distortions opposite to those of the step before: fewer steps do then."""
SHARPER = {OPPOSED: (4.0, 0.45, 160), FEW: (3.0, 0.75, 200)}
"""Up to so many images a class: at so many times its rate, for so much of its steps, for none fewer than so many; as good, in a sixth of
the time (docs/results/foundation.md)."""


def recipe_for(kind: ComponentKind, examples: Examples, settings: SenSettings, *, dense: bool = False) -> Recipe:
    """The recipe for training a backbone of this kind on these examples.

    Args:
        dense: whether `fit_dense` does it, which can read images at half their size.

    Raises:
        InputError: if nothing is known of how the kind is trained.
    """
    default = kind.training
    if default is None:
        raise InputError(f"a model of kind {kind}", expected="a kind with training defaults", got="none", do="Give the kind `training`")
    batch = settings.batch_size or min(default.batch_size, len(examples))
    steps = min(default.most, round(default.scale * len(examples) ** 0.4))
    image = examples.data_type.form == "image"
    augment = settings.augment if settings.augment is not None else float(len(examples) < AUGMENT_BELOW)
    augment = augment if image else 0.0
    rate, shrink, opposed = default.learning_rate, 1, False
    free = settings.learning_rate is None and settings.epochs is None
    if dense and free and augment and kind is MLP and few_images(examples.data_type, len(examples), len(examples.classes)):
        most = next(most for most in SHARPER if len(examples) <= most * len(examples.classes))
        sharper, share, least = SHARPER[most]
        steps, rate, shrink, opposed = min(steps, max(least, round(share * steps))), sharper * rate, 2, most == OPPOSED
    return Recipe(
        steps=steps if settings.epochs is None else settings.epochs * max(1, len(examples) // batch),
        batch_size=batch,
        learning_rate=settings.learning_rate or rate,
        augment=augment,
        clip=default.clip,
        decay=default.decay,
        shrink=shrink,
        opposed=opposed,
    )


def few_images(data_type: DataType, examples: int, classes: int) -> bool:
    """Whether a task is one of so few images that an MLP learns it from images of half the size, see `FEW`."""
    return data_type.form == "image" and examples <= FEW * classes and _halves(data_type)


def _halves(data_type: DataType) -> bool:
    """Whether images have even sides, none small."""
    return all(side % 2 == 0 and side >= SMALL for side in data_type.shape[1:])
