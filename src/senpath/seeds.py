"""Randomness that a seed decides and that leaves the caller's random state as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within, torch's global generator follows from `seed`; after, it is where it was before."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def derive(seed: int, *names: object) -> int:
    """A seed of its own for each use, so that adding one use does not move the others; in 0 … 2³¹ − 1."""
    text = "/".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1
