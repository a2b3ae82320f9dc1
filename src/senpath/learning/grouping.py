"""Grouping inputs that no task knows by their likeness, for a person to name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.cluster.hierarchy import fcluster, linkage

from senpath.inputs.modalities import split_by_modality
from senpath.routing.discriminant import Discriminant
from senpath.routing.dispatcher import read_features
from senpath.snapshot.view import View

CUT = 0.85
"""Groups are joined up to this mean distance (1 − cosine); chosen on letters and Omniglot, see docs/results/serve.md."""


SHRUNK = 50
"""The mean that is subtracted is shrunk as if so many inputs lay at the origin: few inputs of one kind stay alike."""


def group_inputs(view: View, items: Sequence[Any]) -> np.ndarray:
    """Group inputs of one type of data by likeness: average linkage of cosine distances (Sokal and Michener 1958).

    They are compared by the dispatcher's features, in its metric: the directions in which one class of a known task varies count little.

    Args:
        items: raw inputs, as `Network.predict` takes them in a list.

    Returns:
        int64 (n,), the number of each input's group.

    Raises:
        InputError: if they are of several types, or one cannot be read.
    """
    (group,) = split_by_modality(items)
    data_type = view.data_type(group)
    features = read_features(view.feature_map(data_type), view.encode(group.items, data_type).to(view.device)).double()
    dispatcher = view.dispatcher(data_type.key) if view.tasks_of_type(data_type.key) else None
    if isinstance(dispatcher, Discriminant):
        values, directions = torch.linalg.eigh(dispatcher.metric.precision.double())
        features = (features - dispatcher.metric.centre) @ (directions * values.clamp(min=0).sqrt())
    features = features - features.sum(0) / (len(features) + SHRUNK)
    unit = (features / features.norm(dim=1, keepdim=True).clamp(min=1e-12)).cpu().numpy()
    if len(unit) < 2:
        return np.ones(len(unit), dtype=np.int64)
    distances = np.clip(1 - unit @ unit.T, 0, 2)[np.triu_indices(len(unit), 1)]
    groups: np.ndarray = fcluster(linkage(distances, "average"), CUT, "distance")
    return groups.astype(np.int64)
