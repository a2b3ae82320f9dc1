"""The page's three files: what they are served with, and that they load and run nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from senpath.server import page
from senpath.server.app import create_app
from senpath.testing import tiny_network


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    path = tmp_path_factory.mktemp("page") / "tiny.sen"
    tiny_network(path, ["low"])
    with TestClient(create_app(path), base_url="http://127.0.0.1") as client:
        yield client


FILES = {"/": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8", "/page.css": "text/css; charset=utf-8"}


@pytest.mark.parametrize(("path", "kind"), FILES.items())
def test_a_file_is_sent_once_and_then_only_when_it_changed(client: TestClient, path: str, kind: str) -> None:
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["content-type"] == kind
    again = client.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("path", FILES)
def test_a_browser_may_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    policy = dict(part.strip().split(" ", 1) for part in client.get(path).headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {source for part in policy.values() for source in part.split()} <= {"'none'", "'self'", "data:", "blob:"}
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


def test_the_document_has_no_script_and_no_style_of_its_own(client: TestClient) -> None:
    html = client.get("/").text
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL) == [""]
    assert "<style" not in html
    assert not re.search(r"\s(?:on\w+|style)\s*=", html)


def test_nothing_names_another_host_and_data_becomes_no_markup() -> None:
    folder = Path(page.__file__).parent
    files = [file for file in folder.iterdir() if file.name != "__pycache__"]
    assert {file.name for file in files} == {"__init__.py", "index.html", "page.js", "page.css"}
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert {*re.findall(r"https?://[^\s'\")]+", text)} <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
