"""A network answered by many machines: an application for Ray Serve.

A request comes to an intake, which keeps it until it is answered. Replicas share the network's folder and answer: what a replica took with it
when it died is asked of another one. Whatever changes anything, with the jobs, the drafts and what belongs to them, goes to the one writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from starlette.responses import Response, StreamingResponse

from senpath.errors import SenpathError
from senpath.server.app import create_app
from senpath.server.errors import busy, error_response, too_large
from senpath.server.settings import ServerSettings

ASKS = ("/predict", "/explain", "/v2")
"""What is posted and changes nothing."""
OF_THE_WRITER = ("/session", "/jobs", "/drafts", "/inbox", "/events")
TRIES = 5
"""How often a question is asked until a replica lives to answer it."""
PASSED_ON = (
    "type",
    "asgi",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
)

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""

intakes = FastAPI(openapi_url=None)


class Replica:
    """A whole server in one process, which the intakes ask."""

    async def __init__(self, path: str, settings: Mapping[str, Any]) -> None:  # type: ignore[misc]  # Serve awaits it
        self._app, self._exits = create_app(Path(path), ServerSettings(**settings)), AsyncExitStack()
        await self._exits.enter_async_context(self._app.router.lifespan_context(self._app))

    async def __del__(self) -> None:
        await self._exits.aclose()

    async def answer(self, scope: dict[str, Any], body: bytes) -> Answer:
        """The status, the headers and the body of a request's answer."""
        (status, headers), *parts = [part async for part in self.stream(scope, body)]
        return status, headers, b"".join(parts)

    async def stream(self, scope: dict[str, Any], body: bytes) -> AsyncIterator[Any]:
        """The status with the headers, and then the parts of the body as they come."""
        messages: asyncio.Queue[Any] = asyncio.Queue()
        requests = iter([{"type": "http.request", "body": body}])

        async def receive() -> Any:
            for request in requests:
                return request
            return await asyncio.Event().wait()  # whoever stops waiting for an answer ends `run`

        run = asyncio.create_task(self._app(scope, receive, messages.put))
        run.add_done_callback(lambda _: messages.put_nowait(None))
        try:
            while message := await messages.get():
                yield (message["status"], message["headers"]) if "status" in message else message.get("body", b"")
        finally:
            run.cancel()


@serve.ingress(intakes)
class Intake:
    """Passes requests on, and asks again what a replica could not answer any more."""

    def __init__(self, replicas: DeploymentHandle, writer: DeploymentHandle, settings: Mapping[str, Any]) -> None:
        self._replicas, self._writer, self._most = replicas, writer.options(stream=True), ServerSettings(**settings).body_bytes

    @intakes.api_route("/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def pass_on(self, request: Request) -> Response:
        """The answer of a replica or of the writer."""
        scope = {name: request.scope[name] for name in PASSED_ON if name in request.scope}
        path: str = scope["path"]
        changes = scope["method"] not in ("GET", "HEAD") and not path.startswith(ASKS)
        try:
            body = await self._body(request)
            if changes or path.startswith(OF_THE_WRITER):
                return await self._write(scope, body)
            status, headers, content = await self._ask(scope, body)
            return _with_headers(Response(content, status), headers)
        except (RayActorError, BackPressureError, DeploymentUnavailableError):
            return error_response(busy("no replica answers"), request.scope, None)
        except SenpathError as error:
            return error_response(error, request.scope, None)

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._most:
                raise too_large("body", expected=f"at most {self._most:,} bytes", got="more")
        return bytes(body)

    async def _ask(self, scope: dict[str, Any], body: bytes) -> Answer:
        for again in range(TRIES):
            try:
                return await self._replica(scope, body)
            except RayActorError:  # it died with the question
                await asyncio.sleep(0.1 * again)
        return await self._replica(scope, body)

    async def _replica(self, scope: dict[str, Any], body: bytes) -> Answer:
        answer: Answer = await self._replicas.answer.remote(scope, body)
        return answer

    async def _write(self, scope: dict[str, Any], body: bytes) -> Response:
        parts = self._writer.stream.remote(scope, body)
        status, headers = await anext(parts)
        return _with_headers(StreamingResponse(parts, status), headers)


def _with_headers(response: Response, headers: list[tuple[bytes, bytes]]) -> Response:
    response.raw_headers = headers
    return response


def build(options: Mapping[str, Any]) -> serve.Application:
    """The application for `serve deploy`, see docs/howto/ray-serve.yaml.

    Args:
        options: "path", the network's folder, which all machines see, and fields of `ServerSettings`.
    """
    settings = {name: value for name, value in options.items() if name != "path"}
    path = options["path"]
    replica = serve.deployment(Replica, name="replica", max_ongoing_requests=64, autoscaling_config={"min_replicas": 1, "max_replicas": 8})
    writer = serve.deployment(Replica, name="writer", num_replicas=1, max_ongoing_requests=64)
    intake = serve.deployment(Intake, name="intake", max_ongoing_requests=1024)
    return intake.bind(replica.bind(path, {**settings, "read_only": True}), writer.bind(path, settings), settings)
