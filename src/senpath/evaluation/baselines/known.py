"""Every baseline that is known by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from senpath.evaluation.baselines.consolidation import Ewc, Si
from senpath.evaluation.baselines.distillation import Icarl, Lwf
from senpath.evaluation.baselines.fixed import NearestMean, RanPac
from senpath.evaluation.baselines.incremental import Joint, Sequential
from senpath.evaluation.baselines.parts import Single
from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.replay import Replay
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
    "joint": KnownBaseline(Joint, ("optimizer",), "a new model for each task, from the examples of all tasks so far: no continual learner"),
    "sequential": KnownBaseline(Sequential, ("heads", "optimizer"), "one model, trained on each task in turn"),
    "ewc": KnownBaseline(Ewc, ("heads", "optimizer", "strength"), "elastic weight consolidation (Kirkpatrick et al. 2016)"),
    "si": KnownBaseline(Si, ("heads", "optimizer", "strength", "damping"), "synaptic intelligence (Zenke et al. 2017)"),
    "lwf": KnownBaseline(Lwf, ("heads", "optimizer", "temperature", "strength"), "learning without forgetting (Li and Hoiem 2016)"),
    "er": KnownBaseline(
        Replay, ("heads", "optimizer", "memory", "balanced", "online"), "experience replay from a reservoir (Chaudhry et al. 2019)"
    ),
    "der++": KnownBaseline(
        partial(Replay, alpha=0.5, beta=0.5),
        ("optimizer", "memory", "balanced", "online", "alpha", "beta"),
        "dark experience replay, DER++ (Buzzega et al. 2020)",
    ),
    "icarl": KnownBaseline(Icarl, ("optimizer", "memory"), "exemplars, distillation, nearest mean of exemplars (Rebuffi et al. 2017)"),
    "pnn": KnownBaseline(Pnn, (), "a column for each task that reads all earlier ones (Rusu et al. 2016)"),
    "ncm": KnownBaseline(NearestMean, (), "the nearest class mean of the inputs (Mensink et al. 2013)"),
    "ranpac": KnownBaseline(RanPac, ("projected",), "random features and ridge regression from sums (McDonnell et al. 2023)"),
}
"""Ways to learn a stream that `experiment` compares with, by name.

Example:
    >>> from senpath.evaluation import BASELINES
    >>> "ewc" in BASELINES, BASELINES["single"].about
    (True, 'each task by a model of its own')
"""
