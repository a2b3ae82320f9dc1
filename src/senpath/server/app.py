"""The server as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from senpath import __version__
from senpath.server import describe, drafts, events, inbox, page, predict, tasks, v2, watch
from senpath.server.document import complete
from senpath.server.errors import install
from senpath.server.guard import Guard
from senpath.serving.served import ServedNetwork
from senpath.serving.settings import ServerSettings
from senpath.store import as_place

ABOUT = "One network that grows: it finds the task of an input by itself, says when none fits, and is taught while it runs."


class Application(FastAPI):
    """FastAPI's application; but its layers, which take as long as a small answer does, are passed by where it is asked most."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == predict.PATH and scope["method"] == "POST":
            scope["app"] = self
            await self.state.asked(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(path: str | Path, settings: ServerSettings | None = None) -> FastAPI:
    """The application that serves a network.

    Args:
        path: the network's folder, or its address in object storage; it has to be there.
        settings: by default those of `senpath serve`.

    Raises:
        InputError, StoreError: see `ServedNetwork`.
    """
    server = ServedNetwork(as_place("path of the network", path), settings or ServerSettings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await server.start()
        try:
            yield
        finally:
            await server.stop()

    # No page of documentation: FastAPI's fetches scripts from elsewhere.
    # Redirections name this server as it knows itself, http and without what a proxy puts before its paths: there are none.
    app = Application(
        title="senpath",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.server, app.state.asked = server, Guard(predict.Predicting(server), server)
    install(app, server.path)
    for module in (predict, describe, tasks, drafts, events, inbox, v2, watch, page):
        app.include_router(module.router)
    complete(app)
    app.add_middleware(Guard, server=server)
    return app
