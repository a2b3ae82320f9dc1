"""The inbox: what is kept, how much of it, and what becomes of a group that a person names."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from senpath.testing import tiny_task
from tests.server.test_teach import client_of, picture

RANDOM = np.random.default_rng(0)
NOISE = [RANDOM.integers(0, 256, (8, 8)).tolist() for _ in range(8)]


def ask(client: TestClient, inputs: list[Any], **options: Any) -> list[dict[str, Any]]:
    answer = client.post("/predict", json={"inputs": inputs, **options})
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()["answers"]
    return answers


@pytest.fixture
def client(own_folder: Path) -> TestClient:
    return client_of(own_folder, inbox=True)


def test_nothing_is_kept_unless_the_operator_says_so(own_folder: Path) -> None:
    client = client_of(own_folder)
    assert ask(client, NOISE[:1])[0]["task"] is None
    assert (client.get("/inbox").json()["on"], client.get("/inbox").json()["count"]) == (False, 0)


def test_what_fits_nothing_is_kept_as_it_came(client: TestClient) -> None:
    x, _ = tiny_task("low")
    known = (255 * x[:5]).astype(int).tolist()
    answers = ask(
        client, [*known, NOISE[0], {"image": "no picture"}, {"senses": {"text": "a", "image": NOISE[1]}}, NOISE[2]], errors="skip"
    )
    assert answers[5]["task"] is None
    ask(client, [NOISE[3]], task="low")  # whoever gives the task asks nothing that the network should know
    shown = client.get("/inbox").json()
    kept = {number for group in shown["groups"] for number in group["examples"]}
    fits = [answer["task"] is not None for answer in answers[:5]]
    assert shown["count"] == 2 + 5 - sum(fits)
    assert NOISE[0] in [client.get(f"/inbox/{number}").json() for number in kept]
    assert all(group["modality"] == "image" and group["why"] for group in shown["groups"])


def test_an_uploaded_file_is_kept_byte_by_byte(client: TestClient) -> None:
    content = b"\xff\xd8\xff nothing"
    client.post("/predict", files={"file": ("a.jpg", content)})
    assert client.get("/inbox").json()["count"] == 0  # for it is broken
    text = "zzz qqq xxx"
    client.post("/predict", files={"file": ("a.txt", text.encode())})
    (group,) = client.get("/inbox").json()["groups"]
    kept = client.get(f"/inbox/{group['examples'][0]}")
    assert (kept.text, kept.headers["content-type"]) == (text, "text/plain; charset=utf-8")


def test_what_is_in_an_uploaded_table_or_zip_file_is_kept(client: TestClient) -> None:
    rows = "x0,x1,x2,x3\n900,1,1,1\n5.1,3.5,1.4,0.2\n1,900,1,1\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place in range(2):
            file = io.BytesIO()
            Image.fromarray(np.array(NOISE[place], dtype=np.uint8)).save(file, "PNG")
            archive.writestr(f"{place}.png", file.getvalue())
    answers = client.post("/predict", files=[("file", ("a.csv", rows)), ("file", ("a.zip", packed.getvalue()))]).json()["answers"]
    refused = sum(answer["task"] is None for answer in answers)
    assert refused >= 4
    shown = client.get("/inbox").json()
    assert shown["count"] == refused
    kept = [client.get(f"/inbox/{number}") for group in shown["groups"] for number in group["examples"]]
    assert {"x0": 900, "x1": 1, "x2": 1, "x3": 1} in [entry.json().get("row") for entry in kept if "json" in entry.headers["content-type"]]
    assert sum(entry.headers["content-type"] == "image/png" for entry in kept) == 2


def test_a_group_stays_where_its_job_finds_no_room(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(client, ["zzz qqq xxx"])
    (group,) = client.get("/inbox").json()["groups"]
    monkeypatch.setattr("senpath.teaching.jobs.QUEUED", 0)
    refused = client.post(f"/inbox/groups/{group['id']}", json={"name": "odd", "into": "weather"})
    assert (refused.status_code, client.get("/inbox").json()["count"]) == (429, 1)


def test_what_two_tasks_claim_is_kept(own_folder: Path) -> None:
    client = client_of(own_folder, inbox=True)
    x, _ = tiny_task("low")
    y, _ = tiny_task("high")
    between = [(255 * (a / 2 + b / 2)).astype(int).tolist() for a, b in zip(x[:40], y[:40], strict=True)]
    answers = ask(client, between, reject=False)
    assert all(answer["task"] is not None for answer in answers)
    groups = client.get("/inbox").json()["groups"]
    assert {group["why"] for group in groups} == {"two tasks are close"}
    assert {near["task"] for group in groups for near in group["nearest"]} == {"low", "high"}


def test_the_oldest_go_where_there_are_too_many(own_folder: Path) -> None:
    client = client_of(own_folder, inbox=True, inbox_inputs=3)
    for one in NOISE[:5]:
        ask(client, [one, one])  # what comes twice is kept once
    numbers = sorted(number for group in client.get("/inbox").json()["groups"] for number in group["examples"])
    assert [client.get(f"/inbox/{number}").json() for number in numbers] == NOISE[2:5]


def test_the_oldest_go_where_there_are_too_many_bytes(own_folder: Path) -> None:
    client = client_of(own_folder, inbox=True, inbox_bytes=600)
    ask(client, NOISE)
    shown = client.get("/inbox").json()
    assert 0 < shown["count"] < 8
    assert shown["bytes"] <= 600


def test_groups_become_classes_of_a_new_task(client: TestClient) -> None:
    x, y = tiny_task("iris")
    rows = [dict(zip("abcd", (50 + 10 * value).tolist(), strict=True)) for value in x[y == 0][:5]]
    ask(client, ["quux blah"])
    ask(client, NOISE[:2])
    ask(client, rows)
    groups = {group["modality"]: group for group in client.get("/inbox").json()["groups"]}
    assert groups.keys() == {"text", "image", "table"}
    first = client.post(f"/inbox/groups/{groups['image']['id']}", json={"name": "signs", "label": "noise"})
    assert first.status_code == 201
    draft = first.json()["draft"]
    assert (draft["task"], draft["classes"]) == ("signs", [{"label": "noise", "examples": groups["image"]["size"]}])
    second = client.post(f"/inbox/groups/{groups['text']['id']}", json={"name": "signs", "label": "other"}).json()["draft"]
    assert (second["id"], len(second["classes"])) == (draft["id"], 2)
    assert client.post(f"/inbox/groups/{groups['text']['id']}", json={"name": "signs"}).status_code == 404
    assert client.post(f"/inbox/groups/{groups['table']['id']}", json={"name": "low"}).status_code == 409


def test_a_group_goes_to_a_task_that_there_is(client: TestClient) -> None:
    ask(client, NOISE[:2])
    group = client.get("/inbox").json()["groups"][0]["id"]
    assert client.post(f"/inbox/groups/{group}", json={"name": "noise", "into": "none"}).status_code == 404
    answer = client.post(f"/inbox/groups/{group}", json={"name": "noise", "into": "low"})
    job = answer.json()["job"]
    assert (answer.status_code, job["what"], job["task"]) == (202, "extend", "low")
    assert client.get("/drafts").json()["drafts"][0]["task"] == "low"  # until the job is done: nothing is lost


def test_inputs_are_deleted(client: TestClient, own_folder: Path) -> None:
    ask(client, NOISE[:3])
    count, number = client.get("/inbox").json()["count"], client.get("/inbox").json()["groups"][0]["examples"][0]
    assert client.delete(f"/inbox/{number}").status_code == 204
    assert client.get(f"/inbox/{number}").status_code == 404
    assert client.get("/inbox").json()["count"] == count - 1
    assert client.delete("/inbox").status_code == 204
    assert client.get("/inbox").json()["count"] == 0
    on_disk = b"".join(file.read_bytes() for file in Path(f"{own_folder}.server").glob("state.sqlite*"))
    assert not any(str(one)[:60].encode() in on_disk for one in NOISE[:3])  # nor is it there for who reads the file


def test_pictures_of_a_kind_are_grouped(client: TestClient) -> None:
    assert picture(0)  # digits shrunk and turned into two kinds that the network does not know
    x, _ = tiny_task("low")
    flat = [(255 * np.roll(one, 3, 0)[::-1] * (np.arange(8) < 4)).astype(int).tolist() for one in x[:6]]
    bars = [(np.eye(8)[::-1] * (200 + n)).astype(int).tolist() for n in range(6)]
    ask(client, [*flat, *bars])
    groups = client.get("/inbox").json()["groups"]
    numbers = [number for group in groups for number in group["examples"]]
    kinds = {number: client.get(f"/inbox/{number}").json() in bars for number in numbers}
    assert any(group["size"] >= 4 for group in groups)
    assert all(len({kinds[number] for number in group["examples"]}) == 1 for group in groups)


@pytest.mark.parametrize("value", ["my private note", {"a": 0}])
def test_what_is_asked_of_a_task_is_never_kept(client: TestClient, value: Any) -> None:
    client.post("/predict", json={"input": value, "task": "low"})  # which reads pictures
    assert client.get("/inbox").json()["count"] == 0


@pytest.mark.parametrize("odd", [["zzz qqq xxx", ""], [{"plan": "free"}, {"plan": 3}], [[None, None]], [[1e300, 0]]])
def test_an_odd_input_hides_no_others(client: TestClient, odd: list[Any]) -> None:
    ask(client, [*NOISE[:2], *odd], errors="skip")
    shown = client.get("/inbox")
    assert shown.status_code == 200, shown.text
    kept = [client.get(f"/inbox/{number}").text for group in shown.json()["groups"] for number in group["examples"]]
    assert len(kept) == shown.json()["count"]
    assert all(picture in [json.loads(one) for one in kept if one.startswith("[[")] for picture in NOISE[:2])
