"""Large sets answered and measured on Ray: as here, in Parquet files, whatever happens to workers."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
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


def workers() -> list[int]:
    """The processes in which answers are made."""
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
                for process in workers()[:1]:
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
    deadline = time.monotonic() + 60
    while workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not workers(), "CPUs are free for what comes next"
    assert not [*(tmp_path / "other").glob("*")]


class Opened:
    """A pickle of it writes a file as it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_no_pickle_in_a_table_is_loaded(with_ray: Any, folder: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    from ray.data._internal.object_extensions.arrow import ArrowPythonObjectType

    sign, out = tmp_path / "loaded", tmp_path / "out"
    held = pa.array([pickle.dumps(Opened(sign))] * 2, pa.large_binary())
    pickled = pa.ExtensionArray.from_storage(ArrowPythonObjectType(), held)
    tables = [pa.table({"a": pickled}), pa.table({"path": ["a.png"] * 2, "bytes": pickled})]
    tables.append(pa.table({"a": pa.ListArray.from_arrays([0, 1, 2], pickled)}))
    with pytest.raises(sp.InputError, match="expected plain values, got pickled objects"):
        sp.predict_dataset(sp.Network(folder / "net"), with_ray.data.from_arrow(tables[1]), out)
    for table in tables:
        with pytest.raises(sp.InputError, match="expected plain values, got pickled objects"):
            sp.read(table)
    other = pa.table({"a": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)] * 2, pa.binary(16)))})
    with pytest.raises(sp.InputError, match=r"column 'a': expected plain values or tensors, got the type arrow\.uuid"):
        sp.predict_dataset(sp.Network(folder / "net"), with_ray.data.from_arrow(other), out)
    assert not sign.exists()


def test_a_ray_of_this_machine_lets_no_stranger_in(with_ray: Any) -> None:
    address = with_ray.get_runtime_context().gcs_address
    script = f"import ray; ray.init(address={address!r}); print('in:', ray.cluster_resources())"
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    others |= {"RAY_AUTH_MODE": "token", "RAY_NUM_REDIS_GET_RETRIES": "2"}  # a stranger tries twice, not for twenty seconds
    for token, let_in in (({}, True), ({"RAY_AUTH_TOKEN": "0" * 64}, False)):
        done = subprocess.run([sys.executable, "-c", script], env=others | token, capture_output=True, text=True, timeout=120)
        assert ("in:" in done.stdout) is let_in, done.stderr
