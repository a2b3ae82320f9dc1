"""What the network is: GET /tasks, /network, /versions, /log and /report."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, Response

from senpath.reports import report as write_report
from senpath.reports.network_records import network_record, task_records, version_records
from senpath.server.auth import Served, needs
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.predict import respond

router = APIRouter(tags=["network"], dependencies=[Depends(needs("read"))], responses=EVERYWHERE)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""Of the report, which is one file, its style within, and runs no script."""


@router.get("/tasks")
def tasks(server: Served) -> Response:
    """What the network has learned."""
    net, view = server.live.network, server.live.current
    return respond(view, {"version": view.version, "tasks": task_records(net, view)})


@router.get("/tasks/{name:path}", responses=declared(404))
def task(server: Served, name: str) -> Response:
    """One task."""
    net, view = server.live.network, server.live.knowing(name)
    own = view.pathway(view.task_name(name)).task
    return respond(view, next(each for each in task_records(net, view) if each["name"] == own))


@router.get("/network")
def network(server: Served) -> Response:
    """The network: versions, weights, encoders, and which task runs what, for a drawing."""
    net, view = server.live.network, server.live.current
    return respond(view, network_record(net, view, server.name))


@router.get("/versions")
def versions(server: Served) -> Response:
    """The present version and the earlier ones that can be returned to, newest first."""
    net, view = server.live.network, server.live.current
    return respond(view, {"version": view.version, "versions": version_records(net, view)})


@router.get("/log")
def log(server: Served) -> Response:
    """One entry a commit, oldest first."""
    net, view = server.live.network, server.live.current
    return respond(view, {"entries": net.log})


@router.get("/report", response_class=HTMLResponse)
def report(server: Served) -> Response:
    """The report, one HTML page."""
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:
        file = Path(folder) / "report.html"
        write_report(server.live.network, file)
        return HTMLResponse(file.read_bytes(), headers={"Content-Security-Policy": POLICY})
