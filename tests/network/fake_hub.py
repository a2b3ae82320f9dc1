"""A hub of models on this machine: the requests by which huggingface_hub makes repositories, commits to them and reads them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import yaml


class FakeHub:
    """What the hub holds.

    Attributes:
        files: content by name, of each commit of each repository, the last one at the end.
        tokens: that were sent with commits.
        readers: that files were read with.
        address: of the server.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, list[dict[str, bytes]]] = {}
        self.tokens: list[str | None] = []
        self.readers: set[str | None] = set()

    def commit(self, repository: str, lines: list[dict[str, Any]]) -> str:
        tree = dict(self.files[repository][-1])
        for line in lines:
            if line["key"] == "file":
                tree[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del tree[line["value"]["path"]]
        self.files[repository].append(tree)
        return self.name(repository)

    def name(self, repository: str) -> str:
        """Of the last commit, forty hexadecimal digits."""
        return hashlib.sha1(f"{repository} {len(self.files[repository])}".encode()).hexdigest()


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """A hub that listens on 127.0.0.1 until it is left."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                repository = "/".join(filter(None, (asked.get("organization"), asked["name"])))
                hub.files.setdefault(repository, [{}])
                self.answer({"url": f"{hub.address}/{repository}"})
            elif self.path == "/api/validate-yaml":
                head = yaml.safe_load(json.loads(body)["content"].split("---")[1])
                self.answer({"errors": [] if head["library_name"] else [{"message": "no library"}], "warnings": []})
            elif match := re.fullmatch(r"/api/models/(.+)/preupload/[^/]+", self.path):
                known = [file["path"] for file in json.loads(body)["files"]]
                self.answer({"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in known]})
            elif match := re.fullmatch(r"/api/models/(.+)/commit/[^/?]+.*", self.path):
                hub.tokens.append(self.headers.get("Authorization"))
                name = hub.commit(match[1], [json.loads(line) for line in body.splitlines()])
                self.answer({"commitUrl": f"{hub.address}/{match[1]}/commit/{name}", "commitOid": name})
            else:
                self.answer({"error": f"no {self.path}"}, 404)

        def do_GET(self) -> None:
            hub.readers.add(self.headers.get("Authorization"))
            if match := re.fullmatch(r"/(.+?)/resolve/[^/]+/(.+)", self.path):
                content = hub.files[match[1]][-1][match[2]]
                tag = {"X-Repo-Commit": hub.name(match[1]), "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
                self.send(content, 200, tag)
            elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/?]+.*", self.path):
                tree = hub.files[match[1]][-1]
                entries = [{"type": "file", "path": name, "size": len(tree[name]), "oid": "0" * 40} for name in tree]
                self.answer(entries)
            elif (match := re.fullmatch(r"/api/models/([^/]+/[^/?]+)(/revision/[^/?]+)?(\?.*)?", self.path)) and match[1] in hub.files:
                siblings = [{"rfilename": name} for name in hub.files[match[1]][-1]]
                self.answer({"id": match[1], "sha": hub.name(match[1]), "siblings": siblings, "private": False, "tags": [], "downloads": 0})
            else:
                self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

        def answer(self, value: Any, code: int = 200, headers: dict[str, str] | None = None) -> None:
            self.send(json.dumps(value).encode(), code, {"Content-Type": "application/json", **(headers or {})})

        def send(self, content: bytes, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub = FakeHub(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
