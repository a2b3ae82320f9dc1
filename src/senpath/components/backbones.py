"""Torch modules of other people as components: what it takes to build them again."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import nn

from senpath.components.kind import ComponentKind, TrainingDefaults, known_kinds, register
from senpath.errors import InputError, StoreError
from senpath.seeds import seeded

M = TypeVar("M", bound=nn.Module)
TRAINING = TrainingDefaults(2e-3, 128, 50, 4000, clip=1.0)
"""Of backbones that nothing else is said about: as the built-in convolutional network, with gradients clipped."""


def register_backbone(
    name: str, *, training: TrainingDefaults = TRAINING, config_of: Callable[[Any], Mapping[str, Any]] | None = None
) -> Callable[[type[M]], type[M]]:
    """Make a class of modules known as a kind of component, so that a module of it can be a task's model: `learn(…, model=module)`.

    It decorates the class: whoever imports the class's module can then open networks that have such a task.

    Args:
        name: "package:name.v1", the package that has the class, a name, a version. Files have it, so a class that comes to answer
            otherwise gets the next version.
        training: how such a module is trained by default.
        config_of: from a module, the arguments, JSON values, by which the class builds one of the same shape; None reads attributes that
            are called as the constructor's parameters.

    Raises:
        InputError: if the name is none, or another class has it.

    Example:
        >>> from senpath.components import register_backbone
        >>> from torch import nn
        >>> @register_backbone("mypackage:half.v1")
        ... class Half(nn.Module):
        ...     def __init__(self, units: int) -> None:
        ...         super().__init__()
        ...         self.units, self.layer = units, nn.Linear(4, units)
        ...     def forward(self, x):
        ...         return self.layer(x).relu()
        >>> sp.Network().learn("flowers", *tiny_task("iris"), model=Half(8), epochs=30).version
        1
    """

    def remember(cls: type[M]) -> type[M]:
        if not isinstance(cls, type) or not issubclass(cls, nn.Module):
            raise InputError("backbone", expected="a class of torch modules", got=repr(cls))
        register(ComponentKind(name, cls, training=training, config_of=config_of))
        return cls

    return remember


def describe_module(module: nn.Module) -> tuple[ComponentKind, dict[str, Any]]:
    """The kind of component that a module is, and the configuration that builds another of its shape.

    Raises:
        InputError: if its class is no registered kind, or the module cannot be built again.
    """
    cls = type(module)
    kind = next((kind for kind in known_kinds() if kind.module is cls), None)
    if kind is None:
        decorator = "@senpath.components.register_backbone('package:name.v1')"
        do = f"Decorate {cls.__name__} with {decorator}"
        if hasattr(module, "_orig_mod"):
            do = "Give the module itself, as it was before torch.compile"
        elif cls.__module__.startswith("torch."):
            do = f"Put it into a module of a class of your own, which is decorated with {decorator}"
        raise InputError("model", expected="a module whose class is registered as a kind of component", got=cls.__name__, do=do)
    config = dict(_read_config(module) if kind.config_of is None else kind.config_of(module))
    what, do = f"model of kind {kind}", "Give register_backbone a `config_of`"
    try:
        config = json.loads(json.dumps(config))
    except (TypeError, ValueError) as error:
        raise InputError(what, expected="arguments that are JSON values", got=f"{config} ({error})", do=do) from error
    try:
        with seeded(0):  # what it draws is not used
            shapes, mine = ({name: value.shape for name, value in one.state_dict().items()} for one in (kind.build(config), module))
    except StoreError as error:
        raise InputError(what, expected=f"arguments that build a {cls.__name__}", got=str(error.got), do=do) from error
    except RuntimeError as error:  # of lazy layers
        expected, do = f"arguments that build a {cls.__name__} with all its tensors", "Give lazy layers the sizes of what they read"
        raise InputError(what, expected=expected, got=str(error).partition(".")[0], do=do) from error
    if shapes != mine:
        raise InputError(what, expected=f"arguments that build one with the same tensors as this {cls.__name__}", got=f"{config}", do=do)
    return kind, config


def _read_config(module: nn.Module) -> dict[str, Any]:
    """The constructor's arguments, as the module's attributes of the same names have them."""
    cls, config = type(module), {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not hasattr(module, name):
            do = f"Keep the constructor's argument as `self.{name}`, or give register_backbone a `config_of`"
            raise InputError(f"model {cls.__name__}", expected=f"an attribute {name!r}", got="none", do=do)
        value = getattr(module, name)
        config[name] = list(value) if isinstance(value, tuple) else value
    return config
