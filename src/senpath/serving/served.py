"""A network that is served, with all that its requests share."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from senpath.errors import InputError
from senpath.serving.batcher import Batcher
from senpath.serving.callers import Auth
from senpath.serving.live import LiveNetwork
from senpath.serving.metrics import Metrics
from senpath.serving.settings import ServerSettings, is_loopback
from senpath.serving.state import State
from senpath.snapshot.view import View
from senpath.store import Place, as_place


class ServedNetwork:
    """All that requests share.

    Args:
        path: the network's folder, or its address in object storage.
        settings: see there.

    Attributes:
        name: of the network.
        live: the network at its newest version.
        batcher: where inputs are answered.
        state: jobs, drafts and the inbox.
        auth: who is who.
        metrics: what is counted.
        under_way: requests that are being answered, those apart that follow what happens.
        followers: of what happens.
        draining: whether the process has been told to stop.

    Raises:
        InputError: without keys for another host than this machine's own.
        StoreError: if there is no network, or it cannot be read.
    """

    def __init__(self, path: Place, settings: ServerSettings) -> None:
        if settings.keys is None and not is_loopback(settings.host):
            do = "Make keys with `senpath keys add FILE --role own --name NAME` and serve with --keys FILE, or leave --host out"
            raise InputError("host", expected="127.0.0.1 or localhost, for there are no keys", got=settings.host, do=do)
        self.path, self.settings = path, settings
        self.name = (path.resolve() if isinstance(path, Path) else path).name.removesuffix(".sen")
        self.auth = Auth(None if settings.keys is None else Path(settings.keys), settings.secret)
        self.live = LiveNetwork(self.path, trust=settings.trust)
        self.state = State(settings, self.path, self.live.current.network_id)
        self.metrics = Metrics(self.live, self.state)
        self.batcher = Batcher(self.live, settings, self.metrics.batch)
        self.under_way, self.followers, self.draining = 0, 0, False
        self._handlers: dict[int, Any] = {}

    async def start(self) -> None:
        """Begin to look for new versions and to run jobs, and notice when the process is told to stop."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._told_to_stop)
        self.state.start()
        await self.live.start()

    def drain(self) -> None:
        """Take no more work that lasts: the process has been told to stop."""
        self.draining = True

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.drain()
        handler = self._handlers[number]
        if callable(handler):
            handler(number, frame)

    async def stop(self) -> None:
        """End what runs beside requests."""
        self.drain()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        await asyncio.to_thread(self.state.close)
        await self.live.stop()
        self.batcher.close()

    def job(self, number: str) -> dict[str, Any]:
        """A job; what it is said to have done is live by then.

        Raises:
            MissingError: if there is none.
        """
        told = self.state.jobs.get(number)
        if told["result"] is not None and told["result"]["version"] > self.live.current.version:
            self.live.refresh()
        return told

    def rename(self, name: str, new: str) -> tuple[View, str]:
        """Give a task another name; its drafts, and jobs that wait, follow. Returns the version that has it, and the name in full.

        Raises:
            SenpathError: as `Network.rename` does.
        """
        old = self.live.network.view.task_name(name)
        self.state.jobs.require_unclaimed(new)
        self.live.network.rename(old, new)
        self.live.refresh()
        view = self.live.current
        self.state.drafts.rename(old, view.task_name(new))
        self.state.jobs.rename(old, view.task_name(new))
        return view, view.task_name(new)


def prepare(path: str | Place, settings: ServerSettings) -> tuple[ServerSettings, str]:
    """Everything that can be wrong before the server starts.

    Returns:
        The settings, with a port that is free and a secret; and what is served.

    Raises:
        InputError, StoreError: if something is.
    """
    served = ServedNetwork(as_place("path of the network", path), settings)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            got = error.strerror or str(error)
            raise InputError(
                f"port {settings.port} of {settings.host}", expected="one that is free", got=got, do="Choose another"
            ) from error
        port = probe.getsockname()[1]
    tasks = len(served.live.current.tasks)
    ready = replace(settings, port=port, eager=not settings.read_only, secret=settings.secret or secrets.token_hex(32))
    return ready, f"{served.name}, version {served.live.current.version}, {tasks} task{'' if tasks == 1 else 's'}"


def addressed(server: ServedNetwork, name: str, version: int | None) -> tuple[str, int | None]:
    """A model and its version as an address names them: "x/versions/2" is version 2 of x and, where there is no x, a task of that name."""
    whole, view = f"{name}/versions/{version}", server.live.current
    there = name == server.name or view.task_name(name) in view.tasks
    return (name, version) if version is None or there or view.task_name(whole) not in view.tasks else (whole, None)
