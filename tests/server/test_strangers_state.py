"""A state beside a network's folder that came with it: it leads nowhere, runs nothing, and deletes nothing."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from raising import raises_error

import senpath as sp
from senpath.serving.settings import ServerSettings
from senpath.serving.state import State
from senpath.teaching import Database, Jobs, Ways
from senpath.teaching.database import state_folder
from senpath.teaching.teacher import teach


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """Somebody's folders, which have to stay."""
    place = tmp_path / "outside"
    (place / "letters").mkdir(parents=True)
    (place / "letters" / "one").write_text("nobody else's")
    yield place
    assert (place / "letters" / "one").read_text() == "nobody else's"


@pytest.mark.parametrize("part", ["", "jobs", "state.sqlite", "state.sqlite.lock", "state.sqlite-wal"])
def test_parts_that_are_links(served_folder: Path, tmp_path: Path, outside: Path, part: str) -> None:
    network = Path(shutil.copytree(served_folder, tmp_path / "net"))
    link = tmp_path / "net.server" / part
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside / "letters" / "one" if part.startswith("state") else outside)
    with raises_error(sp.StoreError, "the server's state", expected="files of its own", do="--set state=FOLDER"):
        State(ServerSettings(), network, sp.Network(network).view.network_id)


def test_a_journal_that_goes_meanwhile_is_nobody_s(tmp_path: Path) -> None:
    # Each connection that is the last to close takes the journal with it: another process starts just then.
    folder = state_folder(tmp_path / "net", None)
    database, ended = Database(folder / "state.sqlite"), threading.Event()

    def ask() -> None:
        while not ended.is_set():
            with database.open() as db:
                db.execute("SELECT n FROM counter").fetchone()

    with ThreadPoolExecutor(1) as other:
        asking = other.submit(ask)
        try:
            assert {state_folder(tmp_path / "net", None) for _ in range(300)} == {folder}
        finally:
            ended.set()
        asking.result()


@pytest.mark.parametrize("name", ["../../outside/letters", "0" * 15, "0" * 15 + "/", "ABCDEF0123456789"])
def test_names_of_jobs_that_lead_elsewhere(tmp_path: Path, outside: Path, name: str) -> None:
    (tmp_path / "net.server").mkdir()
    database = Database(tmp_path / "net.server" / "state.sqlite")
    jobs = Jobs(database, tmp_path / "net.server" / "jobs")
    with database.open(write=True) as db:
        for state in ("queued", "running"):
            values = [name if state == "queued" else f"{name}/.", "learn", "x", state, "{}", time.time(), 1]
            db.execute("INSERT INTO jobs (id, what, task, state, request, submitted, changed) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    assert jobs.next() is None
    assert jobs.running() == []
    with raises_error(sp.StoreError, "the server's state", expected="names of jobs"):
        jobs.end({"id": name, "request": "{}", "submitted": 0.0}, "failed")
    with raises_error(sp.StoreError, "the server's state", expected="names of jobs"):
        jobs.cancel(name)


REQUEST = {"what": "learn", "task": "x", "method": "sen", "kind": None, "concept": None, "label": None, "modality": None}


@pytest.mark.parametrize(
    "change",
    [
        {"method": "this:s"},
        {"what": "package:Class"},
        {"data": "../../outside/letters/one"},
        {"data": "link.csv"},
        {"method": "munet", "settings": {"work": "/tmp/elsewhere"}},
    ],
)
def test_jobs_that_no_server_has_taken_in(tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]) -> None:
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr("senpath.teaching.teacher.end_with_parent", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    job = tmp_path / "jobs" / "0123456789abcdef"
    job.mkdir(parents=True)
    (job / "link.csv").symlink_to(outside / "letters" / "one")
    (job / "mine.csv").write_text("a,label\n1,x\n2,y\n")
    (job / "request.json").write_text(json.dumps({**REQUEST, "data": "mine.csv", "settings": {}, **change}))
    mine, theirs = multiprocessing.Pipe(duplex=False)
    teach(str(job), str(tmp_path / "net"), Ways(lambda value, _: value, lambda error, _: vars(error), {}), theirs)
    said = json.loads(mine.recv_bytes())
    assert said["error"]["expected"] in ("one that this server has taken in", "none that is for the operator of the server alone"), said
    assert "this" not in said
