"""A proxy between a client of object storage and the service, which treats requests as networks and services do on bad days."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Plan = Callable[[str, str], str]
"""From a request's method and path to one of `FAULTS`, or "" for none."""
FAULTS = ("dropped", "unanswered", "delayed", "duplicated", "late", "500", "503", "500 done", "half", "expired")
"""Not passed on and the connection closed; passed on and not answered; passed on later; passed on twice; answered with an error first and
passed on later, behind others; refused by an error; carried out and answered with an error; answered with half a body; keys that have
expired. A plan may also say "unconditional": passed on without the conditions that it has, as by a service that knows none."""
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired, secret=sesame.</Message></Error>"
LATER = 0.4


class FaultyProxy:
    """Passes requests on to a service and does to some what a plan says.

    Args:
        endpoint: of the service.
        plan: what to do.
    """

    def __init__(self, endpoint: str, plan: Plan) -> None:
        self.upstream, self.plan = urlsplit(endpoint).netloc, plan
        self.done: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.upstream, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultyProxy

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().handle_one_request()

    def _answer(self) -> None:
        owner, body = self.owner, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = (self.command, self.path, dict(self.headers.items()), body)
        fault = owner.plan(self.command, self.path)
        owner.requests[self.command] += 1
        owner.done[fault] += 1
        if fault == "dropped":
            return self._hang_up()
        if fault in ("500", "503"):
            return self._send(int(fault), [], b"")
        if fault == "expired":
            return self._send(403, [], EXPIRED)
        if fault == "late":
            threading.Timer(LATER, self._later, request).start()
            return self._send(500, [], b"")
        if fault == "delayed":
            time.sleep(LATER)
        if fault == "unconditional":
            kept = {name: value for name, value in request[2].items() if not name.lower().startswith("if-")}
            request = (self.command, self.path, kept, body)
        status, headers, content = owner.forward(*request)
        if fault == "duplicated":
            threading.Timer(LATER / 2, self._later, request).start()
        if fault == "unanswered":
            return self._hang_up()
        if fault == "500 done":
            return self._send(500, [], b"")
        return self._send(status, headers, content, half=fault == "half")

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _answer

    def _later(self, *request: object) -> None:
        with suppress(OSError, http.client.HTTPException):
            self.owner.forward(*request)  # type: ignore[arg-type]

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(2)

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes, half: bool = False) -> None:
        self.send_response_only(status)
        length = len(content)
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = int(value)
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if half else content)
        if half and content:
            self._hang_up()

    def log_message(self, *_: object) -> None:
        pass


def at_random(seed: int, share: float, faults: tuple[str, ...] = FAULTS) -> Plan:
    """Does something to this share of all requests."""
    draw, lock = random.Random(seed), threading.Lock()

    def plan(method: str, path: str) -> str:
        with lock:
            return draw.choice(faults) if draw.random() < share else ""

    return plan


@contextmanager
def faulty(endpoint: str, plan: Plan) -> Iterator[FaultyProxy]:
    """A proxy while this is open."""
    proxy = FaultyProxy(endpoint, plan)
    try:
        yield proxy
    finally:
        proxy.close()
