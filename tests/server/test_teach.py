"""Teaching over HTTP, as far as no process has to learn: what is refused, the queue, drafts, and what is kept of them."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from senpath import Network
from senpath.errors import StoreError
from senpath.methods import METHODS
from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.store import as_place
from senpath.teaching import drafts, jobs, state_folder
from senpath.testing import ConstantMethod, tiny_task
from tests.raising import raises_error
from tests.server.conftest import LOCAL

EXAMPLES = [{"input": {"x": float(n), "y": float(n % 3)}, "label": "even" if n % 2 == 0 else "odd"} for n in range(8)]


def client_of(folder: Path, **settings: Any) -> TestClient:
    """A client of an application that was not started, so that its jobs stay in the queue."""
    return TestClient(create_app(folder, ServerSettings(**settings)), base_url=LOCAL)


@pytest.fixture
def client(own_folder: Path) -> TestClient:
    return client_of(own_folder)


@pytest.fixture(scope="module")
def refusing(served_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """A client of an application that nobody may change."""
    return client_of(served_folder, state=str(tmp_path_factory.mktemp("state")))


def picture(number: int) -> str:
    """A picture of a handwritten digit, a PNG in base64."""
    x, _ = tiny_task("low")
    file = io.BytesIO()
    Image.fromarray((255 * x[number]).astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/tasks/low", {"examples": EXAMPLES}, 409, "task_exists"),
        ("PATCH", "/tasks/none", {"examples": EXAMPLES}, 404, "unknown_task"),
        ("POST", "/tasks/none/review", {"examples": EXAMPLES}, 404, "unknown_task"),
        ("POST", "/tasks/low/prune", {"keep": 2}, 422, "input"),
        ("POST", "/tasks/low/review", {}, 422, "input"),
        ("POST", "/tasks/new", {}, 422, "input"),
        ("POST", "/tasks/new", {"examples": []}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "draft": "x"}, 422, "input"),
        ("POST", "/tasks/new", {"draft": "none"}, 404, "not_found"),
        ("POST", "/tasks/new", {"examples": [{"input": {"image": "no base64!"}, "label": 1}]}, 422, "input"),
        ("POST", "/tasks/new", {"examples": [{"input": "a text"}]}, 422, "input"),
        ("POST", "/tasks/new", {"examples": [{"input": "a text", "label": None}]}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "none"}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "os:path"}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "settings": {"epoch": 1}}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "munet", "settings": {"work": "/tmp"}}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "munet", "settings": {"ray": "127.0.0.1:1"}}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "munet", "settings": {"jobs": 10_000}}, 422, "input"),
        ("POST", "/tasks/new", {"examples": EXAMPLES, "method": "bare", "settings": {"source": "low"}}, 422, "input"),
        ("POST", "/tasks/a%01b", {"examples": EXAMPLES}, 422, "input"),
        ("DELETE", "/tasks/none", None, 404, "unknown_task"),
        ("POST", "/rollback", {"version": 99}, 422, "input"),
        ("POST", "/rollback", {"version": "1"}, 422, "input"),
        ("GET", "/jobs/none", None, 404, "not_found"),
        ("DELETE", "/jobs/none", None, 404, "not_found"),
        ("GET", "/jobs/none/events", None, 404, "not_found"),
        ("GET", "/drafts/none", None, 404, "not_found"),
        ("POST", "/drafts", {"task": ""}, 422, "input"),
        ("POST", "/inbox/groups/1", {"name": "new"}, 404, "not_found"),
        ("GET", "/inbox/1", None, 404, "not_found"),
    ],
)
def test_what_is_refused(
    refusing: TestClient, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any, status: int, code: str
) -> None:
    monkeypatch.setitem(METHODS, "bare", ConstantMethod)  # which does not describe its settings
    answer = refusing.request(method, path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert refusing.get("/jobs").json() == {"jobs": []}
    assert refusing.get("/drafts").json() == {"drafts": []}


def test_an_upload_of_another_kind_is_refused(client: TestClient, own_folder: Path) -> None:
    answer = client.post("/tasks/new", files={"file": ("a.exe", b"MZ")})
    assert answer.status_code == 422
    assert "zip" in answer.json()["error"]["expected"]
    assert not os.listdir(f"{own_folder}.server/jobs")


def test_nothing_changes_a_server_that_is_read_only(own_folder: Path) -> None:
    client = client_of(own_folder, read_only=True)
    for method, path in (
        ("POST", "/tasks/new"),
        ("PATCH", "/tasks/low"),
        ("DELETE", "/tasks/low"),
        ("POST", "/rollback"),
        ("POST", "/drafts"),
    ):
        answer = client.request(method, path, json={"version": 1})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only")


def test_a_task_is_removed_and_brought_back(client: TestClient, own_folder: Path) -> None:
    before = Network(own_folder).version
    assert client.delete("/tasks/high").json() == {"version": before + 1}
    assert client.get("/tasks/high").status_code == 404
    assert client.post("/rollback", json={"version": before}).json() == {"version": before + 2, "to": before}
    assert client.get("/tasks/high").json()["classes"] == [5, 6, 7, 8, 9]


def test_a_task_gets_another_name_and_words_on_what_it_is_for(client: TestClient, own_folder: Path) -> None:
    draft = client.post("/drafts", json={"task": "low"}).json()["id"]
    said = client.put("/tasks/low/description", json={"description": "Zero to four."}).json()
    assert (said["name"], said["description"]) == ("low", "Zero to four.")
    said = client.put("/tasks/low/name", json={"name": "small/ones"}).json()
    assert (said["name"], said["description"]) == ("small/ones", "Zero to four.")
    assert client.get("/tasks/low").status_code == 404
    assert client.get("/tasks/high").json()["links"] == ["small/ones"]
    assert client.get(f"/drafts/{draft}").json()["task"] == "small/ones"
    assert client.get("/versions").json()["versions"][0]["what"] == "renamed low to small/ones"
    refused = client.put("/tasks/high/name", json={"name": "small/ones"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "task_exists")
    assert client.put("/tasks/high/description", json={"description": "x" * 2001}).status_code == 422
    assert Network(own_folder).tasks["small/ones"].description == "Zero to four."


def test_a_job_waits_is_cancelled_and_stays_so(client: TestClient, own_folder: Path) -> None:
    answer = client.post("/tasks/new", json={"examples": EXAMPLES})
    job = answer.json()["job"]
    assert (answer.status_code, answer.headers["Location"], job["state"]) == (202, f"/jobs/{job['id']}", "queued")
    again = client.post("/tasks/new", json={"examples": EXAMPLES})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    assert client.delete(f"/jobs/{job['id']}").json()["state"] == "cancelled"
    events = client.get(f"/jobs/{job['id']}/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    name, data = events.text.strip().split("\n")
    assert name == "event: cancelled"
    assert json.loads(data.removeprefix("data: "))["id"] == job["id"]
    assert client.delete(f"/jobs/{job['id']}").status_code == 409
    assert not os.listdir(f"{own_folder}.server/jobs")


def test_no_more_jobs_wait_than_may(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "QUEUED", 2)
    answers = [client.post(f"/tasks/new {n}", json={"examples": EXAMPLES}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_draft_takes_examples_one_by_one_and_shows_them_as_they_came(client: TestClient, own_folder: Path) -> None:
    draft = client.post("/drafts", json={"task": "few"}).json()["id"]
    picked = base64.b64decode(picture(0))
    assert client.post(f"/drafts/{draft}/examples", json={"examples": [{"input": {"image": picture(1)}, "label": 1}]}).json() == {
        "added": [1]
    }
    files = [("file", (f"{n}.png", base64.b64decode(picture(n)))) for n in (0, 2)]
    more = client.post(f"/drafts/{draft}/examples", files=files, data={"options": json.dumps({"label": "zero"})})
    assert more.json() == {"added": [2, 3]}
    assert client.get(f"/drafts/{draft}/examples/2").content == picked
    assert client.get(f"/drafts/{draft}/examples/2").headers["content-type"] == "image/png"
    assert client.delete(f"/drafts/{draft}/examples/1").status_code == 204
    client.post(f"/drafts/{draft}/examples", json={"examples": [{"input": {"image": picture(3)}, "label": 3}]})
    other = client_of(own_folder)  # another worker of the same server
    shown = other.get(f"/drafts/{draft}").json()
    assert [(one["n"], one["label"], one["modality"]) for one in shown["examples"]] == [
        (2, "zero", "image"),
        (3, "zero", "image"),
        (4, 3, "image"),
    ]
    assert shown["classes"] == [{"label": "zero", "examples": 2}, {"label": 3, "examples": 1}]
    assert other.delete(f"/drafts/{draft}").status_code == 204
    assert client.get(f"/drafts/{draft}").status_code == 404


def test_a_draft_shows_texts_and_rows_and_no_number_that_is_none(client: TestClient) -> None:
    draft = client.post("/drafts", json={"task": "mixed"}).json()["id"]
    body = '{"examples": [{"input": "warm today", "label": "warm"}, {"input": {"x": NaN, "y": 2}, "label": "row"}]}'
    answer = client.post(f"/drafts/{draft}/examples", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    texts, rows = client.get(f"/drafts/{draft}").json()["examples"]
    assert (texts["text"], texts["row"]) == ("warm today", None)
    assert (rows["text"], rows["row"]) == (None, {"x": None, "y": 2})
    assert client.get(f"/drafts/{draft}/examples/1").text == "warm today"


def test_a_draft_takes_all_examples_of_a_request_or_none(client: TestClient) -> None:
    draft = client.post("/drafts", json={"task": "few"}).json()["id"]
    examples = [{"input": {"image": picture(1)}, "label": 1}, {"input": {"senses": {"text": "a"}}, "label": 1}]
    answer = client.post(f"/drafts/{draft}/examples", json={"examples": examples})
    assert answer.status_code == 422
    assert client.get(f"/drafts/{draft}").json()["examples"] == []


def test_drafts_are_bounded(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "DRAFTS", 1)
    monkeypatch.setattr(drafts, "EXAMPLES", 2)
    monkeypatch.setattr(drafts, "BYTES", 100)
    draft = client.post("/drafts", json={"task": "few"}).json()["id"]
    assert client.post("/drafts", json={"task": "other"}).status_code == 429
    assert client.post(f"/drafts/{draft}/examples", json={"examples": EXAMPLES[:3]}).json()["error"]["expected"] == "at most 2"
    assert client.post(f"/drafts/{draft}/examples", json={"examples": [{"input": "x" * 200, "label": 1}]}).status_code == 413
    assert client.post(f"/drafts/{draft}/examples", json={"examples": EXAMPLES[:2]}).status_code == 200


def test_a_draft_is_checked_before_it_is_learned(client: TestClient) -> None:
    x, y = tiny_task("high")
    pixels = (255 * x).astype(int)
    draft = client.post("/drafts", json={"task": "few"}).json()["id"]

    def check(places: list[int]) -> dict[str, Any]:
        examples = [{"input": pixels[place].tolist(), "label": int(y[place])} for place in places]
        client.post(f"/drafts/{draft}/examples", json={"examples": examples})
        checked: dict[str, Any] = client.post(f"/drafts/{draft}/check").json()
        return checked

    assert check([])["reason"] == "there are no examples"
    fives, sixes = np.flatnonzero(y == 5), np.flatnonzero(y == 6)
    assert "second class" in check(fives[:5].tolist())["reason"]
    lone = check(sixes[:1].tolist())
    assert (lone["accuracy"], lone["few"]) == (None, [6])
    whole = check(sixes[1:5].tolist())
    assert whole["accuracy"] >= 0.8
    assert whole["per_class"].keys() == {"5", "6"}
    assert whole["nearest_task"] in ("low", "high")


def test_a_leave_one_out_figure_does_not_know_what_it_leaves_out(client: TestClient) -> None:
    random = np.random.default_rng(0)  # nothing to learn: a figure far above chance would have seen the labels
    examples = [{"input": random.integers(0, 256, (8, 8)).tolist(), "label": int(n % 2)} for n in range(60)]
    draft = client.post("/drafts", json={"task": "noise"}).json()["id"]
    client.post(f"/drafts/{draft}/examples", json={"examples": examples})
    assert client.post(f"/drafts/{draft}/check").json()["accuracy"] < 0.7


def test_a_damaged_state_is_set_aside(client: TestClient, own_folder: Path) -> None:
    client.post("/drafts", json={"task": "few"})
    file = Path(f"{own_folder}.server/state.sqlite")
    damaged = b"no database" * 1000
    for ending in ("", "-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    file.write_bytes(damaged)
    assert client_of(own_folder).get("/drafts").json() == {"drafts": []}
    (aside,) = file.parent.glob("state.sqlite.damaged-*")
    assert aside.read_bytes() == damaged


def test_a_state_of_a_newer_version_is_left_alone(client: TestClient, own_folder: Path) -> None:
    with sqlite3.connect(f"{own_folder}.server/state.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with raises_error(StoreError, "state", got="version 99"):
        create_app(own_folder)


def test_the_state_of_another_network_is_refused(client: TestClient, own_folder: Path) -> None:
    client.post("/drafts", json={"task": "few"})
    shutil.copytree(own_folder, own_folder.parent / "moved.sen")  # which is the same network
    state = f"{own_folder}.server"
    assert [draft["task"] for draft in client_of(own_folder.parent / "moved.sen", state=state).get("/drafts").json()["drafts"]] == ["few"]
    other = own_folder.parent / "other.sen"
    Network(other)
    with raises_error(StoreError, "the server's state", expected="that of this network", do=re.compile(f"state=FOLDER, or delete {state}")):
        create_app(other, ServerSettings(state=state))


def test_networks_of_one_name_in_object_storage_have_states_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = [as_place("", f"{place}/team.sen") for place in ("s3://first", "gs://first", "s3://second", "s3://first/below")]
    folders = [state_folder(place, None) for place in (*places, places[0])]
    assert len({*folders}) == 4
    assert folders[0] == folders[-1]
    assert all(folder.parent == tmp_path and re.fullmatch(r"team\.sen-[0-9a-f]{8}\.server", folder.name) for folder in folders)


def test_others_cannot_read_the_state(client: TestClient, own_folder: Path) -> None:
    assert Path(f"{own_folder}.server").stat().st_mode & 0o077 == 0
