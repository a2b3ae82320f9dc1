"""Many tasks learned on Ray: the same network as here, whatever happens to workers."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray_tasks import Waiting, write_tasks

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="senpath[ray] is not installed"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]
slow = pytest.mark.slow("Ray and its workers take seconds to start")


def contents_of(network: sp.Network) -> Any:
    """All that a network's folder holds, but for what is drawn anew for each network, and times."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items() if key not in ("time", "checksum", "id")}
        return [plain(part) for part in value] if isinstance(value, list) else value

    files = {path.relative_to(network.path): path.read_bytes() for path in sorted(network.path.rglob("*")) if path.is_file()}
    return {
        str(name): [plain(json.loads(line)) for line in content.splitlines()]
        if name.suffix == ".jsonl"
        else plain(json.loads(content))
        if name.suffix == ".json" and name.parent.name != "components"
        else content
        for name, content in files.items()
    }


@slow
def test_a_killed_worker_loses_nothing_and_the_network_is_the_same_as_here(with_ray: Any, tmp_path: Path) -> None:
    tasks: dict[str, Any] = write_tasks(tmp_path / "data", 14)  # more than a folder keeps versions
    tasks["flowers"] = tiny_task("iris")
    here = sp.Network(tmp_path / "here")
    here.learn_many(tasks, method=ConstantMethod())
    assert len(here.view.types) == 3
    there, told, file = sp.Network(tmp_path / "there"), [], tmp_path / "who"

    def kill() -> None:
        while not file.exists() or there.view.version < 12:
            time.sleep(0.1)
        os.kill(int(file.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    method = Waiting("task 12", file)
    there.learn_many(tasks, method=method, engine="ray", progress=lambda *step, **figures: told.append((*step, figures)))
    killer.join()
    there.verify()
    assert contents_of(there) == contents_of(here)
    assert [done for stage, done, _, _ in told if stage == "look"][:14] == [*range(1, 15)]
    committed = [(done, total) for stage, done, total, figures in told if stage == "tasks" and not figures]
    assert committed == [(done, 15) for done in range(1, 16)]
    assert max(figures["proposed"] for _, _, _, figures in told if figures) >= 14
    assert {figures["workers"] for _, _, _, figures in told if figures} == {2}


@slow
def test_what_cannot_be_learned_is_told_before_anything_is(with_ray: Any, tmp_path: Path) -> None:
    tasks: dict[str, Any] = write_tasks(tmp_path / "data", 3)
    np.savez(tmp_path / "one.npz", x=tiny_task("low")[0], y=np.zeros(150))
    net = tiny_network(tmp_path / "net", ["low"])
    for wrong, match in [
        ({"x": tmp_path / "nowhere.npz"}, "task 'x': data .*nowhere.npz: expected a folder or file, got nothing of that name"),
        ({"x": f"file://{tmp_path}/one.npz"}, "task 'x': labels y: expected two classes or more, got one class"),
    ]:
        with pytest.raises(sp.InputError, match=match + r".*The network is as it was, at version 1$"):
            net.learn_many(tasks | wrong, method=ConstantMethod(), engine="ray", jobs=1)
        assert list(net.tasks) == ["low"]


def test_engines_that_there_are_not() -> None:
    net = sp.Network()
    with pytest.raises(sp.InputError, match="engine: expected 'ray' or None, got 'spark'"):
        net.learn_many({"low": tiny_task("low")}, engine="spark")
    with pytest.raises(sp.InputError, match="engine: expected None with 'allocation', which learns tasks together, got 'ray'"):
        net.learn_many({"low": tiny_task("low")}, method="allocation", engine="ray")


def test_ray_is_used_by_its_public_names_alone() -> None:
    source = Path(sp.__file__).parent
    wrong = [str(file) for file in source.rglob("*.py") if "ray._" in file.read_text() or "ray.data._" in file.read_text()]
    assert wrong == []
