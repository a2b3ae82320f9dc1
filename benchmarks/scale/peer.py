"""Avalanche 0.6 on a long stream of small tasks, in its own interpreter, as far as it comes in a time limit.

    python -m benchmarks.scale.peer --peer PYTHON [--method naive|ewc|pnn] [--limit 20] [--tasks 1000] [--strength λ]

`--peer` names a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one). Prints a small table, to try it
out. Needs the real data.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.peers import PEER_METHODS, PEER_STRENGTH
from benchmarks.scale.stream import five_characters
from benchmarks.sequence import Task, hand_over
from senpath.methods import SenSettings
from senpath.methods.sen.model import recipe_for
from senpath.reports.markdown import markdown_table
from senpath.types import DataType, Examples

ROOT = Path(__file__).resolve().parents[2]
GRACE = 60.0
"""Seconds. Reading and the first use come before the time limit; the task that it falls into, and measuring, after it. A peer that needs
more than the limit once again and this is ended."""
SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

Record = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="a Python with avalanche-lib 0.6")
    parser.add_argument("--method", choices=sorted(PEER_METHODS.values()), default="naive")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds")
    parser.add_argument("--tasks", type=int, default=1000, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strength", type=float, default=PEER_STRENGTH, help="EWC's λ")
    arguments = parser.parse_args()
    tasks = list(five_characters(arguments.tasks, arguments.seed))
    threads = torch.get_num_threads()
    print(_table(run_peer(arguments.peer, arguments.method, tasks, arguments.limit, threads, arguments.seed, arguments.strength)))


def run_peer(
    python: str, method: str, tasks: Sequence[Task], limit: float, threads: int, seed: int, strength: float = PEER_STRENGTH
) -> list[Record]:
    """One of the peer's methods on the tasks in turn, with the steps, batch and learning rate that are senpath's default for them.

    Args:
        python: an interpreter that has avalanche-lib.
        method: "naive", "ewc" or "pnn".
        tasks: all with as many examples to learn from, no more than a batch of senpath's default.
        limit: seconds after which no other task is begun; starting up and a first use are not counted.
        threads: of torch.
        seed: of the first weights.
        strength: EWC's λ.

    Returns:
        What the peer told, line by line (peer_stream.py says what), also where it did not come to its end; and at last, with the key
        "stopped", why there is no more.

    Raises:
        ValueError: if a task has more examples than a batch, or another number than the first.
    """
    settings = {**_recipe(tasks), "threads": threads, "seed": seed, "strength": strength, "limit": limit}
    with tempfile.TemporaryDirectory() as name:
        hand_over(tasks, Path(name))
        command = [python, "-m", "benchmarks.scale.peer_stream", name, method, json.dumps(settings)]
        records, reason = _run(command, Path(name), 2 * limit + GRACE)
    learned = sum("task" in record for record in records)
    return [*records, {"stopped": reason or ("all tasks learned" if learned == len(tasks) else f"time limit of {limit:g} s")}]


def _recipe(tasks: Sequence[Task]) -> Record:
    images, labels = tasks[0].train
    inputs, settings = torch.from_numpy(images)[:, None].float() / 255, SenSettings()
    examples = Examples(DataType("image", tuple(inputs.shape[1:])), inputs, torch.from_numpy(labels), tuple(range(int(labels.max()) + 1)))
    recipe = recipe_for("mlp.v1", examples, settings)
    sizes = {len(task.train[1]) for task in tasks}
    if sizes != {recipe.batch_size}:
        raise ValueError(f"tasks have {sorted(sizes)} examples to learn from, expected one batch of {recipe.batch_size} each")
    return {"steps": recipe.steps, "batch": recipe.batch_size, "rate": recipe.learning_rate, "hidden": settings.hidden}


def _run(command: list[str], folder: Path, most: float) -> tuple[list[Record], str | None]:
    """What the peer told, and why it did not end by itself, if so. It writes into files, so that nothing is lost when it is stopped."""
    told, errors = folder / "told", folder / "errors"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    with told.open("w") as out, errors.open("w") as err:
        try:
            code = subprocess.run(command, stdout=out, stderr=err, env=environment, timeout=most, check=False).returncode
            reason = _reason(code, errors) if code else None
        except subprocess.TimeoutExpired:
            reason = f"ended after {most:g} s"
    # A line that was cut off has no end.
    return [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")], reason


def _reason(code: int, errors: Path) -> str:
    if code == -signal.SIGKILL:
        return "killed, as a system out of memory does"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    return f"{how}: {lines[-1].strip() if lines else 'nothing said'}"


def _table(records: Sequence[Record]) -> str:
    """Chosen numbers of tasks and the last, a row each, and why it stopped."""
    learned = {record["task"] + 1: record for record in records if "task" in record}
    measured = {record["n"]: record for record in records if "n" in record}
    chosen = sorted(({*SHOWN, *measured, max(learned, default=0)}) & learned.keys())
    columns = ["tasks", "learn, s", "one, ms", "weights", "MB", "accuracy, %", "batch, ms"]
    table = markdown_table(columns, [_row(count, learned[count], measured.get(count)) for count in chosen])
    return f"{table}\n\nstopped: {records[-1]['stopped']}"


def _row(count: int, learned: Record, measured: Record | None) -> list[object]:
    quality = [f"{100 * measured['accuracy']:.1f}", f"{1e3 * measured['batch']:.1f}"] if measured else ["", ""]
    one = f"{1e3 * learned['predict_one']:.2f}"
    return [count, f"{learned['learn']:.2f}", one, f"{learned['weights']:,}", learned["rss"], *quality]


if __name__ == "__main__":
    main()
