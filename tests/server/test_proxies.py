"""What stands before the server, and what asks it besides our client: proxies, probes, editors on Windows, other programs' habits."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from senpath.server.app import create_app
from senpath.serving.keys import add_key
from senpath.serving.settings import ServerSettings

LOCAL = "http://127.0.0.1"
ASKED = {"input": "a warm day", "reject": False}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("keys") / "keys"
    return path, add_key(path, "one", "own")


@pytest.fixture(scope="module")
def behind(served_folder: Path, key_file: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server with keys on this machine's own address, as behind a proxy."""
    settings = ServerSettings(keys=str(key_file[0]), state=str(tmp_path_factory.mktemp("state")))
    with TestClient(create_app(served_folder, settings), base_url="http://team.example") as client:
        yield client


def test_a_proxy_on_this_machine_passes_its_own_name_on(behind: TestClient, key_file: tuple[Path, str]) -> None:
    assert behind.get("/tasks", headers={"Authorization": f"Bearer {key_file[1]}"}).status_code == 200


def test_a_name_is_refused_with_what_to_do(client: TestClient) -> None:
    assert "--keys" in client.get("/session", headers={"Host": "team.example"}).json()["error"]["do"]


def test_what_a_proxy_asks_for_is_no_key(behind: TestClient, key_file: tuple[Path, str]) -> None:
    basic = {"Authorization": "Basic eDp5"}  # which browsers send with every request then
    assert behind.get("/", headers=basic).status_code == 200
    assert behind.post("/session", json={"key": key_file[1]}, headers=basic).json()["role"] == "own"
    assert behind.get("/tasks", headers=basic).status_code == 200
    behind.cookies.clear()
    assert behind.get("/tasks", headers=basic).status_code == 401


def test_a_cookie_is_for_https_where_a_proxy_speaks_it(behind: TestClient, key_file: tuple[Path, str]) -> None:
    for scheme, secure in (("https", True), ("https, http", True), ("http", False)):
        login = behind.post("/session", json={"key": key_file[1]}, headers={"X-Forwarded-Proto": scheme})
        assert ("secure" in login.headers["set-cookie"].lower()) is secure
    behind.cookies.clear()


def test_a_proxy_may_lose_the_port_where_the_browser_says_whose_page_it_is(client: TestClient) -> None:
    token = client.get("/session").json()["token"]
    headers = {"Host": "localhost", "Origin": "http://localhost:8443", "X-Senpath-Token": token}
    assert client.post("/drafts", json={"task": "new"}, headers=headers | {"Sec-Fetch-Site": "same-origin"}).status_code == 201
    for more in ({}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
        refused = client.post("/drafts", json={"task": "new"}, headers=headers | more)
        assert (refused.status_code, "Host" in refused.json()["error"]["do"]) == (403, True)


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/tasks", "/tasks/low", "/metrics", "/v2", "/page.js"])
def test_head_is_answered_as_get_without_a_body(client: TestClient, path: str) -> None:
    told, whole = client.head(path), client.get(path)
    assert (told.status_code, told.content, told.headers["content-type"]) == (200, b"", whole.headers["content-type"])


def test_head_of_what_has_no_get(client: TestClient) -> None:
    assert client.head("/predict").status_code == client.head("/events").status_code == 405


@pytest.mark.parametrize("path", ["/tasks/", "/drafts/", "/v2/", "/v2/models/low/"])
def test_a_slash_at_the_end_leads_nowhere_else(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)  # a redirection would say http where a proxy speaks https
    assert answer.json() == client.get(path[:-1]).json()
    assert client.post("/predict/", json=ASKED, follow_redirects=False).json() == client.post("/predict", json=ASKED).json()


def test_a_slash_of_a_tasks_name_stays(client: TestClient) -> None:
    assert client.get("/tasks/low%2F").json()["error"]["what"] == "task 'low/'"


def test_compressed_bodies_are_refused_as_such(client: TestClient) -> None:
    body = gzip.compress(json.dumps(ASKED).encode())
    for path in ("/predict", "/drafts", "/v2/models/weather/infer"):
        answer = client.post(path, content=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        assert (answer.status_code, "Content-Encoding" in answer.text) == (415, True)
    assert client.post("/predict", json=ASKED, headers={"Content-Encoding": "identity"}).status_code == 200


def test_json_as_programs_send_it(client: TestClient) -> None:
    right, marked = client.post("/predict", json=ASKED).json(), b"\xef\xbb\xbf" + json.dumps(ASKED).encode()
    for media in ("application/json", "application/json; charset=utf-8", "application/vnd.team+json"):
        assert client.post("/predict", content=marked, headers={"Content-Type": media}).json() == right
    draft = b'\xef\xbb\xbf{"task": "new"}'
    assert client.post("/drafts", content=draft).status_code == 201  # which says nothing of what it is
    form = client.post("/drafts", content=draft, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (form.status_code, form.json()["error"]["what"]) == (415, "Content-Type")


def test_null_is_nothing_in_the_protocol(client: TestClient) -> None:
    text = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a warm day"]}
    right = client.post("/v2/models/weather/infer", json={"inputs": [text]}).json()
    asked = {"id": None, "parameters": None, "outputs": None, "inputs": [text | {"parameters": None}]}
    assert client.post("/v2/models/weather/infer", json=asked).json() == right
    outputs = [{"name": output["name"], "parameters": None} for output in right["outputs"]]
    assert client.post("/v2/models/weather/infer", json=asked | {"outputs": outputs}).json() == right


def test_a_number_that_is_missing_is_null_in_the_protocol_too(client: TestClient) -> None:
    flower = [None, 3.5, 1.4, 0.2]
    row = {"name": "row", "shape": [1, 4], "datatype": "FP64", "data": flower}
    values = client.post("/v2/models/iris/infer", json={"inputs": [row], "outputs": [{"name": "label"}]}).json()
    assert values["outputs"][0]["data"] == [
        str(client.post("/predict", json={"input": flower, "task": "iris"}).json()["answers"][0]["label"])
    ]
    picture = {"name": "image", "shape": [1, 8, 8], "datatype": "FP32", "data": [None] * 64}
    assert client.post("/v2/models/low/infer", json={"inputs": [picture]}).status_code == 422


def test_half_a_file_of_keys_shuts_nobody_out(behind: TestClient, key_file: tuple[Path, str], caplog: pytest.LogCaptureFixture) -> None:
    path, key = key_file
    whole, headers = path.read_bytes(), {"Authorization": f"Bearer {key}"}
    path.write_bytes(whole[:40])
    assert behind.get("/tasks", headers=headers).status_code == behind.get("/tasks", headers=headers).status_code == 200
    assert sum("the keys that were known stay so" in record.message for record in caplog.records) == 1
    path.write_bytes(whole)
    assert behind.get("/tasks", headers=headers).status_code == 200


def test_probes_of_http_1_0_and_head_over_a_connection_that_stays(
    served_folder: Path, tmp_path: Path, listening: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    def said(url: str, request: bytes) -> bytes:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    with listening(create_app(served_folder, ServerSettings(state=str(tmp_path / "state")))) as url:
        assert said(url, b"GET /health/live HTTP/1.0\r\n\r\n").endswith(b'{"live":true}')
        two = b"HEAD /tasks HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answers = said(url, two)
        assert (answers.count(b"HTTP/1.1 200"), answers.count(b"{")) == (2, 1)
        assert answers.endswith(b'{"live":true}')
