"""A component: one immutable module, named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from senpath.components.files import Safetensors
from senpath.components.kind import ComponentKind, find_kind
from senpath.components.limits import LEVELS, RUNS, SMALL, Outline, dense_outline, outline, told_outline
from senpath.confined import blocks
from senpath.errors import StoreError

Config = Mapping[str, Any]
KEPT_OUTLINES = 4096
"""Of configurations, in a process."""
_TRIED_OUT: dict[tuple[ComponentKind, bytes, tuple[int, ...]], Outline] = {}


class Composite(nn.Module):
    """A module that runs others, its children. Its configuration names them by hash in `children`; it holds none of their weights.

    Args:
        children: hashes, in the order in which `bind` gets their modules.
    """

    def __init__(self, children: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(children)
        self.bound: tuple[nn.Module, ...] | None = None

    def bind(self, children: Sequence[nn.Module]) -> None:
        """Give it the modules of its children. A tuple is no submodule: they are saved, counted and moved by themselves."""
        if len(children) != len(self.names):
            raise ValueError(f"{len(self.names)} children are named, {len(children)} are given")
        self.bound = tuple(children)

    @property
    def parts(self) -> tuple[nn.Module, ...]:
        """The modules of its children.

        Raises:
            RuntimeError: if it has not been given them.
        """
        if self.bound is None:
            raise RuntimeError("a composite component runs once it is bound to its children")
        return self.bound


class Component:
    """A frozen module in evaluation mode: torch weights or a scikit-learn estimator.

    `freeze`, `thaw` and `load` make components, so that `hash` is always the hash of what they hold.

    Attributes:
        kind: what kind of component it is.
        config: what the kind builds the module from (JSON values only).
        module: maps a float32 tensor (n, …) to a float32 tensor (n, outputs).
        hash: 64 hexadecimal digits, see `content_hash`; `name` to whoever makes one.
        weights: how many trained numbers it holds.
        payload: content of its file while it is new; None once it is read from one.
        inside: the components within a composite one that is bound, by hash.
        is_small: whether running it takes no more than a few products with few weights, or it is of a kind that its user installed.
        levels, runs: how deep these are, and how many components run when it runs once.

    Example:
        >>> part = net.view.component(net.view.pathway("iris").components[-1])
        >>> part.kind.name, part.weights, len(part.hash)
        ('linear.v1', 99, 64)
    """

    __slots__ = ("_outlines", "config", "hash", "inside", "is_small", "kind", "levels", "module", "payload", "runs", "weights")

    def __init__(self, kind: ComponentKind, config: Config, module: nn.Module, name: str, payload: bytes | None) -> None:
        self.kind = kind
        self.config: dict[str, Any] = dict(config)
        self.module = module.eval().requires_grad_(False)
        self.hash = name
        self.payload = payload
        self.weights = count_weights(module)
        self.inside: dict[str, Component] = {}
        self.levels, self.runs = 0, 1
        self.is_small = ":" in kind.name or (kind.grouped and max(self.weights, self.config.get("outputs", 0)) <= SMALL)
        self._outlines: dict[tuple[int, ...], Outline] = {}

    @property
    def children(self) -> tuple[str, ...]:
        """Hashes of the components that a composite one runs; none of an atomic one."""
        return self.module.names if isinstance(self.module, Composite) else ()

    @property
    def is_bound(self) -> bool:
        """Whether it can run: a composite one has been given its children."""
        return not isinstance(self.module, Composite) or self.module.bound is not None

    def bind(self, lookup: Lookup) -> None:
        """Let a composite one run its children, which `lookup` finds; their hashes are in its own, so they are always the same."""
        if self.is_bound or not isinstance(self.module, Composite):
            return
        parts = {name: lookup(name) for name in self.children}
        self.levels = 1 + max((part.levels for part in parts.values()), default=0)
        self.runs = 1 + sum(parts[name].runs for name in self.children)
        if self.levels > LEVELS or self.runs > RUNS:
            expected, got = f"at most {LEVELS} levels and {RUNS:,} components that run", f"{self.levels} and {self.runs:,}"
            raise StoreError(f"component {self.hash[:12]}: what is inside of it", expected=expected, got=got)
        for name, part in parts.items():
            self.inside |= {name: part, **part.inside}
        self.module.bind([parts[name].module for name in self.children])

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run the component; no gradients are recorded.

        Raises:
            StoreError: if it takes more than the limits of `senpath.components.limits`.
        """
        if ":" in self.kind.name:  # code of another package, which may write into what it reads
            inputs = inputs.clone()
        most = len(inputs) if self.is_small else self.outline(inputs.shape[1:]).at_once
        with torch.no_grad():
            if len(inputs) <= most:
                output: torch.Tensor = self.module(inputs)
                return output
            return torch.cat([self.module(part) for part in inputs.split(most)])

    def outline(self, shape: Sequence[int]) -> Outline:
        """What running it on one input of this shape takes.

        Raises:
            StoreError: if that is more than the limits.
        """
        shape = tuple(shape)
        if shape not in self._outlines:
            what = f"component {self.hash[:12]} of kind {self.kind}"
            if self.kind.layers is not None:
                self._outlines[shape] = told_outline(self.kind.layers(self.module, shape), shape, what)
            elif self.kind.dense:
                self._outlines[shape] = dense_outline(self.module, shape, what)
            else:
                self._outlines[shape] = self._tried_out(shape, what)
        return self._outlines[shape]

    def _tried_out(self, shape: tuple[int, ...], what: str) -> Outline:
        """Its outline by running on shapes alone, which takes longer than many a component's run: those of one configuration share it."""
        if not isinstance(self.kind.files, Safetensors):
            return outline(self.kind.outline(self._blank({})), shape, what)
        key = self.kind, hashlib.sha256(canonical_json(self.config).encode()).digest(), shape
        found = _TRIED_OUT.get(key)
        if found is None:
            found = outline(self.kind.outline(self._blank({})), shape, what)
            if len(_TRIED_OUT) >= KEPT_OUTLINES:
                _TRIED_OUT.clear()
            _TRIED_OUT[key] = found
        return found

    def _blank(self, made: dict[str, nn.Module]) -> nn.Module:
        """A module of its shape without numbers, and those inside of it, each once."""
        if not isinstance(self.kind.files, Safetensors):
            return self.module
        with torch.device("meta"):
            module = self.kind.build(self.config).to("meta")
        if isinstance(module, Composite):
            for name in self.children:
                if name not in made:
                    part = self.inside[name]
                    made[name] = part.kind.outline(part._blank(made))
            module.bind([made[name] for name in self.children])
        return module

    def __reduce__(self) -> tuple[Callable[..., Component], tuple[Any, ...]]:
        """Between processes a new component travels as its kind, configuration and content."""
        if self.payload is None:
            raise TypeError(f"component {self.hash[:12]} has been read from its folder; send its hash")
        return thaw, (self.kind, self.config, self.payload)

    def __repr__(self) -> str:
        return f"Component({self.kind}, {self.hash[:12]}, {self.weights:,} weights)"


Lookup = Callable[[str], Component]
"""Finds a component by its hash."""


def build(kind: str | ComponentKind, config: Config) -> nn.Module:
    """A fresh, trainable module of a kind.

    Raises:
        StoreError: if the kind is unknown or cannot be built from the configuration.
    """
    return find_kind(kind).build(config)


def freeze(kind: str | ComponentKind, config: Config, module: nn.Module) -> Component:
    """Make a component of a trained module: copied, in evaluation mode, without gradients, named by its content.

    Args:
        kind: of the component, or its name.
        config: JSON values from which `build` makes a module of the same shape.
        module: the trained module; it may be trained on afterwards, the component keeps its copy.

    Example:
        >>> from senpath.components import Linear, freeze
        >>> freeze("linear.v1", {"inputs": 4, "outputs": 3}, Linear(4, 3)).weights
        15
    """
    kind = find_kind(kind)
    return thaw(kind, config, kind.files.dump(module))


def thaw(kind: str | ComponentKind, config: Config, payload: bytes) -> Component:
    """The component that `freeze` made, from the content of its file; for components that come from another process."""
    kind = find_kind(kind)
    return Component(kind, config, kind.files.restore(kind, config, payload), content_hash(kind, config, payload), payload)


def load(kind: str | ComponentKind, config: Config, path: Path, name: str, *, trust: bool = False) -> Component:
    """Read a component from its file; torch weights stay memory-mapped.

    Args:
        name: the hash under which it is known; its content must have it.
        trust: whether the user vouches for who made the file; some estimators are not opened without.

    Raises:
        StoreError: if the file is missing, truncated or changed, or is not of this kind.
    """
    try:
        actual = content_hash(kind, config, blocks(path))
    except OSError as error:
        raise StoreError(f"component {name[:12]}: file {path.name}", expected="readable", got=error.strerror or str(error)) from error
    if actual != name:
        raise StoreError(
            f"component {name[:12]}: content of {path.name}",
            expected=f"hash {name[:12]}…",
            got=f"{actual[:12]}…",
            do="The file was changed or cut after it was written; restore the folder from a copy",
        )
    kind = find_kind(kind)
    return Component(kind, config, kind.files.read(kind, config, path, trust=trust), name, None)


def canonical_json(value: object) -> str:
    """The one spelling of a JSON value that hashes are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(kind: str | ComponentKind, config: Config, payload: bytes | memoryview | Iterable[bytes]) -> str:
    """Name of a component: SHA-256 over its kind, its configuration (children included) and the content of its file, whole or in parts."""
    head = canonical_json({"kind": str(kind), "config": dict(config)}).encode()
    digest = hashlib.sha256(len(head).to_bytes(8, "little"))
    digest.update(head)
    for part in (payload,) if isinstance(payload, bytes | memoryview) else payload:
        digest.update(part)
    return digest.hexdigest()


def count_weights(module: nn.Module) -> int:
    """Numbers that a module computes with and that are saved: torch parameters and buffers, or what an estimator says that it holds."""
    stored = getattr(module, "stored_numbers", None)
    return int(stored()) if callable(stored) else sum(value.numel() for value in module.state_dict().values())
