"""The server under load: answers a second and their times, beside `net.predict` in one process, and beside other servers.

    python -m benchmarks.serve [--rounds 5] [--seconds 4] [--peer PYTHON]

The network has four tasks of pictures and finds each input's task by itself. Clients ask one picture at a time, as JSON, over loopback,
from a process of their own, the same for all servers; servers and clients share the machine. A server that only parses the same bodies and
answers a constant says what HTTP costs by itself here. `--peer` names a Python that has litserve and mlflow, in an environment of its own
(`make bench-serve` makes one): both serve a bare MLP 784-128-10 for the same pictures. Needs SENPATH_DATA.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Record, Records, Section, markdown_table, seconds
from benchmarks.harness.jobs import Part
from senpath.data import load

NAMES = ("fashion", "mnist", "lower", "upper")
CLIENTS = (1, 8, 64)
INPUTS = 1024
WORKERS = max(2, os.cpu_count() or 1)
OWN = {"senpath": "`senpath serve`, four tasks, no task id", "workers": f"`senpath serve --workers {WORKERS}`, the same"}
FLOOR = {"bare": "uvicorn alone: the same body parsed, a constant answered"}
PEERS = {"litserve": "LitServe, bare MLP, batches of up to 64 within 2 ms", "mlflow": "MLflow `models serve`, bare MLP"}
ROOT = Path(__file__).resolve().parents[1]


def _serving(rounds: int, seconds: float, peer: str | None, smoke: bool) -> Iterator[Record]:
    if smoke:
        rounds, seconds = 1, 0.5
    with tempfile.TemporaryDirectory() as folder:
        net = sp.Network(Path(folder) / "letters.sen")
        for name in NAMES:
            net.learn(name, *load(name), epochs=1)
        parts = [load(name, "test")[0][: INPUTS // len(NAMES)] for name in NAMES]
        pictures = np.concatenate(parts)[np.random.default_rng(0).permutation(INPUTS)]
        own = _write(folder, "senpath", [{"input": picture.tolist()} for picture in pictures])
        bodies = {
            **dict.fromkeys((*OWN, *FLOOR), own),
            "litserve": _write(folder, "litserve", [{"input": (picture / 255).ravel().tolist()} for picture in pictures]),
            "mlflow": _write(folder, "mlflow", [{"inputs": [(picture / 255).ravel().tolist()]} for picture in pictures]),
        }
        serve = [sys.executable, "-m", "senpath", "serve", str(net.path)]
        servers = {
            "bare": [sys.executable, "-m", "benchmarks.serve_bare"],
            "senpath": [*serve, "--set", f"state={folder}/one", "--port"],
            "workers": [*serve, "--set", f"state={folder}/more", "--workers", str(WORKERS), "--port"],
        }
        if peer:
            servers |= {name: [peer, "-m", f"benchmarks.peer_{name}"] for name in PEERS}
        with _all_listening(servers) as ports:
            urls = {name: f"http://127.0.0.1:{port}/{'invocations' if name == 'mlflow' else 'predict'}" for name, port in ports.items()}
            for number in range(0 if smoke else -1, rounds):
                for kind, record in _round(net, pictures, urls, bodies, seconds):
                    if number >= 0:
                        yield {"round": number, "kind": kind, **record}


def _round(
    net: sp.Network, pictures: np.ndarray, urls: dict[str, str], bodies: dict[str, str], most: float
) -> Iterator[tuple[str, Record]]:
    """Everything once, taking turns, so that what else the machine does meets all alike."""
    yield "predict one", _predicting(net, pictures, 1, most)
    yield "predict 64", _predicting(net, pictures, 64, most)
    for name, url in urls.items():
        for clients in CLIENTS:
            command = [sys.executable, "-m", "benchmarks.serve_client", url, str(clients), str(most), bodies[name]]
            told = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=True, timeout=60 + 10 * most)
            yield f"{name} {clients}", json.loads(told.stdout)


def _predicting(net: sp.Network, pictures: np.ndarray, size: int, most: float) -> Record:
    net.predict(pictures[:size])
    times, until = list[float](), time.perf_counter() + most
    while not times or time.perf_counter() < until:
        start = len(times) * size % (INPUTS - size + 1)
        times.append(seconds(partial(net.predict, pictures[start : start + size])))
    return {"rate": size * len(times) / sum(times), "p50": 1e3 * median(times)}


def _write(folder: str, name: str, bodies: list[Any]) -> str:
    path = Path(folder) / f"{name}.jsonl"
    path.write_text("".join(json.dumps(body, separators=(",", ":")) + "\n" for body in bodies))
    return str(path)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONWARNINGS": "ignore"}


@contextmanager
def _all_listening(servers: dict[str, list[str]]) -> Iterator[dict[str, int]]:
    """The servers, each at a port of its own; they have ended behind this."""
    processes, ports = [], {}
    try:
        for name, command in servers.items():
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                ports[name] = probe.getsockname()[1]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
            processes.append(subprocess.Popen([*command, str(ports[name])], cwd=ROOT, env=_environment(), **quiet))  # type: ignore[call-overload]
        for process, port in zip(processes, ports.values(), strict=True):
            _wait_for(process, port)
        yield ports
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
            with suppress(ProcessLookupError):  # what it started, which it may have left behind
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(process: Any, port: int) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args}: ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{process.args}: does not answer")


def _table(records: Records) -> str:
    batches, one = records.where(kind="predict 64"), records.where(kind="predict one")
    rate, single = median(batches.values("rate")), median(one.values("p50"))
    rows = [
        ["`net.predict` of one picture", f"{median(one.values('rate')):,.0f}", f"{single:.2f}", "–", "–"],
        ["`net.predict` of 64 pictures at once", f"{rate:,.0f}", f"{median(batches.values('p50')):.2f}", "–", "100 %"],
    ]
    titles = {**OWN, **FLOOR, **PEERS}
    for kind, mine in records.by("kind").items():
        name, _, clients = kind.partition(" ")
        if name in titles:
            share = f"{100 * median(mine.values('rate')) / rate:.0f} %" if name not in PEERS else "–"
            share = f"**{share}**" if name in OWN else share
            what = f"{titles[name]}; {clients} client{'' if clients == '1' else 's'}"
            rows.append(
                [what, *(f"{median(mine.values(figure)):,.{digits}f}" for figure, digits in (("rate", 0), ("p50", 2), ("p99", 2))), share]
            )
    failed = sum(map(int, records.values("failed")))
    table = markdown_table(["what", "answers a second", "ms, median", "ms, 99 of 100", "of `net.predict` of 64"], rows)
    own, client = median(records.where(kind="senpath 1").values("p50")), median(records.where(kind="senpath 64").values("client"))
    aim = 2 * single + 1
    rounds, threads = len(one), torch.get_num_threads()
    return (
        f"{table}\n\nOne client waits {own:.2f} ms; twice `net.predict` of one and 1 ms is {aim:.2f} ms. "
        f"Of the processors' time the client itself takes {client:.3f} ms an answer, with 64 connections. {failed} requests failed. "
        f"Medians of {rounds} rounds, all rows in turn; {os.cpu_count()} cores, {threads} torch threads; "
        f"load of the machine at the end {os.getloadavg()[1]:.1f}."
    )


PARTS = {"serving": Part(_serving)}
SECTIONS = {"speed": Section(_table, ["serving"])}
OPTIONS = {
    "--peer": {"help": "a Python with litserve and mlflow", "metavar": "PYTHON"},
    "--rounds": {"type": int, "default": 5},
    "--seconds": {"type": float, "default": 4.0, "help": "that each row is measured for, a round"},
}
BENCHMARK = Benchmark("serve", __doc__, PARTS, SECTIONS, "serve.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
