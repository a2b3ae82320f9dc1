"""Attacks, and what each gets: limits, hosts, half-sent requests; and the one shape of all errors."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import socket
import time
import wave
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings

LOCAL = "http://127.0.0.1"
Listening = Callable[[FastAPI], AbstractContextManager[str]]


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


@pytest.fixture(scope="module")
def tight(served_folder: Path) -> Iterator[TestClient]:
    """A client of a server that takes little."""
    settings = ServerSettings(body_bytes=20_000, inputs=4, pixels=10_000, seconds=2.0, rows=5)
    with TestClient(create_app(served_folder, settings), base_url=LOCAL) as client:
        yield client


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"]
)
def test_a_name_that_leads_here_by_trickery_is_refused(client: TestClient, host: str) -> None:
    assert code(client.get("/session", headers={"Host": host})) == (403, "not_permitted")


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "LOCALHOST:80", "[::1]:8000"])
def test_this_machines_own_names_are_not(client: TestClient, host: str) -> None:
    assert client.get("/session", headers={"Host": host}).status_code == 200


def test_every_answer_has_the_headers_that_browsers_heed(client: TestClient) -> None:
    for response in (client.get("/session"), client.get("/nothing"), client.post("/predict", content=b"{"), client.get("/")):
        headers = response.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "unsafe" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    assert client.options("/predict", headers={"Origin": "http://evil.example"}).status_code == 405


def test_request_ids_are_kept_if_they_are_plain(client: TestClient) -> None:
    assert client.get("/session", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    for given in ("a" * 129, "a b", "ä".encode()):
        answer = client.get("/nothing", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] not in ("", given)
        assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]


def test_unknown_paths_and_methods_have_the_one_shape(client: TestClient) -> None:
    for path in (
        "/nothing",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.js/../../settings.py",
        "/tasks/..%2f..%2fetc%2fpasswd",
    ):
        response = client.get(path)
        assert response.status_code == 404, path
        assert response.json()["error"]["code"] in ("not_found", "unknown_task")
        assert "root:" not in response.text
    assert code(client.delete("/predict")) == (405, "method_not_allowed")
    assert code(client.put("/session")) == (405, "method_not_allowed")


def test_a_body_that_is_too_large_is_not_read(tight: TestClient) -> None:
    assert code(tight.post("/predict", json={"input": "a" * 30_000})) == (413, "too_large")
    assert code(tight.post("/predict", content=(b"x" * 1000 for _ in range(100)))) == (413, "too_large")
    assert code(tight.post("/predict", content=b"", headers={"Content-Length": "-1"}))[0] == 413
    assert code(tight.post("/predict", files=[("file", ("a.txt", b"x" * 30_000))])) == (413, "too_large")


def test_more_than_a_request_may_have_is_refused(tight: TestClient) -> None:
    assert code(tight.post("/predict", json={"inputs": ["a"] * 5})) == (413, "too_large")
    table = "x0,x1,x2,x3\n" + "1,2,3,4\n" * 6
    assert code(tight.post("/predict", files=[("file", ("a.csv", table))])) == (413, "too_large")
    assert code(tight.post("/predict", files=[("file", ("a.txt", b"a"))] * 5)) == (422, "input")
    assert code(tight.post("/predict", json={"input": {"audio": {"samples": [0.1] * 3000, "rate": 1000}}})) == (413, "too_large")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 1, 1000, 3000, "NONE", ""))
        sound.writeframes(bytes(3000))
    assert code(tight.post("/predict", files=[("file", ("a.wav", file.getvalue()))])) == (413, "too_large")


def test_a_picture_that_unfolds_is_refused_by_its_header(tight: TestClient) -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG", optimize=False)
    assert len(bomb.getvalue()) < 100_000
    small = io.BytesIO()
    Image.new("1", (2000, 2000)).save(small, "PNG")
    for content in (bomb.getvalue(), small.getvalue()):
        if len(content) * 4 / 3 > 19_000:
            continue
        response = tight.post("/predict", json={"input": {"image": base64.b64encode(content).decode()}})
        assert code(response) == (413, "too_large")
        assert "pixels" in response.json()["error"]["expected"]


def test_archives_that_unfold_are_refused(client: TestClient) -> None:
    bomb = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (100_000, 100_000)})
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header.getvalue() + b"\0" * 10_000_000)
    started = time.monotonic()
    response = client.post("/predict", files=[("file", ("x.npz", bomb.getvalue()))])
    assert code(response) == (422, "input")
    assert time.monotonic() - started < 5
    for name in ("../../escape.npy", "/etc/escape.npy"):
        trick = io.BytesIO()
        with zipfile.ZipFile(trick, "w") as archive:
            archive.writestr(name, b"x")
        assert code(client.post("/predict", files=[("file", ("x.npz", trick.getvalue()))])) == (422, "input")


def test_what_a_pickle_would_do_is_not_done(client: TestClient, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "done",))

    file = io.BytesIO()
    np.savez(file, x=np.array([Evil()], dtype=object))
    (tmp_path / "done").unlink(missing_ok=True)
    assert code(client.post("/predict", files=[("file", ("x.npz", file.getvalue()))])) == (422, "input")
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\x00b.csv", "..\\..\\x.npz", "a" * 5000, "<b>x</b>.json", "\u202egnp.exe"]
)
def test_an_uploads_name_leads_nowhere(client: TestClient, name: str, served_folder: Path) -> None:
    response = client.post("/predict", files=[("file", (name, b"{not json"))])
    assert response.status_code in (200, 422)
    assert "/tmp" not in response.text
    assert str(served_folder) not in response.text


def test_a_table_that_names_files_of_the_server_reads_none(client: TestClient, tmp_path: Path) -> None:
    Image.new("L", (8, 8), 255).save(tmp_path / "secret.png")
    there, absent = (
        client.post("/predict", files=[("file", ("a.csv", f"file_name\n{name}\n"))])
        for name in (tmp_path / "secret.png", tmp_path / "absent.png")
    )
    assert there.status_code == absent.status_code
    assert there.json().get("answers", [{}])[0].get("task") is None


def test_no_error_names_a_folder_of_the_server(own_folder: Path) -> None:
    for part in (own_folder / "components").iterdir():
        part.write_bytes(b"spoilt")
    with TestClient(create_app(own_folder), base_url=LOCAL) as client:
        response = client.post("/predict", json={"input": "a warm day"})
        assert code(response) == (500, "store")
        assert str(own_folder) not in response.text
        assert str(own_folder.parent) not in response.text


def test_a_bug_says_no_more_than_that_it_is_one(served_folder: Path) -> None:
    app = create_app(served_folder)

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError(f"secret of {served_folder}")

    with TestClient(app, base_url=LOCAL) as client:
        response = client.get("/bug")
        assert code(response) == (500, "internal")
        assert "secret" not in response.text


def test_more_requests_than_may_be_under_way_are_told_to_wait(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder, ServerSettings(requests=1, body_seconds=2.0))) as url, closing(connect(url)) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
        time.sleep(0.2)
        response = ask(url, b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b"503 Service Unavailable" in response
        assert b"retry-after: 1" in response.lower()
        assert b'"code":"busy"' in response


def test_a_stream_of_events_is_no_request_under_way(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder, ServerSettings(requests=1))) as url, closing(connect(url)) as listener:
        listener.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in listener.recv(1000)
        for _ in range(3):
            assert b"200 OK" in ask(url, b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=15)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def ask(url: str, content: bytes) -> bytes:
    with closing(connect(url)) as connection:
        connection.sendall(content)
        return read_all(connection)


def test_a_client_that_leaves_amid_its_request_is_no_error(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder)) as url:
        with closing(connect(url)) as gone:
            gone.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{")
            time.sleep(0.1)
        time.sleep(0.1)
        told = ask(url, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b'status="499"' in told
        assert b'status="500"' not in told


def test_two_hosts_are_refused(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder)) as url:
        for second in (b"Host: evil.example", b"host: 127.0.0.1"):
            response = ask(url, b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\n" + second + b"\r\nConnection: close\r\n\r\n")
            assert b" 400 " in response.splitlines()[0]


@pytest.mark.slow("waits until the server gives up")
@pytest.mark.parametrize("ahead", [(300,), (10, 100, 1, 1)], ids=["at once", "more while the server waits"])
def test_answers_that_are_not_taken_are_given_up(
    served_folder: Path, listening: Listening, ahead: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with listening(create_app(served_folder, ServerSettings(answer_seconds=2.0))) as url, closing(socket.socket()) as lazy:
        size = len(ask(url, request + b"Connection: close\r\n\r\n"))  # written now, so that the server soon waits for its client
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        lazy.settimeout(15)
        for times in ahead:
            lazy.sendall((request + b"\r\n") * times)
            time.sleep(0.3)
        time.sleep(4)
        got = 0
        with contextlib.suppress(ConnectionError):
            while part := lazy.recv(2**20):
                got += len(part)
        assert got < size * sum(ahead)
    assert "RuntimeError" not in caplog.text


HALF = {
    "nothing": (b"", b"408"),
    "half a line": (b"GET /ses", b"408"),
    "headers without an end": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"408"),
    "empty lines": (b"\r\n" * 50, b"408"),
    "half a body": (b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{", b"408"),
    "half a chunk": (b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", b"408"),
    "headers without measure": (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 999) for n in range(99)),
        b"431",
    ),
    "no request": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50, b"400"),
    "two lengths": (b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc", b"400"),
    "a length and chunks": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
}


def test_half_a_request_is_cut_and_others_are_answered_meanwhile(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder, ServerSettings(header_seconds=1.0, body_seconds=1.0))) as url:
        connections = {name: connect(url) for name in HALF}
        for name, connection in connections.items():
            connection.sendall(HALF[name][0])
        assert b"200 OK" in ask(url, b"GET /session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        for name, connection in connections.items():
            with closing(connection):
                response = read_all(connection)
            assert response.startswith(b"HTTP/1.1 " + HALF[name][1]), (name, response[:200])
            body = json.loads(response.partition(b"\r\n\r\n")[2])
            assert body["error"].keys() == {"code", "message", "what", "expected", "got", "do", "request_id"}


def test_more_connections_than_may_be_open_are_refused(served_folder: Path, listening: Listening) -> None:
    with listening(create_app(served_folder, ServerSettings(connections=3))) as url:
        kept = [connect(url) for _ in range(3)]
        time.sleep(0.1)
        with closing(connect(url)) as refused:
            response = read_all(refused)
        assert b"503" in response
        assert b"Retry-After" in response
        for connection in kept:
            connection.close()
