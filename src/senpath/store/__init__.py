"""The folder on disk."""

from senpath.store.change import Change
from senpath.store.folder import Store
from senpath.store.manifest import FORMAT_VERSION, Manifest, MetricRecord, Probe, StatisticsRecord, TaskRecord, TypeRecord
from senpath.store.versions import KEPT_VERSIONS

__all__ = [
    "FORMAT_VERSION",
    "KEPT_VERSIONS",
    "Change",
    "Manifest",
    "MetricRecord",
    "Probe",
    "StatisticsRecord",
    "Store",
    "TaskRecord",
    "TypeRecord",
]
