"""What acts on the network: writers that learn small tasks, and readers that stay open all the time."""

import errno
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

import senpath as sp
from benchmarks.endurance.processes import Channel, Failure
from benchmarks.endurance.tasks import SmallTask, draw_task, fixed_inputs, mixed_inputs

OVERTAKEN = "Call refresh()"
"""What the store advises a reader who fell behind so far that statistics of its version are gone."""
KEPT_VERSIONS = 10
"""At least so many versions must have come meanwhile for this to be so."""
SAMPLE_SECONDS = 0.25
VERIFY_SHARE = 0.02
T = TypeVar("T")


@dataclass(frozen=True)
class Writing:
    """What a writer does: it learns `tasks` drawn by the seed, whose names the number makes its own, or all at once in so many `jobs`.

    Before these come tasks that are tried with a limit of the size of files each. It waits so long for other writers' locks.
    """

    seed: int
    number: int
    tasks: int
    bytes_a_file: tuple[int, ...] = ()
    jobs: int = 0
    lock_seconds: float = 30.0


def write(channel: Channel, folder: Path, writing: Writing) -> None:
    """Learn tasks one after another; tell of each after it was learned."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    net = sp.Network(folder, lock_seconds=writing.lock_seconds)
    random = np.random.default_rng([writing.seed, writing.number])
    drawn = [draw_task(random, f"{writing.number:04d}-{index}") for index in range(len(writing.bytes_a_file) + writing.tasks)]
    for task, limit in zip(drawn, writing.bytes_a_file, strict=False):
        _learn_within(channel, net, task, limit, writing)
    rest = drawn[len(writing.bytes_a_file) :]
    if writing.jobs:
        _attempt(channel, net, rest, writing)
    else:
        for task in rest:
            _attempt(channel, net, [task], writing)


def read(channel: Channel, folder: Path, seed: int) -> None:
    """Look for new versions, predict and verify without an end; tell of it, and of memory and open files."""
    torch.set_num_threads(1)
    random = np.random.default_rng([seed, 1_000_000])
    net, done, answers = sp.Network(folder), Counter[str](), dict[str, str]()
    told, warm = 0.0, False  # the first time all is done, for the memory to be that of a reader at work from the start
    while True:
        net.refresh()
        done["refreshes"] += 1
        if gone := answers.keys() - net.view.tasks.keys():
            raise Failure(f"version {net.version} no longer has the task {min(gone)}, which a reader saw earlier")
        new = [name for name in net.view.tasks if name not in answers]
        for name in (*new, *(str(name) for name in random.choice(list(answers) or [""], 1) if name)):
            now = answer(net, name)
            if answers.setdefault(name, now) != now:
                raise Failure(f"task {name} answers a reader's fixed inputs otherwise than at first")
            done["predictions"] += 1
        inputs = mixed_inputs(random, int(random.integers(1, 12)))
        up_to_date(channel, net, partial(net.predict, inputs))
        done["predictions"] += 1
        if random.random() < VERIFY_SHARE or not warm:
            up_to_date(channel, net, net.verify)
            done["verifications"] += 1
            warm = True
        if time.monotonic() - told > SAMPLE_SECONDS:
            told = time.monotonic()
            channel.tell(sample={"megabytes": resident_megabytes(), "files": open_files(), "tasks": len(answers)}, done=done)
            done.clear()
        time.sleep(random.uniform(0.02, 0.2))


def answer(net: sp.Network, name: str) -> str:
    """Hash of the bits that a task, given by name, answers to its fixed inputs."""
    return sha256(net.predict(fixed_inputs(name), task=name).probabilities[name].tobytes()).hexdigest()


def up_to_date(channel: Channel, net: sp.Network, action: Callable[[], T]) -> T:
    """Do something with the newest version; again, if writers were so much faster that its statistics are gone."""
    while True:
        net.refresh()
        before = net.version
        try:
            return action()
        except sp.StoreError as error:
            net.refresh()
            if OVERTAKEN not in str(error) or net.version < before + KEPT_VERSIONS:
                raise
            channel.tell(done={"overtaken": 1})


def resident_megabytes() -> float:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def open_files() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def _learn_within(channel: Channel, net: sp.Network, task: SmallTask, limit: int, writing: Writing) -> None:
    """Learn a task while no file may be larger than the limit, as on a disk that fills up."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        _attempt(channel, net, [task], writing, full=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _attempt(channel: Channel, net: sp.Network, tasks: list[SmallTask], writing: Writing, *, full: bool = False) -> None:
    """Learn tasks; tell whether it went well, or which of the expected errors came."""
    names = [task.name for task in tasks]

    def learn() -> None:
        if len(tasks) == 1:
            net.learn(names[0], tasks[0].x, tasks[0].y, **tasks[0].settings)
        else:  # what is not there yet; a call that failed may have committed some
            left = {task.name: (task.x, task.y) for task in tasks if task.name not in net.view.tasks}
            net.learn_many(left, jobs=writing.jobs, epochs=1, hidden=8)

    try:
        up_to_date(channel, net, learn)
    except sp.ConflictError:
        if writing.lock_seconds >= 1:
            raise
        channel.tell(done={"conflicts": 1})
    except sp.StoreError as error:
        if not full or not _too_large(error):
            raise
        channel.tell(refused=names)
    else:
        channel.tell(learned=names)


def _too_large(error: BaseException | None) -> bool:
    """Whether it came of the limit of the size of files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return True
        error = error.__cause__ or error.__context__
    return False
