"""The server, those who ask it and who teaches it, and what all of them saw."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.serve_soak.questions import Question, expected, plain
from senpath import Network
from senpath.data import load

MEGABYTES = 64
"""By which the memory of what answers may grow from the second quarter to the last."""
LEVEL_SECONDS = 300
"""A run that long has opened as many earlier versions by its second quarter as the server keeps open."""
KEPT = 8
"""Of the last versions, how many are asked for by number; the network keeps ten."""
LOOKS = ("/tasks", "/network", "/versions", "/activity", "/v2/models/team")
BROKEN: tuple[tuple[str, Any], ...] = (
    ("/predict", {"inputs": []} | {"input": 1}),
    ("/predict", {"input": {"image": "AAAA"}, "errors": "raise"}),
    ("/v2/models/team/infer", {"inputs": [{"name": "row", "shape": [9], "datatype": "FP32", "data": [1]}]}),
)


@dataclass
class Seen:
    """What happened; filled by all threads.

    Attributes:
        statuses: of each form of request, how often each status came.
        seconds: of each form, how long answers took.
        told: (version, place of the question, what was answered).
        wrong: what does not hold.
        changes: of each kind of change, how often it was made.
        memory: (seconds since the start, megabytes of the process that answers, of all).
    """

    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    told: list[tuple[int, int, tuple[str, str]]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float, float]] = field(default_factory=list)


class Server:
    """`senpath serve` in processes of its own.

    Args:
        network: folder.
        workers: processes that answer.
        log: file of its lines.
    """

    def __init__(self, network: Path, workers: int, log: Path) -> None:
        command = [sys.executable, "-m", "senpath", "serve", str(network), "--port", "0", "--workers", str(workers), "--inbox"]
        with log.open("w") as lines:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, text=True)
        assert self.process.stdout is not None
        told = re.search(r"http://\S+", self.process.stdout.readline())
        if told is None:
            raise SystemExit(f"the server did not start: {log.read_text()}")
        self.url = told[0]
        with httpx.Client(base_url=self.url) as client:
            while True:
                try:
                    if client.get("/health/ready").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.1)

    def megabytes(self) -> tuple[float, float]:
        """Of the processes that answer, as the server tells it, and of all that belong to it, as Linux does."""
        told = httpx.get(f"{self.url}/metrics", timeout=60).text
        answering = float(re.search(r"^senpath_resident_bytes (\S+)", told, re.MULTILINE)[1])  # type: ignore[index]
        parents = {}
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        tree = {self.process.pid}
        while more := {process for process, parent in parents.items() if parent in tree} - tree:
            tree |= more
        pages = 0
        for process in tree:
            try:
                pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
            except OSError:
                continue
        return answering / 2**20, pages * 4096 / 2**20

    def stop(self) -> int:
        """Tell it to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


class Soak:
    """One run.

    Args:
        net: the network, as another program sees it.
        questions: to ask.
        url: of the server.
        seconds: how long.
        seed: decides who asks what.
    """

    def __init__(self, net: Network, questions: list[Question], url: str, seconds: float, seed: int) -> None:
        self.net, self.questions, self.url, self.seed = net, questions, url, seed
        self.seen = Seen()
        self.right = {net.version: expected(net, questions)}
        self.started = time.monotonic()
        self.stop = self.started + seconds

    def run(self, server: Server, clients: int) -> None:
        """Ask and teach until the time is over."""
        work: list[Callable[[], None]] = [lambda number=number: self.ask(number) for number in range(clients)]  # type: ignore[misc]
        threads = [threading.Thread(target=self.guarded, args=[each]) for each in (*work, self.teach, lambda: self.measure(server))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def guarded(self, work: Callable[[], None]) -> None:
        """What a thread fails by is wrong."""
        try:
            work()
        except Exception as error:
            self.seen.wrong.append(f"a thread ended: {error!r}")

    def measure(self, server: Server) -> None:
        """Note the memory every few seconds."""
        while time.monotonic() < self.stop:
            self.seen.memory.append((time.monotonic() - self.started, *server.megabytes()))
            time.sleep(min(5.0, (self.stop - self.started) / 40))

    def ask(self, number: int) -> None:
        """One client."""
        draw = random.Random(f"{self.seed} {number}")
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while time.monotonic() < self.stop:
                kind = draw.random()
                if kind < 0.03:
                    path, body = draw.choice(BROKEN)
                    self.send(client, "broken", "POST", path, {"json": body}, 422)
                elif kind < 0.06:
                    self.send(client, "looking", "GET", draw.choice(LOOKS), {})
                elif kind < 0.09:
                    some = [
                        place for place, question in enumerate(self.questions) if "json" in question.send and question.path == "/predict"
                    ]
                    self.batch(client, draw.sample(some, 8))
                else:
                    self.single(client, draw.randrange(len(self.questions)), pinned=kind > 0.95, draw=draw)

    def single(self, client: httpx.Client, place: int, *, pinned: bool, draw: random.Random) -> None:
        """Ask one question, perhaps of an earlier version."""
        question = self.questions[place]
        form, send, version = question.form, question.send, None
        if pinned and "input" in send.get("json", {}):
            version = draw.choice([*self.right][-KEPT:])
            form, send = "an earlier version", {"json": {**send["json"], "version": version}}
        answer = self.send(client, form, "POST", question.path, send)
        if answer is not None:
            told = int(answer.headers["senpath-version"])
            if version not in (None, told):
                self.seen.wrong.append(f"version {told} answered for version {version}")
            self.seen.told.append((told, place, question.read(answer.json())))

    def batch(self, client: httpx.Client, places: list[int]) -> None:
        """Ask several questions of several types at once."""
        inputs = [self.questions[place].send["json"]["input"] for place in places]
        answer = self.send(client, "eight at once", "POST", "/predict", {"json": {"inputs": inputs}})
        if answer is not None:
            body = answer.json()
            for place, told in zip(places, body["answers"], strict=True):
                self.seen.told.append((body["version"], place, plain({"answers": [told]})))

    def send(
        self, client: httpx.Client, form: str, method: str, path: str, send: dict[str, Any], status: int = 200
    ) -> httpx.Response | None:
        """Send a request until it is answered; None where the answer is another than it should be."""
        while True:
            begun = time.perf_counter()
            try:
                answer = client.request(method, path, **send)
            except httpx.HTTPError as error:
                self.seen.wrong.append(f"{form}: lost, {error!r}")
                return None
            self.seen.statuses[form][answer.status_code] += 1
            self.seen.seconds[form].append(time.perf_counter() - begun)
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                break
            time.sleep(float(answer.headers["retry-after"]))
        if answer.status_code == status:
            return answer
        self.seen.wrong.append(f"{form}: {answer.status_code}, {answer.text[:300]}")
        return None

    def teach(self) -> None:
        """Learn, extend, prune, remove and take back, one after another."""
        x, y = load("lower")
        y = np.asarray(y)
        letters, number = np.unique(y), 0
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while time.monotonic() < self.stop - 5:
                name, classes = f"letters {number}", np.random.default_rng(number).choice(letters, 3, replace=False)
                rows = np.concatenate([np.flatnonzero(y == label)[number : number + 6] for label in classes])
                examples = [{"input": {"array": x[row].tolist()}, "label": str(y[row])} for row in rows]
                few, before = examples[:9] + examples[-5:], self.net.version
                self.change(client, "learn", "POST", f"/tasks/{name}", {"examples": few, "settings": {"epochs": 10}})
                self.change(client, "extend", "PATCH", f"/tasks/{name}", {"examples": examples})
                self.change(client, "prune", "POST", f"/tasks/{name}/prune", {"keep": 0.5})
                if number % 2:
                    self.change(client, "remove", "DELETE", f"/tasks/{name}")
                else:
                    self.change(client, "roll back", "POST", "/rollback", {"version": before})
                number += 1

    def change(self, client: httpx.Client, what: str, method: str, path: str, body: Any = None) -> None:
        """Ask for a change, wait until it is made, and note what the library answers from then on."""
        answer = self.send(
            client, what, method, path, {} if body is None else {"json": body}, 200 if what in ("remove", "roll back") else 202
        )
        if answer is not None and answer.status_code == 202:
            job = answer.json()["job"]
            while job["state"] in ("queued", "running"):
                time.sleep(0.1)
                job = client.get(f"/jobs/{job['id']}").json()
            if job["state"] != "done":
                self.seen.wrong.append(f"{what}: {job['state']}, {job['error']}")
        self.seen.changes[what] += 1
        if self.net.refresh():
            self.right[self.net.version] = expected(self.net, self.questions)

    def judge(self) -> None:
        """Compare every answer with the library's at the version that it names."""
        for version, place, told in self.seen.told:
            right = self.right.get(version)
            if right is None:
                self.seen.wrong.append(f"an answer of version {version}, which nobody made")
            elif right[place] != told:
                self.seen.wrong.append(f"{self.questions[place].form} at version {version}: {told}, the library says {right[place]}")
        first, last = (np.median([row[1] for row in self.quarter(number)]) for number in (1, 3))
        if last - first > MEGABYTES and self.stop - self.started >= LEVEL_SECONDS:
            self.seen.wrong.append(f"memory grew from {first:.0f} to {last:.0f} MB")

    def quarter(self, number: int) -> list[tuple[float, float, float]]:
        """What was measured of memory in one quarter of the run."""
        count = len(self.seen.memory)
        return self.seen.memory[count * number // 4 : max(count * (number + 1) // 4, count * number // 4 + 1)]
