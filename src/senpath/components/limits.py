"""What a configuration may say, and what running a component may take: a small file cannot ask for much (docs/format.md)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from math import prod
from typing import Annotated, Any, get_type_hints

import pydantic
import torch
from pydantic import Field
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from senpath.errors import StoreError

NUMBERS = 2**24
"""Numbers of one tensor that one input makes on its way, at most; no size in a configuration is larger."""
OPERATIONS = 2 * 10**11
"""Operations on one input of one pathway, at most."""
EACH, STEP = 256, 2**18
"""Operations that writing one number, and calling torch once, count for: they take as long as so many of a product."""
AT_ONCE, LARGE, LARGE_AT_ONCE = 2**27, 2**21, 2**25
"""Numbers of one tensor that a batch makes; a larger batch runs in parts. Where one input makes more than `LARGE`, parts are smaller."""
SMALL = 2**14
"""Weights of layers that are not looked at."""
LEVELS, RUNS = 16, 4096
"""Composites within one another, and components that run when one of them runs, at most."""

Size = Annotated[int, Field(ge=1, le=NUMBERS)]
"""Units, maps, features, pixels of a side."""
Count = Annotated[int, Field(ge=0, le=NUMBERS)]
Step = Annotated[int, Field(ge=1, le=1024)]
"""Of a kernel: how far it reaches, or moves on."""
Reach = Annotated[float, Field(gt=0, le=1e30)]
"""A number up to which others are read as they are."""
Layers = Annotated[Sequence[Size], Field(max_length=256)]
Places = Annotated[Sequence[Count], Field(max_length=2**16)]
"""Positions among outputs or experts."""
Hashes = Annotated[Sequence[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Field(max_length=RUNS)]
Shape = Annotated[Sequence[Size], Field(min_length=1, max_length=4)]
Layer = tuple[tuple[int, ...], int]
"""The shape of a tensor that one input makes, and the products that are added up for it."""


def check_config(make: Callable[..., nn.Module], config: Mapping[str, Any]) -> None:
    """Compare a configuration with what the constructor's annotations take.

    Raises:
        ValueError: naming the first value that is out of its range.
    """
    try:
        _model(make).model_validate(dict(config))
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@cache
def _model(make: Callable[..., nn.Module]) -> type[pydantic.BaseModel]:
    """The constructor's parameters as fields; those without annotations take anything."""
    kind: Any = make.func if isinstance(make, partial) else make
    try:
        hints = get_type_hints(getattr(kind, "__init__", kind) if isinstance(kind, type) else kind, include_extras=True)
    except (AttributeError, NameError, TypeError):  # of another package, which writes them as it likes
        hints = {}
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in inspect.signature(make).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    settings = pydantic.ConfigDict(strict=True, extra="allow", arbitrary_types_allowed=True, protected_namespaces=())
    return pydantic.create_model("Configuration", __config__=settings, **fields)


@dataclass(frozen=True)
class Outline:
    """What running a component on one input takes.

    Args:
        shape: of its answer, without the number of inputs.
        largest: numbers of the largest tensor that is made on the way.
        work: operations.
        at_once: how many inputs may run together.
    """

    shape: tuple[int, ...]
    largest: int
    work: int
    at_once: int


def outline(module: nn.Module, shape: Sequence[int], what: str) -> Outline:
    """Run a module on shapes alone: nothing is allocated or computed.

    Args:
        module: on torch's meta device.
        shape: of one input.
        what: it is, for messages.

    Raises:
        StoreError: as soon as it would take more than the limits.
    """
    meter = _Meter(what)
    with torch.no_grad(), meter:
        answer = module.eval()(torch.empty(1, *shape, device="meta"))
    return _outlined(answer.shape[1:], meter.largest, meter.work)


def dense_outline(module: nn.Module, shape: Sequence[int], what: str) -> Outline:
    """The same for a module that multiplies inputs by each of its tensors once: it is run, which takes no more than its file says.

    On the meta device the simplest of operations would load torch's compiler, for most of a second; small programs need not pay for it.

    Args:
        module: with its weights.
        shape, what: as for `outline`; errors as well.
    """
    tensors = [*module.parameters(), *module.buffers()]
    like = next((tensor for tensor in tensors if tensor.is_floating_point()), torch.zeros(0))
    with torch.no_grad():
        answer = module(like.new_zeros(1, *shape))
    rows = answer.numel() // max(1, answer.shape[-1])  # of tokens, each is multiplied
    widths = [tensor.shape[0] for tensor in tensors if tensor.ndim]
    largest = max(prod(shape), answer.numel(), rows * max(widths, default=0))
    made = prod(shape) + answer.numel() + 2 * rows * sum(widths)
    work = 2 * rows * sum(tensor.numel() for tensor in tensors) + EACH * made + STEP * (2 * len(tensors) + 2)
    _require_fit(what, largest, work)
    return _outlined(answer.shape[1:], largest, work)


def told_outline(layers: Iterable[Layer], shape: Sequence[int], what: str) -> Outline:
    """The same for a module that tells its layers, as `dense_outline` for those that convolve; nothing is run.

    Args:
        layers: what it makes of one input, in turn; the last one is its answer.
        shape, what: as for `outline`; errors as well.
    """
    largest, work = prod(shape), 0
    for made, products in layers:
        shape, numbers = made, prod(made)
        largest, work = max(largest, numbers), work + 2 * products + EACH * numbers + STEP
        _require_fit(what, largest, work)
    return _outlined(shape, largest, work)


def _outlined(shape: Sequence[int], largest: int, work: int) -> Outline:
    together = AT_ONCE if largest <= LARGE else LARGE_AT_ONCE
    return Outline(tuple(shape), largest, work, max(1, together // max(1, largest)))


def _require_fit(what: str, largest: int, work: int) -> None:
    if largest > NUMBERS:
        got = f"{largest:,}"
        raise StoreError(what, expected=f"at most {NUMBERS:,} numbers in a layer for one input", got=got, do=SMALLER)
    if work > OPERATIONS:
        raise StoreError(what, expected=f"at most {OPERATIONS:,} operations on one input", got=f"{work:,}", do=SMALLER)


class _Meter(TorchDispatchMode):
    """Adds up what torch's operations make and do."""

    def __init__(self, what: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.what, self.largest, self.work = what, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self.work += STEP
        parts = made if isinstance(made, tuple | list) else (made,)
        for value, written in zip(parts, func._schema.returns, strict=False):
            if isinstance(value, torch.Tensor) and (written.alias_info is None or written.alias_info.is_write):  # no mere view
                self.largest = max(self.largest, value.numel())
                self.work += EACH * value.numel()
        count = flop_registry.get(func._overloadpacket)
        self.work += count(*args, **(kwargs or {}), out_val=made) if count is not None else 0
        _require_fit(self.what, self.largest, self.work)
        return made


SMALLER = "Smaller inputs or layers take less"
