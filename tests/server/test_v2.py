"""The Open Inference Protocol V2, as a client that knows nothing of senpath speaks it."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from senpath import Network
from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_network, tiny_task

TASKS = ("low", "iris", "weather")
ODD = "größe / 1"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A network of pictures, rows and texts, of a table with names, and of numbers; its name is that of no task."""
    net = tiny_network(tmp_path_factory.mktemp("v2") / "team.sen", TASKS)
    rows = [{"colour": ("red", "blue")[place % 2], "size": float(place % 7)} for place in range(40)]
    net.learn(ODD, rows, [row["size"] * 2 + (row["colour"] == "red") for row in rows], kind="regression", method=ConstantMethod())
    return net


@pytest.fixture(scope="module")
def address(network: Network, listening: Callable[[FastAPI], AbstractContextManager[str]]) -> Iterator[str]:
    with listening(create_app(network.path)) as url:
        yield url.removeprefix("http://")


@pytest.fixture
def client(address: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(address) as client:
        yield client


def tensor(name: str, values: Any, *, binary: bool = True) -> InferInput:
    values = np.asarray(values)
    made = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def texts(result: InferResult, name: str) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else value for value in result.as_numpy(name).ravel()]


def png(picture: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(content, "png")
    return content.getvalue()


def test_models_are_the_network_and_its_tasks(client: InferenceServerClient, network: Network) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["name"] == "senpath"
    assert [model["name"] for model in client.get_model_repository_index()] == ["team", *TASKS, ODD]
    for name in ("team", *TASKS, ODD):
        assert client.is_model_ready(name), name
    assert not client.is_model_ready("nobody")
    about = client.get_model_metadata("team")
    assert {given["name"]: given["datatype"] for given in about["inputs"]} == {"image": "BYTES", "row": "BYTES", "text": "BYTES"}
    about = client.get_model_metadata("iris")
    assert about["inputs"][0]["shape"] == [-1, 4]
    assert about["parameters"]["classes"] == [0, 1, 2]
    assert "1" not in about["versions"], "there was no such task in version 1"
    assert str(network.version) in about["versions"]


def test_a_name_that_reads_as_a_version_is_found(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net.sen", ["low"])
    flowers, kinds = tiny_task("iris")
    for further, name in enumerate(("low/versions/2", "part/versions/2")):
        net.learn(name, flowers + 20 * further, kinds, method=ConstantMethod())
    question = {"inputs": [{"name": "row", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}
    with TestClient(create_app(net.path), base_url="http://127.0.0.1") as client:
        for address, model, kind in (
            ("low/versions/2", "low", "image"),  # its second version, as the protocol has it
            ("low/versions/2/versions/3", "low/versions/2", "row"),
            ("part/versions/2", "part/versions/2", "row"),
            ("part/versions/2/versions/3", "part/versions/2", "row"),
        ):
            about = client.get(f"/v2/models/{address}").json()
            assert (about["name"], about["inputs"][0]["name"]) == (model, kind)
            assert client.get(f"/v2/models/{address}/ready").json() == {"name": model, "ready": True}
            if kind == "row":
                assert client.post(f"/v2/models/{address}/infer", json=question).json()["model_name"] == model
        assert client.get("/v2/models/none/versions/2").status_code == 404


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8])
@pytest.mark.parametrize("binary", [True, False])
def test_pictures_are_answered_as_by_the_library(client: InferenceServerClient, network: Network, dtype: type, binary: bool) -> None:
    pictures = tiny_task("low")[0][:9]
    pictures = (pictures * 255).astype(dtype) if dtype is np.uint8 else pictures.astype(dtype)
    wanted = [InferRequestedOutput(name, binary_data=binary) for name in ("task", "label", "confidence", "ood_score")]
    result = client.infer("team", [tensor("image", pictures, binary=binary)], outputs=wanted)
    expected = network.predict(pictures.astype(np.float32) if dtype is np.float16 else pictures)
    assert texts(result, "task") == [task or "" for task in expected.task]
    assert texts(result, "label") == ["" if label is None else str(label) for label in expected.label.tolist()]
    np.testing.assert_allclose(result.as_numpy("confidence"), expected.confidence, rtol=1e-5)
    np.testing.assert_allclose(result.as_numpy("ood_score"), expected.ood_score, rtol=1e-5)
    assert result.get_response()["model_version"] == str(network.version)


def test_picture_files_are_answered_as_by_the_library(client: InferenceServerClient, network: Network) -> None:
    files = [png(picture) for picture in tiny_task("low")[0][:3]]
    expected = [str(label) for label in network.predict([Image.open(io.BytesIO(file)) for file in files]).label]
    assert texts(client.infer("team", [tensor("image", np.array(files, dtype=object))]), "label") == expected
    in_json = tensor("image", np.array([base64.b64encode(file).decode() for file in files], dtype=object), binary=False)
    assert texts(client.infer("team", [in_json]), "label") == expected


def test_probabilities_of_a_task_are_those_of_its_classes(client: InferenceServerClient, network: Network) -> None:
    pictures = tiny_task("low")[0][:4]
    expected = network.predict(pictures, task="low").probabilities["low"]
    result = client.infer("low", [tensor("image", pictures)])
    np.testing.assert_allclose(result.as_numpy("probabilities"), expected, rtol=1e-5)
    assert texts(result, "label") == [str(place) for place in expected.argmax(1)]
    best = InferRequestedOutput("probabilities", class_count=2)
    first, second = texts(client.infer("low", [tensor("image", pictures[:1])], outputs=[best]), "probabilities")
    assert first == f"{expected[0].max():.6f}:{expected[0].argmax()}:{expected[0].argmax()}"
    assert float(first.split(":")[0]) >= float(second.split(":")[0])


def test_texts_tables_and_numbers(client: InferenceServerClient, network: Network) -> None:
    said = ["the sun is warm 3", "the wind is cold", "größer"]
    result = client.infer("team", [tensor("text", np.array([text.encode() for text in said], dtype=object))])
    expected = network.predict(said)
    assert texts(result, "task") == [task or "" for task in expected.task]
    assert texts(result, "reason") == [reason or "" for reason in expected.reason]
    flowers = tiny_task("iris")[0][:3]
    assert texts(client.infer("iris", [tensor("row", flowers)]), "label") == [str(label) for label in network.predict(flowers).label]
    rows = [{"size": 3, "colour": "red"}, {"colour": "blue", "size": 1.5}]
    in_json = np.array([[json.dumps(row)] for row in rows], dtype=object)
    result = client.infer(ODD, [tensor("row", in_json, binary=False)])
    np.testing.assert_allclose(result.as_numpy("values")[:, 0], network.predict(rows, task=ODD).label.astype(float), rtol=1e-5)
    assert texts(client.infer("team", [tensor("row", in_json)]), "task") == [ODD, ODD]


def test_several_senses_of_one_thing(client: InferenceServerClient, network: Network) -> None:
    pictures, said = tiny_task("low")[0][:2], ["a warm day 1", "a cold night 2"]
    result = client.infer("team", [tensor("image", pictures), tensor("text", np.array(said, dtype=object))])
    expected = network.predict({"image": pictures, "text": said})
    assert texts(result, "label") == [str(label) for label in expected.label]
    np.testing.assert_allclose(result.as_numpy("confidence"), expected.confidence, rtol=1e-5)


def test_an_earlier_version_answers_as_it_did(client: InferenceServerClient, network: Network) -> None:
    text = tensor("text", np.array(["the sun is warm"], dtype=object))
    assert texts(client.infer("team", [text]), "task") == ["weather"]
    early = client.infer("team", [text], model_version="2")
    assert texts(early, "task") == [""]
    assert early.get_response()["model_version"] == "2"
    assert texts(client.infer("team", [text], parameters={"version": 2}), "task") == [""]
    assert client.is_model_ready("iris", "2")
    assert not client.is_model_ready("weather", "2")
    with pytest.raises(InferenceServerException, match="weather") as refused:
        client.infer("weather", [text], model_version="2")
    assert refused.value.status() == "404"
    with pytest.raises(InferenceServerException, match="version"):
        client.infer("team", [text], model_version="1000")


def test_options_of_the_network(client: InferenceServerClient) -> None:
    strange = tensor("text", np.array(["zzz"], dtype=object))
    assert texts(client.infer("team", [strange]), "task") == [""]
    assert texts(client.infer("team", [strange], parameters={"reject": False}), "task") == ["weather"]
    assert texts(client.infer("team", [strange], parameters={"task": "weather"}), "task") == ["weather"]
    for options, part in (({"rejct": False}, "rejct"), ({"reject": "no"}, "reject"), ({"task": "nobody"}, "nobody")):
        with pytest.raises(InferenceServerException, match=part):
            client.infer("team", [strange], parameters=options)


def test_nothing_asked_nothing_answered(client: InferenceServerClient) -> None:
    assert client.infer("low", [tensor("image", np.zeros((0, 8, 8)))]).as_numpy("probabilities").shape == (0, 5)


def test_what_fits_nothing_goes_to_the_inbox(own_folder: Path) -> None:
    with TestClient(create_app(own_folder, ServerSettings(inbox=True)), base_url="http://127.0.0.1") as client:
        noise = np.random.default_rng(0).random((1, 8, 8))
        for given in (
            {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["zzz", "the sun is warm 3"]},
            {"name": "image", "shape": [1, 8, 8], "datatype": "FP64", "data": noise.ravel().tolist()},
        ):
            answer = client.post("/v2/models/own/infer", json={"inputs": [given]})
            assert answer.status_code == 200, answer.text
        kept = client.get("/inbox").json()
        assert (kept["count"], {group["modality"] for group in kept["groups"]}) == (2, {"text", "image"})


JSON: dict[str, Any] = {"name": "image", "shape": [1, 2, 2], "datatype": "FP32", "data": [0, 1, 2, 3]}
WRONG = {
    "fewer values than its shape": (JSON | {"data": [0, 1, 2]}, "4 values"),
    "more values than memory has": (JSON | {"shape": [2**40, 2**40]}, "values"),
    "a shape below zero": (JSON | {"shape": [-1, -4]}, "shape"),
    "a shape of words": (JSON | {"shape": ["1"]}, "shape"),
    "too many axes": (JSON | {"shape": [1] * 99}, "shape"),
    "no data": ({name: JSON[name] for name in ("name", "shape", "datatype")}, "no data"),
    "words for numbers": (JSON | {"data": ["0", "1", "2", "3"]}, "FP32"),
    "fractions for whole numbers": (JSON | {"datatype": "INT8", "data": [0, 1, 2, 3.5]}, "INT8"),
    "numbers that do not fit": (JSON | {"datatype": "UINT8", "data": [0, 1, 2, 256]}, "UINT8"),
    "numbers beyond any": (JSON | {"data": [0, 1, 2, 10**400]}, "image"),
    "numbers for truth": (JSON | {"datatype": "BOOL"}, "BOOL"),
    "an unknown data type": (JSON | {"datatype": "BF16"}, "datatype"),
    "numbers for texts": ({"name": "text", "shape": [1], "datatype": "BYTES", "data": [1]}, "BYTES"),
    "numbers for a text": ({"name": "text", "shape": [1], "datatype": "INT8", "data": [1]}, "BYTES"),
    "no picture": ({"name": "image", "shape": [1], "datatype": "BYTES", "data": ["AAAA"]}, "input 0"),
    "no JSON": ({"name": "row", "shape": [1], "datatype": "BYTES", "data": ["{"]}, "JSON"),
    "an unknown input": (JSON | {"name": "smell"}, "smell"),
    "binary data that are not there": (JSON | {"parameters": {"binary_data_size": 16}}, "binary_data_size"),
    "deep lists": (JSON | {"data": [[[[[[[[[[[0]]]]]]]]]], 1, 2, 3]}, "FP32"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tensors_are_refused_in_the_protocols_shape(address: str, name: str) -> None:
    given, part = WRONG[name]
    answer = httpx.post(f"http://{address}/v2/models/team/infer", json={"inputs": [given], "parameters": {"errors": "raise"}})
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert part in said["error"], said
    assert said["detail"]["code"] == "input"
    assert said["detail"]["request_id"] == answer.headers["x-request-id"]


def _binary(size: int, shape: list[int], datatype: str = "FP32", name: str = "image") -> bytes:
    return json.dumps({"inputs": [{"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}]}).encode()


LIES = {
    "a header longer than the body": ("100000", _binary(16, [1, 2, 2]), b""),
    "a header that is no number": ("²", _binary(16, [1, 2, 2]), b"\0" * 16),
    "a header below zero": ("-1", _binary(16, [1, 2, 2]), b"\0" * 16),
    "a header of many digits": ("9" * 5000, _binary(16, [1, 2, 2]), b"\0" * 16),
    "a header within the JSON": ("10", _binary(16, [1, 2, 2]), b"\0" * 16),
    "a tensor of more bytes than there are": (None, _binary(2**62, [2**30, 2**30]), b"\0" * 16),
    "a length of thousands of digits": ("0" * 5000, _binary(16, [1, 2, 2]), b"\0" * 16),
    "a tensor of fewer bytes than its shape": (None, _binary(12, [1, 2, 2]), b"\0" * 12),
    "a shape that is too large": (None, _binary(16, [2**40, 2**40]), b"\0" * 16),
    "a size below zero": (None, _binary(-16, [1, 2, 2]), b"\0" * 16),
    "bytes of no tensor": (None, _binary(16, [1, 2, 2]), b"\0" * 17),
    "a text longer than the tensor": (None, _binary(5, [1], "BYTES", "text"), struct.pack("<I", 2**31) + b"a"),
    "a text that is cut": (None, _binary(3, [1], "BYTES", "text"), b"\1\0\0"),
    "more texts than the shape": (None, _binary(10, [1], "BYTES", "text"), (struct.pack("<I", 1) + b"a") * 2),
    "fewer texts than the shape": (None, _binary(5, [2**40], "BYTES", "text"), struct.pack("<I", 1) + b"a"),
}


@pytest.mark.parametrize("name", LIES)
def test_lengths_that_lie_are_refused(address: str, name: str) -> None:
    header, head, rest = LIES[name]
    headers = {"Inference-Header-Content-Length": str(len(head)) if header is None else header}
    answer = httpx.post(f"http://{address}/v2/models/team/infer", content=head + rest, headers={n: v.encode() for n, v in headers.items()})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]


def test_the_rest_of_a_body_that_was_refused_is_no_request(address: str) -> None:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"POST /v2/models/nobody/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 350000\r\n\r\n" + b"x" * 100_000)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 40")
        connection.sendall(b"x" * 250_000)  # of which the last part is more than headers may be
        time.sleep(0.2)
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200")
