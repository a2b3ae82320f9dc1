"""What senpath knows of a kind of component, and the registry of kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from types import MappingProxyType
from typing import Any

from torch import nn

from senpath.components.files import SAFETENSORS, FileFormat
from senpath.components.limits import Layer, check_config
from senpath.components.units import HiddenUnits
from senpath.errors import InputError, StoreError

NAME = re.compile(r"(?:(?P<package>[A-Za-z0-9_][A-Za-z0-9_.-]*):)?[a-z0-9][a-z0-9-]*\.v[0-9]+")
"""Names of kinds: "mlp.v1"; of kinds that another package provides, "package:name.v1"."""
GROUP = "senpath.components"
"""The group of entry points by which packages provide kinds: `name.v1 = module:KIND`, or `module:Class` of a registered backbone."""


@dataclass(frozen=True)
class TrainingDefaults:
    """How a backbone of this kind is trained unless settings say otherwise.

    Args:
        learning_rate: the highest.
        batch_size: the largest.
        scale: steps are scale · examples^0.4, so passes over the data become fewer as the data grows.
        most: steps, at most.
        clip: longest gradient; None for any.
        decay: half of it is the share of the weights' squared length that is added to the loss.
    """

    learning_rate: float
    batch_size: int
    scale: float
    most: int
    clip: float | None = None
    decay: float = 0.0


def _itself(module: nn.Module) -> nn.Module:
    return module


@dataclass(frozen=True, eq=False, repr=False)
class ComponentKind:
    """One kind of component: how it is built and saved, and what can be done with it.

    A kind's meaning never changes, for files name it; a redesign gets a new name.

    Args:
        name: versioned, "name.v1"; a kind of another package has that package in front, "package:name.v1".
        module: makes a fresh module from the configuration's values, given by keyword.
        training: how a backbone of this kind is trained by default; None if it is no backbone.
        units: its hidden units, if some of them can be removed.
        trainable: whether its modules' weights can be trained as they are.
        prunable: whether single weights can be left out of its file (see `Pruned`).
        dense: whether it multiplies an input by each of its tensors once, so that what it takes is known from their sizes.
        layers: from a module and the shape of one input, what it makes of it in turn (see `senpath.components.limits`); None where that has
            to be tried out.
        grouped: whether many of one configuration may run as one batched product: a function of its input without state or random numbers.
        renamed: tensors that older files know by another name: parts of the names between dots, old to new.
        exportable: from a module of this kind, one that answers the same and that `torch.export` can trace; None if there is none.
        outline: from a module of this kind on torch's meta device, one whose tensors have the same sizes and that runs on shapes alone.
        config_of: from a module, the configuration that builds it; None reads attributes of the names of the constructor's parameters.
        files: the format of its files.

    Example:
        >>> from senpath.components import ComponentKind
        >>> from torch import nn
        >>> class Scale(nn.Module):
        ...     def __init__(self, by: float) -> None:
        ...         super().__init__()
        ...         self.by = by
        ...     def forward(self, x):
        ...         return x * self.by
        >>> ComponentKind("mypackage:scale.v1", Scale).name
        'mypackage:scale.v1'
    """

    name: str
    module: Callable[..., nn.Module]
    training: TrainingDefaults | None = None
    units: HiddenUnits | None = None
    trainable: bool = True
    prunable: bool = False
    dense: bool = False
    layers: Callable[[Any, tuple[int, ...]], Iterable[Layer]] | None = None
    grouped: bool = False
    renamed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    exportable: Callable[[Any], nn.Module] | None = _itself
    outline: Callable[[Any], nn.Module] = _itself
    config_of: Callable[[Any], Mapping[str, Any]] | None = None
    files: FileFormat = SAFETENSORS

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InputError("name of a kind of component", expected="'name.v1' or 'package:name.v1'", got=repr(self.name))

    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """A fresh, trainable module.

        Raises:
            StoreError: if the configuration does not build one.
        """
        try:
            if ":" not in self.name:  # what a package takes is for that package to check
                check_config(self.module, config)
            return self.module(**config)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            got = f"{dict(config)} ({error})"
            raise StoreError(f"component of kind {self.name}", expected="a configuration that builds", got=got) from error

    def __reduce__(self) -> tuple[Callable[[str], ComponentKind], tuple[str]]:
        """Between processes a kind travels as its name."""
        return find_kind, (self.name,)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"ComponentKind({self.name!r})"


_KINDS: dict[str, ComponentKind] = {}


def register(kind: ComponentKind) -> ComponentKind:
    """Make a kind known by its name; returns it, for `MINE = register(ComponentKind(…))` beside the module's class.

    Args:
        kind: under its own name.

    Raises:
        InputError: if another kind has the name.

    Example:
        >>> from senpath.components import ComponentKind, find_kind, register
        >>> from torch import nn
        >>> kind = register(ComponentKind("mypackage:same.v1", nn.Identity))
        >>> find_kind("mypackage:same.v1") is kind
        True
    """
    known = _KINDS.get(kind.name)
    if known is not None and _origin(known) != _origin(kind):  # the same module read twice, as a notebook does, is no conflict
        raise InputError(f"kind of component {kind.name!r}", expected="a name that is free", got=f"one that {known.module!r} has")
    _KINDS[kind.name] = kind
    return kind


def _origin(kind: ComponentKind) -> tuple[str, str]:
    made_by = getattr(kind.module, "func", kind.module)
    return getattr(made_by, "__module__", ""), getattr(made_by, "__qualname__", "")


def known_kinds() -> tuple[ComponentKind, ...]:
    """All kinds that are registered, in the order in which they were."""
    return tuple(_KINDS.values())


def find_kind(kind: str | ComponentKind) -> ComponentKind:
    """The kind of this name.

    A name that is not registered is looked up among the entry points of the installed packages; nothing is imported but what a package
    that its user has installed declares under exactly this name.

    Args:
        kind: its name; a kind is returned as it is.

    Raises:
        StoreError: if there is none, naming the package that provides it, or listing the known ones.

    Example:
        >>> from senpath.components import find_kind
        >>> find_kind("linear.v1").prunable
        True
    """
    if isinstance(kind, ComponentKind):
        return kind
    if not isinstance(kind, str) or kind not in _KINDS:
        return _provided(kind)
    return _KINDS[kind]


def _provided(name: str) -> ComponentKind:
    """A kind that an installed package declares."""
    match = NAME.fullmatch(name) if isinstance(name, str) else None
    package = match["package"] if match else None
    if package is None:
        known = f"one of {sorted(_KINDS)}"
        raise StoreError("kind of component", expected=known, got=repr(name), do="A newer senpath may know it")
    what, own_name = f"kind of component {name!r}", name.removeprefix(f"{package}:")
    try:
        version = distribution(package).version
    except PackageNotFoundError as error:
        do = f"pip install {package}, or import the module that registers the kind"
        raise StoreError(what, expected=f"the package {package}", got="not installed", do=do) from error
    for entry in entry_points(group=GROUP, name=own_name):
        if entry.dist is not None and _normal(entry.dist.name) == _normal(package):
            provided = entry.load()
            if isinstance(provided, ComponentKind):
                register(provided)
            if name in _KINDS:  # a class that `register_backbone` decorates has registered its kind while it was imported
                return _KINDS[name]
            raise StoreError(what, expected=f"that kind at {entry.value}", got=repr(provided), do=f"Tell the authors of {package}")
    do = f"Upgrade {package}, or import the module that registers the kind"
    raise StoreError(what, expected=f"a kind that {package} provides", got=f"none in version {version}", do=do)


def _normal(package: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()
