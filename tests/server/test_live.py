"""A server that looks for new versions keeps looking, whatever comes of a look."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from senpath.serving import live
from senpath.testing import tiny_network


def test_it_looks_on_after_any_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    net = tiny_network(tmp_path / "net", ["low"])
    serving = live.LiveNetwork(net.path)
    look: Callable[[], bool] = serving.network.refresh
    looks = 0

    def refresh() -> bool:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise OverflowError("cannot convert float infinity to integer")
        return look()

    async def serve() -> None:
        await serving.start()
        net.describe("low", "small digits")
        for _ in range(500):
            await asyncio.sleep(0.01)
            if serving.current.version == 2:
                break
        await serving.stop()

    monkeypatch.setattr(serving.network, "refresh", refresh)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    asyncio.run(serve())
    assert serving.current.version == 2
    assert [record.message for record in caplog.records] == ["the network cannot be read: cannot convert float infinity to integer"]


def test_earlier_versions_of_a_folder_that_was_replaced(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", ["low", "iris"])
    serving = live.LiveNetwork(net.path)
    pinned = serving.at(1)
    net.describe("low", "small digits")
    assert serving.refresh()
    assert serving.at(1) is pinned
    shutil.copytree(net.path, tmp_path / "backup")
    net.remove("iris")
    serving.refresh()
    net.rename("low", "lost")
    serving.refresh()
    assert [*serving.at(4).tasks] == ["low"]
    shutil.rmtree(net.path)
    shutil.copytree(tmp_path / "backup", net.path)
    restored = tiny_network(net.path, [])
    for text in ("a", "b", "c"):  # as far as before, and further
        restored.describe("iris", text)
    assert serving.refresh()
    assert [*serving.at(4).tasks] == ["low", "iris"]
    shutil.rmtree(net.path)
    tiny_network(net.path, ["high", "odd", "low"])  # another network altogether
    assert serving.refresh()
    assert [*serving.at(1).tasks] == ["high"]
