"""A version of a network as other processes open it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch

from senpath.inputs.encoders import Encoders
from senpath.snapshot.view import View
from senpath.store import Manifest, Store


def opener(store: Store, view: View, keys: Iterable[str], encoders: Any = None) -> Callable[[], View]:
    """A function that another process opens this version with, however many commits have been made since.

    Few versions keep their metrics, so these travel.

    Args:
        keys: of the types whose dispatchers will be needed.
        encoders: that raw inputs are to be read with, as `Network` takes them.
    """
    opened = partial(Store, store.objects, trust=store.trust)
    return partial(_open, opened, view.to_send(), str(view.device), encoders, view.metrics_to_send(keys))


def _open(store: Callable[[], Store], manifest: Manifest, device: str, encoders: Any, metrics: Mapping[str, bytes]) -> View:
    at = torch.device(device)
    return View(store(), manifest, at, encoders=Encoders(encoders, at), metrics=metrics)
