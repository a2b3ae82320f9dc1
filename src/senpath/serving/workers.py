"""Processes that answer together, and how they end."""

from __future__ import annotations

from signal import SIGINT, SIGTERM
from socket import socket
from threading import Event

import uvicorn
from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """Processes that answer; SIGHUP starts them anew, one after the other.

    What tells them to stop ends that as well: uvicorn would hear it behind the last start alone.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.should_exit = _Told(self.signal_queue)


class _Told(Event):
    """Set by uvicorn, or as soon as a signal that ends the server has come."""

    def __init__(self, come: list[int]) -> None:
        super().__init__()
        self._come = come

    def is_set(self) -> bool:
        return super().is_set() or not {SIGINT, SIGTERM}.isdisjoint(self._come)
