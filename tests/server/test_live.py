"""A server that looks for new versions keeps looking, whatever comes of a look."""

from __future__ import annotations

import asyncio
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
