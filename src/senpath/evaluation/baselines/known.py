"""Every baseline that is known by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from senpath.evaluation.baselines.parts import Single
from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.shared import Shared
from senpath.evaluation.strategy import Strategy


@dataclass(frozen=True)
class KnownBaseline:
    """A baseline before it has learned anything.

    Args:
        make: called with its own settings.
        settings: names of these, beside those that it shares with SEN.
        about: in a line, with its source.
    """

    make: Callable[..., Strategy]
    settings: tuple[str, ...]
    about: str


BASELINES: dict[str, KnownBaseline] = {
    "single": KnownBaseline(Single, (), "each task by a model of its own"),
    "sequential": KnownBaseline(Shared, (), "one backbone, trained on each task in turn, and an output layer for each"),
    "ewc": KnownBaseline(
        partial(Shared, strength=100.0), ("strength",), "the same, held where earlier tasks need it (Kirkpatrick et al. 2016)"
    ),
    "pnn": KnownBaseline(Pnn, (), "a column for each task that reads all earlier ones (Rusu et al. 2016)"),
}
