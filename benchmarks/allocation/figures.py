"""Pictures of the allocation matrix and of how alike tasks' allocations are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch

mpl.use("Agg")
import matplotlib.pyplot as plt

MAP = "Blues"


def draw_matrix(records: Sequence[dict[str, Any]], path: Path) -> None:
    """For each layer tasks × components: the probability of use."""
    chances = torch.tensor([record["probabilities"] for record in records])
    layers = chances.shape[1]
    figure, axes = plt.subplots(1, layers, figsize=(1.8 + 2 * layers, 0.9 + 0.4 * len(records)), sharey=True, layout="constrained")
    for place, axis in enumerate(axes):
        image = axis.imshow(chances[:, place], cmap=MAP, vmin=0, vmax=1, aspect="auto")
        axis.set(title=f"layer {place + 1}", xlabel="component", xticks=range(chances.shape[2]), yticks=range(len(records)))
        axis.set_xticklabels([str(number + 1) for number in range(chances.shape[2])])
        axis.set_yticklabels([record["task"] for record in records])
    figure.colorbar(image, ax=axes, label="probability of use")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_similarities(alike: torch.Tensor, names: Sequence[str], path: Path) -> None:
    """Tasks × tasks."""
    figure, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    low = float(alike.min())
    image = axis.imshow(alike, cmap=MAP, vmin=low, vmax=1)
    axis.set(xticks=range(len(names)), yticks=range(len(names)))
    axis.set_xticklabels(names, rotation=90)
    axis.set_yticklabels(names)
    figure.colorbar(image, label="1 − mean |pᵢ − pⱼ|")
    figure.savefig(path, dpi=120)
    plt.close(figure)
