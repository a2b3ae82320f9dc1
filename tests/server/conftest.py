"""A small network that is served, and servers on a port of their own."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from senpath.server.app import create_app
from senpath.server.run import options
from senpath.testing import tiny_network

LOCAL = "http://127.0.0.1"


def _build(path: Path) -> None:
    tiny_network(path, ("low", "high", "iris", "weather"))


@pytest.fixture(scope="session")
def served_folder(built_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A network of pictures, rows and texts that no test changes."""
    return built_once("served.sen", _build)


@pytest.fixture
def own_folder(served_folder: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(served_folder, tmp_path / "own.sen"))


@pytest.fixture(scope="module")
def client(served_folder: Path) -> Iterator[TestClient]:
    """A client of an application that serves it."""
    with TestClient(create_app(served_folder), base_url=LOCAL) as client:
        yield client


@pytest.fixture(scope="session")
def listening() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """A context manager: the application listens on a port, at the address that it gives, and has ended behind it."""

    @contextmanager
    def listen(app: FastAPI) -> Iterator[str]:
        with socket.socket() as own:
            own.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, **options(app.state.server.settings)))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [own]}, daemon=True)
            thread.start()
            try:
                until = time.monotonic() + 20
                while not server.started and thread.is_alive() and time.monotonic() < until:
                    time.sleep(0.01)
                yield f"http://127.0.0.1:{own.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join(20)
                assert not thread.is_alive()

    return listen
