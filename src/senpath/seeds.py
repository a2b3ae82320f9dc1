"""Randomness that a seed decides and that leaves the caller's random state as it was."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class seeded(TorchDispatchMode):
    """Within, what torch draws in this thread follows from `seed`.

    The numbers are those that its global generator gives after `torch.manual_seed(seed)`, but that generator is left alone: all threads
    share it, so what one draws would depend on what others do meanwhile.

    Example:
        >>> import torch
        >>> from senpath.seeds import seeded
        >>> with seeded(0):
        ...     first = torch.rand(2)
        >>> with seeded(0):
        ...     second = torch.rand(2)
        >>> bool((first == second).all())
        True
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seed = seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self, function: Any, types: Sequence[Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if not _may_draw(function):  # nearly all: every operation comes by here
            return function(*args, **kwargs) if kwargs else function(*args)
        given = dict(kwargs or {})
        if function is torch.ops.aten.randn_like.default:  # has no argument for a generator
            empty = torch.empty_like(*args, **given)
            return empty.normal_(generator=self._generator(empty.device))
        if given.get("generator") is not None or not _draws(function, args, given):
            return function(*args, **given)
        device = next((value.device for value in args if isinstance(value, torch.Tensor)), given.get("device") or torch.device("cpu"))
        drawing, generator = _with_generator(function), self._generator(torch.device(device))
        if drawing is not None:
            return drawing(*args, **given, generator=generator)
        return _lent(torch.device(device), generator, lambda: function(*args, **given))

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if device.type == "meta":
            return None
        if device not in self._generators:
            self._generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self._generators[device]


@functools.cache
def _may_draw(function: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in function.tags


def _draws(function: Any, args: Sequence[Any], given: Mapping[str, Any]) -> bool:
    """Whether a call that may draw numbers does. Attention without dropout could, and does not."""
    place = _dropout_place(function)
    if place is None:
        return True
    return bool(args[place] if place < len(args) else given.get("dropout_p", 0.0))


@functools.cache
def _dropout_place(function: Any) -> int | None:
    """Where among its arguments an operation has the share that it drops; None if it drops nothing."""
    names = [argument.name for argument in function._schema.arguments]
    return names.index("dropout_p") if "dropout_p" in names else None


@functools.cache
def _with_generator(function: Any) -> Any | None:
    """The operation, or its form, that takes a generator; None if there is none."""
    packet, name = function.overloadpacket, function._schema.overload_name
    for overload in (name or "default", f"{name}_generator" if name else "generator"):
        form = getattr(packet, overload, None)
        if form is not None and any(argument.name == "generator" for argument in form._schema.arguments):
            return form
    return None


LENDING = Lock()


def _lent(device: torch.device, generator: torch.Generator | None, draw: Callable[[], Any]) -> Any:
    """What is drawn by an operation that takes no generator, as dropout on an accelerator: the device's own has our numbers meanwhile."""
    if generator is None:
        return draw()
    own = torch.default_generator if device.type == "cpu" else torch.get_device_module(device).default_generators[device.index or 0]
    with LENDING:
        before = own.get_state()
        own.set_state(generator.get_state())
        try:
            drawn = draw()
            generator.set_state(own.get_state())
        finally:
            own.set_state(before)
    return drawn


def derive(seed: int, *names: object) -> int:
    """A seed of its own for each use, so that adding one use does not move the others; in 0 … 2³¹ − 1.

    Args:
        seed: what all uses follow from.
        names: of the use: whatever `str` tells apart.

    Example:
        >>> from senpath.seeds import derive
        >>> derive(0, "weights") == derive(0, "weights"), derive(0, "weights") == derive(0, "order")
        (True, False)
    """
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1
