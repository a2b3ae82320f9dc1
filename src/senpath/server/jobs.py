"""Jobs: long work that waits in a queue, with its progress, and what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from senpath.server.auth import needs
from senpath.server.errors import EVERYWHERE, declared


def told(server: Any, job: str) -> dict[str, Any]:
    """A job as answers have it; what it is said to have done is live by then."""
    shown: dict[str, Any] = server.state.jobs.get(job)
    if shown["result"] is not None and shown["result"]["version"] > server.live.current.version:
        server.live.refresh()
    return shown


router = APIRouter(tags=["jobs"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))])


@router.get("/jobs")
async def list_jobs(request: Request) -> dict[str, list[dict[str, Any]]]:
    """All jobs that are kept, the newest first."""
    return {"jobs": await run_in_threadpool(request.app.state.server.state.jobs.all)}


@router.get("/jobs/{job}", responses=declared(404))
async def get_job(job: str, request: Request) -> dict[str, Any]:
    """One job."""
    return await run_in_threadpool(told, request.app.state.server, job)


@router.delete("/jobs/{job}", status_code=202, responses=declared(404, 409))
async def cancel_job(job: str, request: Request) -> dict[str, Any]:
    """Cancel a job: the network stays as it is, unless the job's commit is made; then the job is done."""
    return await run_in_threadpool(request.app.state.server.state.jobs.cancel, job)
