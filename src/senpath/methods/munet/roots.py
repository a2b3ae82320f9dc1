"""Root models: lists of frozen layers that paths begin from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn

from senpath.components import (
    CLASS_NORM,
    CLASS_TOKEN,
    CONV_PAIR,
    MBCONV,
    PATCHES,
    POINTWISE,
    POOL,
    POSITIONS,
    TRANSFORMER,
    Component,
    ComponentKind,
    build,
    find_kind,
    freeze,
)
from senpath.components import MLP as MLP_KIND
from senpath.errors import InputError, StoreError
from senpath.inputs.encoders import efficientnet_blocks
from senpath.methods.munet.path import ADAPTER, HEAD
from senpath.pathways import run_chain
from senpath.seeds import seeded
from senpath.types import DataType

CNN, VIT, EFFICIENTNET, MLP = "cnn", "vit", "efficientnet-lite0", "mlp"
WIDTH, HEADS, PATCH = 192, 3, 16
"""Of the Vision Transformer: those of "Ti/16" (Gesmundo and Dean 2022, Chars and Toy configurations)."""
BLOCKS = 3
SMALL, ENLARGED = 64, 96
"""Pixels a side, of images that EfficientNet is shown enlarged, and of what they are enlarged to."""
MAPS, GROUPS, MIDDLE, LEAST, MOST = 16, 4, 2, 4, 64
"""Of the convolutional root: maps, groups of normalisation, optional blocks, and the sides that maps have at the end and at first."""
UNITS, MORE = 128, 1
"""Of the fully connected root, for inputs that are no images: units of a layer, and layers behind the first."""


@dataclass(frozen=True, eq=False)
class RootLayer:
    """One layer of a root.

    Args:
        name: different from those of the other layers.
        component: its weights.
        optional: whether a path may do without it, for what it answers has the shape of what it reads.
    """

    name: str
    component: Component
    optional: bool = False


@dataclass(frozen=True, eq=False)
class Root:
    """A frozen model as a list of layers, from which paths start; each task adds its own output layer.

    Any sequence of components can be a root: give layers, use `Root.of`, or name one of `ROOTS`.

    Args:
        name: for people to read.
        layers: in order; together they map inputs (n, …) to features (n, units).
        random: whether the weights are random, so that nothing is lost when they are trained.

    Example:
        >>> trunk = net.view.component(net.view.pathway("iris").components[0])
        >>> root = sp.Root.of("trunk of iris", [trunk])
        >>> munet = sp.Munet(root=root, schedule="once", generations=1, children=1, cycles=1)
        >>> flowers, kinds = tiny_task("iris")
        >>> net.learn("half of them", flowers[::2], kinds[::2], method=munet).version
        4
    """

    name: str
    layers: tuple[RootLayer, ...]
    random: bool = False

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        unfit = [name for name in names if names.count(name) > 1 or name == HEAD or name.startswith(f"{ADAPTER} ")]
        if unfit or not names:
            expected = f"layers of different names, none called {HEAD!r} or beginning with {ADAPTER!r}"
            raise InputError(f"root {self.name!r}", expected=expected, got=repr(unfit[0]) if unfit else "no layer")

    @property
    def identity(self) -> str:
        """Sixteen hexadecimal digits, a hash of the layers. Paths whose roots have the same identity can be parents of each other."""
        return hashlib.sha256("".join(f"{layer.name} {layer.component.hash} " for layer in self.layers).encode()).hexdigest()[:16]

    @property
    def components(self) -> dict[str, Component]:
        """The layers' components, by hash."""
        return {layer.component.hash: layer.component for layer in self.layers}

    @property
    def weights(self) -> int:
        """How many numbers all layers hold together."""
        return sum(layer.component.weights for layer in self.layers)

    def shapes(self, data_type: DataType) -> dict[str, tuple[int, ...]]:
        """Shape of each layer's output for one input, by the layer's name.

        Raises:
            InputError: if the layers do not read such inputs, do not fit together, or do not end in a vector.
        """
        values, shapes = torch.zeros(1, *data_type.shape), dict[str, tuple[int, ...]]()
        for layer in self.layers:
            try:
                after = run_chain([layer.component], values)
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                got = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
                what = f"root {self.name!r}: layer {layer.name!r}"
                raise InputError(what, expected=f"one that reads inputs of shape {tuple(values.shape[1:])}", got=got) from error
            if layer.optional and after.shape != values.shape:
                got = f"{tuple(values.shape[1:])} → {tuple(after.shape[1:])}"
                raise InputError(f"root {self.name!r}: optional layer {layer.name!r}", expected="answers shaped as its inputs", got=got)
            values = after
            shapes[layer.name] = tuple(values.shape[1:])
        if values.ndim != 2:
            raise InputError(f"root {self.name!r}", expected="a vector for each input", got=f"an answer of shape {tuple(values.shape[1:])}")
        return shapes

    @staticmethod
    def of(
        name: str, layers: Sequence[tuple[str | ComponentKind, Mapping[str, Any], nn.Module] | Component], optional: Sequence[int] = ()
    ) -> Root:
        """Make a root of modules of known kinds, or of components.

        Args:
            name: for people to read.
            layers: for each layer a kind, its configuration (see `senpath.components.ComponentKind`) and a module; or a component, such as
                one of an earlier task's pathway.
            optional: numbers, from 0, of the layers that a path may leave out.

        Raises:
            InputError: if there is no layer, or one is neither, or is of a kind that cannot be trained.
        """
        unknown = [index for index in optional if index not in range(len(layers))]
        if unknown:
            raise InputError(f"root {name!r}: optional layers", expected=f"numbers from 0 to {len(layers) - 1}", got=repr(unknown[0]))
        made: list[RootLayer] = []
        for index, layer in enumerate(layers):
            if not isinstance(layer, Component) and not (isinstance(layer, tuple) and len(layer) == 3 and isinstance(layer[2], nn.Module)):
                raise InputError(f"root {name!r}: layer {index}", expected="a component, or (kind, configuration, module)", got=repr(layer))
            kind, config, module = (layer.kind, layer.config, layer.module) if isinstance(layer, Component) else layer
            if not _trainable(kind):
                raise InputError(f"root {name!r}: layer {index}", expected="a torch kind that can be trained on", got=repr(str(kind)))
            component = freeze(kind, config, module)  # anew, for one that was read from a folder has no content to be proposed
            made.append(RootLayer(f"layer {index + 1}", component, index in optional))
        return Root(name, tuple(made))


def vit(data_type: DataType, blocks: int | None, seed: int) -> Root:
    """A Vision Transformer with random weights, for images; 3 blocks by default, as in the Chars configuration.

    Its patches are 16 pixels wide, or as wide as the image is high, if that is less.
    """
    if data_type.form != "image":
        raise _unreadable(VIT, data_type)
    channels, longest = data_type.shape[0], max(data_type.shape[1:])
    patch = min(PATCH, longest)
    side = -(-longest // patch) * patch
    tokens = (side // patch) ** 2 + 1
    ends: list[tuple[str, ComponentKind, dict[str, Any]]] = [
        ("patches", PATCHES, {"channels": channels, "side": side, "patch": patch, "width": WIDTH}),
        ("class token", CLASS_TOKEN, {"width": WIDTH}),
        ("positions", POSITIONS, {"tokens": tokens, "width": WIDTH}),
    ]
    block = {"width": WIDTH, "heads": HEADS, "hidden": 4 * WIDTH}
    middle = [(f"block {number + 1}", TRANSFORMER, block) for number in range(BLOCKS if blocks is None else blocks)]
    return _random(VIT, [*ends, *middle, ("norm", CLASS_NORM, {"width": WIDTH})], seed, "block")


def cnn(data_type: DataType, blocks: int | None, seed: int) -> Root:
    """Convolutions with random weights, for images; 2 optional blocks by default, on the smallest maps.

    A 1×1 convolution, pairs of 3×3 convolutions that halve the maps until a side is 4 or less, the blocks, and a hidden layer. Maps of more
    than 64 pixels a side are averaged first.
    """
    if data_type.form != "image":
        raise _unreadable(CNN, data_type)
    channels, *sides = data_type.shape
    layers: list[tuple[str, ComponentKind, dict[str, Any]]] = [("stem", POINTWISE, {"inputs": channels, "outputs": MAPS, "groups": GROUPS})]
    while max(sides) > LEAST:
        kind, config = (POOL, {"how": "avg", "stride": 2}) if max(sides) > MOST else (CONV_PAIR, _pair(2))
        layers.append((f"half {len(layers)}", kind, config))
        sides = [-(-side // 2) for side in sides]
    layers += [(f"block {number + 1}", CONV_PAIR, _pair(1)) for number in range(MIDDLE if blocks is None else blocks)]
    last = ("units", MLP_KIND, {"inputs": MAPS * prod(sides), "hidden": [UNITS]})
    return _random(CNN, [*layers, last], seed, "block")


def _pair(stride: int) -> dict[str, Any]:
    return {"width": MAPS, "kernels": [[3, 3], [3, 3]], "stride": stride, "groups": GROUPS}


def mlp(data_type: DataType, blocks: int | None, seed: int) -> Root:
    """Fully connected layers of 128 units with random weights, for inputs of any form; one more by default behind the first."""
    first = ("inputs", MLP_KIND, {"inputs": prod(data_type.shape), "hidden": [UNITS]})
    more = MORE if blocks is None else blocks
    middle = [(f"block {number + 1}", MLP_KIND, {"inputs": UNITS, "hidden": [UNITS]}) for number in range(more)]
    return _random(MLP, [first, *middle], seed, "block")


def efficientnet(data_type: DataType, blocks: int | None, seed: int) -> Root:
    """EfficientNet-Lite0 with weights of ImageNet; its 16 blocks are layers, of which those with a skip connection are optional.

    Images go through it in the network's size; it was trained at 224 pixels a side, and sees little in less than 64. Smaller ones are
    enlarged to 96.
    """
    if data_type.form != "image":
        raise _unreadable(EFFICIENTNET, data_type)
    if blocks is not None:
        raise InputError("blocks", expected=f"None, for {EFFICIENTNET} has 16", got=blocks)
    layers = []
    for name, kind, config, module in efficientnet_blocks(ENLARGED if max(data_type.shape[1:]) < SMALL else None):
        skips = kind is MBCONV and config["stride"] == 1 and config["inputs"] == config["outputs"]
        layers.append(RootLayer(name, freeze(kind, config, module), skips))
    return Root(EFFICIENTNET, tuple(layers))


ROOTS: dict[str, Callable[[DataType, int | None, int], Root]] = {CNN: cnn, VIT: vit, MLP: mlp, EFFICIENTNET: efficientnet}
"""Root models by name: made for a data type, with so many blocks (None is the root's own number), from a seed where weights are random."""


def choose_root(root: str | Root, blocks: int | None, data_type: DataType, seed: int, earlier: str | None = None) -> Root:
    """The root of this name for these inputs; "auto" is the earlier one, or "cnn" for images and "mlp" for all others.

    Args:
        seed: of random weights; that of the network, so that all its tasks begin from the same.
        earlier: name of the root of earlier tasks, if there are any.

    Raises:
        InputError: if the root does not read such inputs.
    """
    if isinstance(root, Root):
        return root
    if root == "auto":
        root = earlier if earlier in ROOTS else CNN if data_type.form == "image" else MLP
    name = root
    return ROOTS[name](data_type, blocks, seed)


def _unreadable(name: str, data_type: DataType) -> InputError:
    encoded = f" of the encoder {data_type.encoder!r}" if data_type.encoder is not None else ""
    do = "Make the network without an encoder for images" if data_type.modality == "image" else f"Choose the root {MLP!r}"
    return InputError(f"root {name!r}", expected="images", got=f"{data_type.form} inputs{encoded}", do=do)


def _random(name: str, layers: Sequence[tuple[str, ComponentKind, dict[str, Any]]], seed: int, optional: str) -> Root:
    """Layers with weights that follow from a seed; those whose name begins with `optional` are."""
    made = []
    with seeded(seed):
        for layer, kind, config in layers:
            module = build(kind, config)
            if kind is MLP_KIND:
                module.apply(_as_he)
            made.append(RootLayer(layer, freeze(kind, config, module), layer.startswith(optional)))
    return Root(name, tuple(made), random=True)


def _as_he(module: nn.Module) -> None:
    """First weights of layers with ReLU by which signals keep their size, however many frozen ones follow each other (He et al. 2015)."""
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


def _trainable(kind: str | ComponentKind) -> bool:
    """Whether this is a kind of torch modules whose weights can be trained as they are."""
    try:
        return find_kind(kind).trainable
    except StoreError:
        return False
