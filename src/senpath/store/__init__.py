"""The folder on disk."""

from senpath.store.address import Address, Place, as_place
from senpath.store.change import Change
from senpath.store.manifest import FORMAT_VERSION, Manifest
from senpath.store.places import has_network
from senpath.store.records import MetricRecord, Probe, StatisticsRecord, TaskRecord, TypeRecord
from senpath.store.store import Store
from senpath.store.versions import KEPT_VERSIONS

__all__ = [
    "FORMAT_VERSION",
    "KEPT_VERSIONS",
    "Address",
    "Change",
    "Manifest",
    "MetricRecord",
    "Place",
    "Probe",
    "StatisticsRecord",
    "Store",
    "TaskRecord",
    "TypeRecord",
    "as_place",
    "has_network",
]
