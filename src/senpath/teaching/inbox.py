"""The inbox: inputs that fit nothing, or two tasks alike, kept for a person to say what they are."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from senpath.errors import MissingError, SenpathError
from senpath.inference.prediction import Prediction
from senpath.isolation import isolation
from senpath.learning.grouping import group_inputs
from senpath.snapshot.view import View
from senpath.teaching.database import Database, row_or_none
from senpath.teaching.drafts import Drafts, Read, modality_of

CLOSE = 0.5
"""Two tasks are close if the second one's probability is at least this share of the first one's."""
SHOWN = 8
"""Inputs of a group that are named."""
DAYS = 30
NOTHING, TWO = "fits nothing", "two tasks are close"
Doubt = tuple[str, list[dict[str, Any]]]
"""Why an input is to be kept, and the tasks that come nearest."""


class Inbox:
    """The inputs that are kept, in the database: no more than so many and so many bytes; the oldest go.

    Args:
        db: the database.
        read: reads inputs.
        on: whether anything is kept.
        inputs, size: how many, and how many bytes.
    """

    def __init__(self, db: Database, read: Read, *, on: bool, inputs: int, size: int) -> None:
        self._db, self._read, self.on, self._inputs, self._size = db, read, on, inputs, size

    def count(self) -> int:
        """How many inputs are kept."""
        with self._db.open() as db:
            return int(db.execute("SELECT count(*) FROM inbox").fetchone()[0])

    def keep(self, offered: Iterable[tuple[Any, Doubt]]) -> None:
        """Keep inputs in JSON, each with its doubt; those that are broken or of several modalities are left out.

        Raises:
            StoreError: if the database cannot be written.
        """
        rows = [row for value, doubt in offered if (row := self._row(value, doubt)) is not None] if self.on else []
        if rows:
            self._keep(rows)

    def _row(self, value: Any, doubt: Doubt) -> tuple[Any, ...] | None:
        try:
            modality = modality_of(value, "input", self._read)
        except SenpathError:
            return None
        (why, nearest), text = doubt, json.dumps(value)
        return time.time(), modality, why, json.dumps(nearest), text, len(text), hashlib.sha256(text.encode()).hexdigest()

    def _keep(self, rows: list[tuple[Any, ...]]) -> None:
        with self._db.open(write=True) as db:
            columns = "kept, modality, why, nearest, input, bytes, digest"
            db.executemany(f"INSERT INTO inbox ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)
            sizes = "SELECT id, sum(bytes) OVER newest AS size, count(*) OVER newest AS n FROM inbox WINDOW newest AS (ORDER BY id DESC)"
            most = [self._size, self._inputs]
            db.execute(f"DELETE FROM inbox WHERE id IN (SELECT id FROM ({sizes}) WHERE size > ? OR n > ?)", most)
            db.execute("DELETE FROM inbox WHERE kept < ?", [time.time() - DAYS * 86_400])

    def take(self) -> list[tuple[Any, Doubt]]:
        """All that is kept, as `keep` takes it, which it is no more then."""
        with self._db.open(write=True) as db:
            rows = db.execute("SELECT input, why, nearest FROM inbox ORDER BY id").fetchall()
            if rows:
                db.execute("DELETE FROM inbox")
        return [(json.loads(row["input"]), (row["why"], json.loads(row["nearest"]))) for row in rows]

    def get(self, number: int) -> Any:
        """One input in JSON.

        Raises:
            MissingError: if it is not kept.
        """
        with self._db.open() as db:
            row = row_or_none(db, "SELECT input FROM inbox WHERE id = ?", number)
        if row is None:
            raise _gone(f"input {number} of the inbox")
        return json.loads(row["input"])

    def remove(self, number: int | None = None) -> None:
        """Delete one input, or all.

        Raises:
            MissingError: if it is not kept.
        """
        with self._db.open(write=True) as db:
            gone = db.execute("DELETE FROM inbox WHERE id = ? OR ? IS NULL", [number, number]).rowcount
        with self._db.open() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else what was deleted stays in the log for a while
        if not gone and number is not None:
            raise _gone(f"input {number} of the inbox")

    def summary(self, view: View) -> dict[str, Any]:
        """What is kept, in groups, the largest first; inputs that came since are grouped first."""
        with self._db.open() as db:
            rows = [dict(row) for row in db.execute("SELECT * FROM inbox ORDER BY id")]
        for modality in {row["modality"] for row in rows if row["grouped"] is None}:
            self._group(view, [row for row in rows if row["modality"] == modality])
        groups: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(row["grouped"], []).append(row)
        shown = [_shown(number, members) for number, members in groups.items()]
        limit = {"inputs": self._inputs, "bytes": self._size}
        size = sum(row["bytes"] for row in rows)
        return {"on": self.on, "count": len(rows), "bytes": size, "limit": limit, "groups": sorted(shown, key=lambda group: -group["size"])}

    def _group(self, view: View, rows: list[dict[str, Any]]) -> None:
        """Group the inputs of a modality anew; a group is called by the number of its first input."""
        for part in self._of_one_type(rows):
            first: dict[int, int] = {}
            for row, label in zip(part, self._labels(view, part), strict=True):
                row["grouped"] = first.setdefault(label, row["id"])
        with self._db.open(write=True) as db:
            db.executemany("UPDATE inbox SET grouped = ? WHERE id = ?", [(row["grouped"], row["id"]) for row in rows])

    def _labels(self, view: View, rows: list[dict[str, Any]]) -> list[int]:
        """The number of each input's group; those that cannot be read, or not together, are in groups of their own."""
        labels = self._together(view, rows)
        if labels is not None:
            return labels
        readable = [row for row in rows if len(rows) > 1 and self._together(view, [row]) is not None]
        found = self._together(view, readable) if len(readable) < len(rows) else None
        numbers = found if found is not None else range(len(readable))
        label_of = dict(zip([row["id"] for row in readable], numbers, strict=True))
        return [label_of.get(row["id"], -row["id"]) for row in rows]

    def _together(self, view: View, rows: list[dict[str, Any]]) -> list[int] | None:
        """The number of each input's group; None if one of them cannot be read, or they are of several types (ValueError)."""
        try:
            with isolation():
                labels: list[int] = group_inputs(view, [self._read(json.loads(row["input"]), "input") for row in rows]).tolist()
        except (SenpathError, ValueError):
            return None
        return labels

    def _of_one_type(self, rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """Rows of tables apart by their columns; all others are of one type."""
        parts: dict[Any, list[dict[str, Any]]] = {}
        for row in rows:
            item = self._read(json.loads(row["input"]), "input") if row["modality"] == "table" else None
            parts.setdefault(None if item is None else frozenset(item) if isinstance(item, dict) else len(item), []).append(row)
        return [*parts.values()]

    def to_draft(self, group: int, draft: str, label: Any, drafts: Drafts) -> None:
        """Move the inputs of a group, as they were grouped last, to a draft.

        Raises:
            MissingError: if there is no such group; otherwise as for `Drafts.add`.
        """
        with self._db.open() as db:
            rows = db.execute("SELECT id, input FROM inbox WHERE grouped = ? ORDER BY id", [group]).fetchall()
        if not rows:
            raise _gone(f"group {group} of the inbox")
        drafts.add(draft, [(json.loads(row["input"]), label) for row in rows])
        with self._db.open(write=True) as db:
            db.executemany("DELETE FROM inbox WHERE id = ?", [(row["id"],) for row in rows])


def _gone(what: str) -> MissingError:
    return MissingError(what, expected="one that is kept", got="another number")


def doubt_of(prediction: Prediction, row: int) -> Doubt | None:
    """Why an input that was answered so is to be kept; None if it is not."""
    names, score = prediction.candidates[row], float(prediction.ood_score[row])
    if np.isnan(score):  # the task was given
        return None
    nearest = [{"task": name, "ood_score": score if np.isfinite(score) else None} for name in names[:1]]
    if prediction.task[row] is None:
        return NOTHING, nearest
    if len(names) > 1 and _probability(prediction, row, names[1]) >= CLOSE * _probability(prediction, row, names[0]):
        return TWO, [*nearest, {"task": names[1], "ood_score": None}]
    return None


def _probability(prediction: Prediction, row: int, task: str) -> float:
    part = prediction.probabilities.parts[task]
    return float(part.probabilities[np.searchsorted(part.rows, row)])


def _shown(number: int, members: list[dict[str, Any]]) -> dict[str, Any]:
    """A group as answers have it."""
    nearest = {task["task"]: task for row in members for task in json.loads(row["nearest"])}
    whys = [row["why"] for row in members]
    plain = {"id": number, "size": len(members), "modality": members[0]["modality"], "examples": [row["id"] for row in members[:SHOWN]]}
    return {**plain, "nearest": [*nearest.values()][:SHOWN], "why": max(set(whys), key=whys.count)}
