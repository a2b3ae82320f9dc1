"""Drafts: examples that come one by one, until there are enough to learn a task from them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from senpath.errors import FullError, LimitError, MissingError
from senpath.inputs.modalities import split_by_modality
from senpath.teaching.database import Database, as_time, new_id, row_or_none

DRAFTS, EXAMPLES, BYTES = 100, 10_000, 2**28
"""Drafts of a server, examples of a draft, and bytes of all examples, at most; a draft that nobody touches goes with old jobs."""
SHOWN_TEXT = 1_000
"""Characters of a text that a draft shows."""

Read = Callable[[Any, str], Any]
"""Reads one input in JSON as the library takes it; the second argument is what errors call it."""
Given = tuple[Any, Any]
"""One input in JSON, and its label."""


class Drafts:
    """The drafts in the database.

    Args:
        read: reads inputs.
    """

    def __init__(self, db: Database, read: Read) -> None:
        self._db, self._read = db, read

    def make(self, task: str) -> str:
        """Begin a draft for a task, or for more examples of it; returns its id.

        Raises:
            FullError: if there are too many.
        """
        draft, now = new_id(), time.time()
        with self._db.open(write=True) as db:
            if db.execute("SELECT count(*) FROM drafts").fetchone()[0] >= DRAFTS:
                raise FullError("drafts", expected=f"at most {DRAFTS}", got="one more", do="Learn or delete some")
            db.execute("INSERT INTO drafts (id, task, made, changed) VALUES (?, ?, ?, ?)", [draft, task, now, now])
        return draft

    def rename(self, task: str, name: str) -> None:
        """Let the drafts of a task follow it to its new name."""
        with self._db.open(write=True) as db:
            db.execute("UPDATE drafts SET task = ? WHERE task = ?", [name, task])

    def of_task(self, task: str) -> str | None:
        """The newest draft for this task."""
        with self._db.open() as db:
            row = row_or_none(db, "SELECT id FROM drafts WHERE task = ? ORDER BY made DESC LIMIT 1", task)
        return None if row is None else str(row["id"])

    def add(self, draft: str, examples: Iterable[Given]) -> list[int]:
        """Add examples, all or none; returns their numbers, which stay theirs.

        Raises:
            MissingError: if there is no such draft.
            LimitError: if it or all drafts together would hold too much.
            InputError: if one cannot be read.
        """
        rows = [
            (json.dumps(label), modality_of(value, f"example {place}", self._read), json.dumps(value))
            for place, (value, label) in enumerate(examples)
        ]
        with self._db.open(write=True) as db:
            have = self._require(db, draft)
            size, of_all = sum(len(row[2]) for row in rows), db.execute("SELECT total(length(input)) FROM examples").fetchone()[0]
            count = db.execute("SELECT count(*) FROM examples WHERE draft = ?", [draft]).fetchone()[0]
            if count + len(rows) > EXAMPLES:
                raise LimitError("examples of a draft", expected=f"at most {EXAMPLES:,}", got=f"{count + len(rows):,}")
            if of_all + size > BYTES:
                raise LimitError("examples of all drafts", expected=f"at most {BYTES:,} bytes", got=f"{int(of_all) + size:,}")
            numbers = [*range(have["last"] + 1, have["last"] + 1 + len(rows))]
            db.executemany("INSERT INTO examples VALUES (?, ?, ?, ?, ?)", [(draft, n, *row) for n, row in zip(numbers, rows, strict=True)])
            db.execute("UPDATE drafts SET changed = ?, last = ? WHERE id = ?", [time.time(), have["last"] + len(rows), draft])
        return numbers

    def get(self, draft: str) -> dict[str, Any]:
        """A draft as answers have it."""
        with self._db.open() as db:
            have = self._require(db, draft)
            rows = db.execute("SELECT n, label, modality, input FROM examples WHERE draft = ? ORDER BY n", [draft]).fetchall()
        examples = [{"n": row["n"], "label": json.loads(row["label"]), "modality": row["modality"], **_words(row)} for row in rows]
        counts = Counter(row["label"] for row in rows)
        classes = [{"label": json.loads(label), "examples": count} for label, count in counts.items()]
        plain = {"id": draft, "task": have["task"], "made": as_time(have["made"]), "changed": as_time(have["changed"])}
        return {**plain, "examples": examples, "classes": classes}

    def all(self) -> list[dict[str, Any]]:
        """All drafts, the newest first, without their examples."""
        count = "(SELECT count(*) FROM examples WHERE draft = drafts.id) AS examples"
        with self._db.open() as db:
            rows = db.execute(f"SELECT id, task, made, changed, {count} FROM drafts ORDER BY made DESC").fetchall()
        return [{**dict(row), "made": as_time(row["made"]), "changed": as_time(row["changed"])} for row in rows]

    def example(self, draft: str, n: int) -> Any:
        """One example's input in JSON, as it came.

        Raises:
            MissingError: if there is none.
        """
        with self._db.open() as db:
            row = row_or_none(db, "SELECT input FROM examples WHERE draft = ? AND n = ?", draft, n)
        if row is None:
            raise _unknown(f"example {n} of draft {draft!r}")
        return json.loads(row["input"])

    def examples(self, draft: str) -> list[Given]:
        """All examples of a draft: the inputs in JSON, and the labels."""
        with self._db.open() as db:
            self._require(db, draft)
            rows = db.execute("SELECT input, label FROM examples WHERE draft = ? ORDER BY n", [draft]).fetchall()
        return [(json.loads(row["input"]), json.loads(row["label"])) for row in rows]

    def remove(self, draft: str, n: int | None = None) -> None:
        """Delete a draft, or one example of it.

        Raises:
            MissingError: if there is none.
        """
        with self._db.open(write=True) as db:
            if n is None:
                gone = db.execute("DELETE FROM drafts WHERE id = ?", [draft]).rowcount
            else:
                gone = db.execute("DELETE FROM examples WHERE draft = ? AND n = ?", [draft, n]).rowcount
                db.execute("UPDATE drafts SET changed = ? WHERE id = ?", [time.time(), draft])
        if not gone:
            raise _unknown(f"draft {draft!r}" if n is None else f"example {n} of draft {draft!r}")

    @staticmethod
    def _require(db: Any, draft: str) -> dict[str, Any]:
        have = row_or_none(db, "SELECT * FROM drafts WHERE id = ?", draft)
        if have is None:
            raise _unknown(f"draft {draft!r}")
        return have


def _unknown(what: str) -> MissingError:
    return MissingError(what, expected="one that there is", got="another name or number")


def modality_of(value: Any, what: str, read: Read) -> str:
    """The modality of an input in JSON, which is read once for that."""
    return split_by_modality([read(value, what)])[0].modality


def _words(row: Any) -> dict[str, Any]:
    """What a draft shows of an example that is no picture or sound."""
    value = json.loads(row["input"]) if row["modality"] in ("text", "table") else None
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("text", "row", "array"):
        value = next(iter(value.values()))
    text = value[:SHOWN_TEXT] if isinstance(value, str) else None
    return {"text": text, "row": value if isinstance(value, dict | list) else None}
