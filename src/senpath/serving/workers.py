"""Processes that answer together, and how they end."""

from __future__ import annotations

import logging
import time
from signal import SIGINT, SIGTERM
from socket import socket
from threading import Event

import uvicorn
from uvicorn.supervisors import Multiprocess

log = logging.getLogger("senpath.serving")
END_SECONDS = 10
"""That a process has to end in, beside the time for what is under way."""


class Workers(Multiprocess):
    """Processes that answer; SIGHUP starts them anew, one after the other.

    What tells them to stop ends that as well: uvicorn would hear it behind the last start alone. A process that does not end in time is
    killed: uvicorn would wait for it for ever, and the server with it.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.should_exit = _Told(self.signal_queue)

    def join_all(self) -> None:
        until = time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + END_SECONDS
        for worker in self.processes:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                log.warning("process %d does not end, and is killed", worker.pid)
                worker.kill()
        super().join_all()


class _Told(Event):
    """Set by uvicorn, or as soon as a signal that ends the server has come."""

    def __init__(self, come: list[int]) -> None:
        super().__init__()
        self._come = come

    def is_set(self) -> bool:
        return super().is_set() or not {SIGINT, SIGTERM}.isdisjoint(self._come)
