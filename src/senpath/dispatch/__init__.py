"""Deciding which pathways an input may belong to."""

from senpath.dispatch.collect import Collected, collect, is_few, statistics_of
from senpath.dispatch.columns import Columns, StoredTask
from senpath.dispatch.discriminant import Discriminant
from senpath.dispatch.dispatcher import ADMIT, Decision, Dispatcher, Ranking
from senpath.dispatch.features import feature_map, image_features
from senpath.dispatch.gates import Gates
from senpath.dispatch.merge import Column, columns_of, merge_columns, merge_limits
from senpath.dispatch.metric import Metric
from senpath.dispatch.statistics import TaskStatistics, pack, unpack
from senpath.dispatch.tuning import scarcity

__all__ = [
    "ADMIT",
    "Collected",
    "Column",
    "Columns",
    "Decision",
    "Discriminant",
    "Dispatcher",
    "Gates",
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
