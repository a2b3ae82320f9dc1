from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from data_files import idx_bytes, wav_bytes, write_zip

from senpath.data import describe, download, load
from senpath.data.downloads import DOWNLOADS, STALE, UNFINISHED, File, check_spoken, fetch
from senpath.errors import DownloadError, InputError

CONTENT = bytes(range(256)) * 3000


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves files by path; of "/broken" only half."""

    served = 0
    files: ClassVar[dict[str, bytes]] = {"/good": CONTENT, "/broken": CONTENT}

    def do_GET(self) -> None:
        Handler.served += 1
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/broken" else content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.fixture
def serve(server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """A function: file → where the server has its content, also when the file is gone."""

    def put(file: Path) -> str:
        monkeypatch.setitem(Handler.files, f"/{file.name}", file.read_bytes())
        return f"{server}/{file.name}"

    return put


def left(root: Path) -> list[str]:
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


def test_a_good_file_arrives_with_progress(server: str, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    file = File(f"{server}/good", "set/good.bin", md5(CONTENT))
    fetch(file, tmp_path, lambda *step: seen.append(step))
    assert (tmp_path / "set/good.bin").read_bytes() == CONTENT
    assert left(tmp_path) == ["set/good.bin"]
    assert seen[-1] == ("set/good.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_what_is_there_and_right_stays(server: str, tmp_path: Path) -> None:
    file = File(f"{server}/good", "good.bin", md5(CONTENT))
    fetch(file, tmp_path)
    before = Handler.served
    fetch(file, tmp_path)
    assert Handler.served == before
    (tmp_path / "good.bin").write_bytes(b"damaged")
    fetch(file, tmp_path)
    assert Handler.served == before + 1
    assert (tmp_path / "good.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("good", "is not the file that was expected: expected md5 0+, got [0-9a-f]{32}. Run the download again"),
        ("broken", rf"broke off: expected {len(CONTENT)} bytes, got \d+. Check the network"),
        ("absent", "absent cannot be fetched: got HTTP 404 Not Found. Check the network"),
    ],
)
def test_a_bad_file_leaves_nothing(server: str, tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "x.bin").write_bytes(b"an older file")
    with pytest.raises(DownloadError, match=message):
        fetch(File(f"{server}/{path}", "x.bin", "0" * 32), tmp_path)
    assert left(tmp_path) == ["x.bin"]
    assert (tmp_path / "x.bin").read_bytes() == b"an older file"


def test_what_a_killed_download_left_goes(server: str, tmp_path: Path) -> None:
    for name, age in (("old", 2 * STALE), ("new", 0)):
        folder = tmp_path / f"{UNFINISHED}{name}"
        folder.mkdir()
        (folder / "part").write_bytes(b"half")
        os.utime(folder, (time.time() - age,) * 2)
    fetch(File(f"{server}/good", "x.bin", md5(CONTENT)), tmp_path)
    assert left(tmp_path) == [f"{UNFINISHED}new/part", "x.bin"], "the new one may be another process's"


def test_proxies_are_those_of_the_environment(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"/good cannot be fetched"):
        fetch(File(f"{server}/good", "x.bin", md5(CONTENT)), tmp_path)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name)
    fetch(File(f"{server}/good", "x.bin", md5(CONTENT)), tmp_path)


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"127.0.0.1:9/x cannot be fetched"):
        fetch(File("http://127.0.0.1:9/x", "x", "0" * 32), tmp_path)
    assert left(tmp_path) == []


def test_an_interrupt_leaves_nothing(server: str, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt("stop")

    with pytest.raises(KeyboardInterrupt, match="stop"):
        fetch(File(f"{server}/good", "x.bin", md5(CONTENT)), tmp_path, stop)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "set").write_bytes(b"a file where the folder should be")
    with pytest.raises(DownloadError, match=r"set/x.bin cannot be written: got .*exists"):
        fetch(File(f"{server}/good", "set/x.bin", md5(CONTENT)), tmp_path)


def test_names_that_cannot_be_downloaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'chars74k-lower': expected one of fashion, mnist, emnist"):
        download(["chars74k-lower"], tmp_path)
    with pytest.raises(InputError, match=r"data set 'nonsense': expected one of .*, got another name"):
        download(["nonsense"], tmp_path)


def test_a_downloaded_archive_is_unpacked_and_read(tmp_path: Path, serve: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch) -> None:
    source, root = tmp_path / "gzip.zip", tmp_path / "root"
    official = DOWNLOADS["emnist"][0]
    arrays = {"images": np.zeros((2, 28, 28)), "labels": np.array([36, 10])}
    entries = {member: idx_bytes(arrays["images" if "images" in member else "labels"]) for member in official.members}
    write_zip(source, {**entries, "gzip/emnist-mnist.gz": b"not wanted"})
    local = File(serve(source), official.path, md5(source.read_bytes()), members=official.members)
    monkeypatch.setitem(DOWNLOADS, "emnist", (local,))
    download(["lower", "upper"], root)
    assert left(root) == sorted(official.members.values())
    assert load("lower", root=root)[1].tolist() == ["a"]
    assert load("upper", "test", root=root)[1].tolist() == ["A"]
    assert "emnist-lower" in describe("lower", root)
    served = Handler.served
    download(["emnist"], root)  # all is there
    assert Handler.served == served


def test_an_archive_without_the_entries(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    write_zip(tmp_path / "a.zip", {"other": b""})
    file = File(serve(tmp_path / "a.zip"), "set/a.zip", members={"wanted": "set/wanted"})
    with pytest.raises(DownloadError, match="has other content: expected a zip with wanted"):
        fetch(file, tmp_path / "root")
    assert left(tmp_path / "root") == []


def test_spoken_digits_are_judged_by_content(tmp_path: Path, serve: Callable[[Path], str]) -> None:
    sound = wav_bytes(np.zeros(2))
    entries = {f"fsdd-1.0.10/recordings/{d}_{s}_{i}.wav": sound for d in range(10) for s in "abcdef" for i in range(50)}
    write_zip(tmp_path / "good.zip", entries)
    fetch(File(serve(tmp_path / "good.zip"), "fsdd/fsdd.zip", check=check_spoken), tmp_path / "root")
    write_zip(tmp_path / "few.zip", dict(list(entries.items())[:-1]))
    (tmp_path / "bad.zip").write_bytes((tmp_path / "good.zip").read_bytes()[:-100])
    for name, message in (("few", "expected 3000 recordings, got 2999"), ("bad", "archive of spoken digits is damaged")):
        with pytest.raises(DownloadError, match=message):
            fetch(File(serve(tmp_path / f"{name}.zip"), "other.zip", check=check_spoken), tmp_path / "root")
    assert left(tmp_path / "root") == ["fsdd/fsdd.zip"]


def test_every_official_file_has_a_checksum_or_a_check() -> None:
    for files in DOWNLOADS.values():
        for file in files:
            assert (file.md5 and len(file.md5) == 32) or file.check
            assert file.url.startswith(("https://", "http://fashion-mnist."))
