"""The folder on disk."""

from senpath.store.evaluations import EVALUATIONS
from senpath.store.folder import Change, Store
from senpath.store.manifest import FORMAT_VERSION, Manifest, Probe, StatisticsRecord, TaskRecord, TypeRecord

__all__ = ["EVALUATIONS", "FORMAT_VERSION", "Change", "Manifest", "Probe", "StatisticsRecord", "Store", "TaskRecord", "TypeRecord"]
