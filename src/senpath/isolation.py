"""What the program around has set for its whole process or thread does not reach in.

Callers set torch's default dtype or device, autocast, modes without gradients, what numpy does on errors, and what scikit-learn puts out.
What senpath computes depends on none of it: its entry points are `isolated`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


class _Pinned:
    """A setting of the whole process. Threads that need it share one change, which the last one to leave takes back.

    Args:
        read, write: the setting's.
        needed: its value within.
    """

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], None], needed: Any) -> None:
        self._read, self._write, self._needed = read, write, needed
        self._lock, self._users, self._before = Lock(), 0, needed

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._before = self._read()
            self._users += 1
            if self._read() != self._needed:
                self._write(self._needed)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._before != self._needed:
                    self._write(self._before)


PINNED = (
    _Pinned(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Pinned(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
)
CPU = torch.device("cpu")


@contextmanager
def isolation() -> Iterator[None]:
    """Within, torch, numpy and scikit-learn compute as they do where nothing was set; after, as before."""
    with ExitStack() as stack:
        for pinned in PINNED:
            stack.enter_context(pinned.held())
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.empty(0).device != CPU:  # only then, for it slows down every call
            stack.enter_context(CPU)
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        if "sklearn" in sys.modules:  # else it cannot have been configured
            from sklearn import config_context

            plain = {"assume_finite": False, "array_api_dispatch": False, "enable_metadata_routing": False}
            stack.enter_context(config_context(transform_output="default", **plain))
        yield


def isolated(function: Callable[P, R]) -> Callable[P, R]:
    """The function, run in `isolation`."""

    @functools.wraps(function)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        with isolation():
            return function(*args, **kwargs)

    return within


def isolated_class(kind: C) -> C:
    """The class, of which the constructor and all public methods run in `isolation`."""
    for name, member in [*vars(kind).items()]:
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(member, classmethod):
            setattr(kind, name, classmethod(isolated(member.__func__)))
        elif callable(member):
            setattr(kind, name, isolated(member))
    return kind
