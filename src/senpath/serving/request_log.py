"""One line a request: to logging, or several at a time to standard error."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import Any

import orjson

LOG = logging.getLogger("senpath.requests")
LINES_SECONDS = 0.05
"""For which lines wait for others."""


class RequestLog:
    """Where lines go: to logging, unless they are wanted on the standard error of this process.

    Logging takes as long for a line as it takes to read a request, and with every write the other threads take the interpreter for a while:
    so several are written in one go there.
    """

    def __init__(self) -> None:
        self._waiting, self.direct = b"", False
        atexit.register(self._flush)

    def write(self, told: dict[str, Any]) -> None:
        """Write a line: the time, and what is told."""
        line = orjson.dumps({"time": datetime.now(UTC), **told}, option=orjson.OPT_UTC_Z)
        if not self.direct:
            LOG.info(line.decode())
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(LINES_SECONDS, self._flush)
        elif len(self._waiting) + len(line) >= PIPE_BUF:  # what is longer may be mixed up with another worker's
            self._flush()
        self._waiting += line + b"\n"

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, b""
        with suppress(OSError):  # nobody reads them any more
            os.write(2, waiting)


REQUESTS = RequestLog()
"""Of this process; `direct` lets it write to standard error."""
