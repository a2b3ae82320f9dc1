"""Deciding which pathways an input may belong to."""

from senpath.dispatch.collect import Collected, collect, statistics_of
from senpath.dispatch.dispatcher import ADMIT, Decision, Dispatcher, StoredTask
from senpath.dispatch.features import feature_map, image_features
from senpath.dispatch.metric import Metric
from senpath.dispatch.statistics import TaskStatistics, pack, unpack

__all__ = [
    "ADMIT",
    "Collected",
    "Decision",
    "Dispatcher",
    "Metric",
    "StoredTask",
    "TaskStatistics",
    "collect",
    "feature_map",
    "image_features",
    "pack",
    "statistics_of",
    "unpack",
]
