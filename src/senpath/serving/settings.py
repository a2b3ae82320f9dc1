"""Settings of the server: where it listens, who may ask, and how much of everything it takes."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field

from senpath.settings import Settings

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class ServerSettings(Settings, owner="the server"):
    """What `senpath serve` is told.

    Args:
        host: the address to listen on; without keys only one of this machine itself.
        port: 0 takes a free one.
        keys: the file of keys that `senpath keys` writes; None serves whoever asks, as owner.
        read_only: whether all that would change the network is refused.
        workers: processes that answer.
        threads: of each process, that predict at the same time.
        state: folder of jobs, drafts and the inbox; None takes one beside the network's, its name with ".server" behind.
        trust: whether you vouch for whoever made the network, see `Network`.
        inbox: whether inputs that fit nothing are kept.
        inbox_inputs, inbox_bytes: how many inputs and bytes the inbox keeps; the oldest go.
        body_bytes: of a request.
        inputs: of a request.
        pixels: of a picture.
        seconds: of a sound.
        rows: of a table to predict.
        queue: inputs that may wait for a prediction.
        requests: that may be under way at the same time.
        connections: that may be open at the same time.
        header_seconds: in which a request's headers have to come.
        body_seconds: in which its body has to come.
        answer_seconds: after which a prediction is given up.
        drain_seconds: for what is under way when the server is told to stop.
        eager: whether what learning needs is imported at the start, for seconds of a core, and not when somebody begins to teach.
        secret: what session tokens are made with, the same in all workers; "" draws one.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    keys: str | None = None
    read_only: bool = False
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    state: str | None = None
    trust: bool = False
    inbox: bool = False
    inbox_inputs: Annotated[int, Field(ge=1, le=5000)] = 1000
    inbox_bytes: Count = 2**28
    body_bytes: Count = 2**26
    inputs: Count = 1024
    pixels: Count = 2**24
    seconds: Seconds = 60.0
    rows: Count = 10_000
    queue: Count = 4096
    requests: Count = 512
    connections: Count = 1024
    header_seconds: Seconds = 10.0
    body_seconds: Seconds = 60.0
    answer_seconds: Seconds = 60.0
    drain_seconds: Seconds = 20.0
    eager: bool = False
    secret: str = ""
