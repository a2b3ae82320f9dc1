"""Jobs, and server-sent events: of one job, and of everything that the page shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from senpath.errors import SenpathError
from senpath.server.auth import Served, needs
from senpath.server.errors import EVERYWHERE, declared
from senpath.serving.callers import Caller
from senpath.serving.errors import busy
from senpath.serving.follow import Look, of_job, of_server
from senpath.serving.served import ServedNetwork

STREAMS = 64
"""Streams that one worker keeps open."""
LOOK_SECONDS, HEARTBEAT_SECONDS = 0.2, 15.0

router = APIRouter(responses=EVERYWHERE)
TEACH = [Depends(needs("teach"))]
_TEXT = {"text/event-stream": {"schema": {"type": "string"}}}
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": _TEXT, "description": "Events, as long as somebody listens"}}


def _response(server: ServedNetwork, look: Look) -> StreamingResponse:
    """A stream of what `look`, called in a thread, has to tell.

    Raises:
        BusyError: if too many are open.
    """
    if server.draining or server.followers >= STREAMS:
        raise busy("streams of events", expected=f"at most {STREAMS} at a time", got="one more")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_follow(server, look), media_type="text/event-stream", headers=headers)


async def _follow(server: ServedNetwork, look: Look) -> AsyncIterator[bytes]:
    server.followers += 1
    server.under_way -= 1
    try:
        quiet, last = 0.0, False
        while not (last or server.draining):
            events, last = await run_in_threadpool(look)
            for name, data in events:
                yield f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
            quiet = 0.0 if events else quiet + LOOK_SECONDS
            if quiet >= HEARTBEAT_SECONDS:
                quiet = 0.0
                yield b": still here\n\n"
            if not last:
                await asyncio.sleep(LOOK_SECONDS)
    except SenpathError:  # the file of the state is gone: the response has begun, and can only end
        return
    finally:
        server.followers -= 1
        server.under_way += 1


@router.get("/jobs", tags=["jobs"], dependencies=TEACH)
def list_jobs(server: Served) -> dict[str, list[dict[str, Any]]]:
    """All jobs that are kept, the newest first."""
    return {"jobs": server.state.jobs.all()}


@router.get("/jobs/{job}", tags=["jobs"], responses=declared(404), dependencies=TEACH)
def get_job(job: str, server: Served) -> dict[str, Any]:
    """One job."""
    return server.job(job)


@router.delete("/jobs/{job}", tags=["jobs"], status_code=202, responses=declared(404, 409), dependencies=TEACH)
def cancel_job(job: str, server: Served) -> dict[str, Any]:
    """Cancel a job: the network stays as it is, unless the job's commit is made; then the job is done."""
    return server.state.jobs.cancel(job)


@router.get("/jobs/{job}/events", tags=["events"], response_class=StreamingResponse, responses=STREAM | declared(404), dependencies=TEACH)
async def job_events(job: str, server: Served) -> StreamingResponse:
    """Follow a job: `progress` whenever something changed, and at last `done`, `failed` or `cancelled`; each has the whole job."""
    return _response(server, await run_in_threadpool(of_job, server, job))


@router.get("/events", tags=["events"], response_class=StreamingResponse, responses=STREAM)
async def events(server: Served, caller: Annotated[Caller, Depends(needs("read"))]) -> StreamingResponse:
    """Follow the server: `version` when one comes to be live, and for who may teach `job` and `inbox`."""
    return _response(server, await run_in_threadpool(of_server, server, teaches=caller.may("teach")))
