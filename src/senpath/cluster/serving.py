"""A network answered by many machines: an application for Ray Serve.

A request comes to an intake, which keeps it until it is answered. Replicas share the network's folder and answer: what one took with it as
it died is asked of another. Whatever changes anything, with the jobs, the drafts and what belongs to them, goes to the one writer.
"""

# Without `from __future__ import annotations`: Serve sends the intake to other processes, where FastAPI reads its annotations.
import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from starlette.responses import Response, StreamingResponse

from senpath.errors import LimitError, SenpathError
from senpath.parallel.ray_backend import on_ray
from senpath.server.app import create_app
from senpath.server.auth import caller_of
from senpath.server.errors import error_response
from senpath.serving.callers import Auth
from senpath.serving.errors import Refusal, busy
from senpath.serving.gathered import Family
from senpath.serving.headers import require_length
from senpath.serving.served import ServedNetwork
from senpath.serving.settings import ServerSettings, is_loopback
from senpath.store import Place, as_place
from senpath.teaching.inbox import Doubt

ASKS = ("/predict", "/explain", "/v2")
"""What is posted and changes nothing."""
OF_THE_WRITER = ("/session", "/jobs", "/drafts", "/inbox", "/events", "/metrics", "/activity")
REPORT_SECONDS = 1.0
"""How often replicas tell the writer what they counted, and give it what belongs in the inbox."""
KEYLESS_BYTES = 2**16
"""Of a request at most, while nobody has shown a key: to show one takes less."""
HEALTH_SECONDS = 2.0
"""How often Serve looks whether a replica lives, and puts another in the place of a dead one; Serve itself does so every ten."""
TRIES = 5
"""How often a question is asked until a replica lives to answer it."""
PASSED_ON = ["type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path"]
PASSED_ON += ["headers", "client", "server"]

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""

intakes = FastAPI(openapi_url=None)


class Replica:
    """A whole server in one process, which the intakes ask.

    Args:
        writer: that a replica tells what it counted; None is the writer itself.
    """

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, path: str, settings: Mapping[str, Any], writer: DeploymentHandle | None
    ) -> None:
        self._exits = AsyncExitStack()
        own = {} if writer is None else {"read_only": True, "state": self._exits.enter_context(TemporaryDirectory(prefix="senpath-"))}
        self._app = create_app(path, ServerSettings(**{**settings, **own}))
        self._server: ServedNetwork = self._app.state.server
        await self._exits.enter_async_context(self._app.router.lifespan_context(self._app))
        self._reports = None
        if writer is not None:
            self._server.state.inbox.on = bool(settings["inbox"])  # for a moment: the writer has the inbox
            self._reports = asyncio.create_task(self._report(writer))

    async def __del__(self) -> None:
        if self._reports is not None:
            self._reports.cancel()
        await self._exits.aclose()

    async def _report(self, writer: DeploymentHandle) -> None:
        name, server = secrets.token_hex(8), self._server
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            doubtful = await asyncio.to_thread(server.state.inbox.take) if server.state.inbox.on else []
            try:
                await writer.gather.remote(name, *server.metrics.to_send(), doubtful)
            except (RayActorError, BackPressureError, DeploymentUnavailableError):  # it is told again
                await asyncio.to_thread(server.state.inbox.keep, doubtful)

    async def gather(self, replica: str, counted: list[Family], resident: float, doubtful: list[tuple[Any, Doubt]]) -> None:
        """Take over what a replica counted, and what belongs in the inbox."""
        self._server.metrics.gathered.add(replica, counted, resident)
        if doubtful:
            await asyncio.to_thread(self._server.state.inbox.keep, doubtful)

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


def _with_headers(response: Response, headers: list[tuple[bytes, bytes]]) -> Response:
    response.raw_headers = [header for header in headers if header[0] != b"x-request-id"]  # which Serve adds itself
    return response


@serve.ingress(intakes)
class Intake:
    """Passes requests on, and asks again what a replica could not answer any more."""

    def __init__(self, replicas: DeploymentHandle, writer: DeploymentHandle, settings: Mapping[str, Any]) -> None:
        self._replicas, self._writer, self._settings = replicas, writer.options(stream=True), ServerSettings(**settings)
        self._auth = Auth(None if self._settings.keys is None else Path(self._settings.keys), self._settings.secret)

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
        client = request.client.host if request.client else ""
        if self._settings.keys is None and not is_loopback(client):
            raise Refusal(403, "not_permitted", "client", expected="this machine itself, for there are no keys", got=client or "none")
        headers, settings = dict(request.scope["headers"]), self._settings
        caller = await caller_of(self._auth, headers)
        most = settings.body_bytes if caller.role is not None else min(settings.body_bytes, KEYLESS_BYTES)
        require_length(headers, most)
        body = bytearray()
        try:
            async with asyncio.timeout(settings.body_seconds):
                async for part in request.stream():
                    body += part
                    if len(body) > most:
                        raise LimitError("body", expected=f"at most {most:,} bytes", got="more")
        except TimeoutError:
            raise Refusal(408, "timeout", "body", expected=f"within {settings.body_seconds:g} s", got="a part") from None
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


def build(options: Mapping[str, Any]) -> serve.Application:
    """The application for `serve deploy`, see docs/howto/ray-serve.yaml.

    Args:
        options: "path", the network's folder, which all machines see; how many "replicas" at least and at most, and the "cpus" of each and
            of the writer, where the file does not say it of the deployments intake, replica and writer; and fields of `ServerSettings`.

    Raises:
        InputError: if a setting is none.
    """
    options = {"replicas": (1, 8), "cpus": 0.5, **options}
    path, (least, most), actor = options.pop("path"), options.pop("replicas"), {"num_cpus": options.pop("cpus")}
    settings = ServerSettings(**options)
    shared = replace(settings, secret=settings.secret or secrets.token_hex(32)).to_json()
    scaling = {"min_replicas": least, "max_replicas": most, "target_ongoing_requests": 16}
    here = serve.deployment(Replica, max_ongoing_requests=64, ray_actor_options=actor, health_check_period_s=HEALTH_SECONDS)
    replica, writer = here.options(name="replica", autoscaling_config=scaling), here.options(name="writer")
    intake = serve.deployment(Intake, name="intake", max_ongoing_requests=settings.requests, ray_actor_options={"num_cpus": 0})
    one = writer.bind(path, shared, None)
    return intake.bind(replica.bind(path, shared, one), one, shared)


def serve_on_ray(path: str | Place, settings: ServerSettings) -> None:
    """Serve on the cluster that RAY_ADDRESS names, or on a Ray of this machine's own, until the process is told to stop."""
    with on_ray():
        try:
            serve.start(http_options={"host": settings.host, "port": settings.port})
            serve.run(build({**settings.to_json(), "path": str(as_place("path of the network", path))}), name="senpath", blocking=True)
        finally:
            serve.shutdown()
