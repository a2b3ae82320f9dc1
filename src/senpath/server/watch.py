"""Watching a server: metrics, one line of log a request, and whether it is alive and ready.

Nothing that a client sends is in a line, but for the id of its request: a route is the pattern of a path, and inputs, keys and queries are
left out.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Scope

from senpath.server.auth import Served, needs
from senpath.server.errors import EVERYWHERE
from senpath.serving.errors import busy
from senpath.serving.metrics import Metrics
from senpath.serving.request_log import REQUESTS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def finish(metrics: Metrics, scope: Scope, status: int, size: int, seconds: float, *, stream: bool) -> None:
    """Count a request that is over, and log one line of it.

    Args:
        status: of its answer; 499 as if nobody waited, if none began.
        size: bytes of its answer.
        stream: whether that was a stream of events, which lasts as long as somebody listens.
    """
    route = getattr(scope.get("route"), "path", "(none)")
    method = scope["method"] if scope["method"] in METHODS else "(other)"
    metrics.request(route, method, status, None if stream else seconds)
    told = {"id": scope["state"]["request_id"], "method": method, "route": route, "status": status}
    REQUESTS.write({**told, "ms": round(seconds * 1000, 2), "bytes": size, **scope["state"].get("answered", {})})


router = APIRouter(tags=["watch"], responses=EVERYWHERE)


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Whether the process answers at all."""
    return {"live": True}


@router.get("/health/ready")
async def ready(server: Served) -> dict[str, bool]:
    """Whether to send requests here: not while the server starts or drains."""
    if server.draining:
        raise busy("the server", got="it is being stopped")
    return {"ready": True}


@router.get("/metrics", dependencies=[Depends(needs("read"))], response_class=Response)
def metrics(server: Served) -> Response:
    """Everything that is counted, as Prometheus reads it."""
    return Response(generate_latest(server.metrics.registry()), media_type=CONTENT_TYPE_LATEST)


@router.get("/activity", dependencies=[Depends(needs("read"))])
def activity(server: Served) -> dict[str, Any]:
    """What was asked and answered since the server started: by task, refused by kind of reason, and each task's ood scores.

    `ood.tasks` has counts of inputs by likeliest task, between the `limits`; a share above 1 that grows means that inputs drift away.
    """
    return server.metrics.activity()
