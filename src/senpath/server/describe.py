"""What the network is: GET /tasks, /network, /versions, /log and /report."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from senpath.evaluation import latest_by_version, recorded_evaluations
from senpath.inputs.modalities.table import table_columns
from senpath.network import Network
from senpath.reports import report as write_report
from senpath.server.answers import as_plain
from senpath.server.auth import needs
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.live import Snapshot
from senpath.server.predict import respond
from senpath.snapshot.view import task_info
from senpath.types import DataType

router = APIRouter(tags=["network"], dependencies=[Depends(needs("read"))])


def _type(data_type: DataType) -> dict[str, Any]:
    """What inputs of a type are; of a table each column's words, or the mean of its numbers."""
    options, columns = data_type.options, []
    categories, means = options.get("categories", {}), iter(options.get("mean", ()))
    for name in table_columns(data_type) if data_type.modality == "table" else ():
        words = categories.get(name)
        mean = [next(means, None) for _ in words or (name,)][0]  # noqa: RUF015 - all of its numbers are passed
        columns.append({"name": name, "values": words, "mean": None if words else mean})
    return {
        "key": data_type.key,
        "modality": data_type.modality,
        "shape": data_type.shape,
        "encoder": data_type.encoder,
        "columns": columns,
    }


def _accuracies(network: Network, snapshot: Snapshot) -> dict[str, float]:
    """What was last measured of each present task."""
    accuracies = {}
    for stage in latest_by_version(recorded_evaluations(network)):
        for task, score in stage.evaluation.scores.items():
            same = task in snapshot.view.tasks and stage.identities.get(task) in (None, snapshot.view.pathway(task).identity)
            if same:
                accuracies[task] = score.accuracy
    return accuracies


def describe_tasks(network: Network, snapshot: Snapshot) -> list[dict[str, Any]]:
    """What is known of each task, in the order of learning."""
    view, accuracies = snapshot.view, _accuracies(network, snapshot)
    times = {name: entry.get("time") for entry in network.log for name in entry.get("tasks", ())}
    tasks = []
    for name in view.tasks:
        info = task_info(view, name)
        data_type = view.types[info.data_type]
        tasks.append(
            {
                "name": name,
                "kind": info.kind,
                "modality": data_type.modality,
                "type": _type(data_type),
                "classes": as_plain(info.classes_),
                "examples": info.examples,
                "accuracy": accuracies.get(name),
                "links": [*dict.fromkeys(view.pathway(name).sources)],
                "method": info.method,
                "weights": info.weights,
                "created": times.get(name),
                "concept": info.concept,
                "version": info.version,
            }
        )
    return tasks


def _in_thread(request: Request, work: Any) -> Any:
    server = request.app.state.server
    return asyncio.to_thread(work, server.live.network, server.live.current)


@router.get("/tasks", responses=EVERYWHERE)
async def tasks(request: Request) -> Response:
    """What the network has learned."""

    def look(network: Network, snapshot: Snapshot) -> Response:
        return respond(snapshot, {"version": snapshot.version, "tasks": describe_tasks(network, snapshot)})

    response: Response = await _in_thread(request, look)
    return response


@router.get("/tasks/{name:path}", responses=EVERYWHERE | declared(404))
async def task(request: Request, name: str) -> Response:
    """One task."""

    def look(network: Network, snapshot: Snapshot) -> Response:
        own = snapshot.view.task_name(name)
        snapshot.view.pathway(own)
        return respond(snapshot, next(each for each in describe_tasks(network, snapshot) if each["name"] == own))

    response: Response = await _in_thread(request, look)
    return response


@router.get("/network", responses=EVERYWHERE)
async def network(request: Request) -> Response:
    """The network: versions, weights, encoders, and which task runs what, for a drawing."""
    name = request.app.state.server.name

    def look(network: Network, snapshot: Snapshot) -> Response:
        view = snapshot.view
        content = {
            "name": name,
            "version": snapshot.version,
            "versions": [*network.versions],
            "weights": view.weights,
            "encoders": {key: each.encoder for key, each in view.types.items() if each.encoder is not None},
            "tasks": len(view.tasks),
            "graph": _graph(snapshot),
        }
        return respond(snapshot, content)

    response: Response = await _in_thread(request, look)
    return response


def _graph(snapshot: Snapshot) -> dict[str, Any]:
    view = snapshot.view
    users: dict[str, list[str]] = {}
    for path in view.paths:
        for name in path.components:
            users.setdefault(name, []).append(path.task)
    components = [
        {"id": name[:16], "kind": view.component(name).kind.name, "weights": view.sizes[name], "tasks": tasks}
        for name, tasks in users.items()
    ]
    pathways = [
        {
            "task": path.task,
            "components": [name[:16] for name in path.components],
            "links": [
                {
                    "from": link.source,
                    "reads": [name[:16] for name in link.reads],
                    "weights": view.sizes[link.component],
                    "classes": [{"to": as_plain(t.target), "from": as_plain(t.source), "share": t.share} for t in link.transfers],
                }
                for link in path.links
            ],
        }
        for path in view.paths
    ]
    return {"components": components, "pathways": pathways}


@router.get("/versions", responses=EVERYWHERE)
async def versions(request: Request) -> Response:
    """The present version and the earlier ones that can be returned to, newest first."""

    def look(network: Network, snapshot: Snapshot) -> Response:
        entries = {entry["version"]: entry for entry in network.log}
        kept = sorted({*network.versions, snapshot.version}, reverse=True)
        listed = [{"version": n, "time": entries.get(n, {}).get("time"), "what": _what(entries.get(n, {}))} for n in kept]
        return respond(snapshot, {"version": snapshot.version, "versions": listed})

    response: Response = await _in_thread(request, look)
    return response


def _what(entry: dict[str, Any]) -> str:
    """A commit in a few words."""
    if isinstance(entry.get("rollback"), int):
        return f"returned to version {entry['rollback']}"
    if entry.get("removed"):
        return f"removed {', '.join(entry['removed'])}"
    tasks = ", ".join(map(str, entry.get("tasks", ())))
    return f"{entry.get('method') or 'learned'}: {tasks}" if tasks else "made"


@router.get("/log", responses=EVERYWHERE)
async def log(request: Request) -> Response:
    """One entry a commit, oldest first."""

    def look(network: Network, snapshot: Snapshot) -> Response:
        return respond(snapshot, {"entries": network.log})

    response: Response = await _in_thread(request, look)
    return response


@router.get("/report", response_class=HTMLResponse, responses=EVERYWHERE)
async def report(request: Request) -> Response:
    """The report, one HTML page."""

    def look(network: Network, snapshot: Snapshot) -> Response:
        with tempfile.TemporaryDirectory(prefix="senpath-") as folder:
            page = Path(folder) / "report.html"
            write_report(network, page)
            policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
            headers = {"Senpath-Version": str(snapshot.version), "Content-Security-Policy": policy}
            return HTMLResponse(page.read_bytes(), headers=headers)

    response: Response = await _in_thread(request, look)
    return response
