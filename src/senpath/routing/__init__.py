"""Deciding which pathways an input may belong to."""

from senpath.routing.discriminant import Columns, Discriminant, StoredTask
from senpath.routing.dispatcher import ADMIT, Decision, Dispatcher, Gates, Ranking
from senpath.routing.features import feature_map, image_features
from senpath.routing.metric import Metric
from senpath.routing.statistics import (
    Collected,
    MeanColumn,
    TaskStatistics,
    collect,
    columns_of,
    is_few,
    merge_columns,
    merge_limits,
    pack,
    scarcity,
    statistics_of,
    unpack,
)

__all__ = [
    "ADMIT",
    "Collected",
    "Columns",
    "Decision",
    "Discriminant",
    "Dispatcher",
    "Gates",
    "MeanColumn",
    "Metric",
    "Ranking",
    "StoredTask",
    "TaskStatistics",
    "collect",
    "columns_of",
    "feature_map",
    "image_features",
    "is_few",
    "merge_columns",
    "merge_limits",
    "pack",
    "scarcity",
    "statistics_of",
    "unpack",
]
