"""The main process: it starts and kills the others, has everything checked, and counts. It never computes itself, for it forks."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch._dynamo  # noqa: F401  torch's optimizers load it when first used; here once for all processes

from benchmarks.endurance.actors import Writing, read, write
from benchmarks.endurance.levels import Level, Sample
from benchmarks.endurance.plans import Part, Round, draw_round, plain
from benchmarks.endurance.processes import Actor, Failure, holds_lock
from benchmarks.endurance.tasks import KINDS, whole
from benchmarks.endurance.witness import witness

READERS = 2
KILLS_A_MINUTE = 10
FIRST_TASKS = 12
"""Before anything happens to the network; most types of data are among them."""
ROUNDS = 300
PACE = (1.0, 4.0)
"""A run is paced for so many rounds, each of so many seconds at least, so that checking a network of all tasks remains quick."""
STATUS_SECONDS = 10.0
PATIENCE = 180.0
"""No process may need longer for what it does."""
SCRATCH = "temporary"
"""The store's folder for files that are being written."""
OUTLIVE_SECONDS = 10.0
"""Processes that a killed writer started have so long to notice."""


class Run:
    """An endurance test of one network: the folder where it is made, minutes, and a seed that decides as far as processes can be told."""

    def __init__(self, folder: Path, minutes: float, seed: int) -> None:
        self.folder, self.minutes, self.seed = folder, minutes, seed
        self.done: Counter[str] = Counter()
        self.orphans = 0
        self.levels: dict[str, Level] = {}
        self._random = np.random.default_rng([seed, 3_000_000])
        self._learned: list[str] = []
        self._refused: list[str] = []
        self._looks = self._looked = 0
        self._samples: dict[str, list[Sample]] = {}
        self._readers: list[Actor] = []
        self._writers: list[Actor] = []
        self._told_tasks: Counter[int] = Counter()
        for kind in KINDS:  # loaded before the processes are forked, which then have it too
            whole(kind)

    def run(self) -> None:
        """Go through rounds until the time is over, then check everything once more.

        Raises:
            Failure: at the first thing that must not be.
        """
        try:
            self._witness = Actor("the witness", partial(witness, folder=self.folder, seed=self.seed))
            self._write_plainly(0, tasks=FIRST_TASKS)
            self._start = self._status = time.monotonic()
            for number in range(READERS):
                name = f"reader {number + 1}"
                self._samples[name] = []
                self._readers.append(Actor(name, partial(read, folder=self.folder, seed=self.seed + number)))
            self._go_through_rounds()
            self._finish()
        finally:
            for actor in (*self._writers, *self._readers, *([self._witness] if hasattr(self, "_witness") else [])):
                actor.close()

    @property
    def tasks(self) -> int:
        """Tasks that writers were told to be learned."""
        return len(self._learned)

    @property
    def seconds(self) -> float:
        """Since the readers started."""
        return time.monotonic() - self._start

    def _go_through_rounds(self) -> None:
        length = 60 * self.minutes
        pace = min(max(length / ROUNDS, PACE[0]), PACE[1])
        number = 0
        while self.seconds < length:
            number += 1
            end = time.monotonic() + pace
            self._play(draw_round(self._random, self.seed, number))
            self._write_plainly(number)
            self._require_no_temporaries()
            self.done["rounds"] += 1
            while time.monotonic() < min(end, self._start + length):
                self._listen()
                time.sleep(0.01)

    def _finish(self) -> None:
        length = self.seconds
        for name, samples in self._samples.items():
            self.levels[name] = Level(samples, length)
        self._look(everything=True, last=True)
        self._require_no_temporaries()
        for name, level in self.levels.items():
            level.require(name)
        if self.done["kills"] < KILLS_A_MINUTE * self.minutes - 1:
            raise Failure(f"only {self.done['kills']} writers were killed in {self.minutes:g} minutes: too few to tell anything")

    def _play(self, this: Round) -> None:
        """One round: the writers' lives, with a look at everything after each death."""
        playing = [(self._writer(f"writer {part.writing.number}", part.writing), part) for part in this.parts]
        self.done["double writers"] += len(playing) > 1
        started = time.monotonic()
        events: dict[int, float] = {}
        while playing:
            self._listen()
            now = time.monotonic()
            for writer, part in list(playing):
                if _happened(part, writer, self._told_tasks[writer.process]):
                    events.setdefault(writer.process, now)
                if writer.ended():
                    self._require_good_end(writer)
                    playing.remove((writer, part))
                elif part.death is not None and now > events.get(writer.process, now) + part.death.seconds:
                    playing.remove((writer, part))
                    self._kill(writer, part, alone=not playing)
                    self._look(everything=this.everything)
                elif now > started + PATIENCE:
                    raise Failure(f"{writer.name} did not come to an end within {PATIENCE:g} s")
            time.sleep(0.002)

    def _write_plainly(self, number: int, tasks: int = 1) -> None:
        """Learn tasks without harm, and alone; a commit that makes good what was left behind."""
        writer, before = self._writer(f"plain writer {number}", plain(self.seed, number, tasks)), self.tasks
        self._wait(writer.ended, writer.name)
        self._require_good_end(writer)
        if self.tasks != before + tasks:
            raise Failure(f"{writer.name} learned {self.tasks - before} of {tasks} tasks")

    def _writer(self, name: str, writing: Writing) -> Actor:
        self._writers.append(Actor(name, partial(write, folder=self.folder, writing=writing)))
        return self._writers[-1]

    def _kill(self, writer: Actor, part: Part, *, alone: bool) -> None:
        self.done["kills within a commit"] += holds_lock(writer.process)
        writer.kill()
        self.done["kills"] += 1
        if part.writing.jobs and writer.outlived(OUTLIVE_SECONDS):
            self.done["killed writers outlived by processes of theirs"] += 1
        self.done["kills within a write"] += alone and bool(temporaries(self.folder))
        self._leave(writer)

    def _require_good_end(self, writer: Actor) -> None:
        self._leave(writer)
        if writer.status != 0:
            raise Failure(f"{writer.name} ended with status {writer.status}")

    def _leave(self, writer: Actor) -> None:
        """Hear its last words and let it go."""
        self._listen()
        self._writers.remove(writer)
        writer.close()

    def _look(self, *, everything: bool, last: bool = False) -> None:
        """Have the witness check the network, and wait for its answer."""
        self._listen()
        self._looks += 1
        told = {"learned": self._learned[self.done["said learned"] :], "refused": self._refused[self.done["said refused"] :]}
        self._witness.say({"number": self._looks, "everything": everything or last, "last": last, **told})
        self.done["said learned"], self.done["said refused"] = len(self._learned), len(self._refused)
        self._wait(lambda: self._looked == self._looks, "the witness")
        self.done["verifications"] += 1

    def _require_no_temporaries(self) -> None:
        left = temporaries(self.folder)
        if left:
            raise Failure(f"the commit after a death left {len(left)} temporary files, such as {left[0].relative_to(self.folder)}")

    def _wait(self, condition: Callable[[], bool], who: str) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Failure(f"{who} did not come to an end within {PATIENCE:g} s")
            self._listen()
            time.sleep(0.002)

    def _listen(self) -> None:
        """Take in what all processes told."""
        for actor in (self._witness, *self._readers, *self._writers):
            for message in actor.told():
                self._take(actor, message)
        for actor in (self._witness, *self._readers):
            if actor.ended():
                raise Failure(f"{actor.name} ended with status {actor.status}")
        if self._readers and time.monotonic() > self._status + STATUS_SECONDS:
            self._status = time.monotonic()
            self._say_status()

    def _take(self, actor: Actor, message: dict[str, Any]) -> None:
        if "failed" in message:
            raise Failure(f"{actor.name}: {message['failed']}")
        self.done.update(message.get("done", {}))
        if "learned" in message:
            self._learned += message["learned"]
            self._told_tasks[actor.process] += len(message["learned"])
        if "refused" in message:
            self._refused += message["refused"]
            self.done["full disks"] += 1
        if "sample" in message:
            self._samples[actor.name].append(Sample(self.seconds, **message["sample"]))
        if "looked" in message:
            self._looked, self.orphans = message["looked"], message["orphans"]

    def _say_status(self) -> None:
        memory = ", ".join(f"{samples[-1].megabytes:.0f} MB" for samples in self._samples.values() if samples)
        done = self.done
        print(
            f"{self.seconds:5.0f} s: {self.tasks} tasks, {done['kills']} kills, {done['full disks']} full disks, "
            f"{done['conflicts']} conflicts, {done['predictions']} predictions, {done['verifications']} verifications, readers {memory}",
            flush=True,
        )


def temporaries(folder: Path) -> list[Path]:
    """Files that a writer has not given their name yet, wherever they are, and whatever is where the store keeps such files."""
    return sorted({*folder.rglob("*.tmp"), *(folder / SCRATCH).glob("*")})


def _happened(part: Part, writer: Actor, told: int) -> bool:
    """Whether the event has come that a writer's death follows."""
    if part.death is None:
        return False
    if part.death.event == "first":
        return told > 0
    return part.death.event == "start" or holds_lock(writer.process)
