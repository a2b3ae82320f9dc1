"""What a server counts, for Prometheus and for the page: nothing that a client sends is in a label."""

from __future__ import annotations

import math
import os
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from senpath.serving.gathered import Family, Gathered, families_of
from senpath.serving.live import LiveNetwork
from senpath.serving.state import State

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
INPUTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
LIMITS = (0.25, 0.5, 0.75, 1, 1.5, 2, 4)
"""Of ood scores: above 1 an input fits nothing."""
MOST_TASKS, OTHERS = 200, "(others)"
"""Tasks that have labels of their own, and the label of all others."""
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
WORKERS = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the folder in which each of several workers keeps its metrics."""


class Metrics:
    """What one server's processes counted since it started; some of what they are is looked up when it is asked for."""

    def __init__(self, live: LiveNetwork, state: State) -> None:
        self._live, self._state = live, state
        own = self._own = CollectorRegistry()
        self.requests = Counter("senpath_requests", "Requests, by their outcome", ("route", "method", "status"), registry=own)
        self.seconds = Histogram("senpath_request_seconds", "Time to answer a request", ("route",), buckets=SECONDS, registry=own)
        self.batches = Histogram("senpath_batch_inputs", "Inputs that were answered together", buckets=INPUTS, registry=own)
        self.queue = Gauge("senpath_queue_inputs", "Inputs that wait for their turn", registry=own, multiprocess_mode="livesum")
        self.answers = Counter("senpath_answers", "Inputs, by the task that answered; none where none fits", ("task",), registry=own)
        self.refusals = Counter("senpath_refusals", "Inputs that none fits, by kind of reason", ("reason",), registry=own)
        self.ood = Histogram("senpath_ood_score", "Distance from the likeliest task, of its limit", ("task",), buckets=LIMITS, registry=own)
        started = Gauge("senpath_start_time_seconds", "When the server started, in Unix time", registry=own, multiprocess_mode="min")
        started.set_to_current_time()
        self._named: set[str] = set()
        self.gathered = Gathered(own)

    @cache  # noqa: B019 - a server has one of these, for as long as it lives
    def _of(self, family: Counter | Histogram, *labels: Any) -> Any:
        """A family's metric of these labels; to look it up there takes as long as to count."""
        return family.labels(*labels)

    def request(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request, and the seconds that it took unless it is a stream of events."""
        self._of(self.requests, route, method, status).inc()
        if seconds is not None:
            self._of(self.seconds, route).observe(seconds)

    def answered(self, answers: Sequence[Mapping[str, Any]]) -> list[str]:
        """Count what was answered to a request; returns the labels of the tasks that did.

        Args:
            answers: as `answer_records` makes them.
        """
        tasks = dict[str, int]()
        for answer in answers:
            label = self._label(answer["task"])
            tasks[label] = tasks.get(label, 0) + 1
        for label, count in tasks.items():
            self._of(self.answers, label).inc(count)
        for answer in answers:
            for told in (answer.get("senses") or {"": answer}).values():
                if told["ran"]["tasks"] and told["ood_score"] is not None and math.isfinite(told["ood_score"]):
                    self._of(self.ood, self._label(told["ran"]["tasks"][0])).observe(told["ood_score"])
            if answer["task"] is None:
                self._of(self.refusals, _kind_of_refusal(answer)).inc()
        return sorted(tasks)

    def batch(self, inputs: int, waiting: int) -> None:
        """Count inputs that are answered together, and note how many wait meanwhile."""
        self.batches.observe(inputs)
        self.queue.set(waiting)

    def _label(self, task: str | None) -> str:
        """A task's label: there is a bound on how many, however many tasks come and go."""
        if task is None:
            return ""
        if len(self._named) < MOST_TASKS:
            self._named.add(task)
        return task if task in self._named else OTHERS

    def registry(self) -> CollectorRegistry:
        """The metrics of all of a server's processes, and what its state is."""
        folder, processes = os.environ.get(WORKERS), [os.getpid()]
        registry = CollectorRegistry()
        if folder is None:
            registry.register(self._own if self.gathered.alone else self.gathered)
        else:
            processes = _alive(Path(folder))
            MultiProcessCollector(registry, folder)
        registry.register(_Present(self._live, self._state, processes, self.gathered))
        return registry

    def to_send(self) -> tuple[list[Family], float]:
        """What this process counts, and the bytes that it takes, for another one to add up."""
        resident = 0.0
        with suppress(OSError):  # there is no /proc but on Linux
            resident = float(_resident_bytes(os.getpid()))
        return families_of(self._own), resident

    def activity(self) -> dict[str, Any]:
        """What was asked and answered since the server started: by task, refused by kind of reason, and each task's ood scores.

        `ood["tasks"]` has counts of inputs by likeliest task, between the `limits`.
        """
        families = {metric.name: metric.samples for metric in self.registry().collect()}

        def tally(family: str, label: str) -> dict[str, int]:
            counts: Tally[str] = Tally()
            for sample in families.get(family, ()):
                if sample.name == f"{family}_total":
                    counts[sample.labels[label]] += int(sample.value)
            return dict(counts)

        scores: dict[str, list[int]] = {}
        for sample in families.get("senpath_ood_score", ()):
            if sample.name.endswith("_bucket"):
                scores.setdefault(sample.labels["task"], []).append(int(sample.value))
        statuses = tally("senpath_requests", "status")
        return {
            "version": self._live.current.version,
            "since": datetime.fromtimestamp(families["senpath_start_time_seconds"][0].value, UTC).isoformat(timespec="seconds"),
            "requests": sum(statuses.values()),
            "errors": sum(count for status, count in statuses.items() if status >= "500"),
            "answers": tally("senpath_answers", "task"),
            "refusals": tally("senpath_refusals", "reason"),
            "ood": {"limits": [*LIMITS, None], "tasks": {task: np.diff(counts, prepend=0).tolist() for task, counts in scores.items()}},
        }


def _kind_of_refusal(answer: Mapping[str, Any]) -> str:
    """Why an input fits nothing: no task reads it, it is too far from what the likeliest learned from, or that gives no finite number."""
    if not answer["ran"]["tasks"]:
        return "unread"
    return "too_far" if answer["ood_score"] is not None and answer["ood_score"] > 1 else "no_answer"


class _Present(Collector):
    """What holds at the moment of a scrape, for all processes of the server at once."""

    def __init__(self, live: LiveNetwork, state: State, processes: list[int], gathered: Gathered) -> None:
        self._live, self._state, self._processes, self._gathered = live, state, processes, gathered

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("senpath_version", "Version of the network that answers", self._live.current.version)
        yield GaugeMetricFamily("senpath_inbox_inputs", "Inputs that the inbox keeps", self._state.inbox.count())
        jobs = GaugeMetricFamily("senpath_jobs", "Jobs, by their state", labels=["state"])
        counts = self._state.jobs.counts()
        for name in JOB_STATES:
            jobs.add_metric([name], counts.get(name, 0))
        yield jobs
        with suppress(OSError):  # there is no /proc but on Linux
            memory = sum(_resident_bytes(process) for process in self._processes) + self._gathered.resident()
            yield GaugeMetricFamily("senpath_resident_bytes", "Memory of the server's processes", memory)


def _resident_bytes(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _alive(folder: Path) -> list[int]:
    """The workers that live; what is left of the others no longer counts as being so now."""
    processes = {int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")}
    alive = [process for process in processes if Path(f"/proc/{process}").exists()]
    for process in processes - {*alive}:
        mark_process_dead(process, str(folder))
    return alive


@contextmanager
def counted_together(workers: int) -> Iterator[None]:
    """While several processes serve, which start in here, what they count is added up."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="senpath-metrics-") as folder:
        os.environ[WORKERS] = folder
        try:
            yield
        finally:
            del os.environ[WORKERS]
