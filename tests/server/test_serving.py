"""Many at once: answers of one version while others commit, bad inputs among good ones, full queues, and being told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from running import running

from senpath import Network
from senpath.server.app import create_app
from senpath.serving.batcher import Asked, Batcher
from senpath.serving.keys import add_key
from senpath.serving.live import LiveNetwork
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_task

Listening = Callable[[FastAPI], AbstractContextManager[str]]


class Asker:
    """A client that keeps its connection, with a key if it has one."""

    def __init__(self, url: str, key: str = "") -> None:
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)

    def ask(self, body: Any) -> tuple[int, dict[str, str], Any]:
        """Status, headers and what was answered."""
        self._connection.request("POST", "/predict", json.dumps(body), self._headers)
        response = self._connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, json.loads(response.read())

    def close(self) -> None:
        self._connection.close()


@pytest.mark.parametrize(("clients", "commits"), [(4, 1), pytest.param(32, 4, marks=pytest.mark.slow("32 clients ask through 8 commits"))])
def test_while_others_commit_every_answer_is_of_one_version(own_folder: Path, listening: Listening, clients: int, commits: int) -> None:
    writer = Network(own_folder)
    weights, done = {writer.version: writer.weights["total"]}, threading.Event()
    body = {"inputs": [tiny_task("low")[0][0].tolist(), tiny_task("iris")[0][0].tolist(), "a warm day"]}

    def commit() -> None:
        for number in range(commits):
            name = f"odd{number}"
            writer.learn(name, *tiny_task("odd"), method=ConstantMethod(hidden=8 + number))
            weights[writer.version] = writer.weights["total"]
            time.sleep(0.3)
            writer.rollback(writer.version - 1) if number % 2 else writer.remove(name)
            weights[writer.version] = writer.weights["total"]
            time.sleep(0.3)

    def keep_asking(url: str) -> list[tuple[int, str, int, set[int]]]:
        asker, told = Asker(url), []
        with contextlib.closing(asker):
            while not done.is_set():
                status, headers, answer = asker.ask(body)
                told.append((status, headers["senpath-version"], answer["version"], {one["ran"]["of"] for one in answer["answers"]}))
        return told

    with listening(create_app(own_folder)) as url, ThreadPoolExecutor(clients) as threads:
        asked = [threads.submit(keep_asking, url) for _ in range(clients)]
        commit()
        time.sleep(0.5)
        done.set()
        told = [answer for client in asked for answer in client.result()]
    assert {status for status, *_ in told} == {200}
    assert all(int(header) == version and of == {weights[version]} for _, header, version, of in told)
    assert {version for _, _, version, _ in told} >= {4, writer.version}


def test_what_is_wrong_with_one_request_is_told_to_it_alone(served_folder: Path, listening: Listening) -> None:
    picture = tiny_task("low")[0][0].tolist()
    kinds: list[tuple[Any, int, str | None]] = [
        ({"input": picture}, 200, "low"),
        ({"input": "a warm day"}, 200, "weather"),
        ({"input": [[1, 2], [3]]}, 422, None),
        ({"input": [[2.5, 300.0], [0.0, 1.0]]}, 422, None),
        ({"input": ""}, 422, None),
        ({"inputs": [picture, ""], "errors": "skip"}, 200, "low"),
        ({"input": picture, "task": "nothing"}, 404, None),
        ({"input": {"x0": 5.1, "x1": None, "x2": 1.4, "x3": 0.2}}, 200, "iris"),
        ({"input": {"audio": {"samples": [0.5] * 800, "rate": 8000}}, "errors": "raise"}, 422, None),
    ]

    def ask(number: int, url: str) -> bool:
        body, status, task = kinds[number % len(kinds)]
        with contextlib.closing(Asker(url)) as asker:
            got, _, answer = asker.ask(body)
        assert got == status, (body, answer)
        return status != 200 or answer["answers"][0]["task"] == task

    with listening(create_app(served_folder)) as url, ThreadPoolExecutor(18) as clients:
        assert all(clients.map(ask, range(90), [url] * 90))


def test_a_large_request_lets_small_ones_pass(served_folder: Path, listening: Listening) -> None:
    texts = [f"a warm day {number}" for number in range(1000)]
    with listening(create_app(served_folder)) as url, ThreadPoolExecutor(1) as other:
        asker, small, passed = Asker(url), Asker(url), 0
        large = other.submit(asker.ask, {"inputs": texts})
        while not large.done():
            status, _, answer = small.ask({"input": "the sun is warm"})
            assert (status, answer["answers"][0]["task"]) == (200, "weather")
            passed += 1
        status, headers, answer = large.result()
        asker.close()
        small.close()
    assert passed > 3
    assert (status, headers["senpath-version"]) == (200, "4")
    expected = Network(served_folder).predict(texts)
    assert [one["label"] for one in answer["answers"]] == expected.label.tolist()
    assert [one["confidence"] for one in answer["answers"]] == expected.confidence.tolist()


def test_those_who_ask_again_at_once_are_answered_together(served_folder: Path) -> None:
    sizes: list[int] = []

    async def keep_asking(batcher: Batcher) -> None:
        for _ in range(5):
            assert (await batcher.ask(["a warm day"], Asked())).records[0]["task"] == "weather"

    async def main() -> None:
        batcher = Batcher(LiveNetwork(served_folder), ServerSettings(), lambda inputs, waiting: sizes.append(inputs))
        await asyncio.gather(*(keep_asking(batcher) for _ in range(8)))
        batcher.close()

    asyncio.run(main())
    assert sum(sizes) == 40
    assert sizes[0] == 1, "who finds nobody before them waits for nobody"
    assert sizes[1:4] == [8, 8, 8], "and none of the others for a batch of one"


@pytest.mark.parametrize("errors", ["none", "skip"])
def test_an_input_far_on_in_a_large_request_is_named_by_its_place(served_folder: Path, listening: Listening, errors: str) -> None:
    texts = [f"a warm day {number}" for number in range(200)]
    texts[150] = ""
    with listening(create_app(served_folder)) as url, contextlib.closing(Asker(url)) as asker:
        status, _, answer = asker.ask({"inputs": texts, "errors": errors})
    if errors == "none":
        assert (status, answer["error"]["what"]) == (422, "text 150")
    else:
        assert [place for place, one in enumerate(answer["answers"]) if one["task"] is None and one["reason"].startswith("input 150")] == [
            150
        ]


def test_a_queue_that_is_full_says_when_to_ask_again(served_folder: Path, listening: Listening) -> None:
    many = {"inputs": [f"a warm day {number}" for number in range(1000)]}
    with listening(create_app(served_folder, ServerSettings(queue=1500, inputs=1000))) as url, ThreadPoolExecutor(6) as clients:

        def ask(_: int) -> tuple[int, dict[str, str], Any]:
            with contextlib.closing(Asker(url)) as asker:
                return asker.ask(many)

        told = [*clients.map(ask, range(6))]
    assert {status for status, _, _ in told} == {200, 503}
    for status, headers, answer in told:
        if status == 503:
            assert headers["retry-after"] == "1"
            assert answer["error"]["code"] == "busy"


def test_an_answer_that_takes_too_long_is_given_up(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder, ServerSettings(answer_seconds=0.001))) as url, contextlib.closing(Asker(url)) as asker:
        status, headers, answer = asker.ask({"inputs": [f"a warm day {number}" for number in range(500)]})
        assert (status, answer["error"]["code"], headers["retry-after"]) == (503, "busy", "1")


def workers_of(server: subprocess.Popen[str]) -> set[int]:
    """Processes that answer for a server."""
    found = set[int]()
    for children in Path(f"/proc/{server.pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # ended meanwhile
            numbers = [int(number) for number in children.read_text().split()]
            found |= {number for number in numbers if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()}
    return found


@pytest.mark.slow("starts a server as a process of its own, and two workers")
@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_a_server_that_is_told_to_stop_answers_what_it_was_asked(own_folder: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    body = {"inputs": [f"a warm day {number}" for number in range(20)]}
    key = add_key(tmp_path / "keys.jsonl", "Ada", "read")
    with running(own_folder, "--keys", str(tmp_path / "keys.jsonl"), "--set", "body_bytes=20000", *options) as (process, url):
        for known, large, status in ((key, 30_000, 413), ("", 1, 401)):  # the options are those of the workers
            with contextlib.closing(Asker(url, known)) as asker:
                assert asker.ask({"input": "x" * large})[0] == status
        stop, cut, workers, counts = threading.Event(), [], workers_of(process), [0] * 8

        def keep_asking(client: int) -> None:
            asker = Asker(url, key)
            while not stop.is_set():
                try:
                    status, _, answer = asker.ask(body)
                    if status != 503:
                        assert (status, len(answer["answers"])) == (200, 20)
                    counts[client] += 1
                except (ConnectionError, http.client.RemoteDisconnected):  # between two requests
                    break
                except (http.client.HTTPException, ValueError, OSError) as error:  # an answer that was begun
                    cut.append(error)
                    break
            asker.close()

        with ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(keep_asking, number) for number in range(8)]
            while not all(counts) and not any(client.done() for client in asked):
                time.sleep(0.01)
            if options:  # while the workers are started anew, of which the first is on its way
                process.send_signal(signal.SIGHUP)
                while len(workers) < 3:
                    time.sleep(0.01)
                    workers |= workers_of(process)
            process.send_signal(signal.SIGTERM)
            until = time.monotonic() + 30
            while process.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.01)
                workers |= workers_of(process)
            assert len(workers) == (3 if options else 0), "no further one was started"
            stop.set()
            for client in asked:
                client.result()
        assert not cut
        assert process.returncode in (0, -signal.SIGTERM)
