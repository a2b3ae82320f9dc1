"""The dispatcher's binary form: a model of its own for each task, learned from that task alone (Ling et al., section 3)."""

from __future__ import annotations

import torch

from senpath.components import Component, Gate, freeze

RANK = 64


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
