"""Writers and readers of one network in object storage, killed at random: nothing that was committed is lost, and nothing is torn.

    python -m benchmarks.cloud.soak [--seconds 600] [--writers 8] [--readers 8] [--faults 0.02] [--seed 0] [--page docs/results/cluster.md]

Eight of each, and one that frees, against an S3 service on this machine, through a proxy that drops, delays, doubles, cuts and refuses
requests. Afterwards every version is verified, which takes as long again. It prints what happened as JSON, writes it into the page, and
ends with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.cloud.proxy import FAULTS, at_random, faulty
from benchmarks.cloud.service import BUCKET, environment, running_moto
from benchmarks.harness import markdown_table, write_section

ADDRESS = f"s3://{BUCKET}/soak.sen"
SECONDS_TO_LAND = 2.0
"""In which requests arrive that were held back."""


class Crowd:
    """Processes that are started, killed and started again.

    Args:
        folder: in which they tell what they did.
        given: their environment.
    """

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        self._folder, self._given = folder, given
        command = [sys.executable, "-m", "benchmarks.cloud.workers"]
        self._nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.jobs: dict[int, str] = {}

    def start(self, job: str) -> None:
        told = {"job": job, "address": ADDRESS, "folder": str(self._folder), "environment": self._given}
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        print(json.dumps(told), file=self._nursery.stdin, flush=True)
        self.jobs[int(self._nursery.stdout.readline())] = job

    def kill(self, process: int) -> str:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        return self.jobs.pop(process)

    def close(self) -> None:
        for process in [*self.jobs]:
            self.kill(process)
        self._nursery.communicate(timeout=30)


def soak(seconds: float, writers: int, readers: int, faults: float, seed: int, work: Path) -> dict[str, Any]:
    """Run for so long and look at what is left.

    Args:
        faults: share of requests that something is done to.
        work: an empty folder.

    Returns:
        What was counted; "wrong" has what should not be.
    """
    told = work / "told"
    told.mkdir()
    draw, killed = random.Random(seed), 0
    with (
        running_moto() as service,
        faulty(service, at_random(seed, faults, tuple(fault for fault in FAULTS if fault != "expired"))) as proxy,
    ):
        found = {"XDG_CACHE_HOME": str(work / "cache"), "SENPATH_CLOUD_TIMEOUT": "20"}
        os.environ.update({**environment(service), **found})
        _first()
        crowd = Crowd(told, {**environment(proxy.endpoint), **found})
        try:
            for job, count in (("write", writers), ("read", readers), ("tidy", 1)):
                for _ in range(count):
                    crowd.start(job)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(draw.uniform(0.1, 1.5))
                crowd.start(crowd.kill(draw.choice([*crowd.jobs])))
                killed += 1
        finally:
            crowd.close()
        time.sleep(SECONDS_TO_LAND)
        counted = {
            "seconds": seconds,
            "killed": killed,
            "requests": dict(proxy.requests),
            "faults": dict(proxy.done - Counter({"": 2**60})),
        }
        return {**counted, **_checked(told)}


def _first() -> None:
    import senpath as sp
    from senpath.testing import ConstantMethod, tiny_task

    sp.Network(ADDRESS).learn("first", *tiny_task("iris"), method=ConstantMethod(hidden=4))


def _checked(told: Path) -> dict[str, Any]:
    """What the processes told, and what the network has."""
    import senpath as sp
    from senpath.history.checkout import verify
    from senpath.progress import silent

    counts: Counter[str] = Counter()
    committed, wrong = set[str](), []
    for file in told.iterdir():
        for line in file.read_bytes().split(b"\n")[:-1]:
            entry = json.loads(line)
            counts.update(entry.keys())
            committed |= {entry["committed"]} if "committed" in entry else set()
            wrong += [entry["wrong"]] if "wrong" in entry else []
    net = sp.Network(ADDRESS)
    lost = committed - {*net.tasks}
    wrong += [f"lost: {name}" for name in sorted(lost)]
    if [entry["version"] for entry in net.log] != [*range(1, net.version + 1)]:
        wrong.append("the log has not one entry for each version")
    names = [*net.tasks]
    for version in net.versions:
        view = net.view_of(version)
        verify(net._at.store, view, silent)
        if [*view.tasks] != names[: len(view.tasks)]:
            wrong.append(f"version {version} has other tasks")
    net.verify()
    return {**counts, "version": net.version, "versions verified": len(net.versions) + 1, "wrong": wrong}


def _told(outcome: dict[str, Any]) -> str:
    """The outcome as a table for people."""
    requests, faults = outcome["requests"], outcome["faults"]
    rows = [
        ("processes killed (`kill -9`) and started again", f"{outcome['killed']:,} in {outcome['seconds']:,.0f} s"),
        ("requests", f"{sum(requests.values()):,}: " + ", ".join(f"{count:,} {name}" for name, count in requests.items())),
        (
            "of these, something was done to",
            f"{sum(faults.values()):,}: " + ", ".join(f"{name} × {count}" for name, count in faults.items()),
        ),
        ("commits that returned", f"{outcome.get('committed', 0):,}; {outcome.get('overtaken', 0)} were overtaken, and told so"),
        ("answers that readers checked against their version", f"{outcome.get('answered', 0):,}"),
        ("runs of `gc` that ended", f"{outcome.get('freed', 0):,}"),
        ("versions afterwards, all verified", f"{outcome['versions verified']:,}"),
        ("commits lost, versions torn, wrong answers", "; ".join(outcome["wrong"]) or "none"),
    ]
    return markdown_table(["what", "how much"], rows)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--faults", type=float, default=0.02, help="share of requests that something is done to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="results page with marks for the section")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    work = Path(tempfile.mkdtemp(prefix="senpath-soak-"))
    try:
        outcome = soak(given.seconds, given.writers, given.readers, given.faults, given.seed, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(outcome, indent=1))
    if given.page:
        write_section(given.page, "soak", _told(outcome))
    raise SystemExit(bool(outcome["wrong"]))


if __name__ == "__main__":
    main()
