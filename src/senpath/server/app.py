"""The server as an ASGI application."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from senpath import __version__
from senpath.errors import InputError
from senpath.server import describe, drafts, events, inbox, page, predict, tasks, v2, watch
from senpath.server.auth import Auth
from senpath.server.document import complete
from senpath.server.errors import install
from senpath.server.events import Streams
from senpath.server.guard import Guard, is_loopback
from senpath.serving.batcher import Batcher
from senpath.serving.live import LiveNetwork
from senpath.serving.metrics import Metrics
from senpath.serving.settings import ServerSettings
from senpath.serving.state import State
from senpath.store import Place, as_place

ABOUT = "One network that grows: it finds the task of an input by itself, says when none fits, and is taught while it runs."


class Server:
    """All that requests share: `request.app.state.server`.

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
        streams: of events, that are open.
        under_way: requests that are being answered, streams apart.
        draining: whether the server has been told to stop.

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
        self.streams = Streams(self)
        self.metrics = Metrics(self.live, self.state)
        self.batcher = Batcher(self.live, settings, self.metrics.batch)
        self.under_way, self.draining = 0, False
        self._handlers: dict[int, Any] = {}

    async def start(self) -> None:
        """Begin to look for new versions and to run jobs, and notice when the process is told to stop."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._told_to_stop)
        self.state.start()
        await self.live.start()

    def drain(self) -> None:
        """Take no more work that lasts: the server has been told to stop."""
        self.draining = True
        self.streams.closing = True

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


class Application(FastAPI):
    """FastAPI's application; but its layers, which take as long as a small answer does, are passed by where it is asked most."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == predict.PATH and scope["method"] == "POST":
            await self.state.asked(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(path: str | Path, settings: ServerSettings | None = None) -> FastAPI:
    """The application that serves a network.

    Args:
        path: the network's folder, or its address in object storage; it has to be there.
        settings: by default those of `senpath serve`.

    Raises:
        InputError, StoreError: see `Server`.
    """
    server = Server(as_place("path of the network", path), settings or ServerSettings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    # No page of documentation: FastAPI's fetches scripts from elsewhere.
    app = Application(title="senpath", version=__version__, description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.server, app.state.asked = server, Guard(predict.Asked(server), server)
    install(app, server.path)
    for module in (predict, describe, tasks, drafts, events, inbox, v2, watch, page):
        app.include_router(module.router)
    complete(app)
    app.add_middleware(Guard, server=server)
    return app
