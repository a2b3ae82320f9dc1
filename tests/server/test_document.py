"""The OpenAPI document: whole by itself, and kept by the server, whatever it is asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import tiny_network


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return create_app(tiny_network(tmp_path / "team.sen", ["low", "weather"]).path, ServerSettings(inbox=True))


def test_every_reference_leads_to_a_definition(app: FastAPI) -> None:
    document = app.openapi()
    references = {*re.findall(r'"\$ref": "(.*?)"', json.dumps(document))}
    assert references <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert "#/components/schemas/InputTensor" in references, "bodies that operations read themselves have their models in it"


def test_another_method_is_told_which_there_are(app: FastAPI) -> None:
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.put("/tasks/some/thing")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "DELETE, GET, PATCH, POST"
        assert [answer.json()["error"][part] for part in ("code", "what", "expected", "got")] == [
            "method_not_allowed",
            "method",
            "DELETE, GET, PATCH, POST",
            "PUT",
        ]
        assert "/openapi.json" in answer.json()["error"]["do"]
        assert client.get("/predict").headers["allow"] == "POST"
        named = client.post("/tasks/low/name", json={"name": "high"})  # a task's own address, and no new task that ends so
        assert (named.status_code, named.headers["allow"]) == (405, "PUT")
        assert client.post("/rollback", content=b"\xff", headers={"Content-Type": "application/json"}).status_code == 422


@pytest.mark.slow("asks generated questions, for half a minute")
def test_whatever_is_asked_is_answered_as_the_document_says(
    app: FastAPI, tmp_path: Path, listening: Callable[[FastAPI], AbstractContextManager[str]]
) -> None:
    with listening(app) as url:
        draft = httpx.post(f"{url}/drafts", json={"task": "new"}).json()["id"]
        httpx.post(f"{url}/drafts/{draft}/examples", json={"examples": [{"input": "one", "label": "a"}]}).raise_for_status()
        known = {"name": ["low", "weather", "team"], "version": [1, 2], "draft": [draft], "n": [0, 1], "number": [1], "group": [1]}
        environment = {**os.environ, "SENPATH_KNOWN": json.dumps(known)}
        environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), environment.get("PYTHONPATH", "")])
        program = [Path(sys.executable).with_name("st"), "--config-file", Path(__file__).with_name("schemathesis.toml")]
        command = [*program, "run", f"{url}/openapi.json", "--max-time", "25", "--seed", "1", "--generation-database", "none"]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 500  # type: ignore[index]
