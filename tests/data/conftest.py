"""What the tests of the data layer share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from senpath.data import Task, embedded_tasks


@pytest.fixture
def real() -> Path:
    """The folder of real data; without it the test is skipped."""
    folder = os.environ.get("SENPATH_DATA", "")
    if not folder:
        pytest.skip("SENPATH_DATA is not set: this test reads real data")
    return Path(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without data: no variable set, an empty cache. Gives the download folder, which is not made."""
    monkeypatch.delenv("SENPATH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "senpath"


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Task]]:
    """The small embedded tasks, made in a cache of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield embedded_tasks(small=True)
