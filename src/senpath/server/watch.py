"""Watching a server: metrics, one line of log a request, and whether it is alive and ready.

Nothing that a client sends is in a label or a line, but for the id of its request: a route is the pattern of a path, and inputs, keys and
queries are left out.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import math
import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from select import PIPE_BUF
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from senpath.server.auth import needs
from senpath.server.errors import EVERYWHERE, busy

if TYPE_CHECKING:
    from senpath.server.app import Server

LOG = logging.getLogger("senpath.requests")
EVENTS = b"text/event-stream; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
INPUTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
LIMITS = (0.25, 0.5, 0.75, 1, 1.5, 2, 4)
"""Of ood scores: above 1 an input fits nothing."""
MOST_TASKS, OTHERS = 200, "(others)"
"""Tasks that have labels of their own, and the label of all others."""
LINES_SECONDS = 0.05
"""For which lines wait for others."""
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
WORKERS = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the folder in which each of several workers keeps its metrics."""


class Metrics:
    """What one server's processes counted since it started."""

    def __init__(self) -> None:
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

    @cache  # noqa: B019 - a server has one of these, for as long as it lives
    def _of(self, family: Counter | Histogram, *labels: Any) -> Any:
        """A family's metric of these labels; to look it up there takes as long as to count."""
        return family.labels(*labels)

    def request(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count a request, and the seconds that it took unless it is a stream of events."""
        self._of(self.requests, route, method, status).inc()
        if seconds is not None:
            self._of(self.seconds, route).observe(seconds)

    def answered(self, request: Request, version: int, answers: Sequence[Mapping[str, Any]]) -> None:
        """Count what was answered to a request, and note it for the line of log.

        Args:
            answers: as `answer_records` makes them.
        """
        tasks = Tally(self._label(answer["task"]) for answer in answers)
        for label, count in tasks.items():
            self._of(self.answers, label).inc(count)
        for answer in answers:
            for told in (answer.get("senses") or {"": answer}).values():
                if told["ran"]["tasks"] and told["ood_score"] is not None and math.isfinite(told["ood_score"]):
                    self._of(self.ood, self._label(told["ran"]["tasks"][0])).observe(told["ood_score"])
            if answer["task"] is None:
                self._of(self.refusals, _kind_of_refusal(answer)).inc()
        request.scope["state"]["answered"] = {"inputs": len(answers), "tasks": sorted(tasks)[:20], "version": version}

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

    def registry(self, server: Server) -> CollectorRegistry:
        """The metrics of all of a server's processes, and what its state is."""
        folder, processes = os.environ.get(WORKERS), [os.getpid()]
        registry = CollectorRegistry()
        if folder is None:
            registry.register(self._own)
        else:
            processes = _alive(Path(folder))
            MultiProcessCollector(registry, folder)
        registry.register(_State(server, processes))
        return registry

    def activity(self, server: Server) -> dict[str, Any]:
        """The same for the page: see `activity`."""
        families = {metric.name: metric.samples for metric in self.registry(server).collect()}

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
            "version": server.live.current.version,
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


class _State(Collector):
    """What holds at the moment of a scrape, for all processes of the server at once."""

    def __init__(self, server: Server, processes: list[int]) -> None:
        self._server, self._processes = server, processes

    def collect(self) -> Iterator[Metric]:
        state = self._server.state
        yield GaugeMetricFamily("senpath_version", "Version of the network that answers", self._server.live.current.version)
        yield GaugeMetricFamily("senpath_inbox_inputs", "Inputs that the inbox keeps", state.inbox.count())
        jobs = GaugeMetricFamily("senpath_jobs", "Jobs, by their state", labels=["state"])
        counts = state.jobs.counts()
        for name in JOB_STATES:
            jobs.add_metric([name], counts.get(name, 0))
        yield jobs
        with suppress(OSError):  # there is no /proc but on Linux
            memory = sum(_resident_bytes(process) for process in self._processes)
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


class Watch:
    """ASGI middleware around all others: counts each request, and logs one line when it is over."""

    write: Callable[[bytes], None] = staticmethod(lambda line: LOG.info(line.decode()) if LOG.isEnabledFor(logging.INFO) else None)

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = {"status": 499, "bytes": 0, "stream": False}  # as if nobody waited, until an answer begins

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"], seen["stream"] = message["status"], (b"content-type", EVENTS) in message["headers"]
            else:
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        started = time.perf_counter()
        try:
            await self.app(scope, receive, note)
        except Exception:  # whatever it was: it is counted, and goes on
            seen["status"] = 500
            raise
        finally:
            self._finish(scope, seen, time.perf_counter() - started)

    def _finish(self, scope: Scope, seen: dict[str, Any], seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "(none)")
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        self.metrics.request(route, method, seen["status"], None if seen["stream"] else seconds)
        line = {
            "time": datetime.now(UTC),
            "id": scope["state"]["request_id"],
            "method": method,
            "route": route,
            "status": seen["status"],
            "ms": round(seconds * 1000, 2),
            "bytes": seen["bytes"],
            **scope["state"].get("answered", {}),
        }
        self.write(orjson.dumps(line, option=orjson.OPT_UTC_Z))


def log_requests() -> None:
    """Write the lines to the standard error of this process, past logging, which takes as long for a line as it takes to read a request."""
    Watch.write = _Lines()


class _Lines:
    """Writes lines to the standard error, several in one go: with every write the other threads take the interpreter for a while."""

    def __init__(self) -> None:
        self._waiting = b""
        atexit.register(self._flush)

    def __call__(self, line: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(LINES_SECONDS, self._flush)
        elif len(self._waiting) + len(line) >= PIPE_BUF:  # what is longer may be mixed up with another worker's
            self._flush()
        self._waiting += line + b"\n"

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, b""
        with suppress(OSError):  # nobody reads them any more
            os.write(2, waiting)


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


router = APIRouter(tags=["watch"], responses=EVERYWHERE)


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Whether the process answers at all."""
    return {"live": True}


@router.get("/health/ready")
async def ready(request: Request) -> dict[str, bool]:
    """Whether to send requests here: not while the server starts or drains."""
    if request.app.state.server.draining:
        raise busy("the server", got="it is being stopped")
    return {"ready": True}


@router.get("/metrics", dependencies=[Depends(needs("read"))], response_class=Response)
def metrics(request: Request) -> Response:
    """Everything that is counted, as Prometheus reads it."""
    server: Server = request.app.state.server
    return Response(generate_latest(server.metrics.registry(server)), media_type=CONTENT_TYPE_LATEST)


@router.get("/activity", dependencies=[Depends(needs("read"))])
def activity(request: Request) -> dict[str, Any]:
    """What was asked and answered since the server started: by task, refused by kind of reason, and each task's ood scores.

    `ood.tasks` has counts of inputs by likeliest task, between the `limits`; a share above 1 that grows means that inputs drift away.
    """
    server: Server = request.app.state.server
    return server.metrics.activity(server)
