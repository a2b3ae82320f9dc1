"""Keys: three roles, hashes alone on disk, and what a browser has to send besides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.testclient import TestClient

from senpath import Network
from senpath.errors import InputError
from senpath.server.app import create_app
from senpath.server.auth import needs
from senpath.serving.keys import add_key, read_keys, remove_key
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_task
from tests.raising import raises_error

LOCAL = "http://127.0.0.1"
ROLES = ("read", "teach", "own")
Listening = Callable[[FastAPI], AbstractContextManager[str]]


async def nothing() -> None:
    """What an operation does once it may."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A file of keys, and the key of each role."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    return path, {role: add_key(path, f"{role}er", role) for role in ROLES}


@pytest.fixture(scope="module")
def guarded(served_folder: Path, keys: tuple[Path, dict[str, str]]) -> Iterator[TestClient]:
    """A client of an application with keys, and an operation for each role that would change something."""
    app = create_app(served_folder, ServerSettings(keys=str(keys[0]), host="0.0.0.0"))
    router = APIRouter()
    for role in ROLES:
        router.add_api_route(f"/for-{role}", nothing, methods=["POST"], dependencies=[Depends(needs(role))])
    app.include_router(router)
    with TestClient(app, base_url="http://server.example") as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_file_holds_no_key_and_is_for_its_owner_alone(keys: tuple[Path, dict[str, str]]) -> None:
    path, made = keys
    content = path.read_text()
    assert not any(key in content or key[16:] in content for key in made.values())
    assert path.stat().st_mode & 0o077 == 0
    assert [(key.name, key.role) for key in read_keys(path)] == [("reader", "read"), ("teacher", "teach"), ("owner", "own")]
    assert len({key.salt for key in read_keys(path)}) == 3


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_those_before_it_may(guarded: TestClient, keys: tuple[Path, dict[str, str]], role: str) -> None:
    headers = bearer(keys[1][role])
    assert guarded.get("/session", headers=headers).json()["role"] == role
    for place, wanted in enumerate(ROLES):
        response = guarded.post(f"/for-{wanted}", headers=headers)
        assert response.status_code == (200 if place <= ROLES.index(role) else 403), wanted
    assert guarded.post("/predict", json={"input": "a warm day"}, headers=headers).status_code == 200


def test_without_a_key_nothing_is_told(guarded: TestClient) -> None:
    for method, path in (
        ("POST", "/predict"),
        ("POST", "/explain"),
        ("GET", "/tasks"),
        ("GET", "/network"),
        ("GET", "/log"),
        ("GET", "/report"),
    ):
        response = guarded.request(method, path)
        assert (response.status_code, response.json()["error"]["code"]) == (401, "no_key"), path
    session = guarded.get("/session").json()
    assert (session["role"], session["token"], session["keys"]) == (None, None, True)


@pytest.mark.parametrize(
    "change", [lambda key: key + "x", lambda key: key[:-1], lambda key: key[:16], lambda key: "", lambda key: "sp_" + "0" * 300]
)
def test_another_key_is_refused(guarded: TestClient, keys: tuple[Path, dict[str, str]], change: object) -> None:
    response = guarded.get("/tasks", headers=bearer(change(keys[1]["own"])))  # type: ignore[operator]
    assert (response.status_code, response.json()["error"]["code"]) == (401, "no_key")
    assert guarded.get("/tasks", headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_a_browser_needs_the_same_origin_and_the_token(guarded: TestClient, keys: tuple[Path, dict[str, str]]) -> None:
    page = TestClient(guarded.app, base_url="http://server.example")  # which is running
    login = page.post("/session", json={"key": keys[1]["own"]})
    cookie = login.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    token = page.get("/session").json()["token"]
    own, other = {"Origin": "http://server.example"}, {"Origin": "http://evil.example"}
    assert page.post("/for-own").status_code == 403  # a cookie comes by itself
    assert page.post("/for-own", headers=own).status_code == 403
    assert page.post("/for-own", headers=own | {"X-Senpath-Token": "x" * 64}).status_code == 403
    assert page.post("/for-own", headers=own | {"X-Senpath-Token": token}).status_code == 200
    assert page.post("/for-own", headers=other | {"X-Senpath-Token": token}).status_code == 403
    assert page.post("/for-own", headers={"Sec-Fetch-Site": "cross-site", "X-Senpath-Token": token}).status_code == 403
    assert page.post("/predict", json={"input": "a warm day"}, headers=own).status_code == 200
    assert page.post("/predict", json={"input": "a warm day"}, headers=other).status_code == 403
    page.delete("/session", headers=own)
    assert page.get("/session").json()["role"] is None
    assert guarded.post("/session", json={"key": "sp_" + "0" * 12 + "_no"}).status_code == 401


def test_a_key_that_is_removed_opens_nothing_more(served_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    key, _ = add_key(path, "one", "read"), add_key(path, "two", "read")
    with TestClient(create_app(served_folder, ServerSettings(keys=str(path))), base_url=LOCAL) as client:
        assert client.get("/tasks", headers=bearer(key)).status_code == 200
        remove_key(path, "one")
        assert client.get("/tasks", headers=bearer(key)).status_code == 401
        path.write_text("no keys")
        assert client.get("/session").status_code == 200  # what is known stays known


@pytest.mark.slow("hashing keys is slow on purpose")
def test_many_wrong_keys_wait_for_each_other(served_folder: Path, tmp_path: Path, listening: Listening) -> None:
    key = add_key(tmp_path / "keys", "one", "read")

    def ask(number: int, url: str) -> int:
        return httpx.get(f"{url}/session", headers=bearer(f"{key[:20]}{number}"), timeout=30).status_code

    app = create_app(served_folder, ServerSettings(keys=str(tmp_path / "keys")))
    with listening(app) as url, ThreadPoolExecutor(40) as clients:
        statuses = [*clients.map(ask, range(40), [url] * 40)]
        assert httpx.get(f"{url}/session", headers=bearer(key)).json()["role"] == "read"
    assert {401, 429} == {*statuses}


def test_a_read_only_server_changes_nothing(served_folder: Path) -> None:
    app = create_app(served_folder, ServerSettings(read_only=True))
    app.post("/change", dependencies=[Depends(needs("teach"))])(nothing)
    with TestClient(app, base_url=LOCAL) as client:
        assert client.get("/session").json()["read_only"] is True
        response = client.post("/change")
        assert (response.status_code, response.json()["error"]["code"]) == (403, "read_only")
        assert client.post("/predict", json={"input": "a warm day"}).status_code == 200


def test_files_and_names_of_keys_that_are_wrong_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    add_key(path, "one", "read")
    with raises_error(InputError, "key 'one'", expected="a new name"):
        add_key(path, "one", "own")
    with raises_error(InputError, "role", expected="read, teach, own"):
        add_key(path, "two", "admin")
    with raises_error(InputError, "key 'two'", expected="one of one"):
        remove_key(path, "two")
    line = json.loads(path.read_text())
    for wrong in ({**line, "role": "admin"}, {**line, "hash": "00"}, {**line, "salt": ""}, {"id": "x"}, []):
        path.write_text(json.dumps(wrong))
        with raises_error(InputError, "file of keys", expected="keys, one a line"):
            read_keys(path)


def test_without_keys_only_this_machine_is_served(served_folder: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "server.example", ""):
        with raises_error(InputError, "host", expected="127.0.0.1", do="senpath keys add"):
            create_app(served_folder, ServerSettings(host=host))
    for host in ("127.0.0.1", "localhost", "::1", "127.9.9.9"):
        create_app(served_folder, ServerSettings(host=host))


def test_who_taught_may_take_it_back_and_nothing_else(own_folder: Path, keys: tuple[Path, dict[str, str]]) -> None:
    server = (app := create_app(own_folder, ServerSettings(keys=str(keys[0])))).state.server
    client, net, jobs = TestClient(app, base_url=LOCAL), server.live.network, server.state.jobs

    def taught(task: str, key: str) -> int:
        """A version that a job of this key made."""
        before: int = net.version
        with jobs.preparing() as folder:
            jobs.submit(folder, {"what": "learn", "task": task, "key": key})
        job = jobs.next()
        net.learn(task, *tiny_task("odd"), method=ConstantMethod())
        jobs.end(job, "done", result={"before": before, "version": net.version, "changed": True})
        server.live.refresh()
        return before

    def back(to: int, role: str = "teach") -> int:
        return client.post("/rollback", json={"version": to}, headers=bearer(keys[1][role])).status_code

    before = taught("mine", "teacher")
    assert back(before - 1) == 403, "further than what the job made"
    assert back(before, "read") == 403
    assert back(before) == 200
    assert back(before) == 403, "it is not the newest any more"
    assert "mine" not in Network(own_folder).tasks
    assert back(taught("owners", "owner")) == 403, "somebody else's"
