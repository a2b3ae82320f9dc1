"""The dispatcher's binary form: a model of its own for each task, learned from that task alone (Ling et al., section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from senpath.components import Component, Gate, freeze
from senpath.routing.dispatcher import Dispatcher, Ranking

RANK = 64
TEMPERATURE = 0.05
"""Differences of errors, as shares of the tasks' limits, are divided by this."""


def fit_gate(features: torch.Tensor, held: torch.Tensor, quantile: float) -> Component:
    """An autoencoder of these features; its limit is the rebuilding error that this share of the held-out ones stays within.

    Args:
        features: float32 (n, features).
        held: float32 (m, features), examples not among `features`; if there are none, `features` set the limit.
    """
    rank = max(1, min(RANK, len(features) // 2, features.shape[1] // 2))
    config = {"inputs": features.shape[1], "rank": rank}
    gate = Gate(**config)
    gate.mean.copy_(features.mean(0))
    _, _, directions = torch.linalg.svd((features - features.mean(0)).double(), full_matrices=False)
    gate.basis.copy_(directions[:rank].float())
    errors = gate((held if len(held) else features).cpu())
    gate.limit.copy_(torch.quantile(errors, quantile).clamp(min=1e-6))
    return freeze("gate.v1", config, gate)


class Gates(Dispatcher):
    """One gate per task; the less an input's rebuilding error, as a share of the task's limit, the likelier the task.

    Args:
        names: the tasks.
        features: the type's feature map.
        gates: one for each task.
    """

    def __init__(self, names: tuple[str, ...], features: Component, gates: Sequence[Component]) -> None:
        super().__init__(names, features)
        self._gates = gates

    def _rank(self, features: torch.Tensor) -> Ranking:
        numbers = self.features.weights + sum(gate.weights for gate in self._gates)
        tasks = np.broadcast_to(np.arange(len(self.names)), (len(features), len(self.names)))
        return Ranking(tasks, torch.softmax(-self._errors(features) / TEMPERATURE, 1), np.full(len(features), numbers), lambda: numbers)

    def _ood_score(self, features: torch.Tensor, tasks: np.ndarray) -> np.ndarray:
        errors: np.ndarray = self._errors(features).gather(1, torch.from_numpy(tasks)[:, None])[:, 0].numpy()
        return errors

    def _errors(self, features: torch.Tensor) -> torch.Tensor:
        """float64 (n, tasks), on the processor."""
        return torch.stack([gate(features) for gate in self._gates], 1).double().cpu()
