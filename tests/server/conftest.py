"""A small network that is served, and servers on a port of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from senpath.server.app import create_app
from senpath.testing import tiny_network
from tests.listening import listen

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
    return listen
