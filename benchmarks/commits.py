"""What a commit writes and an opening reads, in a folder, by the number of tasks; and the requests to object storage, counted.

    python -m benchmarks.commits [--sizes 10 1000 10000] [--stored 10 1000] [--folder runs/commits]

Grows the networks first, ten minutes for 10,000 tasks, which the folder keeps. A task is two digits of scikit-learn's, three images each,
under an order of the pixels of its own, with a small layer of random weights: what is measured grows with the number of tasks, not with
their size. Object storage is `moto`, a real S3 interface on loopback, behind a proxy that counts requests and holds each for some time, so
that those which are made together are told from those that wait for each other.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any
from uuid import uuid4

import numpy as np
from sklearn.datasets import load_digits

import senpath as sp
from benchmarks.cloud.proxy import FaultyProxy
from benchmarks.cloud.service import BUCKET, environment, running_moto
from benchmarks.harness import Benchmark, Part, Record, Records, Section, markdown_table, processor_timed
from senpath.errors import SenpathWarning
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.store import Store
from senpath.testing import ConstantMethod
from senpath.types import Examples

AT_ONCE, MORE, OPENINGS = 250, 60, 5
"""Tasks in a commit while the network grows; further ones that are committed one by one; how often it is opened."""
HELD = 0.08
"""Seconds for which the proxy holds a request."""
Task = tuple[np.ndarray, np.ndarray]
_X, _Y = load_digits(return_X_y=True)


class Alike:
    """`ConstantMethod` for one or several tasks in one commit, each with a layer of its own."""

    name = "constant"

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        """Learn each by itself."""
        return {name: self.propose(view, name, examples) for name, examples in tasks.items()}

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn one."""
        return ConstantMethod(hidden=2, random_state=int(task.partition("-")[2])).propose(view, task, examples)


def few_shot(number: int) -> Task:
    """The task of this number: images (6, 8, 8) in 0 … 1, and their labels."""
    random = np.random.default_rng(number)
    order, digits = random.permutation(64), random.choice(10, 2, replace=False)
    rows = np.concatenate([random.choice(np.flatnonzero(digit == _Y), 3, replace=False) for digit in digits])
    return (_X[rows][:, order] / 16).reshape(-1, 8, 8), _Y[rows]


def grown(path: Path, tasks: int) -> Path:
    """The folder of a network of so many tasks; one that was stopped while it grew goes on."""
    net = sp.Network(path)
    while (there := len(net.tasks)) < tasks:
        net.learn_many({f"t-{n}": few_shot(n) for n in range(there, min(tasks, there + AT_ONCE))}, method=Alike())
        print(f"{path.stem}: {len(net.tasks)} tasks", flush=True)
    return path


def _measure(folder: Path, sizes: Sequence[int], stored: Sequence[int]) -> Iterator[Record]:
    warnings.simplefilter("ignore", SenpathWarning)  # of tasks as small as these
    paths = {size: grown(folder / f"{size}.sen", size) for size in sorted({*sizes, *stored})}
    with tempfile.TemporaryDirectory(dir=folder) as copies:  # the networks that are measured stay as they are
        for size in sizes:
            yield _in_folder(Path(shutil.copytree(paths[size], Path(copies) / f"{size}.sen", copy_function=_copy)), size)
        os.environ["XDG_CACHE_HOME"] = str(Path(copies).absolute() / "cache")
        for size in stored:
            yield _in_storage(paths[size], size)


def _copy(source: str, target: str) -> None:
    """Components never change, so the copy may share their files."""
    (os.link if Path(source).parent.name == "components" else shutil.copy2)(source, target)


def _in_folder(path: Path, size: int) -> Record:
    """Commits one by one, and opening and refreshing after them."""
    net, reader, written, learned, refreshed = sp.Network(path), sp.Network(path), [], [], []
    for number in range(size, size + MORE):
        before = {file: file.stat().st_mtime_ns for file in _manifests(path)}
        learned.append(processor_timed(partial(net.learn, f"t-{number}", *few_shot(number), method=Alike()))())
        changed = [file for file in _manifests(path) if before.get(file) != file.stat().st_mtime_ns]
        written.append(sum(file.stat().st_size for file in changed))
        refreshed.append(processor_timed(reader.refresh)())
    manifest = Store(path).read()
    opened = [processor_timed(lambda: Store(path).read())() for _ in range(OPENINGS)]
    return {
        "size": size,
        "written": written[1:],  # the first may write a folder of an earlier format anew
        "pages": len(manifest.pages),
        "learned": learned[2:],
        "refreshed": refreshed[2:],
        "opened": opened,
    }


def _manifests(path: Path) -> list[Path]:
    return [path / "network.json", *(path / "pages").glob("*.json")]


class Counting(FaultyProxy):
    """Passes requests on after a while, and notes them."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, lambda method, path: "")
        self.held, self._told, self._noting = 0.0, [], threading.Lock()  # type: ignore[var-annotated]

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        start = time.monotonic()
        time.sleep(self.held)
        answer = super().forward(method, path, headers, body)
        with self._noting:
            self._told.append((start, time.monotonic(), method, path.partition("?")[0].split(".sen/")[-1].partition("/")[0]))
        return answer

    def noted(self, work: Callable[[], Any]) -> Record:
        """Requests that the work makes, by what they are for, and how many of them waited for one another."""
        self._told.clear()
        self.held = HELD
        work()
        self.held = 0.0
        rounds, end = 0, 0.0
        for start, until, *_ in sorted(self._told):
            if start >= end:  # none of the round that was under way is any more
                rounds, end = rounds + 1, until
            end = min(end, until)
        kinds = Counter(f"{method} {kind}" for _, _, method, kind in self._told)
        return {"requests": len(self._told), "rounds": rounds, "kinds": dict(sorted(kinds.items()))}


@contextmanager
def _storage() -> Iterator[Counting]:
    with running_moto() as endpoint:
        proxy = Counting(endpoint)
        os.environ.update(environment(proxy.endpoint))
        try:
            yield proxy
        finally:
            proxy.close()


def _in_storage(path: Path, size: int) -> Record:
    """A copy of a network in object storage: commits, opening and predicting with an empty cache, and predicting with an open network."""
    with _storage() as proxy:
        url = f"s3://{BUCKET}/{uuid4().hex}.sen"
        sp.copy_network(path, url)
        net = sp.Network(url)
        net.learn(f"t-{size}", *few_shot(size), method=Alike())
        commits = []
        for number in range(size + 1, size + 6):
            commits.append(proxy.noted(partial(net.learn, f"t-{number}", *few_shot(number), method=Alike())))
        image = few_shot(size // 2)[0][:1]
        nets: list[sp.Network] = []
        shutil.rmtree(os.environ["XDG_CACHE_HOME"])
        opened = proxy.noted(lambda: nets.append(sp.Network(url)))
        first = proxy.noted(lambda: nets[0].predict(image))
        colder = [proxy.noted(partial(nets[0].predict, few_shot(number)[0][:1])) for number in range(0, size, max(1, size // 9))]
        warm = proxy.noted(lambda: nets[0].predict(image))
    return {"stored": size, "commits": commits, "opened": opened, "first": first, "colder": colder, "warm": warm}


def _folders(records: Records) -> str:
    rows = []
    for one in records:
        if "size" in one:
            kilobytes = [bytes / 1e3 for bytes in one["written"]]
            rows.append(
                [f"{one['size']:,}"]
                + [f"{value:,.1f}" for value in (median(kilobytes), mean(kilobytes), max(kilobytes))]
                + [f"{one['pages']}"]
                + [f"{1e3 * median(one[name]):,.1f}" for name in ("learned", "refreshed", "opened")]
            )
    head = ["tasks", "a commit writes of tasks, KB, median", "mean", "most", "pages"]
    return markdown_table([*head, "the whole `learn`, ms", "refresh, ms", "opening, ms"], rows)


def _requests(records: Records) -> str:
    rows = []
    for one in records:
        if "stored" in one:
            usual = sorted(one["commits"], key=lambda commit: commit["requests"])[len(one["commits"]) // 2]
            most = max(commit["requests"] for commit in one["commits"])
            cold = sorted(one["colder"], key=lambda asked: asked["requests"])
            told = {
                f"a commit (most of five: {most})": usual,
                "opening, cold": one["opened"],
                "the first answer after it, cold": one["first"],
                "a further answer, median": cold[len(cold) // 2],
                "… the most": cold[-1],
                "an answer whose parts are here": one["warm"],
            }
            for what, noted in told.items():
                kinds = ", ".join(f"{count} {kind}" for kind, count in noted["kinds"].items())
                rows.append([f"{one['stored']:,}", what, f"{noted['requests']}", f"{noted['rounds']}", kinds or "–"])
    return markdown_table(["tasks", "what", "requests", "one after another", "which"], rows)


PARTS = {"measured": Part(_measure)}
SECTIONS = {"commits": Section(_folders, ["measured"]), "requests": Section(_requests, ["measured"])}
OPTIONS = {
    "--sizes": {"type": int, "nargs": "+", "default": [10, 1_000, 10_000], "help": "tasks of the networks in folders"},
    "--stored": {"type": int, "nargs": "+", "default": [10, 1_000], "help": "tasks of the networks in object storage"},
}
BENCHMARK = Benchmark("commits", __doc__, PARTS, SECTIONS, "cluster.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
