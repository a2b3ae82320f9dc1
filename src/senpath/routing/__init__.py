"""Deciding which pathways an input may belong to."""

from senpath.routing.columns import Columns, ColumnVotes, StoredTask
from senpath.routing.covariances import CARRIERS, CommonCovariance, is_covariance, pack, unpack
from senpath.routing.discriminant import Discriminant
from senpath.routing.dispatcher import ADMIT, LARGEST_FEATURE, Decision, Dispatcher, Gates, Ranking
from senpath.routing.drift import WARNED_OF, misled
from senpath.routing.features import feature_map, image_features
from senpath.routing.limits import LIMIT_QUANTILE, is_refused
from senpath.routing.metric import ALWAYS, Metric
from senpath.routing.statistics import (
    TUNING,
    Collected,
    MeanColumn,
    TaskStatistics,
    collect,
    columns_of,
    is_few,
    merge_columns,
    merge_limits,
    scarcity,
    statistics_of,
    temperature_of,
)

__all__ = [
    "ADMIT",
    "ALWAYS",
    "CARRIERS",
    "LARGEST_FEATURE",
    "LIMIT_QUANTILE",
    "TUNING",
    "WARNED_OF",
    "Collected",
    "ColumnVotes",
    "Columns",
    "CommonCovariance",
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
    "is_covariance",
    "is_few",
    "is_refused",
    "merge_columns",
    "merge_limits",
    "misled",
    "pack",
    "scarcity",
    "statistics_of",
    "temperature_of",
    "unpack",
]
