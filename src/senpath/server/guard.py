"""What every request passes first: limits, hosts, origins, callers; and the headers that every response has."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from senpath.errors import LimitError, SenpathError, StoreError, printable
from senpath.server.auth import SAFE, caller_of
from senpath.server.errors import error_response
from senpath.server.watch import finish
from senpath.serving.errors import Refusal, busy
from senpath.serving.headers import EVENTS, HEADERS, NAMES, ONCE, host_of, plain, request_id, require_length
from senpath.serving.served import ServedNetwork
from senpath.serving.settings import is_loopback

log = logging.getLogger("senpath.server")


class Guard:
    """ASGI middleware that lets a request through, or answers it with the reason why not.

    Args:
        app: what it guards.
        server: whose settings hold.
    """

    def __init__(self, app: ASGIApp, server: ServedNetwork) -> None:
        self._app, self._server = app, server
        # With keys a name that leads here by trickery opens nothing, and a proxy on this machine passes its own name on.
        self._local = server.auth.keys is None and is_loopback(server.settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        state = scope.setdefault("state", {})
        if "request_id" not in state:
            state["request_id"] = request_id(headers)
        answer, started, asked = _Answer(send, state["request_id"]), time.perf_counter(), plain(scope)
        self._server.under_way += 1
        try:
            await self._admit(scope, headers)
            await self._app(asked, _Body(receive, self._server.settings, state), answer)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception as error:  # a bug is answered as one, and logged
            error = state.get("refused") or error  # what the body was cut for, whatever was made of it
            if not isinstance(error, SenpathError) or isinstance(error, StoreError):
                log.exception("request %s failed", state["request_id"])
            if answer.status:  # half an answer cannot be taken back: the connection ends
                answer.status = 500
                raise
            await error_response(error, scope, self._server.path)(scope, receive, answer)
        finally:
            self._server.under_way -= 1
            scope.setdefault("route", asked.get("route"))
            seconds = time.perf_counter() - started
            finish(self._server.metrics, scope, answer.status or 499, answer.size, seconds, stream=answer.stream)

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        settings, state, path = self._server.settings, scope["state"], scope["path"]
        if len(headers) < len(scope["headers"]) and any(sum(name == one for name, _ in scope["headers"]) > 1 for one in ONCE):
            raise Refusal(400, "input", "headers", expected="each of host, origin and authorization once", got="one of them twice")
        if self._local and b"host" in headers:  # which browsers always send, and probes of HTTP/1.0 do not
            host, own = host_of(headers[b"host"])
            if not own:  # a page elsewhere may have its name lead here
                do = "Start the server with --keys FILE to serve under another name"
                raise Refusal(403, "not_permitted", "Host", expected="this machine's own name", got=host or "none", do=do)
        if self._server.under_way > settings.requests and not path.startswith(("/health", "/v2/health", "/metrics")):
            raise busy("requests under way", expected=f"at most {settings.requests}", got="more")
        require_length(headers, settings.body_bytes)
        if (encoding := headers.get(b"content-encoding", b"").lower()) not in (b"", b"identity"):
            got = printable(encoding.decode("latin-1"))[:50]
            raise Refusal(415, "input", "Content-Encoding", expected="none, a body as it is", got=got, do="Send it uncompressed")
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        state["by_browser"] = origin is not None or site is not None
        if state["by_browser"] and scope["method"] not in SAFE:
            here = headers.get(b"host", b"").lower()
            # What a browser says of the site holds, whatever proxies made of Host; older ones say no more than the origin.
            own = site == b"same-origin" if site is not None else origin is not None and origin.lower().partition(b"://")[2] == here
            if not own:
                got, do = (origin or site or b"").decode("latin-1"), "A proxy has to pass Host on as it came, with the port"
                raise Refusal(403, "not_permitted", "origin", expected="this server's own page", got=got, do=do)
        state["caller"] = await caller_of(self._server.auth, headers)


class _Answer:
    """The sending side: adds headers, and knows what was sent.

    Attributes:
        status: 0 until the answer begins.
        size: bytes of its body.
        stream: whether it is a stream of events.
    """

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._id = send, request_id
        self.status, self.size, self.stream = 0, 0, False

    async def __call__(self, message: Message) -> None:
        self.size += len(message.get("body", b""))
        if message["type"] == "http.response.start":
            own = message.get("headers", ())
            self.status, self.stream = message["status"], EVENTS in own
            more = (*HEADERS, (b"x-request-id", self._id.encode()))
            if not NAMES.isdisjoint(names := {name for name, _ in own}):
                more = tuple(header for header in more if header[0] not in names)
            message["headers"] = [*own, *more]
        await self._send(message)


class _Body:
    """The receiving side: no more bytes and no more time than a body may take."""

    def __init__(self, receive: Receive, settings: Any, state: dict[str, Any]) -> None:
        self._receive, self._settings, self._state = receive, settings, state
        self._bytes, self._whole = 0, False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()  # that the client has gone
        message = await self._receive()
        if "late" in self._state:  # says the connection, see `TimedProtocol`
            raise self._refused(Refusal(408, "timeout", "body", expected=f"within {self._settings.body_seconds:g} s", got="a part"))
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._bytes > self._settings.body_bytes:
            raise self._refused(LimitError("body", expected=f"at most {self._settings.body_bytes:,} bytes", got="more"))
        return message

    def _refused(self, refusal: SenpathError) -> SenpathError:
        self._state["refused"] = refusal
        return refusal
