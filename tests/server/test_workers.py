"""Processes that answer together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

STUCK = """
import sys, time
import uvicorn
from senpath.serving.workers import Workers

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        time.sleep(600)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

if __name__ == "__main__":
    config = uvicorn.Config("stuck:app", port=0, workers=2, timeout_graceful_shutdown=1, log_config=None)
    opened = config.bind_socket()
    opened.listen()
    print(opened.getsockname()[1], flush=True)
    Workers(config, [opened]).run()
"""


@pytest.mark.slow("waits until processes that do not end are killed")
def test_one_that_does_not_end_does_not_keep_the_server(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    command, pipe = [sys.executable, "stuck.py"], subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read() == b"here"
            process.terminate()
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0
            assert "does not end, and is killed" in errors
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", int(port)))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
