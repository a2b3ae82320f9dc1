"""What the processes of one server on several machines count, added up where it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]
Family = tuple[str, str, str, dict[tuple[str, Labels], float]]
"""Name, documentation, type and samples of a metric, as they travel."""
SILENT_SECONDS, GONE_SECONDS = 10.0, 600.0
"""After which what holds of a process at a moment no longer counts, and after which it is not expected to be heard of again."""
EARLIEST = ("senpath_start_time_seconds",)
"""Of these the least is that of all."""


def families_of(registry: CollectorRegistry) -> list[Family]:
    """All that is counted in a registry."""
    return [
        (
            metric.name,
            metric.documentation,
            metric.type,
            {
                (sample.name, tuple(sample.labels.items())): sample.value
                for sample in metric.samples
                if not sample.name.endswith("_created")
            },
        )
        for metric in registry.collect()
    ]


class Gathered(Collector):
    """What this process counts and what it is told that others do.

    Args:
        own: of this process.
    """

    def __init__(self, own: CollectorRegistry) -> None:
        self._own, self._lock = own, Lock()
        self._others: dict[str, tuple[float, list[Family]]] = {}
        self._resident: dict[str, float] = {}
        self._gone: list[Family] = []

    @property
    def alone(self) -> bool:
        """Whether no other process has told anything."""
        return not self._others and not self._gone

    def resident(self) -> float:
        """Bytes that the other processes take."""
        now = time.monotonic()
        with self._lock:
            return sum(self._resident[name] for name, (heard, _) in self._others.items() if now - heard <= SILENT_SECONDS)

    def add(self, process: str, counted: list[Family], resident: float) -> None:
        """Take over what a process has counted since it started, and how many bytes it takes."""
        now = time.monotonic()
        with self._lock:
            self._others[process], self._resident[process] = (now, counted), resident
            for other in [name for name, (heard, _) in self._others.items() if now - heard > GONE_SECONDS]:
                lasting = [family for family in self._others.pop(other)[1] if family[2] != "gauge"]
                del self._resident[other]
                self._gone = _sum([self._gone, lasting])

    def collect(self) -> Iterator[Metric]:
        now = time.monotonic()
        with self._lock:
            told = [
                counted if now - heard <= SILENT_SECONDS else [family for family in counted if family[2] != "gauge"]
                for heard, counted in self._others.values()
            ]
            families = _sum([families_of(self._own), self._gone, *told])
        for name, documentation, kind, samples in families:
            metric = Metric(name, documentation, kind)
            for (sample, labels), value in samples.items():
                metric.add_sample(sample, dict(labels), value)
            yield metric


def _sum(parts: list[list[Family]]) -> list[Family]:
    """Families of several processes, each once."""
    summed: dict[str, Family] = {}
    for name, documentation, kind, samples in (family for part in parts for family in part):
        known = summed.setdefault(name, (name, documentation, kind, {}))[3]
        for key, value in samples.items():
            known[key] = min(known.get(key, value), value) if name in EARLIEST else known.get(key, 0.0) + value
    return [*summed.values()]
