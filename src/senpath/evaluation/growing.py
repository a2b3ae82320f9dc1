"""SEN as a strategy beside its baselines."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import asdict
from pathlib import Path

import torch

from senpath.evaluation.strategy import Strategy
from senpath.methods import SenSettings
from senpath.network import Network
from senpath.pathways import LearningCost, count_activation
from senpath.types import DataType, Examples


class Growing(Strategy):
    """A network that grows by the method `sen`. Each moment is a folder of its own, so a sequence can branch.

    Args:
        net: what there is at first; None is an empty network. It is not changed.
        cost: of the task learned last.
    """

    def __init__(self, net: Network | None = None, cost: LearningCost | None = None) -> None:
        self.net = net if net is not None else Network()
        self.cost = cost

    @property
    def name(self) -> str:
        return "SEN"

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Growing:
        folder = Path(tempfile.mkdtemp(prefix="senpath-"))
        net = Network(shutil.copytree(self.net.path, folder / "grown.sen"), device=self.net.device)
        weakref.finalize(net, shutil.rmtree, folder, ignore_errors=True)
        return Growing(net, net.learn(task, examples, method="sen", **asdict(settings)).cost)

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        return self.net.view.logits(task, inputs)

    def takes(self, data_type: DataType) -> bool:
        return True

    def activated(self, task: str) -> int:
        view = self.net.view
        return count_activation([view.pathway(task)], view.manifest.components).total

    @property
    def weights(self) -> int:
        return self.net.weights["pathways"]
