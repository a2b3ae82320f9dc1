"""How long the command line takes to start, and to answer for one input.

    python -m benchmarks.command_line [--seeds 10]

A network of three small tasks (UCI's digits, Fisher's flowers, sentences). Each command runs as a process of its own, on one thread, the
commands in turn; a seed is one turn. Writes docs/results/command-line.md.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table
from senpath.testing import tiny_network

COMMANDS = {
    "--help": ("--help",),
    "--version": ("--version",),
    "predict --help": ("predict", "--help"),
    "predict, a text": ("predict", "NET", "warm and dry", "--json", "--no-reject"),
    "predict, a row": ("predict", "NET", "row.csv", "--json", "--no-reject"),
    "tasks": ("tasks", "NET", "--json"),
    "doctor": ("doctor", "--json"),
    "import torch": "import torch",
    "import torch, senpath": "import torch, senpath",
    "…, and Network": "import torch, senpath; senpath.Network",
}
"""What is run, by its name on the page: arguments of the command, or a program. Nothing that answers can do without torch."""
TORCH = "import torch"


def _run(command: str, seed: int) -> Iterator[Record]:
    """Seconds on the clock, and of the processor, of one run."""
    folder = Path(tempfile.gettempdir()) / "senpath-command-line"
    if not (folder / "n.sen").exists():
        folder.mkdir(exist_ok=True)
        tiny_network(folder / "n.sen", ["weather", "low", "iris"])
        (folder / "row.csv").write_text("x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n")
    given = COMMANDS[command]
    program = ["-c", given] if isinstance(given, str) else ["-m", "senpath", *("n.sen" if word == "NET" else word for word in given)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *program], cwd=folder, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    yield {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def _table(records: Records) -> str:
    columns = ["command", "processor, least", "processor, median", "clock, least", "clock, median"]
    rows = []
    for command, mine in records.by("command").items():
        figures = [statistic(mine.values(name)) for name in ("cpu", "wall") for statistic in (min, median)]
        rows.append([command, *(f"{figure:.2f}" for figure in figures)])
    return f"Seconds, of {len(records.distinct('seed'))} turns.\n\n{markdown_table(columns, rows)}\n\n{_beyond_torch(records)}"


def _beyond_torch(records: Records) -> str:
    """What importing senpath takes of the processor more than torch alone, in the same turn."""
    seconds = {command: mine.values("cpu") for command, mine in records.by("command").items() if isinstance(COMMANDS[command], str)}
    more = {
        command: 1000 * median(mine - torch for mine, torch in zip(values, seconds[TORCH], strict=True))
        for command, values in seconds.items()
        if command != TORCH
    }
    added = "; ".join(f"`{command}` {least:.0f} ms" for command, least in more.items())
    return f"More than `{TORCH}` in the same turn, median: {added}."


PART = Part(_run, {"seed": "seeds", "command": COMMANDS})
BENCHMARK = Benchmark("command-line", __doc__, {"commands": PART}, {"commands": _table}, seeds=10, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
