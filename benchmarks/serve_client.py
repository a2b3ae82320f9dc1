"""Clients of a server, each asking one input after another: `python -m benchmarks.serve_client URL CLIENTS SECONDS BODIES`.

BODIES is a file with a JSON body a line. It prints the answers a second, milliseconds at shares of them, and the milliseconds of a
processor that an answer costs the client itself, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import numpy as np
import uvloop

WARM_SECONDS = 1.0


class Client(asyncio.Protocol):
    """One connection that asks, waits for the answer and asks again; it costs little, for it shares the machine with the server.

    Args:
        requests: to send in turn.
        stop: when to end, as `time.perf_counter` tells it.
    """

    def __init__(self, requests: list[bytes], first: int, stop: float) -> None:
        self._requests, self._place, self._stop = requests, first, stop
        self._got, self._whole = b"", 0
        self.times: list[tuple[float, float]] = []
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked >= self._stop:
            self._transport.close()
            return
        self._place = (self._place + 1) % len(self._requests)
        self._transport.write(self._requests[self._place])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._whole:
            head, found, _ = self._got.partition(b"\r\n\r\n")
            if not found:
                return
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            self._whole = len(head) + 4 + int(lengths[0].split(b":")[1])
        if len(self._got) >= self._whole:
            now = time.perf_counter()
            self.failed += not self._got.startswith(b"HTTP/1.1 200")
            self.times.append((now, now - self._asked))
            self._got, self._whole = b"", 0
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def ask(url: str, clients: int, seconds: float, bodies: list[bytes]) -> dict[str, float]:
    """Ask for so many seconds, and say how that went."""
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
    start = time.perf_counter() + WARM_SECONDS
    loop = asyncio.get_running_loop()
    each, before = len(requests) // clients, time.process_time()
    made = [
        (await loop.create_connection(lambda n=n: Client(requests, n * each, start + seconds), parts.hostname, parts.port))[1]
        for n in range(clients)
    ]
    await asyncio.gather(*(client.done for client in made))
    times = [taken for client in made for at, taken in client.times if at >= start]
    client = round(1e3 * (time.process_time() - before) / max(1, sum(len(one.times) for one in made)), 4)
    shares = {f"p{share}": round(1e3 * float(np.percentile(times or [np.nan], share)), 3) for share in (50, 95, 99)}
    return {"rate": round(len(times) / seconds, 1), **shares, "client": client, "failed": sum(client.failed for client in made)}


def main() -> None:
    url, clients, seconds, path = sys.argv[1:]
    with open(path, "rb") as file:
        bodies = file.read().splitlines()
    print(json.dumps(uvloop.run(ask(url, int(clients), float(seconds), bodies))), flush=True)


if __name__ == "__main__":
    main()
