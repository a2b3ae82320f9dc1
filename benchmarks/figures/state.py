"""How things stand with each figure."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.figures import history
from benchmarks.figures.declared import ROOT, Figure
from benchmarks.figures.marks import Mark, write_text


@dataclass(frozen=True)
class Run:
    """A run of a figure's command that has begun: written before the command starts, and while it runs.

    Args:
        commit: whose code it began with.
        command: as it was then.
        minutes: by the clock, so far.
        processor: minutes of all cores, so far.
        ended: whether the command has done its work; then its output is still to be brought into the page by hand.
    """

    commit: str
    command: str
    minutes: float = 0.0
    processor: float = 0.0
    ended: bool = False

    def write(self, file: Path) -> None:
        write_text(file, json.dumps(asdict(self)) + "\n")

    def longer(self, minutes: float, processor: float) -> Run:
        return replace(self, minutes=round(self.minutes + minutes, 3), processor=round(self.processor + processor, 3))


def read_run(file: Path) -> Run | None:
    """The run that has begun and is not yet marked, if there is one."""
    return Run(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


@dataclass(frozen=True)
class Standing:
    """How things stand with a figure.

    Args:
        figure: the figure.
        mark: when it was measured last.
        run: what has begun since.
        since: files that it depends on and that have changed since it was measured; None where git does not have that commit.
        moved: files that have changed since the run began.
    """

    figure: Figure
    mark: Mark | None
    run: Run | None
    since: list[str] | None
    moved: list[str]

    @property
    def current(self) -> bool:
        """Whether there is nothing to do: a run that has begun, as one of a figure that is to be made again, goes on."""
        return self.mark is not None and self.since == [] and self.run is None

    @property
    def goes_on(self) -> bool:
        """Whether a run that has begun is of today's code and command."""
        return self.run is not None and not self.moved and self.run.command == self.figure.command

    @property
    def minutes(self) -> float:
        """What a whole run costs: as the last one did, else as estimated. Where others used the cores too, what it had of them."""
        taken = (self.mark.minutes, self.mark.processor) if self.mark is not None else (None, None)
        if taken[0] is None:
            return self.figure.minutes
        return taken[0] if self.figure.quiet or not self.figure.resumable or taken[1] is None else min(taken[0], taken[1])

    @property
    def left(self) -> float:
        """Minutes that are still needed, of a run that has begun a tenth at least."""
        begun = self.run.minutes if self.run is not None and self.goes_on and self.figure.resumable else 0.0
        return max(self.minutes - begun, self.minutes / 10)

    @property
    def cost(self) -> str:
        measured = self.mark is not None and self.mark.minutes is not None
        return f"{self.minutes:.1f}" if measured else f"~{self.minutes:.0f}"

    def __str__(self) -> str:
        if self.run is not None and self.run.ended:
            return "to be brought into the page"
        if self.run is not None:
            return f"begun, {self.run.minutes:.0f} minutes" + ("" if self.goes_on else "; its code or command has changed since")
        if self.mark is None:
            return "not measured"
        if self.since is None:
            return f"{self.mark.commit} is not in this clone"
        return f"stale: {len(self.since)} files" if self.since else "current"


def standing(figure: Figure, marks: Mapping[str, Mark], records: Path) -> Standing:
    """How things stand with a figure whose runs lie in `records`."""
    mark, run = marks.get(figure.name), read_run(run_file(figure, records))
    since = history.changed(mark.commit, figure.paths) if mark is not None and history.known(mark.commit) else None
    moved = history.changed(run.commit, figure.paths) if run is not None and history.known(run.commit) else []
    return Standing(figure, mark, run, since, moved)


def run_file(figure: Figure, records: Path) -> Path:
    return records / f"{figure.name}.run.json"


def lacking(figure: Figure, records: Path) -> list[str]:
    """What this machine or this folder does not have for a figure."""
    have = {
        "chromium": shutil.which("chromium") is not None,
        "data": bool(os.environ.get("SENPATH_DATA")),
        "demo": (ROOT / "demo/demo.sen").exists(),
        "linux": sys.platform == "linux",
        "peer": (ROOT / ".venv-peer/bin/python").exists(),
        "registry": importlib.util.find_spec("pip") is not None,
        "servers": (ROOT / ".venv-servers/bin/python").exists(),
    }
    words = {"data": "SENPATH_DATA", "demo": "`make demo`", "peer": "`make peer`", "servers": "`make bench-serve`"}
    return [words.get(need, need) for need in figure.needs if not have[need]] + [
        f"the records of {name}" for name in figure.after if not (records / name).exists()
    ]
