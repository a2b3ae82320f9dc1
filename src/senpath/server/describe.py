"""What the network is: GET /tasks, /network, /versions, /log and /report."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from senpath.network import Network
from senpath.reports import report as write_report
from senpath.reports.network_records import network_record, task_records, version_records
from senpath.server.auth import needs
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.predict import respond
from senpath.snapshot.view import View

router = APIRouter(tags=["network"], dependencies=[Depends(needs("read"))], responses=EVERYWHERE)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
"""Of the report, which is one file, its style within, and runs no script."""


async def _respond(request: Request, look: Callable[[Network, View], Any]) -> Response:
    """What is seen of the current version, looked at in a thread: it may read files."""
    live = request.app.state.server.live
    view = live.current
    return respond(view, await asyncio.to_thread(look, live.network, view))


@router.get("/tasks")
async def tasks(request: Request) -> Response:
    """What the network has learned."""
    return await _respond(request, lambda net, view: {"version": view.version, "tasks": task_records(net, view)})


@router.get("/tasks/{name:path}", responses=declared(404))
async def task(request: Request, name: str) -> Response:
    """One task."""

    def look(net: Network, view: View) -> Any:
        own = view.pathway(view.task_name(name)).task
        return next(each for each in task_records(net, view) if each["name"] == own)

    return await _respond(request, look)


@router.get("/network")
async def network(request: Request) -> Response:
    """The network: versions, weights, encoders, and which task runs what, for a drawing."""
    name = request.app.state.server.name
    return await _respond(request, lambda net, view: network_record(net, view, name))


@router.get("/versions")
async def versions(request: Request) -> Response:
    """The present version and the earlier ones that can be returned to, newest first."""
    return await _respond(request, lambda net, view: {"version": view.version, "versions": version_records(net, view)})


@router.get("/log")
async def log(request: Request) -> Response:
    """One entry a commit, oldest first."""
    return await _respond(request, lambda net, view: {"entries": net.log})


@router.get("/report", response_class=HTMLResponse)
async def report(request: Request) -> Response:
    """The report, one HTML page."""
    live = request.app.state.server.live

    def look() -> bytes:
        with tempfile.TemporaryDirectory(prefix="senpath-") as folder:
            write_report(live.network, Path(folder) / "report.html")
            return (Path(folder) / "report.html").read_bytes()

    return HTMLResponse(await asyncio.to_thread(look), headers={"Content-Security-Policy": POLICY})
