"""What a server keeps beside the network: jobs, drafts and the inbox; and the thread that teaches."""

from __future__ import annotations

import logging
from pathlib import Path

from senpath.server.database import Database, state_folder
from senpath.server.drafts import Drafts
from senpath.server.events import Streams
from senpath.server.inbox import Inbox
from senpath.server.jobs import Jobs
from senpath.server.settings import ServerSettings
from senpath.server.teacher import Teacher

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
        self.drafts = Drafts(db, settings)
        self.inbox = Inbox(db, settings)
        self.streams = Streams()
        self._teaches = not settings.read_only
        self._teacher = Teacher(self.jobs, self.folder, network, settings)

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
