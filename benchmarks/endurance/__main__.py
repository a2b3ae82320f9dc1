"""Endurance: writers that learn, die and run out of disk, and readers that stay, all on one network folder.

    python -m benchmarks.endurance [--minutes 20] [--seed 0] [--folder DIR] [--table FILE] [--page PAGE]

Needs Linux, but no data. It ends with exit code 1 as soon as one of these does not hold:
- A task whose learn() returned is in the network ever after; one whose learning failed is not.
- A task's component files, and the bits that it answers to a fixed input with the task given, stay what they were when first seen.
- verify() passes after every kill and at the end; at the end the log has one entry for each version.
- The commit after a kill leaves no temporary file behind. (Components that a killed writer left may stay; they are counted.)
- Readers' memory levels off: from the second quarter of the run to the last its median grows by at most 64 MB and 0.1 MB for each task
  added (a reader keeps the components that it has used, and some freed memory); of their open files the median grows by at most eight.
- No process meets an error but a lock that another writer holds, where it was told not to wait, and a full disk, where there is one. What
  writers overtook, so that statistics of the version it looked at are gone, is tried again on the newest version, and counted.
- At least ten writers a minute are killed.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path


def main() -> int:
    # Before NumPy and torch are loaded: a process that forks must not have threads, and answers are compared to the bit.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    arguments = _read_arguments()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too, for a shell that starts it in the background turns it off
        signal.signal(number, signal.default_int_handler)
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="endurance-"))
    try:
        return _run(folder / "network.sen" if arguments.folder is None else folder, arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for the network, which then stays; empty or not there yet")
    parser.add_argument("--table", type=Path, help="file for the table")
    parser.add_argument("--page", type=Path, help="results page with marks for the table")
    arguments = parser.parse_args()
    if arguments.minutes <= 0:
        parser.error("--minutes: expected a number above 0")
    if arguments.folder is not None and arguments.folder.exists() and (not arguments.folder.is_dir() or any(arguments.folder.iterdir())):
        parser.error(f"--folder: expected an empty or absent folder, got {arguments.folder}")
    if not Path("/proc/self/statm").exists():
        parser.error("this needs Linux, where a process can look up its own memory and open files")
    return arguments


def _run(folder: Path, arguments: argparse.Namespace) -> int:
    from benchmarks.endurance.page import make_table
    from benchmarks.endurance.processes import Failure
    from benchmarks.endurance.run import Run
    from benchmarks.harness import write_section

    run = Run(folder, arguments.minutes, arguments.seed)
    try:
        run.run()
    except Failure as failure:
        print(f"FAILED after {run.tasks} tasks and {run.done['kills']} kills, seed {arguments.seed}: {failure}", file=sys.stderr)
        if arguments.folder is None:
            print("Run it again with --folder to keep the network.", file=sys.stderr)
        return 1
    table = make_table(run)
    if arguments.page is None:
        print(table, flush=True)
    else:
        write_section(arguments.page, "endurance", table)  # prints it too
    if arguments.table is not None:
        arguments.table.write_text(table + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
