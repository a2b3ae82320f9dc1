"""What the program around has set for its whole process or thread does not reach in.

Callers set torch's default dtype or device, autocast, modes without gradients, what numpy does on errors, and what scikit-learn puts out.
What senpath computes depends on none of it: its entry points are `isolated`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
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

    def hold(self) -> None:
        """Set it for one more that needs it."""
        with self._lock:
            if not self._users:
                self._before = self._read()
            self._users += 1
            if self._read() != self._needed:
                self._write(self._needed)

    def leave(self) -> None:
        """One fewer needs it."""
        with self._lock:
            self._users -= 1
            if not self._users and self._before != self._needed:
                self._write(self._before)


PINNED = (
    _Pinned(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    _Pinned(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
)
CPU = torch.device("cpu")
PROCESS = os.getpid()
"""That loaded this; its forked children have it, too."""
SKLEARN = {"assume_finite": False, "array_api_dispatch": False, "enable_metadata_routing": False, "transform_output": "default"}


@contextmanager
def isolation() -> Iterator[None]:
    """Within, torch, numpy and scikit-learn compute as they do where nothing was set; after, as before.

    It is entered by every call, so what is as it should be is left alone.
    """
    held: list[_Pinned] = []
    try:
        for pinned in PINNED:
            pinned.hold()
            held.append(pinned)
        with torch.inference_mode(False), torch.enable_grad(), np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            others = _others()
            if others:
                with ExitStack() as stack:
                    for other in others:
                        stack.enter_context(other)
                    yield
            else:
                yield
    finally:
        for pinned in held:
            pinned.leave()


def _others() -> list[AbstractContextManager[object]]:
    """Contexts that undo what is set besides; usually none."""
    contexts: list[AbstractContextManager[object]] = [CPU] if torch.empty(0).device != CPU else []  # for it slows down every call
    contexts += [torch.autocast(kind, enabled=False) for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
    if os.getpid() != PROCESS and torch.get_num_threads() > 1:
        contexts.append(_one_thread())
    if "sklearn" in sys.modules:  # else it cannot have been configured
        from sklearn import config_context, get_config

        if not SKLEARN.items() <= get_config().items():
            contexts.append(config_context(**SKLEARN))
    return contexts


@contextmanager
def _one_thread() -> Iterator[None]:
    """In a child that was forked: the parent's threads are not there, and OpenMP would wait for them for ever."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
