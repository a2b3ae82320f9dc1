"""Kinds of bricks, and the one table of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as read_tensors
from safetensors.torch import save
from torch import nn

from senpath.components.base import Component, Composite, Config, Lookup, canonical_json, content_hash, count_weights
from senpath.components.bricks import Beside, ClassLink, Cnn, Linear, Lstm, Mlp, Skip
from senpath.components.estimators import Estimator
from senpath.components.experts import Attention, EncoderBlock, Experts, FeedForward, Router
from senpath.components.features import ConvFeatures, DenseFeatures, UnitFeatures
from senpath.components.gate import Gate
from senpath.components.mobile import ConvStem, ConvTail, MbConv
from senpath.components.pruned import PRUNABLE, Pruned
from senpath.components.routed import ConvPair, Dense, Flatten, Identity, Mean, Pointwise, Pool
from senpath.components.tokens import PooledSkip, TokenFeatures, TokenMean, real, token_mean
from senpath.components.transformer import Adapter, ClassNorm, ClassToken, Patches, Positions, Transformer
from senpath.errors import StoreError
from senpath.tasks import TASK_KINDS, Classification, TaskKind

__all__ = [
    "KINDS",
    "PRUNABLE",
    "Attention",
    "Beside",
    "ClassLink",
    "Cnn",
    "Component",
    "Composite",
    "Config",
    "ConvFeatures",
    "ConvStem",
    "ConvTail",
    "DenseFeatures",
    "EncoderBlock",
    "Estimator",
    "Experts",
    "FeedForward",
    "Gate",
    "Linear",
    "Lookup",
    "Lstm",
    "MbConv",
    "Mlp",
    "PooledSkip",
    "Pruned",
    "Router",
    "Skip",
    "TokenFeatures",
    "TokenMean",
    "UnitFeatures",
    "build",
    "canonical_json",
    "content_hash",
    "count_weights",
    "freeze",
    "load",
    "real",
    "suffix",
    "thaw",
    "token_mean",
    "unpruned",
]

KINDS: dict[str, Callable[..., nn.Module]] = {
    "mlp.v1": Mlp,
    "cnn.v1": Cnn,
    "lstm.v1": Lstm,
    "linear.v1": Linear,
    "link.v1": ClassLink,
    "conv-features.v1": ConvFeatures,
    "dense-features.v1": DenseFeatures,
    "unit-features.v1": UnitFeatures,
    "gate.v1": Gate,
    "pruned.v1": Pruned,
    "skip.v1": Skip,
    "patches.v1": Patches,
    "class-token.v1": ClassToken,
    "positions.v1": Positions,
    "transformer.v1": Transformer,
    "class-norm.v1": ClassNorm,
    "adapter.v1": Adapter,
    "conv-stem.v1": ConvStem,
    "mbconv.v1": MbConv,
    "conv-tail.v1": ConvTail,
    "attention.v1": Attention,
    "encoder-block.v1": EncoderBlock,
    "feed-forward.v1": FeedForward,
    "router.v1": Router,
    "experts.v1": Experts,
    "token-mean.v1": TokenMean,
    "token-features.v1": TokenFeatures,
    "pooled-skip.v1": PooledSkip,
    "pointwise.v1": Pointwise,
    "conv-pair.v1": ConvPair,
    "pool.v1": Pool,
    "identity.v1": Identity,
    "dense.v1": Dense,
    "flatten.v1": Flatten,
    "mean.v1": Mean,
}
"""Torch kinds by versioned name. A kind's meaning never changes; a redesign gets a new version. See `SKLEARN` for the other one."""

SKLEARN = "sklearn.v1"


def suffix(kind: str) -> str:
    """Ending of the file that holds a component of this kind."""
    return ".skops" if kind == SKLEARN else ".safetensors"


def build(kind: str, config: Config) -> nn.Module:
    """A fresh, trainable torch module of a kind.

    Raises:
        StoreError: if the kind is unknown or cannot be built from the configuration.
    """
    if kind not in KINDS:
        raise StoreError(
            "kind of component", expected=f"one of {sorted([*KINDS, SKLEARN])}", got=repr(kind), do="A newer senpath may know it"
        )
    try:
        return KINDS[kind](**config)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise StoreError(f"component of kind {kind}", expected="a configuration that builds", got=f"{dict(config)} ({error})") from error


def freeze(kind: str, config: Config, module: nn.Module) -> Component:
    """Make a component of a trained module: copied, in evaluation mode, without gradients, named by its content.

    Args:
        kind: a key of `KINDS`, or "sklearn.v1" for an `Estimator`.
        config: JSON values from which `build` makes a module of the same shape.
        module: the trained module; it may be trained on afterwards, the component keeps its copy.
    """
    if isinstance(module, Estimator):
        from senpath.components.estimator_files import dump_estimator, load_estimator

        payload = dump_estimator(module.estimator)
        copy: nn.Module = Estimator(load_estimator(payload, kind), module.outputs, module.kind)
    else:
        tensors = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
        payload = save(tensors)
        copy = _blank(kind, config)
        copy.load_state_dict({name: value.clone() for name, value in tensors.items()}, assign=True)
    return Component(kind, config, copy, content_hash(kind, config, payload), payload)


def thaw(kind: str, config: Config, payload: bytes) -> Component:
    """The component that `freeze` made, from the content of its file; for components that come from another process."""
    if kind == SKLEARN:
        from senpath.components.estimator_files import load_estimator

        module: nn.Module = Estimator(load_estimator(payload, kind), _integer(config, "outputs"), _kind(config))
    else:
        module = _blank(kind, config)
        module.load_state_dict({name: value.clone() for name, value in read_tensors(payload).items()}, assign=True)
    return Component(kind, config, module, content_hash(kind, config, payload), payload)


def load(kind: str, config: Config, path: Path, name: str) -> Component:
    """Read a component from its file; torch weights stay memory-mapped.

    Args:
        name: the hash under which it is known; its content must have it.

    Raises:
        StoreError: if the file is missing, truncated or changed, or is not of this kind.
    """
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise StoreError(f"component {name[:12]}: file {path.name}", expected="readable", got=error.strerror or str(error)) from error
    found = content_hash(kind, config, payload)
    if found != name:
        raise StoreError(
            f"component {name[:12]}: content of {path.name}",
            expected=f"hash {name[:12]}…",
            got=f"{found[:12]}…",
            do="The file was changed or cut after it was written; restore the folder from a copy",
        )
    if kind == SKLEARN:
        from senpath.components.estimator_files import load_estimator

        return Component(
            kind, config, Estimator(load_estimator(payload, path.name), _integer(config, "outputs"), _kind(config)), name, None
        )
    module = _blank(kind, config)
    bits = {key for key, value in module.state_dict().items() if value.dtype == torch.uint8}
    try:
        with safe_open(path, framework="pt") as file:
            module.load_state_dict({key: file.get_tensor(key) for key in file.keys()}, assign=True)  # noqa: SIM118
    except (SafetensorError, RuntimeError, OSError) as error:
        raise StoreError(f"component {name[:12]}: {path.name}", expected=f"the weights of a {kind}", got=str(error)) from error
    if any(value.dtype != torch.float32 for key, value in module.state_dict().items() if key not in bits):
        raise StoreError(f"component {name[:12]}: {path.name}", expected="float32 weights", got="others")
    return Component(kind, config, module, name, None)


def unpruned(component: Component) -> tuple[str, dict[str, Any], nn.Module]:
    """Kind, configuration and module of a component; of a pruned one those of the dense brick that it runs as."""
    module = component.module
    return (module.kind, module.config, module.dense()) if isinstance(module, Pruned) else (component.kind, component.config, module)


def _blank(kind: str, config: Config) -> nn.Module:
    """Shapes only: nothing is allocated for a configuration that asks for too much, and no random number is drawn."""
    with torch.device("meta"):
        return build(kind, config)


def _kind(config: Config) -> TaskKind:
    """The kind of an estimator's task; the first format had classifications only."""
    name = config.get("kind", Classification.name)
    if not isinstance(name, str) or name not in TASK_KINDS:
        raise StoreError("component configuration field 'kind'", expected=f"one of {', '.join(TASK_KINDS)}", got=repr(name))
    return TASK_KINDS[name]


def _integer(config: Config, field: str) -> int:
    value: Any = config.get(field)
    if not isinstance(value, int) or value < 1:
        raise StoreError(f"component configuration field {field!r}", expected="a positive integer", got=repr(value))
    return value
