"""Asking over HTTP gives what the library answers, in one shape, from one version."""

from __future__ import annotations

import base64
import io
import json
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from senpath import Network
from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_task

LOCAL = "http://127.0.0.1"


def ask(client: TestClient, **body: Any) -> Any:
    response = client.post("/predict", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def sound(seconds: float = 0.5, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes((8000 * np.sin(np.arange(int(seconds * rate)))).astype("<i2").tobytes())
    return file.getvalue()


def test_a_mixed_list_is_answered_as_the_library_does(client: TestClient, served_folder: Path) -> None:
    picture, row, text = tiny_task("low")[0][0], tiny_task("iris")[0][0], "a warm day"
    said = ask(client, inputs=[picture.tolist(), row.tolist(), text])
    own = Network(served_folder).predict([picture, row, text])
    assert said["version"] == 4
    for place, answer in enumerate(said["answers"]):
        assert (answer["task"], answer["label"]) == (own.task[place], own.label[place])
        assert answer["confidence"] == pytest.approx(own.confidence[place], abs=1e-5)
        assert answer["ood_score"] == pytest.approx(own.ood_score[place], rel=1e-3)
        assert answer["ran"]["weights"] == own.activated[place].total
        best = own.top(5)[place]
        assert [(entry["task"], entry["label"]) for entry in answer["top"]] == [(task, label) for task, label, _ in best]
    assert [answer["modality"] for answer in said["answers"]] == ["image", "table", "text"]


@pytest.mark.parametrize(
    "form",
    [
        lambda x: {"array": x.tolist()},
        lambda x: {"image": base64.b64encode(png((x * 255).round().astype(np.uint8))).decode()},
        lambda x: {"image": "data:image/png;base64," + base64.b64encode(png((x * 255).round().astype(np.uint8))).decode()},
        lambda x: {"image": "DATA:image/png;name=a.png;base64," + base64.encodebytes(png((x * 255).round().astype(np.uint8))).decode()},
        lambda x: {"senses": {"image": x.tolist()}},
        lambda x: (x * 255).round().astype(int).tolist(),
    ],
)
def test_every_form_of_a_picture_gets_the_same_answer(client: TestClient, form: Any) -> None:
    picture = tiny_task("low")[0][3]
    plain, formed = ask(client, input=picture.tolist()), ask(client, input=form(picture))
    assert formed["answers"][0]["label"] == plain["answers"][0]["label"]
    assert formed["answers"][0]["confidence"] == pytest.approx(plain["answers"][0]["confidence"], abs=0.02)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64])
def test_a_picture_gets_the_librarys_answer_to_the_last_bit(client: TestClient, served_folder: Path, kind: Any) -> None:
    picture = (tiny_task("low")[0][3] * 255).round().astype(kind) / (255 if kind is np.float64 else 1)
    picture = picture.astype(kind)
    own, (answer,) = Network(served_folder).predict(picture), ask(client, input=picture.tolist())["answers"]
    assert (answer["label"], answer["confidence"], answer["ood_score"]) == (own.label[0], own.confidence[0], own.ood_score[0])


def test_rows_go_by_their_names_in_any_order(client: TestClient) -> None:
    row = dict(zip(("x3", "x2", "x1", "x0"), tiny_task("iris")[0][0][::-1].tolist(), strict=True))
    first, second = ask(client, inputs=[row, {"row": row | {"other": "word"}}])["answers"]
    assert first["task"] == "iris"
    assert first["label"] == second["label"] == ask(client, input=tiny_task("iris")[0][0].tolist())["answers"][0]["label"]


def test_what_fits_nothing_gets_the_reason(client: TestClient) -> None:
    far, unknown = ask(client, inputs=["qqq zzz xxx", {"audio": {"samples": [0.1] * 800, "rate": 8000}}])["answers"]
    assert far["task"] is None
    assert far["reason"].startswith("further from 'weather'")
    assert far["ood_score"] > 1
    assert unknown["task"] is None
    assert "audio" in unknown["reason"]
    assert unknown["ood_score"] is None
    assert ask(client, input="qqq zzz xxx", reject=False)["answers"][0]["task"] == "weather"


def test_a_task_that_is_known_answers(client: TestClient) -> None:
    picture = tiny_task("low")[0][0].tolist()
    assert ask(client, input=picture, task="high", top=2)["answers"][0]["task"] == "high"
    assert len(ask(client, input=picture, task="high", top=2)["answers"][0]["top"]) == 2
    response = client.post("/predict", json={"input": picture, "task": "nothing"})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_task")


def test_several_senses_of_one_thing(client: TestClient) -> None:
    picture = tiny_task("low")[0][0].tolist()
    (answer,) = ask(client, input={"senses": {"image": picture, "text": "a warm day"}})["answers"]
    assert answer["senses"].keys() == {"image", "text"}
    assert answer["concept"] in ("low", "weather")
    assert {answer["senses"]["image"]["task"], answer["senses"]["text"]["task"]} == {"low", "weather"}


def test_files_are_told_by_their_content(client: TestClient) -> None:
    picture = png((tiny_task("low")[0][0] * 255).astype(np.uint8))
    rows = "x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n"
    files = [("file", ("a", picture)), ("file", ("b.wav", sound())), ("file", ("c.txt", b"a warm day")), ("file", ("d.csv", rows))]
    response = client.post("/predict", files=files, data={"options": json.dumps({"top": 1})})
    assert response.status_code == 200, response.text
    answers = response.json()["answers"]
    assert [answer["task"] for answer in answers] == ["low", None, "weather", "iris", "iris"]
    assert all(len(answer["top"]) <= 1 for answer in answers)


def test_a_broken_line_of_an_uploaded_table_is_one_answer(client: TestClient) -> None:
    files = [("file", ("d.csv", "x0,x1,x2,x3\n5.1,3.5,1.4,0.2\n5.1\n6.3,3.3,6.0,2.5\n"))]
    answers = client.post("/predict", files=files, data={"options": json.dumps({"errors": "skip"})}).json()["answers"]
    assert [answer["reason"] for answer in answers] == [None, "table d.csv, line 3: expected 4 values, got 1", None]
    refused = client.post("/predict", files=files)
    assert (refused.status_code, refused.json()["error"]["what"]) == (422, "table d.csv, line 3")


def test_a_limit_refuses_the_request_whatever_is_skipped(served_folder: Path) -> None:
    small = TestClient(create_app(served_folder, ServerSettings(rows=2, pixels=100)), base_url=LOCAL)
    options = {"options": json.dumps({"errors": "skip"})}
    rows = "x0,x1,x2,x3\n" + "5.1,3.5,1.4,0.2\n" * 3
    picture = png(np.zeros((20, 20), dtype=np.uint8))
    for file in (("a.csv", rows), ("a.png", picture)):
        assert small.post("/predict", files=[("file", file)], data=options).status_code == 413


def test_words_of_a_table_or_a_text_that_begin_as_pictures_and_clips_do(client: TestClient) -> None:
    table, text = "BMI,x1,x2,x3\n5.1,3.5,1.4,0.2\n", "The wide sky is clear and the day is warm"
    files = [("file", ("a.csv", table)), ("file", ("b.txt", text))]
    row, words = client.post("/predict", files=files).json()["answers"]
    assert (row["task"], words["modality"]) == (None, "text")
    assert "BMI" in row["reason"], "it is read as a row of other columns"


def test_arrays_in_a_file_are_several_inputs(client: TestClient) -> None:
    file = io.BytesIO()
    np.savez(file, x=tiny_task("low")[0][:3])
    response = client.post("/predict", files=[("file", ("x.npz", file.getvalue()))])
    assert len(response.json()["answers"]) == 3


BAD: dict[str, Any] = {
    "ragged": [[1, 2], [3]],
    "words in an array": [[1, "a"]],
    "a number beside a row": [[1, 2], 2],
    "numbers beyond a byte": [[1, 300], [2, 3]],
    "an empty object": {},
    "a number": 7,
    "nothing": None,
    "no base64": {"image": "ß"},
    "no picture": {"image": base64.b64encode(b"no picture").decode()},
    "no sound": {"audio": base64.b64encode(b"no sound").decode()},
    "a rate that is none": {"audio": {"samples": [0.0] * 100, "rate": "x"}},
    "an unknown sense": {"senses": {"smell": "rose"}},
    "an empty text": "",
    "two forms": {"text": "a", "image": "b"},
    "a nested row": {"a": {"b": 1}},
    "a picture of three channels and words": {"array": [["a"]]},
    "five axes": [[[[[1]]]]],
    "a lone surrogate": "a \\ud800",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_refused_by_itself(client: TestClient, name: str) -> None:
    body = json.dumps({"inputs": ["a warm day", BAD[name]]}).replace("\\\\ud800", "\\ud800")
    headers = {"content-type": "application/json"}
    response = client.post("/predict", content=body, headers=headers)
    assert response.status_code == 422, response.text
    error = response.json()["error"]
    assert error["code"] == "input"
    assert error.keys() == {"code", "message", "what", "expected", "got", "do", "request_id"}
    if name != "a lone surrogate":  # no text at all, says the reader of JSON
        body = json.dumps({"inputs": ["a warm day", BAD[name]], "errors": "skip"})
        good, bad = client.post("/predict", content=body, headers=headers).json()["answers"]
        assert (good["task"], bad["task"]) == ("weather", None)
        assert bad["reason"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"{}", b'{"input": 1, "inputs": []}', b'{"input": "a", "other": 1}', b'{"inputs": "a"}', b"\xff\xfe"),
        *(b"[" * 100_000, b'{"input": ' + b"[" * 5000, b'{"input": "a", "candidates": 3}', b'{"input": "a", "reject": "yes"}'),
        *(b'{"input": "a", "errors": "hide"}', b'{"input": NaN}', b'{"input": "a", "concept": "none"}', b'{"input": "a", "top": -1}'),
    ],
)
def test_a_body_that_is_no_question_is_refused(client: TestClient, body: bytes) -> None:
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.json()["error"]["code"] == "input"


def test_options_in_the_address_are_refused(client: TestClient) -> None:
    for path in ("/predict?task=low", "/explain?key=1&version=1"):
        response = client.post(path, json={"input": "a warm day"})
        assert response.status_code == 422, response.text
        assert "a parameter of the address" in response.json()["error"]["got"]
    assert client.post("/predict?api-version=7", json={"input": "a warm day"}).status_code == 200  # of a gateway


def test_no_inputs_get_no_answers(client: TestClient) -> None:
    assert ask(client, inputs=[])["answers"] == []


def test_another_kind_of_body_is_refused(client: TestClient) -> None:
    response = client.post("/predict", content="a=1", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (response.status_code, response.json()["error"]["got"]) == (415, "application/x-www-form-urlencoded")


def test_a_text_that_is_the_name_of_a_file_says_nothing_of_the_file(client: TestClient, tmp_path: Path) -> None:
    there = tmp_path / "secret.txt"
    there.write_text("a warm day")
    answers = ask(client, inputs=[str(there), str(there.with_name("absent.txt"))])["answers"]
    assert answers[0].keys() == answers[1].keys()
    assert all(answer["modality"] == "text" for answer in answers)
    response = client.post("/explain", json={"input": str(there)})
    assert response.json()["input"] == "text"


def test_a_version_that_is_kept_answers_when_asked_for(own_folder: Path) -> None:
    with TestClient(create_app(own_folder), base_url=LOCAL) as client:
        flower = tiny_task("iris")[0][0].tolist()
        before = client.post("/predict", json={"input": flower, "version": 2})
        assert (before.json()["version"], before.headers["Senpath-Version"]) == (2, "2")
        assert before.json()["answers"][0]["task"] is None
        assert client.post("/predict", json={"input": flower}).json()["answers"][0]["task"] == "iris"
        missing = client.post("/predict", json={"input": flower, "version": 99})
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
        assert "one of 0, 1, 2, 3" in missing.json()["error"]["expected"]


def test_what_another_program_commits_is_live_within_a_second(own_folder: Path) -> None:
    with TestClient(create_app(own_folder), base_url=LOCAL) as client:
        assert client.get("/tasks/odd").status_code == 404
        net, delays = Network(own_folder), list[float]()
        for name in ("odd", "odd again", "odd once more"):  # a machine that does other things too may be late
            net.learn(name, *tiny_task("odd"), method=ConstantMethod())
            start = time.monotonic()
            while client.get("/session").json()["version"] < net.version:
                assert time.monotonic() < start + 60
                time.sleep(0.02)
            delays.append(time.monotonic() - start)
            if delays[-1] < 1:
                break
        assert min(delays) < 1
        assert client.get("/session").json()["version"] == net.version
        assert client.get("/tasks/odd").json()["classes"] == [1, 3, 5, 7, 9]


def test_an_explanation_has_scores_and_words(client: TestClient) -> None:
    told = client.post("/explain", json={"input": tiny_task("high")[0][0].tolist()}).json()
    assert told["input"] == "image"
    assert {entry["task"] for entry in told["tasks"]} == {"low", "high"}
    assert told["answer"]["task"] in told["text"]
    if told["answer"]["task"] == "high":
        assert [link["from"] for link in told["links"]] == ["low"]
    known = client.post("/explain", json={"input": tiny_task("high")[0][0].tolist(), "task": "low"}).json()
    assert (known["answer"]["task"], known["tasks"][0]["task"], known["tasks"][0]["probability"]) == ("low", "low", 1)
    assert "task 'low'" in known["text"]
    for body in ({"inputs": ["a", "b"]}, {"input": {"senses": {"text": "a"}}}, {"input": [[1, 2], [3]]}):
        assert client.post("/explain", json=body).status_code == 422


def test_the_network_is_described(client: TestClient) -> None:
    tasks = {task["name"]: task for task in client.get("/tasks").json()["tasks"]}
    assert [*tasks] == ["low", "high", "iris", "weather"]
    assert tasks["high"]["links"] == ["low"]
    assert [column["name"] for column in tasks["iris"]["type"]["columns"]] == ["x0", "x1", "x2", "x3"]
    assert tasks["iris"]["type"]["columns"][0]["mean"] == pytest.approx(5.84, abs=0.01)
    assert client.get("/tasks/iris").json() == tasks["iris"]
    network = client.get("/network").json()
    assert (network["version"], network["versions"], network["tasks"]) == (4, [0, 1, 2, 3], 4)
    parts = {part["id"] for part in network["graph"]["components"]}
    assert all({*path["components"]} <= parts for path in network["graph"]["pathways"])
    assert [entry["version"] for entry in client.get("/versions").json()["versions"]] == [4, 3, 2, 1, 0]
    assert [entry["version"] for entry in client.get("/log").json()["entries"]] == [1, 2, 3, 4]
    page = client.get("/report")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src" not in page.headers["content-security-policy"]


def test_an_answer_names_the_columns_of_a_row_that_have_no_value(client: TestClient) -> None:
    row = dict(zip(("x0", "x1", "x2", "x3"), tiny_task("iris")[0][0].tolist(), strict=True))
    whole, gap, picture = ask(client, inputs=[row, {**row, "x1": None}, tiny_task("low")[0][0].tolist()])["answers"]
    assert gap["task"] == "iris"
    assert gap["gaps"] == ["x1"]
    assert "gaps" not in whole | picture


@pytest.mark.parametrize("charset", ["undefined", "idna", "zlib", "no-such"])
def test_a_charset_that_reads_no_form_is_refused(client: TestClient, charset: str) -> None:
    """Where it names no encoding at all, the form is read all the same."""
    parts = ('form-data; name="options"', "{}"), (f'form-data; name="file"; filename="{"x" * 80}.txt"', "warm")
    body = "".join(f"--b\r\nContent-Disposition: {head}\r\n\r\n{content}\r\n" for head, content in parts) + "--b--\r\n"
    response = client.post("/predict", content=body, headers={"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"})
    assert response.status_code in (200, 422), response.text
