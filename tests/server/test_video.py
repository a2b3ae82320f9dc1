"""Clips over HTTP: asked about in files and in JSON, through the client too, and taught from a zip file."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

import senpath as sp
from senpath.data import moving_pictures
from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_task
from tests.data_files import write_video

LOCAL = "http://127.0.0.1"


@pytest.fixture(scope="module")
def films() -> tuple[np.ndarray, np.ndarray]:
    """Real digits that move: uint8 (60, 12, 16, 16), and where they go."""
    return moving_pictures((255 * tiny_task("low")[0][:60]).astype(np.uint8), 0)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, films: tuple[np.ndarray, np.ndarray]) -> Path:
    folder = tmp_path_factory.mktemp("clips") / "net.sen"
    sp.Network(folder).learn("way", *films, method=ConstantMethod())
    return folder


@pytest.fixture(scope="module")
def client(network: Path) -> Iterator[TestClient]:
    with TestClient(create_app(network), base_url=LOCAL) as client:
        yield client


def mp4(folder: Path, clip: np.ndarray) -> Path:
    return write_video(folder / "clip.mp4", np.repeat(clip[..., None], 3, axis=3), "libx264")


def gif(clip: np.ndarray) -> bytes:
    file, (first, *others) = io.BytesIO(), [Image.fromarray(frame) for frame in clip]
    first.save(file, "GIF", save_all=True, append_images=others)
    return file.getvalue()


def test_all_forms_are_answered_alike(client: TestClient, network: Path, films: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    clip = films[0][0]
    file = mp4(tmp_path, clip)
    own = sp.Network(network).predict([file, sp.Video(clip)])
    encoded = base64.b64encode(file.read_bytes()).decode()
    for place, inputs in (
        (0, [{"video": encoded}]),
        (1, [{"video": clip.tolist()}, {"array": clip.tolist()}, {"video": base64.b64encode(gif(clip)).decode()}]),
    ):
        for value in inputs:
            (answer,) = client.post("/predict", json={"inputs": [value]}).json()["answers"]
            assert (answer["task"], answer["label"], answer["modality"]) == ("way", own.label[place], "video")
            assert answer["confidence"] == pytest.approx(own.confidence[place], abs=0.05)
    for name, content in (("a.mp4", file.read_bytes()), ("a.gif", gif(clip))):
        (answer,) = client.post("/predict", files={"file": (name, content)}).json()["answers"]
        assert answer["label"] == own.label[0]
    told = client.post("/v2/models/net/infer", json={"inputs": [{"name": "video", "datatype": "BYTES", "shape": [1], "data": [encoded]}]})
    assert told.json()["outputs"][1]["data"] == [own.label[0]]


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"video": base64.b64encode(b"no clip").decode()}, 422),
        ({"video": base64.b64encode(b"\0\0\0\x18ftypmp42" + b"\xff" * 200).decode()}, 422),
        ({"video": "no base64"}, 422),
        ({"video": [1, 2]}, 422),
        ({"video": {"frames": 3}}, 422),
    ],
)
def test_what_is_no_clip_is_refused(client: TestClient, value: object, status: int) -> None:
    answer = client.post("/predict", json={"inputs": [value], "errors": "raise"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "input")


def test_limits_of_the_server_hold_for_clips(network: Path, films: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    content = mp4(tmp_path, films[0][0]).read_bytes()
    for limits, said in ((ServerSettings(pixels=100), "at most 100 pixels in a frame"), (ServerSettings(seconds=0.3), "at most 0.3 s")):
        with TestClient(create_app(network, limits), base_url=LOCAL) as tight:
            answer = tight.post("/predict", files={"file": ("a.mp4", content)}, data={"options": json.dumps({"errors": "raise"})})
            assert (answer.status_code, answer.json()["error"]["expected"]) == (413, said)


def test_the_client_sends_clips(
    network: Path, films: tuple[np.ndarray, np.ndarray], tmp_path: Path, listening: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    clip = films[0][0]
    file = mp4(tmp_path, clip)
    (tmp_path / "a.gif").write_bytes(gif(clip))
    forms = [file, sp.Video(clip), sp.Video(tmp_path / "a.gif"), sp.Video([Image.fromarray(frame) for frame in clip]), clip]
    with listening(create_app(network)) as address:
        told = sp.Client(address).predict(forms)
    assert [*told.label] == [*sp.Network(network).predict(forms).label]


@pytest.mark.slow("a process of its own learns a task")
def test_a_zip_of_clips_is_learned(network: Path, films: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place, (clip, way) in enumerate(zip(*films, strict=True)):
            archive.write(mp4(tmp_path, clip), f"films/{way}/{place}.mp4")
    with TestClient(create_app(network), base_url=LOCAL) as client:
        client.post("/tasks/again", files={"file": ("a.zip", packed.getvalue())}, data={"options": json.dumps({"settings": {"epochs": 1}})})
        deadline = time.monotonic() + 120
        while "again" not in client.get("/tasks").text:
            assert time.monotonic() < deadline, client.get("/jobs").text
            time.sleep(0.5)
        assert client.get("/tasks/again").json()["classes"] == sorted({*films[1].tolist()})
