"""A method: an input is of the class whose mean is nearest."""

from __future__ import annotations

import torch
from toy_kind import NEARNESS, Nearness

from senpath.components import freeze
from senpath.progress import Progress
from senpath.snapshot import MethodResult, View
from senpath.types import Examples


class NearestMean:
    """Keeps the mean of each class.

    Args:
        shrink: how far the means move towards their own mean, in 0 … 1.
        random_state: of no use, for it draws nothing.
    """

    name, kinds = "nearest-mean", ("classification",)

    def __init__(self, *, shrink: float = 0.0, random_state: int = 0) -> None:
        self.shrink = shrink

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> MethodResult:
        flat = examples.inputs.flatten(1)
        means = torch.stack([flat[examples.targets == place].mean(0) for place in range(len(examples.classes))])
        config = {"inputs": flat.shape[1], "points": len(means)}
        layer = Nearness(**config)
        layer.load_state_dict({"places": means.lerp(means.mean(0), self.shrink)})
        return MethodResult((freeze(NEARNESS, config, layer),), settings={"shrink": self.shrink})
