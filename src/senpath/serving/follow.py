"""Following what happens: a job, or the server as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from senpath.serving.served import ServedNetwork
from senpath.teaching import ENDED

Event = tuple[str, Any]
Look = Callable[[], tuple[list[Event], bool]]
"""What happened since it was last asked, and whether that is the end."""


def of_job(served: ServedNetwork, job: str) -> Look:
    """`progress` whenever something of a job changed, and at last `done`, `failed` or `cancelled`; each has the whole job.

    Raises:
        MissingError: if there is no such job.
    """
    last: dict[str, Any] | None = None
    served.job(job)

    def look() -> tuple[list[Event], bool]:
        nonlocal last
        now = served.job(job)
        events = [(now["state"] if now["state"] in ENDED else "progress", now)] if now != last else []
        last = now
        return events, now["state"] in ENDED

    return look


def of_server(served: ServedNetwork, *, teaches: bool) -> Look:
    """`version` when one comes to be live, and for who may teach `job` and `inbox`."""
    state = served.state
    version, count, number = -1, -1, state.jobs.since(2**62)[0]

    def look() -> tuple[list[Event], bool]:
        nonlocal version, count, number
        happened: list[Event] = []
        if (now := served.live.current.version) != version:
            version = now
            happened.append(("version", {"version": now}))
        if teaches:
            number, jobs = state.jobs.since(number)
            happened += [("job", job) for job in jobs]
            if (kept := state.inbox.count()) != count:
                count = kept
                happened.append(("inbox", {"count": kept}))
        return happened, False

    return look
