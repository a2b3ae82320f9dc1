"""One example of every kind of component: what a new kind has to add to pass the conformance suite."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from torch import nn

from senpath.components import Component, Composite, Estimator, Pruned, build, find_kind, freeze, freeze_estimator
from senpath.seeds import seeded
from senpath.tasks import Classification


@dataclass(frozen=True)
class Example:
    """A small component of one kind.

    Args:
        kind: its versioned name.
        config: its configuration.
        inputs: shape of one input.
        outputs: shape of one output.
        other: the configuration of a component of another shape.
        make: from the configuration, a module with weights that are neither all equal nor zero.
        children: of a composite one, which its configuration names.
    """

    kind: str
    config: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    other: dict[str, Any]
    make: Callable[[], nn.Module]
    children: tuple[Component, ...] = ()

    def freeze(self) -> Component:
        component = freeze(self.kind, self.config, self.make())
        component.bind({child.hash: child for child in self.children}.__getitem__)
        return component

    def batch(self, size: int) -> torch.Tensor:
        return torch.rand(size, *self.inputs, generator=torch.Generator().manual_seed(7))


def _torch(kind: str, config: dict[str, Any], inputs: tuple[int, ...], outputs: tuple[int, ...], other: dict[str, Any]) -> Example:
    def make() -> nn.Module:
        module = build(kind, config)
        with seeded(3), torch.no_grad():
            for name, values in module.state_dict().items():
                drawn = torch.rand_like(values) - 0.4
                values.copy_(drawn.abs() if name.endswith("variance") else drawn)  # none is negative
        return module

    return Example(kind, config, inputs, outputs, {**config, **other}, make)


def _pruned(dense: dict[str, Any], kept: dict[str, int], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Example:
    """A small component of which the first weights of some tensors are kept; another shape keeps one more of each."""

    def make() -> nn.Module:
        module = _torch(**dense, inputs=inputs, outputs=outputs, other={}).make()
        masks = {name: torch.zeros_like(module.state_dict()[name], dtype=torch.bool) for name in kept}
        for name, count in kept.items():
            masks[name].view(-1)[:count] = True
        return Pruned.of(find_kind(dense["kind"]), dense["config"], module, masks)

    return Example(
        "pruned.v1", {**dense, "kept": kept}, inputs, outputs, {**dense, "kept": {name: n + 1 for name, n in kept.items()}}, make
    )


def _composite(
    kind: str,
    config: dict[str, Any],
    children: tuple[Component, ...],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    fewer: dict[str, Any],
) -> Example:
    """A small composite component; another shape is what `fewer` says."""
    names = {"children": [child.hash for child in children]}
    plain = _torch(kind, {**config, **names}, inputs, outputs, fewer)

    def make() -> nn.Module:
        module = plain.make()
        assert isinstance(module, Composite)
        module.bind([child.module for child in children])
        return module

    return Example(kind, plain.config, inputs, outputs, plain.other, make, children)


def _plain(make: Callable[[], Any]) -> Example:
    x, y = load_iris(return_X_y=True)
    component = freeze_estimator(make().fit(x.astype("float32"), y), x.astype("float32"), 3, Classification())
    other = {**component.config, "outputs": 4}
    return Example(component.kind.name, component.config, (4,), (3,), other, lambda: deepcopy(component.module))


def _sklearn(make: Callable[[], Any]) -> Example:
    x, y = load_iris(return_X_y=True)
    return Example(
        "sklearn.v1", {"outputs": 3}, (4,), (3,), {"outputs": 4}, lambda: Estimator(make().fit(x.astype("float32"), y), 3, Classification())
    )


CONV = {"channels": 1, "side": 8, "filters": 3, "size": 3, "stride": 1, "grid": 2}
STEM = {"channels": 3, "filters": 4, "kernel": 3, "stride": 2, "side": 8, "mean": 0.5, "std": 0.25}
ROUTER = _torch("router.v1", {"width": 6, "embedding": 3, "experts": 3, "gate": "task-aware"}, (6,), (3,), {"experts": 4})
PAIRED = {"width": 4, "kernels": [[1, 7], [3, 3]], "stride": 2, "groups": 2}
PAIR = _torch("conv-pair.v2", PAIRED, (4, 7, 6), (4, 4, 3), {"width": 6})
HALVED = _torch("pool.v1", {"how": "max", "stride": 2}, (4, 7, 6), (4, 4, 3), {"how": "avg"})
EXAMPLES: dict[str, Example] = {
    "mlp": _torch("mlp.v1", {"inputs": 12, "hidden": [7, 5]}, (3, 4), (5,), {"hidden": [7, 6]}),
    "skip": _torch("skip.v1", {"inputs": 12, "hidden": 5}, (3, 4), (17,), {"hidden": 6}),
    "rescaled-skip": _torch("rescaled-skip.v1", {"inputs": 12, "hidden": 5, "straight": 0.25}, (3, 4), (17,), {"hidden": 6}),
    "pooled-cnn": _torch(
        "pooled-cnn.v1", {"pool": [2, 3], "shape": [1, 4, 2], "filters": [3, 4], "hidden": 5}, (1, 9, 7), (5,), {"hidden": 4}
    ),
    "cnn": _torch("cnn.v1", {"shape": [1, 9, 7], "filters": [3, 4], "hidden": 5}, (1, 9, 7), (5,), {"hidden": 4}),
    "lstm": _torch("lstm.v1", {"inputs": 6, "units": 5, "hidden": [4, 3]}, (7, 6), (3,), {"units": 4}),
    "linear": _torch("linear.v1", {"inputs": 5, "outputs": 3}, (5,), (3,), {"outputs": 4}),
    "link": _torch("link.v1", {"inputs": 5, "outputs": 6, "classes": [1, 4]}, (5,), (6,), {"classes": [1]}),
    "conv-features": _torch("conv-features.v1", CONV, (1, 11, 9), (24,), {"filters": 4}),
    "dense-features": _torch("dense-features.v1", {"inputs": 8, "outputs": 6}, (2, 4), (6,), {"outputs": 5}),
    "unit-features": _torch("unit-features.v1", {"outputs": 8, "root": True}, (2, 4), (8,), {"root": False}),
    "gate": _torch("gate.v1", {"inputs": 8, "rank": 3}, (8,), (), {"rank": 2}),
    "conv-stem": _torch("conv-stem.v1", STEM, (1, 11, 9), (4, 4, 4), {"filters": 5}),
    "mbconv": _torch("mbconv.v1", {"inputs": 3, "outputs": 3, "kernel": 5, "stride": 1, "expand": 2}, (3, 6, 5), (3, 6, 5), {"expand": 3}),
    "narrow mbconv": _torch(
        "mbconv.v1", {"inputs": 3, "outputs": 4, "kernel": 3, "stride": 2, "expand": 1}, (3, 6, 5), (4, 3, 3), {"outputs": 5}
    ),
    "patches": _torch("patches.v1", {"channels": 3, "side": 8, "patch": 4, "width": 5}, (1, 7, 9), (4, 5), {"width": 6}),
    "class-token": _torch("class-token.v1", {"width": 5}, (4, 5), (5, 5), {"width": 6}),
    "positions": _torch("positions.v1", {"tokens": 4, "width": 5}, (4, 5), (4, 5), {"tokens": 5}),
    "transformer": _torch("transformer.v1", {"width": 6, "heads": 2, "hidden": 7}, (4, 6), (4, 6), {"hidden": 8}),
    "class-norm": _torch("class-norm.v1", {"width": 5}, (4, 5), (5,), {"width": 6}),
    "adapter": _torch("adapter.v1", {"features": 5, "hidden": 3, "axis": 1}, (5, 2, 3), (5, 2, 3), {"hidden": 4}),
    "conv-tail": _torch("conv-tail.v1", {"inputs": 3, "outputs": 6}, (3, 4, 5), (6,), {"outputs": 5}),
    "attention": _torch("attention.v1", {"width": 6, "heads": 2}, (4, 6), (4, 6), {"width": 8}),
    "encoder-block": _torch("encoder-block.v1", {"width": 6, "heads": 2, "hidden": 7}, (4, 6), (4, 6), {"hidden": 8}),
    "feed-forward": _torch("feed-forward.v1", {"width": 6, "hidden": 7}, (4, 6), (4, 6), {"hidden": 8}),
    "router": ROUTER,
    "older experts": _composite(
        "experts.v1",
        {"width": 6, "embedding": 3, "kept": [0, 2], "scaled": True},
        (ROUTER.freeze(), *(_torch("feed-forward.v1", {"width": 6, "hidden": hidden}, (6,), (6,), {}).freeze() for hidden in (7, 8))),
        (4, 6),
        (4, 6),
        {"embedding": 4},
    ),
    "experts": _composite(
        "experts.v2",
        {"width": 6, "embedding": 3, "kept": [0, 2], "scaled": True},
        (ROUTER.freeze(), *(_torch("feed-forward.v1", {"width": 6, "hidden": hidden}, (6,), (6,), {}).freeze() for hidden in (7, 8))),
        (4, 6),
        (4, 6),
        {"embedding": 4},
    ),
    "token-embedding": _torch("token-embedding.v1", {"inputs": 5, "width": 6}, (4, 5), (4, 6), {"width": 7}),
    "one token": _torch("token-embedding.v1", {"inputs": 5, "width": 6}, (5,), (1, 6), {"inputs": 4}),
    "token-mean": _torch("token-mean.v1", {"width": 6}, (4, 6), (6,), {"width": 5}),
    "token-features": _torch("token-features.v1", {"outputs": 6}, (4, 6), (6,), {"outputs": 5}),
    "pooled-skip": _torch("pooled-skip.v1", {"inputs": 6, "hidden": 5}, (4, 6), (11,), {"hidden": 6}),
    "motion-skip": _torch("motion-skip.v1", {"inputs": 24, "hidden": 5}, (7, 6), (29,), {"hidden": 6}),
    "pointwise": _torch("pointwise.v1", {"inputs": 2, "outputs": 4, "groups": 2}, (2, 5, 6), (4, 5, 6), {"outputs": 6}),
    "conv-pair": PAIR,
    "first conv-pair": _torch("conv-pair.v1", PAIRED, (4, 7, 6), (4, 4, 3), {"width": 6}),
    "projection": _torch("projection.v1", {"width": 4, "stride": 2}, (4, 7, 6), (4, 4, 3), {"width": 6}),
    "normed": _torch("normed.v1", {"width": 4, "groups": 2}, (4, 7, 6), (4, 7, 6), {"width": 6}),
    "max-pool": HALVED,
    "avg-pool": _torch("pool.v1", {"how": "avg", "stride": 1}, (4, 7, 6), (4, 7, 6), {"how": "max"}),
    "identity": _torch("identity.v1", {"stride": 2}, (4, 7, 6), (4, 4, 3), {"stride": 3}),
    "dense": _torch("dense.v1", {"inputs": 12, "outputs": 5, "norm": True}, (3, 4), (5,), {"outputs": 6}),
    "plain dense": _torch("dense.v1", {"inputs": 12, "outputs": 5, "norm": False}, (3, 4), (5,), {"outputs": 6}),
    "flatten": _torch("flatten.v1", {}, (3, 4), (12,), {"outputs": 11}),
    "mean": _composite("mean.v1", {"shape": [4, 4, 3]}, (PAIR.freeze(), HALVED.freeze()), (4, 7, 6), (4, 4, 3), {"shape": [5, 4, 3]}),
    "empty mean": _composite("mean.v1", {"shape": [4, 3]}, (), (4, 7, 6), (4, 3), {"shape": [5, 3]}),
    "pruned mlp": _pruned(
        {"kind": "mlp.v1", "config": {"inputs": 12, "hidden": [7, 5]}}, {"layers.0.weight": 41, "layers.2.weight": 0}, (3, 4), (5,)
    ),
    "pruned lstm": _pruned(
        {"kind": "lstm.v1", "config": {"inputs": 6, "units": 5, "hidden": [4, 3]}}, {"lstm.weight_hh_l0": 33}, (7, 6), (3,)
    ),
    "svm": _plain(SVC),
    "forest": _plain(lambda: RandomForestClassifier(5, random_state=0)),
    "stack": _plain(lambda: StackingClassifier([("a", LogisticRegression(max_iter=1000)), ("b", GaussianNB())], SVC(), cv=2)),
    "logistic": _sklearn(lambda: LogisticRegression(max_iter=1000)),
}
