"""What the dispatcher is to know of a new task."""

from __future__ import annotations

from collections.abc import Mapping

from senpath.components import Component
from senpath.progress import Progress, silent
from senpath.routing import TaskStatistics, collect, statistics_of
from senpath.snapshot.view import View
from senpath.types import DataType, Examples


def new_statistics(
    view: View, examples: Examples, progress: Progress = silent
) -> tuple[TaskStatistics, Mapping[str, tuple[DataType, Component]]]:
    """The dispatcher's statistics of these examples, and their data type with its feature map if the network does not have it yet."""
    key = examples.data_type.key
    features = view.feature_map(examples.data_type)
    features.module.to(view.device)
    collected = collect(examples, features, view.settings.random_state, device=view.device, progress=progress)
    statistics = statistics_of(collected, gate=view.settings.dispatcher == "binary")
    progress("dispatcher", len(examples), len(examples))
    return statistics, {} if key in view.manifest.types else {key: (examples.data_type, features)}
