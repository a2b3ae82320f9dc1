"""What a server keeps beside the network: jobs, drafts and the inbox; and the thread that teaches."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from senpath.inputs.encoders import AUTO
from senpath.server.bodies import one_input
from senpath.server.errors import describe
from senpath.server.events import Streams
from senpath.server.settings import ServerSettings
from senpath.teaching import Database, Drafts, Inbox, Jobs, Teacher, Ways, state_folder

log = logging.getLogger("senpath.server")


class State:
    """The state of one server, shared by its workers through one folder.

    Args:
        settings: of the server.
        network: folder of the network.

    Raises:
        StoreError: if the folder cannot be written, or a newer senpath made what is in it.
    """

    def __init__(self, settings: ServerSettings, network: Path) -> None:
        self.folder = state_folder(network, None if settings.state is None else Path(settings.state))
        db = Database(self.folder / "state.sqlite")
        if db.set_aside is not None:
            log.error("the server's state was damaged: %s has it now, and the server starts without jobs, drafts and inbox", db.set_aside)
        self.jobs = Jobs(db, self.folder / "jobs")
        read = partial(one_input, limits=settings)
        self.drafts = Drafts(db, read)
        on = settings.inbox and not settings.read_only
        self.inbox = Inbox(db, read, on=on, inputs=settings.inbox_inputs, size=settings.inbox_bytes)
        self.streams = Streams()
        self._teaches = not settings.read_only
        self._teacher = Teacher(self.jobs, self.folder, network, Ways(read, _detail, {"encoders": AUTO, "trust": settings.trust}))

    def start(self) -> None:
        """Begin to run jobs, if no other worker does and the network may change."""
        if self._teaches:
            self._teacher.start()

    def drain(self) -> None:
        """End the streams of events; for as soon as the server is told to stop."""
        self.streams.closing = True

    def close(self) -> None:
        """Stop; a job that runs goes back into the queue."""
        self.drain()
        self._teacher.close()


def _detail(error: Exception, folder: Path | None) -> dict[str, Any]:
    return describe(error, folder)[1]
