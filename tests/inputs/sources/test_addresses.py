"""Addresses in object storage: none with a key in it is repeated, and a service that is broken or hostile is told in our own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

import senpath as sp
from senpath.inputs.sources import located
from tests.raising import raises_error

SECRET = "sesame"
ITEM = "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag><Size>1</Size></Contents>"
PAGE = "<ListBucketResult><IsTruncated>{}</IsTruncated><NextContinuationToken>{}</NextContinuationToken>{}</ListBucketResult>"


@pytest.mark.parametrize(
    "given",
    [
        "s3://key:sesame@bucket/x",
        "s3://:sesame@bucket/x",
        "s3://key:se/sesame@bucket/x",
        "S3:/key:sesame@bucket/x",
        "s3:key:sesame@bucket/x",
        "https://user:sesame@host/x",
        "gs://bucket/x?key=sesame",
        "az://bucket/x#sesame",
    ],
)
def test_keys_in_an_address_are_not_repeated(given: str, tmp_path: Path) -> None:
    for place in (given, Path(given)):
        for use in (sp.read, sp.Network, lambda at: sp.copy_network(at, tmp_path), lambda at: sp.Network().learn_many({"a": at})):
            with raises_error(sp.InputError, got="a URL with a key or a query in it") as caught:
                use(place)
            assert SECRET not in str(caught.value)


def test_files_have_addresses_too(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("number,label\n1,x\n2,y\n")
    assert len(sp.read((tmp_path / "a b.csv").as_uri())) == len(sp.read(f"file:{tmp_path}/a b.csv")) == 2


class Hostile(BaseHTTPRequestHandler):
    """Of the bucket "endless" lists never end, in "large" objects have more bytes than their list says, and there is no other."""

    pages = count()

    def do_HEAD(self) -> None:
        self._answer(404, "")

    def do_PUT(self) -> None:  # for a token, which gives keys of the machine's role
        self._answer(404, "")

    def do_GET(self) -> None:
        bucket = self.path.split("?")[0].split("/")[1]
        if bucket not in ("endless", "large"):
            self._answer(404, f"<Error><Code>NoSuchBucket</Code><HostId>{SECRET}</HostId></Error>")
        elif "list-type" not in self.path:
            self._answer(200, "x" * 1000)
        elif bucket == "large":
            self._answer(200, PAGE.format("false", "", ITEM.format("data/a.txt")))
        else:
            page = next(self.pages)
            self._answer(200, PAGE.format("true", page, "".join(ITEM.format(f"data/{page}-{item}.txt") for item in range(10))))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("obstore", reason="senpath[cloud] is not installed")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT_URL": endpoint, "SENPATH_CLOUD_TIMEOUT": "1"}.items():
        monkeypatch.setenv(name, value)
    yield endpoint
    server.shutdown()
    server.server_close()


def test_a_service_that_is_broken_or_hostile(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(located, "MOST", 35)
    monkeypatch.setattr(located, "MEMORY_BYTES", 100)
    for place, expected, got in [
        ("s3://endless/data", "at most 35 objects", "more"),
        ("s3://large/data", "at most 100 bytes", "more"),
        ("s3://nowhere/data", "objects that can be read", "no such bucket"),
    ]:
        with raises_error(sp.InputError, f"data {place}", expected=expected, got=got) as caught:
            sp.read(place)
        assert all(word not in str(caught.value) for word in ("http", "<", SECRET))
    assert next(Hostile.pages) <= 5


def test_keys_that_are_missing_are_told(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", hostile)
    with raises_error(sp.InputError, "data s3://nowhere/x.csv", got="no keys were there for the service") as caught:
        sp.read("s3://nowhere/x.csv")
    assert "http" not in str(caught.value)
