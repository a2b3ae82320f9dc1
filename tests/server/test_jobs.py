"""Jobs in processes of their own: learning, cancelling, and servers that are killed meanwhile."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from senpath import Network
from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import tiny_task
from tests.server.conftest import LOCAL

pytestmark = pytest.mark.slow("processes import torch, and learn")
FLOWERS = [{"input": row.tolist(), "label": int(label)} for row, label in zip(*tiny_task("iris"), strict=True)]
QUICK = {"epochs": 5}
LONG = {"epochs": 50_000}
"""Half a minute and more for each of several folds; its progress is told fifty times, first within a second or two."""


@pytest.fixture(scope="module")
def folder(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jobs") / "net.sen"
    Network(served_folder).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with TestClient(create_app(folder, ServerSettings()), base_url=LOCAL) as client:
        yield client


Client = TestClient | httpx.Client


def ended(client: Client, answer: Any, seconds: float = 240.0) -> dict[str, Any]:
    """The job of an answer, when it has ended."""
    assert answer.status_code == 202, answer.text
    return until(client, answer.json()["job"]["id"], lambda job: job["ended"] is not None, seconds)


def until(client: Client, number: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 240.0) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while not condition(job := client.get(f"/jobs/{number}").json()):
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job  # type: ignore[no-any-return]


def is_training(job: dict[str, Any]) -> bool:
    return job["state"] == "running" and (job["progress"] or {}).get("stage") in ("folds", "train")


def test_a_task_is_learned_and_extended_from_examples_while_others_ask(client: TestClient) -> None:
    before = client.get("/network").json()["version"]
    answer = client.post("/tasks/flowers", json={"examples": FLOWERS, "settings": QUICK, "seed": 1})
    job = ended(client, answer)
    result = job["result"]
    assert (job["state"], job["error"], result["before"], result["version"]) == ("done", None, before, before + 1)
    assert (result["classes"], result["examples"], result["changed"]) == ([0, 1, 2], 150, True)
    assert result["own"]["accuracy"] > 0.5
    asked = client.post("/predict", json={"input": FLOWERS[0]["input"], "task": "flowers"})
    assert asked.headers["Senpath-Version"] == str(before + 1)
    more = [{"input": [value + 50 for value in example["input"]], "label": 3} for example in FLOWERS[:5]]
    job = ended(client, client.patch("/tasks/flowers", json={"examples": more}))
    assert job["result"]["classes"] == [0, 1, 2, 3]
    assert client.get("/tasks/flowers").json()["classes"] == [0, 1, 2, 3]


def test_a_zip_of_folders_and_a_table_are_learned(client: TestClient) -> None:
    x, y = tiny_task("high")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place in range(20):
            picture = io.BytesIO()
            Image.fromarray((255 * x[place]).astype(np.uint8)).save(picture, "PNG")
            archive.writestr(f"digits/digit {y[place]}/{place}.png", picture.getvalue())
    options = json.dumps({"settings": QUICK})
    pictures = client.post("/tasks/pictures", files={"file": ("a.zip", packed.getvalue())}, data={"options": options})
    job = ended(client, pictures)
    assert job["result"]["classes"] == ["digit 5", "digit 6", "digit 7", "digit 8", "digit 9"], job
    assert {link["from"] for link in job["result"]["links"]} <= {"low", "high"}
    text = io.StringIO()
    csv.writer(text).writerows([["p", "q", "kind"], *[[*row["input"][:2], f"k{row['label']}"] for row in FLOWERS]])
    options = json.dumps({"settings": QUICK, "label": "kind"})
    table = client.post("/tasks/table", files={"file": ("a.csv", text.getvalue())}, data={"options": options})
    assert ended(client, table)["result"]["classes"] == ["k0", "k1", "k2"]


def test_what_cannot_be_learned_fails_with_the_reason_and_no_path(client: TestClient, folder: Path) -> None:
    table = "file_name,label\n/etc/hostname.png,a\n/etc/passwd.png,b\n"
    answer = client.post("/tasks/bad", files={"file": ("a.csv", table)}, headers={"X-Request-Id": "mine"})
    job = ended(client, answer)
    assert (job["state"], job["result"]) == ("failed", None)
    error = job["error"]
    assert (error["code"], error["request_id"], error["expected"]) == ("input", "mine", "the name of a file")
    assert "upload.csv" in error["what"]
    assert str(folder.parent) not in json.dumps(job)
    assert client.get("/tasks/bad").status_code == 404
    short = ended(client, client.post("/tasks/bad", files={"file": ("a.csv", "p,q,label\n1,2,a\n3,b\n")}))["error"]
    assert short["message"] == "table upload.csv, line 3: expected 3 values, got 2"  # and no option that only Python has
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../out.txt", "x")
    assert ended(client, client.post("/tasks/bad", files={"file": ("a.zip", packed.getvalue())}))["error"]["what"] == "zip file"


def test_jobs_that_wait_follow_a_renamed_task(client: TestClient) -> None:
    long = client.post("/tasks/long", json={"examples": FLOWERS, "settings": LONG}).json()["job"]["id"]
    answer = client.patch("/tasks/weather", json={"examples": [{"input": f"hail {place}", "label": "hail"} for place in range(6)]})
    assert client.put("/tasks/weather/name", json={"name": "long"}).status_code == 409, "it is being learned"
    assert client.put("/tasks/weather/name", json={"name": "sky"}).status_code == 200
    client.delete(f"/jobs/{long}")
    job = ended(client, answer)
    assert (job["state"], job["task"]) == ("done", "sky"), job
    assert client.put("/tasks/sky/name", json={"name": "weather"}).status_code == 200


def test_a_draft_stays_where_nothing_was_learned_from_it(client: TestClient) -> None:
    draft = client.post("/drafts", json={"task": "iris"}).json()["id"]
    client.post(f"/drafts/{draft}/examples", json={"examples": FLOWERS[:30]})
    job = ended(client, client.post("/tasks/iris/review", json={"draft": draft}))
    assert job["state"] == "done", job
    assert client.get(f"/drafts/{draft}").status_code == 200


def test_labels_beyond_what_floats_hold_are_exact(client: TestClient) -> None:
    draft = client.post("/drafts", json={"task": "large"}).json()["id"]
    large = [1577836800000000001, 1577836800000000002]
    client.post(f"/drafts/{draft}/examples", json={"examples": [{"input": "a b", "label": label} for label in large]})
    assert [entry["label"] for entry in client.get(f"/drafts/{draft}").json()["classes"]] == large


def test_what_another_process_has_learned_is_known_at_once(client: TestClient, folder: Path) -> None:
    version = Network(folder).learn("by another", *tiny_task("iris"), epochs=1).version
    assert client.post("/predict", json={"input": FLOWERS[0]["input"], "version": version}).status_code == 200
    version = Network(folder).learn("by a third", *tiny_task("iris"), epochs=1, hidden=4).version
    assert client.get("/tasks/by a third").status_code == 200


def test_a_draft_becomes_a_task_and_goes(client: TestClient) -> None:
    draft = client.post("/drafts", json={"task": "moods"}).json()["id"]
    texts = [{"input": f"{word} {n}", "label": word} for word in ("glad", "sad") for n in range(3)]
    client.post(f"/drafts/{draft}/examples", json={"examples": texts})
    job = ended(client, client.post("/tasks/moods", json={"draft": draft, "settings": QUICK}))
    assert job["result"]["classes"] == ["glad", "sad"]
    assert client.get(f"/drafts/{draft}").status_code == 404


def test_revisions_say_what_they_did(client: TestClient) -> None:
    pruned = ended(client, client.post("/tasks/iris/prune", json={"keep": 0.5}))
    reviewed = ended(client, client.post("/tasks/iris/review", json={"examples": FLOWERS[:30]}))
    for job in (pruned, reviewed):
        assert (job["state"], bool(job["result"]["reason"])) == ("done", True)
        assert job["result"]["changed"] is (job["result"]["version"] > job["result"]["before"])


def test_a_cancelled_job_leaves_the_network_as_it_is(client: TestClient, folder: Path) -> None:
    before = client.get("/network").json()["version"]
    number = client.post("/tasks/long", json={"examples": FLOWERS, "settings": LONG}).json()["job"]["id"]
    until(client, number, is_training)
    assert client.delete(f"/jobs/{number}").status_code == 202
    job = until(client, number, lambda job: job["ended"] is not None)
    assert (job["state"], job["result"], job["error"]) == ("cancelled", None, None)
    assert client.get("/network").json()["version"] == before
    assert not (folder.parent / "net.sen.server" / "jobs" / number).exists()
    Network(folder).verify()


def test_a_job_whose_process_dies_says_so(client: TestClient, folder: Path) -> None:
    number = client.post("/tasks/long", json={"examples": FLOWERS, "settings": LONG}).json()["job"]["id"]
    until(client, number, is_training)
    kill_what_learns(os.getpid())
    job = until(client, number, lambda job: job["ended"] is not None)
    assert (job["state"], job["error"]["what"]) == ("failed", "job")
    assert "memory" in job["error"]["do"]
    assert ended(client, client.patch("/tasks/low", json={"examples": [_digit()]}))["state"] == "done"  # the next one runs


def test_a_job_whose_process_dies_after_its_commit_is_done(client: TestClient, folder: Path) -> None:
    net = Network(folder)
    before, deadline = net.version, time.monotonic() + 240
    number = client.post("/tasks/made", json={"examples": FLOWERS, "settings": QUICK}).json()["job"]["id"]
    while not net.refresh():
        assert time.monotonic() < deadline
        time.sleep(0.002)  # what learns is nice: it would wait for whoever looks without a pause
    kill_what_learns(os.getpid())
    job = until(client, number, lambda job: job["ended"] is not None)
    assert (job["state"], job["error"], job["result"]["version"]) == ("done", None, before + 1)


def test_progress_comes_as_events_and_ends(client: TestClient) -> None:
    number = client.post("/tasks/seen", json={"examples": FLOWERS, "settings": QUICK}).json()["job"]["id"]
    with client.stream("GET", f"/jobs/{number}/events") as events:
        lines = [line for line in events.iter_lines() if line]
    names, data = lines[::2], [json.loads(line.removeprefix("data: ")) for line in lines[1::2]]
    assert names[-1] == "event: done"
    assert data[-1]["result"]["classes"] == [0, 1, 2]
    assert any((job["progress"] or {}).get("stage") for job in data)


def _digit() -> dict[str, Any]:
    x, y = tiny_task("low")
    return {"input": (255 * x[0]).astype(int).tolist(), "label": int(y[0])}


def kill_what_learns(server: int) -> None:
    """Kill the process of the job that runs, which was forked by a child of the server; nothing where it has ended."""
    for child in _children(server):
        for process in _children(child):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _children(process: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(child) for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()]
    return []


SERVE = "import sys; from pathlib import Path; from senpath.server.run import serve; from senpath.serving.served import prepare;"
SERVE += " from senpath.serving.settings import ServerSettings as S\n"
SERVE += (
    "if __name__ == '__main__': ready, _ = prepare(Path(sys.argv[1]), S(port=0, workers=int(sys.argv[2]))); print(ready.port, flush=True);"
)
SERVE += " serve(Path(sys.argv[1]), ready)"


@contextmanager
def serving(folder: Path, workers: int = 1) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A server in a process of its own, which is gone afterwards whatever happens."""
    command = [sys.executable, "-c", SERVE, str(folder), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            with httpx.Client(base_url=f"{LOCAL}:{port}", timeout=30) as client:
                deadline = time.monotonic() + 240
                while True:
                    with suppress(httpx.TransportError):
                        if client.get("/health/ready").status_code == 200:
                            break
                    assert time.monotonic() < deadline, "the server does not start"
                    time.sleep(0.1)
                yield client, process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_a_server_that_is_killed_while_it_teaches_says_so_when_it_is_back(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "net.sen"
    Network(folder).save_pretrained(copy)
    with serving(copy) as (client, process):
        before = client.get("/network").json()["version"]
        draft = client.post("/drafts", json={"task": "later"}).json()["id"]
        number = client.post("/tasks/long", json={"examples": FLOWERS, "settings": LONG}).json()["job"]["id"]
        waits = client.post("/tasks/quick", json={"examples": FLOWERS, "settings": QUICK}).json()["job"]["id"]
        until(client, number, is_training)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    Network(copy).verify()
    with serving(copy) as (client, process):
        job = until(client, number, lambda job: job["ended"] is not None)
        assert (job["state"], job["error"]["got"]) == ("failed", "the server ended while it ran")
        assert until(client, waits, lambda job: job["ended"] is not None)["state"] == "done"
        assert client.get(f"/drafts/{draft}").status_code == 200
        assert client.get("/network").json()["version"] == before + 1
        again = client.post("/tasks/long", json={"examples": FLOWERS, "settings": LONG}).json()["job"]["id"]
        until(client, again, is_training)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
    state = create_app(copy).state.server.state  # told to stop, a server puts its job back into the queue
    assert state.jobs.get(again)["state"] == "queued"


def test_workers_share_jobs_drafts_and_events(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "net.sen"
    Network(folder).save_pretrained(copy)
    with serving(copy, workers=2) as (client, process):
        address = str(client.base_url)
        draft = client.post("/drafts", json={"task": "moods 2"}).json()["id"]
        texts = [{"input": f"{word} {n}", "label": word} for word in ("glad", "sad") for n in range(3)]
        for example in texts:  # each over a connection of its own, to whichever worker takes it
            assert httpx.post(f"{address}/drafts/{draft}/examples", json={"examples": [example]}).status_code == 200
        with httpx.stream("GET", f"{address}/events", timeout=60) as events:
            answer = httpx.post(f"{address}/tasks/moods 2", json={"draft": draft, "settings": QUICK})
            assert answer.status_code == 202, answer.text
            seen = set[str]()
            for line in events.iter_lines():
                seen |= {json.loads(line.removeprefix("data: "))["state"]} if '"what"' in line else set()
                if {"done", "failed"} & seen:
                    break
        assert "done" in seen
        classes = [httpx.get(f"{address}/tasks/moods 2").json().get("classes") for _ in range(8) if not time.sleep(0.2)]
        assert classes[-1] == ["glad", "sad"]
        process.terminate()
        assert process.wait(60) is not None
