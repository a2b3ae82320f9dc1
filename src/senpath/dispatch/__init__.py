"""Deciding which pathways an input may belong to."""

from senpath.dispatch.collect import Collected, collect, statistics_of
from senpath.dispatch.columns import Columns, StoredTask
from senpath.dispatch.discriminant import Discriminant
from senpath.dispatch.dispatcher import ADMIT, Decision, Dispatcher, Ranking
from senpath.dispatch.features import feature_map, image_features
from senpath.dispatch.gates import Gates
from senpath.dispatch.metric import Metric
from senpath.dispatch.statistics import TaskStatistics, pack, unpack

__all__ = [
    "ADMIT",
    "Collected",
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
    "feature_map",
    "image_features",
    "pack",
    "statistics_of",
    "unpack",
]
