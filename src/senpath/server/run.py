"""Running the server: uvicorn's processes, and connections that keep their time."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import sys
from typing import Any

import orjson
import torch
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from senpath.errors import SenpathError
from senpath.server.app import create_app
from senpath.server.errors import answer_of
from senpath.serving.errors import Refusal, busy
from senpath.serving.metrics import counted_together
from senpath.serving.request_log import REQUESTS
from senpath.serving.settings import ServerSettings
from senpath.serving.workers import Workers
from senpath.store import Place, as_place

TOLD = "_SENPATH_SERVE"
"""Environment variable that has the network's path and the settings, for processes that answer."""
HEAD_BYTES = 2**16
"""Of a request's first line and headers, at most."""
START_SECONDS = 120
"""In which a worker has imported everything; one that is silent for so long is started anew."""
IDLE_SECONDS = 30
"""How long a connection may be open without a request."""
SWITCH_SECONDS = 0.00005
"""After which a thread lets another have the interpreter: a prediction takes it back a hundred times, while requests keep coming."""


class TimedProtocol(HttpToolsProtocol):
    """A connection whose requests have to begin, and whose answers have to be taken, in time; uvicorn would wait for ever."""

    def __init__(self, config: Any, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        self._settings: ServerSettings = config.loaded_app.state.server.settings
        self._timer: asyncio.TimerHandle | None = None
        self._head, self._in_body = 0, False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._settings.connections:
            self._refuse(busy("connections", expected=f"at most {self._settings.connections}", got="more"))
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.pipeline.clear()
        if self.cycle is not None:  # uvicorn tells the latest request alone, which may still have been waiting for its turn
            self._answered.disconnected = True
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        of_body = self._in_body
        super().data_received(data)
        if self._in_body and self._timer is None and not self.cycle.response_complete:
            self._timer = self.loop.call_later(self._settings.body_seconds, self._late)
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        self._head += 0 if of_body or self._in_body else len(data)
        if self._head > HEAD_BYTES:
            self._refuse(Refusal(431, "too_large", "headers", expected=f"at most {HEAD_BYTES:,} bytes", got="more"))
        elif self._timer is None:
            self._start_timer()

    def _late(self) -> None:
        """Let whoever waits for the rest of a body know that the time for it is over."""
        if self.cycle.response_complete:  # without the rest
            self.transport.abort()
        self.scope["state"]["late"] = True
        self.cycle.message_event.set()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Refusal(400, "input", "request", expected="HTTP/1.1", got="something else"))

    def pause_writing(self) -> None:
        super().pause_writing()
        # Apart from the other timer, which stops with every request that comes in meanwhile.
        self._untaken = self.loop.call_later(self._settings.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._untaken.cancel()
        super().resume_writing()

    def _start_timer(self) -> None:
        if self._in_body:  # of a request that was refused
            self._timer = self.loop.call_later(self._settings.body_seconds, self.transport.abort)
            return
        late = Refusal(408, "timeout", "headers", expected=f"within {self._settings.header_seconds:g} s", got="a part")
        self._timer = self.loop.call_later(self._settings.header_seconds, self._refuse, late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, refusal: SenpathError) -> None:
        """Answer what is not a request yet, and end the connection."""
        self._stop_timer()
        status, headers, detail = answer_of(refusal, None, secrets.token_hex(8))
        body = orjson.dumps({"error": detail})
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(f"HTTP/1.1 {status} {detail['code']}\r\n{head}\r\n".encode() + body)
        self.transport.close()


def application() -> FastAPI:
    """The application of this process, as its parent told it."""
    sys.setswitchinterval(SWITCH_SECONDS)
    told = json.loads(os.environ[TOLD])
    REQUESTS.direct = True
    settings = ServerSettings(**told["settings"])
    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) // settings.workers)))
    app = create_app(told["path"], settings)
    app.state.server.live.warm()  # before what stays is set apart: a pretrained encoder brings as many objects as everything else
    gc.collect()
    gc.freeze()  # a million objects that stay: to look through them again and again took a fifth of a second each time
    return app


def serve(path: str | Place, settings: ServerSettings) -> None:
    """Serve until the process is told to stop; what is under way is answered first.

    Args:
        settings: as `senpath.serving.served.prepare` returned them.
    """
    os.environ[TOLD] = json.dumps({"path": str(as_place("path of the network", path)), "settings": settings.to_json()})
    app = f"{__name__}:{application.__name__}"
    with counted_together(settings.workers):
        if settings.workers == 1:
            uvicorn.run(app, factory=True, **options(settings))
        else:
            config = uvicorn.Config(app, factory=True, workers=settings.workers, **options(settings))
            Workers(config, [config.bind_socket()]).run()


def options(settings: ServerSettings) -> dict[str, Any]:
    """How uvicorn runs the application."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": TimedProtocol,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": IDLE_SECONDS,
        "timeout_worker_healthcheck": START_SECONDS,
        "timeout_graceful_shutdown": int(settings.drain_seconds),
    }
