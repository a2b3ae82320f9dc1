"""A network answered by replicas on Ray, one of which is killed while they are asked."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from starlette.requests import Request

from senpath import Network
from senpath.serving.callers import Auth
from senpath.serving.errors import Refusal
from senpath.serving.settings import ServerSettings
from senpath.testing import tiny_network, tiny_task

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray"),
    pytest.mark.slow("starts Ray, with a process for each replica"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]
FILE = Path(__file__).parents[2] / "docs" / "howto" / "ray-serve.yaml"
REPLICAS = 3


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return tiny_network(tmp_path_factory.mktemp("ray") / "team.sen", ["low", "weather"])


@pytest.fixture(scope="module")
def url(network: Network, with_ray: Any) -> Iterator[str]:
    from ray import serve

    from senpath.cluster.serving import build

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(
            build({"path": str(network.path), "replicas": [REPLICAS, REPLICAS], "cpus": 0.1, "inbox": True, "body_seconds": 4}),
            name="senpath",
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()


def processes_of(title: str) -> list[int]:
    """Numbers of this Ray's processes of this title."""
    numbers = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if title in file.read_text().replace("\0", " ") and _descends(int(file.parent.name)):
                numbers.append(int(file.parent.name))
        except OSError:
            continue
    return sorted(numbers)


def _descends(process: int) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def wait_until(done: Callable[[], bool]) -> None:
    """Wait as long as a slow machine may need for it."""
    deadline = time.monotonic() + 60
    while not done() and time.monotonic() < deadline:
        time.sleep(0.2)


def ask(url: str, inputs: list[Any]) -> httpx.Response:
    return httpx.post(f"{url}/predict", json={"inputs": inputs}, timeout=60)


def test_replicas_answer_as_the_library(url: str, network: Network) -> None:
    pictures = tiny_task("low")[0][:5]
    answer = ask(url, [{"array": picture.tolist()} for picture in pictures])
    assert answer.status_code == 200, answer.text
    expected = network.predict(pictures)
    assert [each["label"] for each in answer.json()["answers"]] == expected.label.tolist()
    assert int(answer.headers["senpath-version"]) == network.version
    wrong = httpx.post(f"{url}/predict", content=b"{", timeout=60)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "input")
    assert httpx.get(f"{url}/health/ready", timeout=60).json() == {"ready": True}


def test_what_is_counted_and_the_inbox_are_of_all_replicas(url: str) -> None:
    def asked() -> float:
        lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
        counts = [line for line in lines if line.startswith("senpath_requests_total{") and 'route="/predict"' in line]
        return sum(float(line.rpartition(" ")[2]) for line in counts)

    time.sleep(2)
    before = asked()
    for number in range(24):
        ask(url, [{"array": np.random.default_rng(number).random((8, 8)).tolist()}])
    wait_until(lambda: asked() >= before + 24)
    assert asked() == before + 24
    told = httpx.get(f"{url}/activity", timeout=60).json()
    assert told["requests"] >= 24
    kept = httpx.get(f"{url}/inbox", timeout=60).json()
    assert kept["on"]
    assert kept["count"] == told["refusals"]["too_far"] > 12
    resident = httpx.get(f"{url}/metrics", timeout=60).text.split("\nsenpath_resident_bytes ")[1].splitlines()[0]
    assert float(resident) > REPLICAS * 10**8


def half_a_request(url: str, headers: str) -> str:
    """What comes back where a body begins that never ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n".encode())
        connection.sendall(b'5\r\n{"inp\r\n')
        return connection.recv(4096).decode()


def test_a_body_has_its_time_and_its_length(url: str) -> None:
    assert " 413 " in half_a_request(url, f"Content-Length: {10**12}")
    start = time.monotonic()
    with ThreadPoolExecutor() as threads:
        for answer in threads.map(partial(half_a_request, url), ("Content-Length: 100", "Transfer-Encoding: chunked")):
            assert " 408 " in answer
            assert 3 < time.monotonic() - start < 15


def test_who_shows_no_key_sends_no_more_than_a_key(tmp_path: Path) -> None:
    from senpath.cluster.serving import KEYLESS_BYTES, Intake
    from senpath.errors import LimitError
    from senpath.serving.keys import add_key

    key = add_key(tmp_path / "keys", "Ada", "read")

    async def taken(headers: dict[str, str], parts: int) -> tuple[int, bool]:
        """Bytes that are taken of a body, and whether it was refused."""
        sent = 0

        async def receive() -> dict[str, Any]:
            nonlocal sent
            sent += 1
            return {"type": "http.request", "body": b"x" * 1024, "more_body": sent < parts}

        names = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = Request({"type": "http", "client": ("192.0.2.1", 1), "headers": names}, receive)
        intake = Intake.__new__(Intake)
        settings = ServerSettings(keys=str(tmp_path / "keys"))
        intake._settings, intake._auth = settings, Auth(tmp_path / "keys")
        try:
            await intake._body(request)
        except (LimitError, Refusal):
            return 1024 * sent, True
        return 1024 * sent, False

    parts = 2 * KEYLESS_BYTES // 1024
    assert asyncio.run(taken({"authorization": f"Bearer {key}"}, parts)) == (2 * KEYLESS_BYTES, False)
    assert asyncio.run(taken({}, parts)) == (KEYLESS_BYTES + 1024, True)
    assert asyncio.run(taken({"content-length": str(KEYLESS_BYTES + 1)}, parts)) == (0, True)
    assert asyncio.run(taken({"authorization": "Bearer another"}, parts)) == (0, True)


def test_a_killed_replica_loses_no_question(url: str) -> None:
    ask(url, ["the sun is warm"])
    statuses: Counter[Any] = Counter()
    labels: Counter[str] = Counter()
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            try:
                answer = ask(url, ["the sun is warm", "the wind is cold"])
                statuses[answer.status_code] += 1
                labels.update(each["label"] for each in answer.json()["answers"])
            except Exception as error:
                statuses[repr(error)] += 1

    threads = [threading.Thread(target=keep_asking) for _ in range(8)]
    before = processes_of("ServeReplica:senpath:replica")
    assert len(before) == REPLICAS
    for thread in threads:
        thread.start()
    wait_until(lambda: statuses[200] > 10)
    os.kill(before[0], signal.SIGKILL)
    time.sleep(3)
    stop.set()
    for thread in threads:
        thread.join(90)
    assert [*statuses] == [200], statuses
    assert labels["warm"] == labels["cold"] == statuses[200] > 20
    wait_until(lambda: len(processes_of("ServeReplica:senpath:replica")) == REPLICAS)
    assert len({*processes_of("ServeReplica:senpath:replica")} - {*before}) == 1, "another one takes its place"


def test_a_new_version_is_live_in_all_replicas(url: str, network: Network) -> None:
    from senpath.testing import ConstantMethod

    network.learn("iris", *tiny_task("iris"), method=ConstantMethod())

    def answered() -> list[Any]:
        return [ask(url, [{"row": tiny_task("iris")[0][0].tolist()}]).json() for _ in range(12)]

    wait_until(lambda: {answer["version"] for answer in answered()} == {network.version})
    answers = answered()
    assert {answer["version"] for answer in answers} == {network.version}
    assert {answer["answers"][0]["task"] for answer in answers} == {"iris"}


def test_what_changes_the_network_goes_to_the_writer(url: str, network: Network) -> None:
    before = network.version
    token = httpx.get(f"{url}/session", timeout=60).json()["token"]
    with httpx.stream("GET", f"{url}/events", timeout=60) as events:
        lines = events.iter_lines()
        answer = httpx.delete(f"{url}/tasks/low", headers={"X-Senpath-Token": token}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert "event: version" in lines, "what it tells of comes as it happens"
    assert network.refresh()
    assert network.version == before + 1


def test_the_file_for_a_cluster_names_what_there_is(network: Network) -> None:
    from senpath.cluster import serving as module

    (application,) = yaml.safe_load(FILE.read_text())["applications"]
    where, _, name = application["import_path"].partition(":")
    assert getattr(module, name)({**application["args"], "path": str(network.path)})
    assert where == module.__name__
    assert {deployment["name"] for deployment in application["deployments"]} == {"intake", "replica", "writer"}
