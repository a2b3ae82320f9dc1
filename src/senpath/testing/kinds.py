"""Whether a kind of component keeps what networks rely on."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from senpath.components import HEAD, Component, ComponentKind, content_hash, freeze, known_kinds, load, thaw
from senpath.errors import StoreError
from senpath.export import component_as_onnx
from senpath.pathways.run import LEAST, run_grouped
from senpath.seeds import seeded
from senpath.testing.promise import require

_require = partial(require, "a kind of component")
BATCH = 5


def check_kind(
    kind: ComponentKind,
    config: Mapping[str, Any],
    shape: tuple[int, ...],
    *,
    module: nn.Module | None = None,
    children: Sequence[Component] = (),
    onnx: bool = True,
) -> Component:
    """Build, freeze, save, load, run and export a component of a kind.

    Args:
        kind: what is checked; it is registered.
        config: a small configuration of it.
        shape: of one input, without the number of inputs.
        module: one that the configuration builds, with weights that are neither all equal nor zero; None draws random weights.
        children: of a composite kind, those that the configuration names.
        onnx: whether to export it too, if it can be; this needs senpath[onnx] and takes a second or more.

    Returns:
        The component that was checked.

    Raises:
        AssertionError: naming the first promise that is broken.

    Example:
        >>> from senpath.components import find_kind
        >>> from senpath.testing import check_kind
        >>> check_kind(find_kind("linear.v1"), {"inputs": 3, "outputs": 2}, (3,), onnx=False).weights
        8
    """
    _require(kind in known_kinds(), f"{kind!r} is registered: senpath.components.register(kind)")
    config = dict(config)
    _require(json.loads(json.dumps(config)) == config, "the configuration consists of JSON values: lists, no tuples")
    module = _with_random_weights(kind.build(config)) if module is None else module
    _bind(module, children)
    component = freeze(kind, config, module)
    component.bind({child.hash: child for child in children}.__getitem__)
    batch = torch.rand(BATCH, *shape, generator=torch.Generator().manual_seed(7))
    _check_frozen(component, module, batch)
    _check_answers(component, batch)
    _check_files(component, children, batch)
    _check_configurations(kind, config)
    _check_training(kind, config, module, component, children, batch)
    if kind.units is not None:
        _check_units(kind, component)
    if kind.grouped:
        _check_grouped(component, shape)
    if onnx and kind.exportable is not None:
        _check_export(component, batch)
    return component


def _with_random_weights(module: nn.Module) -> nn.Module:
    with seeded(3), torch.no_grad():
        for name, values in module.state_dict().items():
            if values.is_floating_point():
                drawn = torch.rand_like(values) - 0.4
                values.copy_(drawn.abs() if "var" in name else drawn)  # no variance is negative
    return module


def _bind(module: nn.Module, children: Sequence[Component]) -> None:
    bind = getattr(module, "bind", None)
    if callable(bind):
        bind([child.module for child in children])


def _same(first: torch.Tensor, second: torch.Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)


def _check_frozen(component: Component, module: nn.Module, batch: torch.Tensor) -> None:
    with torch.no_grad():
        _require(_same(component(batch), module.eval()(batch)), "a component answers as the module that was frozen, in evaluation mode")
    _require(not any(part.training for part in component.module.modules()), "a component is in evaluation mode")
    _require(not any(value.requires_grad for value in component.module.parameters()), "a component needs no gradients")
    _require(freeze(component.kind, component.config, module).hash == component.hash, "equal weights make equal files")
    turned = dict(reversed(component.config.items()))
    _require(freeze(component.kind, turned, module).hash == component.hash, "the order of a configuration's keys does not matter")


def _check_answers(component: Component, batch: torch.Tensor) -> None:
    together = component(batch)
    _require(together.dtype == torch.float32 and len(together) == len(batch), "answers are float32, one for each input")
    _require(bool(torch.isfinite(together).all()), "answers are finite")
    _require(_same(component(batch), together), "the same input has the same answer")
    alone = torch.cat([component(batch[place : place + 1]) for place in range(len(batch))])
    _require(torch.allclose(together, alone, rtol=1e-5, atol=1e-5), "an answer does not depend on the inputs beside it")
    _require(component(batch[:0]).shape == (0, *together.shape[1:]), "no inputs have no answers, of the usual shape")


def _check_files(component: Component, children: Sequence[Component], batch: torch.Tensor) -> None:
    kind, config, payload = component.kind, json.loads(json.dumps(component.config)), component.payload or b""
    before = torch.random.get_rng_state()
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"component{kind.files.suffix}"
        path.write_bytes(payload)
        copies = [load(kind, config, path, component.hash), thaw(kind, config, payload), pickle.loads(pickle.dumps(component))]  # noqa: S301
        for copy in copies:
            copy.bind({child.hash: child for child in children}.__getitem__)
            _require(_same(copy(batch), component(batch)), "what is loaded answers as what was saved, to the last bit")
            _require((copy.hash, copy.weights) == (component.hash, component.weights), "what is loaded has the hash and the weights")
        path.write_bytes(payload[: len(payload) // 2])
        _refused("a file that was cut", lambda: load(kind, config, path, content_hash(kind, config, path.read_bytes())))
    _require(torch.equal(torch.random.get_rng_state(), before), "loading draws no random numbers")


def _check_configurations(kind: ComponentKind, config: Mapping[str, Any]) -> None:
    _refused("an unknown key in its configuration", lambda: kind.build({**config, "no such key": 1}))
    for key in config:
        nonsense: tuple[Any, ...] = (None, "x", -1, [], {})
        for value in nonsense:
            try:
                kind.build({**config, key: value})
            except StoreError:
                continue
            except Exception as error:
                _require(False, f"{key}={value!r} in its configuration is refused by a TypeError or ValueError, not {error!r}")


def _refused(what: str, act: Any) -> None:
    try:
        act()
    except StoreError:
        return
    except Exception as error:
        raise AssertionError(f"broken promise of a kind of component: {what} is a StoreError, not {error!r}") from error
    raise AssertionError(f"broken promise of a kind of component: {what} is refused")


def _check_training(
    kind: ComponentKind,
    config: Mapping[str, Any],
    module: nn.Module,
    component: Component,
    children: Sequence[Component],
    batch: torch.Tensor,
) -> None:
    before = component(batch)
    if kind.trainable and any(True for _ in module.parameters()):
        trained = kind.build(config)
        trained.load_state_dict(module.state_dict())
        _bind(trained, children)
        trained.train()(batch).square().sum().backward()
        reached = [value.grad is not None and bool(torch.isfinite(value.grad).all()) for value in trained.parameters()]
        _require(any(reached), "gradients reach the weights")
        with torch.no_grad():
            for value in module.state_dict().values():
                value.add_(1)
        _require(_same(component(batch), before), "a component keeps its weights when the module is trained on")
    old = {part for name in component.module.state_dict() for part in name.split(".")} & kind.renamed.keys()
    _require(not old, f"a tensor that was renamed has its new name, not {sorted(old)}")


def _check_units(kind: ComponentKind, component: Component) -> None:
    if kind.units is None:
        return
    tensors = component.module.state_dict()
    for layer in kind.units.layers(component.config):
        for part in layer.slices:
            if not part.tensor.startswith(f"{HEAD}."):
                size = part.first + part.blocks * layer.units * part.each
                _require(tensors[part.tensor].shape[part.axis] == size, f"the units of {part.tensor} fill its axis {part.axis}")
    widths = [max(1, layer.units // 2) for layer in kind.units.layers(component.config)]
    resized = kind.units.resized(component.config, widths)
    kind.build(resized)
    _require([layer.units for layer in kind.units.layers(resized)] == widths, "a smaller configuration has the numbers of units asked for")


def _check_grouped(component: Component, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(11)
    several = []
    for _ in range(LEAST + 1):
        module = component.kind.build(component.config)
        with torch.no_grad():
            for value in module.parameters():
                value.copy_(torch.randn(value.shape, generator=generator))
        several.append(freeze(component.kind, component.config, module))
    inputs = [torch.rand(1 + place % 4, *shape, generator=generator) for place in range(len(several))]
    for part, mine, answers in zip(several, inputs, run_grouped(several, inputs), strict=True):
        _require(torch.allclose(answers, part(mine), rtol=1e-5, atol=1e-5), "many run together as each alone")


def _check_export(component: Component, batch: torch.Tensor) -> None:
    import onnxruntime  # of senpath[onnx]

    model = component_as_onnx(component, batch.shape[1:])
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for count in (0, 1, BATCH):
        expected = component(batch[:count])
        answers = torch.from_numpy(session.run(None, {"input": batch[:count].numpy()})[0])
        largest = float(expected.abs().max()) if count else 0.0
        agree = answers.shape == expected.shape and torch.allclose(answers, expected, rtol=0, atol=1e-5 * max(1.0, largest))
        _require(agree, "an exported component answers under ONNX Runtime within 0.00001 of its largest answer")
