"""The folder on disk."""

from senpath.store.evaluations import EVALUATIONS
from senpath.store.folder import Change, Store
from senpath.store.manifest import FORMAT_VERSION, Manifest, MetricRecord, Probe, StatisticsRecord, TaskRecord, TypeRecord

__all__ = [
    "EVALUATIONS",
    "FORMAT_VERSION",
    "Change",
    "Manifest",
    "MetricRecord",
    "Probe",
    "StatisticsRecord",
    "Store",
    "TaskRecord",
    "TypeRecord",
]
