"""What a server tells of itself: metrics, activity, one line of log a request, and whether it is ready."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import running
from starlette.testclient import TestClient

from senpath import Network
from senpath.server.app import create_app
from senpath.testing import tiny_network, tiny_task

DASHBOARD = Path(__file__).parents[2] / "docs" / "howto" / "grafana.json"
SECRET = "a word that nobody should read"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return tiny_network(tmp_path_factory.mktemp("watch") / "team.sen", ["low", "weather"])


@pytest.fixture
def client(network: Network) -> Iterator[TestClient]:
    with TestClient(create_app(network.path), base_url="http://127.0.0.1") as client:
        yield client


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics: its name and its labels' values → its value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_requests_answers_and_refusals_are_counted(client: TestClient, network: Network) -> None:
    pictures = tiny_task("low")[0][:6]
    expected = network.predict(pictures)
    client.post("/predict", json={"inputs": [{"array": picture.tolist()} for picture in pictures]})
    client.post("/predict", json={"inputs": [{"row": [1, 2, 3]}, "zzz"]})
    client.post("/predict", content=b"{")
    client.post("/nowhere")
    counted = samples(client)
    assert counted["senpath_requests_total", "POST", "/predict", "200"] == 2
    assert counted["senpath_requests_total", "POST", "/predict", "422"] == 1
    assert counted["senpath_requests_total", "POST", "(none)", "404"] == 1
    assert counted["senpath_request_seconds_count", "/predict"] == 3
    assert counted["senpath_answers_total", "low"] == (expected.task == "low").sum()
    assert counted["senpath_refusals_total", "unread"] == 1
    assert counted["senpath_refusals_total", "too_far"] == 1
    assert counted["senpath_batch_inputs_sum",] == 8
    assert counted["senpath_version",] == network.version
    assert counted["senpath_resident_bytes",] > 2**26
    near = sum(score <= 0.5 for score in expected.ood_score)
    assert counted["senpath_ood_score_bucket", "0.5", "low"] == near
    assert counted["senpath_ood_score_count", "low"] == 6


def test_activity_says_the_same_for_the_page(client: TestClient, network: Network) -> None:
    client.post("/predict", json={"inputs": ["the sun is warm", "zzz"]})
    activity = client.get("/activity").json()
    assert activity["answers"] == {"weather": 1, "": 1}
    assert activity["refusals"] == {"too_far": 1}
    assert (activity["version"], activity["requests"], activity["errors"]) == (network.version, 1, 0)
    limits, scores = activity["ood"]["limits"], activity["ood"]["tasks"]["weather"]
    beyond = limits.index(1) + 1
    assert sum(scores[:beyond]) == 1, "one input is within the limit"
    assert sum(scores[beyond:]) == 1, "and the one that is beyond counts under its likeliest task"


def test_there_is_a_bound_on_labels(client: TestClient) -> None:
    for place in range(30):
        client.get(f"/nowhere/{place}")
        client.get(f"/tasks/nobody {place}")
        client.request(f"METHOD{place}", "/predict")
    counted = {tuple(labels) for name, *labels in samples(client) if name == "senpath_requests_total"}
    assert len(counted) <= 3, counted


def test_a_request_is_one_line_without_its_inputs(client: TestClient, network: Network, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "senpath.requests")
    headers = {"X-Request-Id": "abc-1", "Authorization": f"Bearer {SECRET}"}
    answer = client.post(f"/predict?q={SECRET}", json={"inputs": ["the sun is warm", SECRET]}, headers=headers)
    client.get(f"/{SECRET}")
    first, second = caplog.messages
    line = json.loads(first)
    assert answer.headers["x-request-id"] == line["id"] == "abc-1"
    assert (line["method"], line["route"], line["status"], line["inputs"]) == ("POST", "/predict", 200, 2)
    assert (line["bytes"], line["version"]) == (len(answer.content), network.version)
    assert "weather" in line["tasks"]
    assert line["ms"] > 0
    assert json.loads(second)["status"] == 404
    assert SECRET not in first + second


def test_ready_until_it_is_told_to_stop(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"live": True}
    assert client.get("/health/ready").json() == {"ready": True}
    client.app.state.server.drain()  # type: ignore[attr-defined]
    for path in ("/health/ready", "/v2/health/ready"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/health/live").status_code == 200


def test_the_dashboard_asks_for_metrics_that_exist(client: TestClient) -> None:
    client.post("/predict", json={"inputs": ["the sun is warm", "zzz"]})
    families = [*text_string_to_metric_families(client.get("/metrics").text)]
    names = {family.name for family in families} | {sample.name for family in families for sample in family.samples}
    asked = {
        name
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bsenpath_\w+", target["expr"])
    }
    assert len(asked) > 10
    assert asked <= names


@pytest.mark.slow("starts a server as a process of its own, with two workers")
def test_what_workers_count_adds_up(own_folder: Path) -> None:
    def counted() -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=60).text)
        return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}

    def workers() -> set[int]:
        return {number for number in _children(process.pid) if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()}

    with running(own_folder, "--workers", "2") as (process, url):
        for number in range(40):
            httpx.post(f"{url}/predict", json={"inputs": ["a warm day", str(number)]}, timeout=60).raise_for_status()
        for _ in range(10):  # whichever of the two answers
            now = counted()
            assert now["senpath_requests_total", "POST", "/predict", "200"] == 40
            assert now["senpath_answers_total", "weather"] + now["senpath_answers_total", ""] == 80
        assert httpx.get(f"{url}/activity", timeout=60).json()["answers"]["weather"] == now["senpath_answers_total", "weather"]
        memory, before = now["senpath_resident_bytes",], workers()
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        until = time.monotonic() + 60
        while len(workers() - before) < 1 and time.monotonic() < until:
            time.sleep(0.2)
        httpx.post(f"{url}/predict", json={"inputs": ["a warm day"]}, timeout=60).raise_for_status()
        now = counted()
        assert now["senpath_requests_total", "POST", "/predict", "200"] == 41, "what a dead worker counted still counts"
        assert now["senpath_resident_bytes",] < 1.4 * memory, "but not its memory"


def _children(parent: int) -> list[int]:
    told = ((file, file.read_text().rpartition(")")[2].split()[1]) for file in Path("/proc").glob("[0-9]*/stat") if file.exists())
    return [int(file.parent.name) for file, of in told if int(of) == parent]
