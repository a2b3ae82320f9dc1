"""Large sets answered and measured on Ray: as here, in Parquet files, whatever happens to workers."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.testing import tiny_network, tiny_task

pd = pytest.importorskip("pandas", reason="pandas is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="senpath[ray] is not installed"),
    pytest.mark.slow("Ray and its workers take seconds to start"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]
COLUMNS = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def with_ray(alone_with_ray: None) -> Iterator[Any]:
    import ray

    ray.init(
        address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR", num_cpus=2, object_store_memory=2 * 10**8
    )
    yield ray
    assert ray.is_initialized()
    ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network, flowers in a table, and digits as pictures in folders, one of which is none."""
    path = tmp_path_factory.mktemp("large")
    net = tiny_network(path / "net", ["low"])
    flowers, kinds = tiny_task("iris")
    frame = pd.DataFrame(flowers, columns=COLUMNS).assign(kind=kinds)
    net.learn("iris", frame, "kind")
    many = pd.concat([frame] * 40, ignore_index=True)
    many.assign(number=range(len(many))).to_parquet(path / "flowers.parquet", row_group_size=500)
    for number, (picture, digit) in enumerate(zip(*tiny_task("low"), strict=True)):
        (path / "digits" / str(digit)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(path / "digits" / str(digit) / f"{number}.png")
    return path


def workers_of(ray: Any) -> list[int]:
    """The processes of this Ray in which answers are made."""
    numbers = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if "MapWorker(MapBatches(Answerer))" in file.read_text():
                numbers.append(int(file.parent.name))
        except OSError:
            continue
    return numbers


def test_answers_are_those_of_here_though_a_worker_is_killed(with_ray: Any, folder: Path, tmp_path: Path) -> None:
    net = sp.Network(folder / "net")
    killed, told = list[int](), list[tuple[str, int, int]]()

    def kill() -> None:
        while not killed:
            if any(0 < done < 6000 for _, done, _ in told):
                for process in workers_of(with_ray)[:1]:
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            time.sleep(0.05)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    answers = sp.predict_dataset(net, folder / "flowers.parquet", tmp_path / "out", batch=10, progress=lambda *step: told.append(step))
    assert (answers, len(killed)) == (6000, 1)
    assert told[-1][1] == told[-1][2] >= 6000
    rows = pq.read_table(tmp_path / "out").sort_by("number").to_pydict()
    here = net.predict(pd.DataFrame({name: rows[name] for name in COLUMNS}))
    assert rows["number"] == [*range(6000)]
    assert rows["predicted_task"] == here.task.tolist()
    assert rows["predicted_label"] == [None if label is None else str(label) for label in here.label.tolist()]
    np.testing.assert_allclose(rows["confidence"], here.confidence, atol=1e-6)


def test_figures_are_those_of_here(with_ray: Any, folder: Path) -> None:
    net = sp.Network(folder / "net")
    tests = {"iris": (folder / "flowers.parquet", "kind"), "low": folder / "digits"}
    there = sp.evaluate_dataset(net, tests, batch=1000)
    assert there == sp.evaluate(net, {"iris": (pd.read_parquet(folder / "flowers.parquet"), "kind"), "low": folder / "digits"})


def test_what_cannot_be_answered(with_ray: Any, folder: Path, tmp_path: Path) -> None:
    net = sp.Network(folder / "net")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "no picture.png").write_bytes(b"no picture")
    assert sp.predict_dataset(net, tmp_path / "pictures", tmp_path / "out") == 1
    (row,) = pq.read_table(tmp_path / "out").to_pylist()
    assert row["path"].endswith("no picture.png")
    assert row["predicted_task"] is None
    assert "expected" in row["reason"]
    with pytest.raises(sp.InputError, match=r"output .*: expected an empty or absent folder"):
        sp.predict_dataset(net, tmp_path / "pictures", tmp_path / "out")
    with pytest.raises(sp.InputError, match=r"data .*nowhere: expected files, got none"):
        sp.predict_dataset(net, tmp_path / "nowhere", tmp_path / "other")
    with pytest.raises(sp.InputError, match="task 'iris' does not read image data"):
        sp.predict_dataset(net, tmp_path / "pictures", tmp_path / "other", task="iris", errors="raise")
    assert not [*(tmp_path / "other").glob("*")]
