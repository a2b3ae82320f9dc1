"""Memory and time that inputs of unusual size take to be learned and answered.

    python -m benchmarks.large_inputs

Writes a table of docs/results/reliability.md. Needs Linux, which tells the highest memory of a process, and 1 GB in /dev/shm.
"""

import gc
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, markdown_table
from benchmarks.harness.memory import clear_peak, peak
from senpath.testing import ConstantMethod, tiny_task

ROWS, COLUMNS, FILES = 500_000, 32, 100_000
Made = tuple[Any, Any, float]
"""Inputs, labels (None if they hold them), and their size in bytes."""


def _numbers(folder: Path, dtype: type) -> Made:
    x = np.random.default_rng(0).random((ROWS, COLUMNS)).astype(dtype)
    return x, np.arange(ROWS) % 2, x.nbytes


def _file(folder: Path, ending: str) -> Made:
    table = pd.DataFrame(np.random.default_rng(0).random((ROWS // 2, COLUMNS))).rename(columns=str).assign(label=np.arange(ROWS // 2) % 2)
    path = folder / f"table{ending}"
    table.to_csv(path, index=False) if ending == ".csv" else table.to_parquet(path)
    return path, None, path.stat().st_size


def _text(folder: Path) -> Made:
    random = np.random.default_rng(0)
    words = [f"{number:x}word" for number in range(20_000)]
    shares = 1 / np.arange(1, len(words) + 1)
    text = " ".join(random.choice(words, 2_300_000, p=shares / shares.sum()))[: 2**24]
    return [text, text[::-1]], ["a", "b"], 2 * len(text)


def _folder(folder: Path, write: Callable[[Path, int], None]) -> Made:
    for name in ("even", "odd"):
        (folder / name).mkdir()
    for number in range(FILES):
        write(folder / ("odd" if number % 2 else "even") / f"{number:06d}", number)
    return folder, None, sum(path.stat().st_size for path in folder.rglob("*.*"))


def _write_text(path: Path, number: int) -> None:
    path.with_suffix(".txt").write_text(f"{'old' if number % 2 else 'new'} {number}")


def _write_picture(path: Path, number: int) -> None:
    Image.fromarray(np.full((8, 8), 60 + 100 * (number % 2) + number % 50, np.uint8)).save(path.with_suffix(".png"))


INPUTS: dict[str, Callable[[Path], Made]] = {
    "array of float64": lambda folder: _numbers(folder, np.float64),
    "array of float32": lambda folder: _numbers(folder, np.float32),
    "table in .csv": lambda folder: _file(folder, ".csv"),
    "table in .parquet": lambda folder: _file(folder, ".parquet"),
    "two texts of 16 MiB": _text,
    "folder of 100,000 texts": lambda folder: _folder(folder, _write_text),
    "folder of 100,000 pictures": lambda folder: _folder(folder, _write_picture),
}


def _cost(act: Callable[[], object]) -> tuple[float, float]:
    """Megabytes over what is held, and seconds of the processor."""
    gc.collect()
    held, start = clear_peak(), time.process_time()
    kept = act()
    costs = (peak() - held) / 2**20, time.process_time() - start
    del kept
    return costs


def _try(name: str) -> Record:
    for warm in (sp.Network(), sp.Network()):  # what is imported at the first use is nobody's
        warm.learn("warm", *tiny_task("low"), method=ConstantMethod())
        warm.learn("texts", ["one", "two"] * 5, [0, 1] * 5, method=ConstantMethod())
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        x, y, size = INPUTS[name](folder)
        net = sp.Network()
        learned = _cost(lambda: net.learn("t", x, y, method=ConstantMethod()))
        asked = [*map(Path, sorted(map(str, folder.rglob("*.*"))))] if x is folder else x
        answered = _cost(lambda: net.predict(asked)) if y is not None or x is folder else None
        return {"size": size / 2**20, "learned": learned, "answered": answered}
    finally:
        shutil.rmtree(folder)


def _measure(name: str) -> Iterator[Record]:
    """In a process of its own, whose memory is only this."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool.apply(_try, (name,))


def _table(records: Records) -> str:
    rows = [[one["name"], f"{one['size']:,.0f} MB", _shown(one["learned"]), _shown(one["answered"])] for one in records]
    return markdown_table(["inputs", "their size", "learned", "answered"], rows)


def _shown(cost: list[float] | None) -> str:
    return f"{cost[0]:,.0f} MB, {cost[1]:.1f} s" if cost is not None else "–"


PART = Part(_measure, lambda arguments: [{"name": name} for name in INPUTS])
BENCHMARK = Benchmark("large_inputs", __doc__, {"inputs": PART}, {"inputs": Section(_table, ["inputs"])}, page="reliability.md", anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
