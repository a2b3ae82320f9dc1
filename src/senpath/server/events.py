"""Jobs, and server-sent events: of one job, and of everything that the page shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from senpath.errors import SenpathError
from senpath.server.auth import Caller, may, needs
from senpath.server.errors import EVERYWHERE, busy, declared
from senpath.teaching import ENDED

if TYPE_CHECKING:
    from senpath.server.app import Server

STREAMS = 64
"""Streams that one worker keeps open."""
LOOK_SECONDS, HEARTBEAT_SECONDS = 0.2, 15.0

Event = tuple[str, Any]
Look = Callable[[], tuple[list[Event], bool]]
"""What happened since it was last asked, and whether that is the end."""

router = APIRouter(responses=EVERYWHERE)
TEACH = [Depends(needs("teach"))]
_TEXT = {"text/event-stream": {"schema": {"type": "string"}}}
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": _TEXT, "description": "Events, as long as somebody listens"}}


class Streams:
    """The streams of events that a worker keeps open; all end when `closing` is set, and none counts as a request under way."""

    def __init__(self, server: Server) -> None:
        self._server, self.closing, self._open = server, False, 0

    def response(self, look: Look) -> StreamingResponse:
        """A stream of what `look`, called in a thread, has to tell.

        Raises:
            BusyError: if too many are open.
        """
        if self.closing or self._open >= STREAMS:
            raise busy("streams of events", expected=f"at most {STREAMS} at a time", got="one more")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._follow(look), media_type="text/event-stream", headers=headers)

    async def _follow(self, look: Look) -> AsyncIterator[bytes]:
        self._open += 1
        self._server.under_way -= 1
        try:
            quiet, last = 0.0, False
            while not (last or self.closing):
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
            self._open -= 1
            self._server.under_way += 1


def _told(server: Any, job: str) -> dict[str, Any]:
    """A job as answers have it; what it is said to have done is live by then."""
    shown: dict[str, Any] = server.state.jobs.get(job)
    if shown["result"] is not None and shown["result"]["version"] > server.live.current.version:
        server.live.refresh()
    return shown


@router.get("/jobs", tags=["jobs"], dependencies=TEACH)
def list_jobs(request: Request) -> dict[str, list[dict[str, Any]]]:
    """All jobs that are kept, the newest first."""
    return {"jobs": request.app.state.server.state.jobs.all()}


@router.get("/jobs/{job}", tags=["jobs"], responses=declared(404), dependencies=TEACH)
def get_job(job: str, request: Request) -> dict[str, Any]:
    """One job."""
    return _told(request.app.state.server, job)


@router.delete("/jobs/{job}", tags=["jobs"], status_code=202, responses=declared(404, 409), dependencies=TEACH)
def cancel_job(job: str, request: Request) -> dict[str, Any]:
    """Cancel a job: the network stays as it is, unless the job's commit is made; then the job is done."""
    return request.app.state.server.state.jobs.cancel(job)  # type: ignore[no-any-return]


@router.get("/jobs/{job}/events", tags=["events"], response_class=StreamingResponse, responses=STREAM | declared(404), dependencies=TEACH)
async def job_events(job: str, request: Request) -> StreamingResponse:
    """Follow a job: `progress` whenever something changed, and at last `done`, `failed` or `cancelled`; each has the whole job."""
    server = request.app.state.server
    last = None
    await run_in_threadpool(_told, server, job)

    def look() -> tuple[list[Event], bool]:
        nonlocal last
        now = _told(server, job)
        events = [(now["state"] if now["state"] in ENDED else "progress", now)] if now != last else []
        last = now
        return events, now["state"] in ENDED

    return server.streams.response(look)  # type: ignore[no-any-return]


@router.get("/events", tags=["events"], response_class=StreamingResponse, responses=STREAM)
async def events(request: Request, caller: Annotated[Caller, Depends(needs("read"))]) -> StreamingResponse:
    """Follow the server: `version` when one comes to be live, and for who may teach `job` and `inbox`."""
    server = request.app.state.server
    state, teaches = server.state, may(caller, "teach")
    version, count, number = -1, -1, (await run_in_threadpool(state.jobs.since, 2**62))[0]

    def look() -> tuple[list[Event], bool]:
        nonlocal version, count, number
        happened: list[Event] = []
        if (now := server.live.current.version) != version:
            version = now
            happened.append(("version", {"version": now}))
        if teaches:
            number, jobs = state.jobs.since(number)
            happened += [("job", job) for job in jobs]
            if (kept := state.inbox.count()) != count:
                count = kept
                happened.append(("inbox", {"count": kept}))
        return happened, False

    return server.streams.response(look)  # type: ignore[no-any-return]
