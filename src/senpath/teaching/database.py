"""One sqlite file that all workers of a server share: jobs, drafts and the inbox."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from senpath.confined import require_own_files, require_own_folders
from senpath.errors import StoreError
from senpath.store import Place

VERSION = 1
FILE, JOBS = "state.sqlite", "jobs"
"""In the folder of a server's state."""
TABLES = """
CREATE TABLE counter (n INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, what TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL, request TEXT NOT NULL, progress TEXT, result TEXT,
    error TEXT, cancel INTEGER NOT NULL DEFAULT 0, submitted REAL NOT NULL, started REAL, ended REAL, changed INTEGER NOT NULL);
CREATE INDEX jobs_changed ON jobs (changed);
CREATE TABLE drafts (id TEXT PRIMARY KEY, task TEXT NOT NULL, made REAL NOT NULL, changed REAL NOT NULL, last INTEGER NOT NULL DEFAULT 0);
CREATE TABLE examples (
    draft TEXT NOT NULL REFERENCES drafts ON DELETE CASCADE, n INTEGER NOT NULL, label TEXT NOT NULL, modality TEXT NOT NULL,
    input TEXT NOT NULL, PRIMARY KEY (draft, n));
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kept REAL NOT NULL, modality TEXT NOT NULL, why TEXT NOT NULL, nearest TEXT NOT NULL,
    input TEXT NOT NULL, bytes INTEGER NOT NULL, digest TEXT NOT NULL UNIQUE, grouped INTEGER);
"""
"""Inputs are JSON as a request has them; labels, requests, progress, results and errors are JSON too."""
WAIT_SECONDS = 10.0
"""That one process waits for another to have written."""


class Database:
    """One sqlite file, which any number of processes and threads read while one writes.

    A damaged file is set aside, under a name that says when, and a new one is made.

    Raises:
        StoreError: if a newer senpath made it, or it cannot be used.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with FileLock(f"{file}.lock"):  # workers start together
            try:
                version = self._checked_version()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                    raise _unusable(error) from error
                self.set_aside: Path | None = self._move_away()
                version = 0
            else:
                self.set_aside = None
            if version > VERSION:
                do = "Start the server with that senpath, or with another state folder"
                raise StoreError("the server's state", expected=f"version {VERSION} or older", got=f"version {version}", do=do)
            if version < VERSION:
                with self.open() as db:
                    db.execute("PRAGMA journal_mode = WAL")
                    db.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")

    def keep_for(self, network: str) -> None:
        """Note whose state this is.

        Args:
            network: the id of the network that is served; "" if it has none yet.

        Raises:
            StoreError: if it is that of another one, whose jobs, drafts and inbox would be taken for this one's.
        """
        with self.open(write=True) as db:
            db.execute("CREATE TABLE IF NOT EXISTS network (id TEXT NOT NULL)")
            known = db.execute("SELECT id FROM network").fetchone()
            if known is None and network:
                db.execute("INSERT INTO network VALUES (?)", (network,))
        if known is not None and known[0] != network:
            do = f"Choose another folder with --set state=FOLDER, or delete {self._file.parent} with all that is in it"
            raise StoreError("the server's state", expected="that of this network", got="that of another one", do=do)

    @contextmanager
    def open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection; with `write` one transaction, which is undone where an error leaves it.

        Raises:
            StoreError: if the file cannot be read or written.
        """
        try:
            with closing(sqlite3.connect(self._file, timeout=WAIT_SECONDS, isolation_level=None)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA trusted_schema = OFF")  # it may be a stranger's
                db.execute("PRAGMA synchronous = NORMAL")
                db.execute("PRAGMA secure_delete = ON")  # people's inputs are in it
                if not write:
                    yield db
                    return
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise _unusable(error) from error

    def _checked_version(self) -> int:
        with closing(sqlite3.connect(self._file, timeout=WAIT_SECONDS)) as db:
            answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if answer != "ok":
                raise sqlite3.DatabaseError(answer)
            return int(db.execute("PRAGMA user_version").fetchone()[0])

    def _move_away(self) -> Path:
        aside = self._file.with_name(f"{self._file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}")
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{self._file}{ending}", f"{aside}{ending}")
        return aside


def _unusable(error: sqlite3.Error) -> StoreError:
    return StoreError("the server's state", expected="a file that can be read and written", got=str(error), do="Is the disk full?")


def changed(db: sqlite3.Connection) -> int:
    """The next number of all changes that are told to who watches."""
    return int(db.execute("UPDATE counter SET n = n + 1 RETURNING n").fetchone()[0])


def new_id() -> str:
    """A name that nobody guesses."""
    return secrets.token_hex(8)


def as_time(seconds: float | None) -> str | None:
    """A time as answers have it: UTC, as ISO 8601 to the millisecond."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def state_folder(network: Place, chosen: Path | None) -> Path:
    """The folder of a server's state, made if it is not there and closed to other users.

    Args:
        network: folder of the network that is served, or its address.
        chosen: by the operator; None is `NETWORK.server` beside the network, for one in object storage in the working directory and with
            eight digits of its address's hash in the name; or a temporary folder where that cannot be written.
    """
    if isinstance(network, Path):
        beside = network.parent / f"{network.name}.server"
    else:  # many have the same last name
        beside = Path.cwd() / f"{network.name}-{hashlib.sha256(str(network).encode()).hexdigest()[:8]}.server"
    folder = chosen if chosen is not None else beside
    _require_own(folder, (beside,))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if chosen is not None:
            raise StoreError("the server's state folder", expected="one that can be written", got=error.strerror) from error
        return Path(tempfile.mkdtemp(prefix="senpath-serve-"))
    return folder


def _require_own(folder: Path, closed: tuple[Path, ...]) -> None:
    """Refuse a state whose parts lead elsewhere: whoever made the network's folder may have made what lies beside it.

    Args:
        closed: folders that may be no links either; one that the operator has named may.
    """
    try:
        require_own_folders((*closed, folder / JOBS))
        require_own_files(folder.glob(f"{FILE}*"))  # a server that just ends may take its journal away meanwhile
    except OSError as error:
        do = f"Delete {folder}, or choose another folder with --set state=FOLDER"
        raise StoreError("the server's state", expected="files of its own", got=error.strerror or str(error), do=do) from error


def row_or_none(db: sqlite3.Connection, query: str, *values: Any) -> dict[str, Any] | None:
    """The first row of a query, by column."""
    row = db.execute(query, values).fetchone()
    return None if row is None else dict(row)
