"""`Client`: a network that a server serves, used as `Network` is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final

import numpy as np

from senpath.client.answers import RemoteAnswers, RemoteExplanation, RemoteThingAnswers, renumbered, unread_record
from senpath.client.connection import Connection, as_json, error_of, path_of
from senpath.client.encoding import encode_batch, encode_input, encode_label, is_by_modality
from senpath.errors import InputError, SenpathError
from senpath.progress import Follower, Progress, follow

AT_ONCE, CHARACTERS_AT_ONCE = 256, 2**24
"""Inputs of one request, and about how many characters of JSON they make, at most; larger batches are sent in parts."""
FIRST_LOOK, LAST_LOOK = 0.05, 0.5
"""Seconds between looks at a job; they grow."""
OWN = ("/review", "/prune", "/name", "/description")
"""Ends of addresses that a server would take a task's name for."""
NOTICED = 5.0
"""Seconds in which a server has noticed a new version."""


@dataclass(frozen=True)
class Taught:
    """What came of teaching: a task learned, or changed, or left as it is.

    Attributes:
        task: its name.
        version: the network's version now.
        seconds: that it took; NaN where the server does not know.
        changed: whether a new version was committed.
        reason: one sentence that says why not, or what was gained; None of a task that was learned.
        warning: what to do if it cannot tell its own examples apart; None where nothing is to be done.
        links: what it borrows, as objects of JSON: `from`, `label`, `to`, `share`.
        record: all that the server says.

    Example:
        >>> taught = client.prune("iris", keep=0.6)
        >>> taught.task, taught.changed, taught.version
        ('iris', True, 4)
    """

    task: str
    version: int
    seconds: float
    changed: bool = True
    reason: str | None = None
    warning: str | None = None
    links: tuple[dict[str, Any], ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TakenOut:
    """A task that was removed, and the version without it."""

    task: str
    version: int


@dataclass(frozen=True)
class Returned:
    """The version whose tasks the network has again, the version now, and the tasks that are gone, and back."""

    to: int
    version: int
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    reverted: tuple[str, ...] = ()


@final
class Client:
    """The network that `senpath serve` serves at a URL; a program that uses it needs no torch.

    Methods are those of `senpath.Network`, and errors are of its classes. Requests that change nothing are repeated where the server is
    busy, as long as it asks, or the connection breaks.

    Args:
        url: of the server, http://HOST:PORT.
        key: what the server asks for; None if it does not ask.
        timeout: seconds that a request may take, and that its repetitions may wait in all. Learning may take longer.
        retries: how often a request that changes nothing is repeated.

    Raises:
        InputError: if the URL is none.
        MissingExtraError: if httpx is not installed (`pip install 'senpath[serve]'`).

    Example:
        >>> with sp.Client(url) as client:
        ...     answers = client.predict(x[:3])
        ...     taught = client.learn("odd", *tiny_task("odd"))
        ...     renamed = client.rename("odd", "odd digits")
        ...     back = client.rollback(3)
        >>> answers.task, answers.label
        (array(['low', 'low', 'low'], dtype=object), array([0, 1, 2]))
        >>> taught.version, back.removed
        (4, ('odd digits',))
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 60.0, retries: int = 4) -> None:
        self._at = Connection(url, key, timeout, retries)
        self._shown: int | None = None

    def __repr__(self) -> str:
        return f"Client({self._at.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._at.close()

    @property
    def version(self) -> int:
        """The version that the server answers from now."""
        return int(self._at.ask("GET", "versions")["version"])

    @property
    def versions(self) -> tuple[int, ...]:
        """The earlier versions that `rollback` can return to, ascending."""
        said = self._at.ask("GET", "versions")
        return tuple(sorted(entry["version"] for entry in said["versions"] if entry["version"] != said["version"]))

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """What is known of each task, by name, in the order of learning, as the server says it."""
        return {task["name"]: task for task in self._at.ask("GET", "tasks")["tasks"]}

    def task(self, name: str) -> dict[str, Any]:
        """What is known of one task, as the server says it.

        Args:
            name: of the task.

        Raises:
            UnknownTaskError: if there is none.
        """
        return dict(self._at.ask("GET", path_of(name)))

    @property
    def weights(self) -> dict[str, int]:
        """All weights: "pathways", "dispatcher", pretrained "encoders" and their "total"."""
        return dict(self._at.ask("GET", "network")["weights"])

    @property
    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first."""
        return list(self._at.ask("GET", "log")["entries"])

    def refresh(self) -> bool:
        """Whether the server answers from another version than when this was last called; it looks at new versions by itself."""
        before, self._shown = self._shown, self.version
        return before is not None and before != self._shown

    def predict(
        self,
        x: Any,
        task: str | None = None,
        *,
        concept: str | None = None,
        candidates: int = 2,
        reject: bool = True,
        errors: str = "raise",
        version: int | None = None,
        top: int = 5,
    ) -> RemoteAnswers:
        """Answer for each input of a batch, or for things given in several modalities (`RemoteThingAnswers`); all from one version.

        Args:
            x, task, concept, candidates, reject, errors: as for `senpath.Network.predict`. A table's missing values are sent as null.
            version: answer from this one, if it is kept; None from the present one.
            top: how many of the likeliest labels to list for each input.

        Raises:
            InputError, UnknownTaskError: as for `senpath.Network.predict`.
            SenpathError: if the server cannot be reached, refuses or stays busy.
        """
        options = {"task": task, "concept": concept, "candidates": candidates, "reject": reject, "errors": errors, "top": top}
        unread: dict[int, InputError] = {}
        inputs, records = encode_batch(x, self._sizes, unread if errors == "skip" else None), []
        kind = RemoteThingAnswers if is_by_modality(x) else RemoteAnswers
        parts = _parts(inputs) or [(0, [])]
        places = [place for place in range(len(inputs) + len(unread)) if place not in unread]
        for start, part in parts:
            mine = places[start : start + len(part)]
            body = {"inputs": part, **options, **({} if version is None else {"version": version})}
            try:
                said = self._at.ask("POST", "predict", json=body)
            except InputError as error:
                error.reword(renumbered(error.message, mine), what=renumbered(error.what, mine))
                raise
            version = int(said["version"])  # of the first part; the others answer from the same
            records += [{**record, "reason": record["reason"] and renumbered(record["reason"], mine)} for record in said["answers"]]
        for place, why in unread.items():
            records.insert(place, unread_record(why.message, records))
        return kind(records, version if version is not None else 0, top)

    def explain(
        self, x: Any, *, errors: str = "raise", candidates: int = 2, reject: bool = True, version: int | None = None
    ) -> RemoteExplanation:
        """Explain the answer to a single input; arguments and errors as for `predict`."""
        (value,) = self._one(x)
        options = {"errors": errors, "candidates": candidates, "reject": reject, **({} if version is None else {"version": version})}
        return RemoteExplanation(self._at.ask("POST", "explain", json={"input": value, **options}))

    def learn(
        self,
        task: str,
        x: Any,
        y: Any = None,
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str = "sen",
        seed: int | None = None,
        progress: Follower = None,
        **settings: Any,
    ) -> Taught:
        """Learn a task from labelled examples, and wait until it is there; Ctrl-C cancels it.

        Args:
            task, x, y, kind, concept, method, settings: as for `senpath.Network.learn`; a path of labelled data is read here.
            seed: decides everything that is drawn.
            progress: who follows, as for `senpath.Network.learn`; what it raises cancels the job.

        Raises:
            InputError, TaskExistsError, StoreError: as for `senpath.Network.learn`.
            SenpathError: if the server cannot be reached or refuses, or the job was cancelled.
        """
        if task.endswith(OWN):
            expected, do = f"none that ends in {', '.join(OWN)}, as addresses do", "Learn it under another name, or in the network's folder"
            raise InputError("task name", expected=expected, got=repr(task), do=do)
        options = {"method": method, "kind": kind, "concept": concept, "seed": seed, "settings": settings}
        return self._teach("POST", path_of(task), x, y, options, progress)

    def extend(self, task: str, x: Any, y: Any = None, *, progress: Follower = None, **settings: Any) -> Taught:
        """Add examples to a task, of new classes too; see `senpath.Network.extend`. A stream without a task's name is not split here."""
        return self._teach("PATCH", path_of(task), x, y, {"settings": settings}, progress)

    def review(self, task: str, x: Any, y: Any = None, *, progress: Follower = None, **settings: Any) -> Taught:
        """Let a task borrow from tasks that were learned after it, if it gains by that; see `senpath.Network.review`."""
        return self._teach("POST", path_of(task, "review"), x, y, {"settings": settings}, progress)

    def prune(self, task: str, keep: float, x: Any = None, y: Any = None, *, progress: Follower = None, **settings: Any) -> Taught:
        """Make a task's pathway smaller, unless that loses too much; see `senpath.Network.prune`."""
        return self._teach("POST", path_of(task, "prune"), x, y, {"keep": keep, "settings": settings}, progress)

    def rename(self, task: str, name: str) -> dict[str, Any]:
        """Give a task another name; see `senpath.Network.rename`. Returns what is known of it."""
        return dict(self._at.ask("PUT", path_of(task, "name"), again=False, json={"name": name}))

    def describe(self, task: str, description: str) -> dict[str, Any]:
        """Say what a task is for; see `senpath.Network.describe`. Returns what is known of it."""
        return dict(self._at.ask("PUT", path_of(task, "description"), again=False, json={"description": description}))

    def remove(self, task: str) -> TakenOut:
        """Remove a task; `rollback` brings it back; see `senpath.Network.remove`."""
        return TakenOut(task, int(self._at.ask("DELETE", path_of(task), again=False)["version"]))

    def rollback(self, version: int) -> Returned:
        """Return to an earlier version, one of `versions`; see `senpath.Network.rollback`."""
        before = [*self.tasks]
        said = self._at.ask("POST", "rollback", again=False, json={"version": version})
        after = [*self.tasks]
        gone, back = (tuple(name for name in one if name not in other) for one, other in ((before, after), (after, before)))
        return Returned(int(said.get("to", version)), int(said["version"]), gone, back)

    def _teach(self, method: str, path: str, x: Any, y: Any, options: dict[str, Any], progress: Follower) -> Taught:
        options = {name: value for name, value in options.items() if value is not None}
        said = self._at.ask(method, path, again=False, **self._examples(x, y, options))
        begun = said["job"]
        about = {"task": begun["task"], "settings": options.get("settings", {})}
        job = follow(progress, begun["what"], about, lambda told: self._wait(begun, told))
        if job["state"] == "cancelled":
            raise SenpathError(f"{job['what']} of {job['task']!r}", expected="to go on", got="it was cancelled")
        if job["error"] is not None:
            raise error_of(job["error"])
        result = job["result"]
        self._await_version(int(result["version"]))
        seconds = result.get("seconds")
        return Taught(
            job["task"],
            int(result["version"]),
            float("nan") if seconds is None else float(seconds),
            bool(result.get("changed", True)),
            result.get("reason"),
            result.get("warning"),
            tuple(result.get("links") or ()),
            {"task": job["task"], **result},
        )

    def _examples(self, x: Any, y: Any, options: dict[str, Any]) -> dict[str, Any]:
        """The body of a request that teaches: arrays as an .npz file, anything else as JSON."""
        if x is None:
            return {"json": options}
        if isinstance(x, Path) or y is None or isinstance(y, str):
            from senpath.inputs.sources import read_labelled  # loads torch, which only reading labelled data here needs

            x, y = read_labelled(x, y, options.get("kind"))
        labels = [encode_label(label) for label in (y.tolist() if hasattr(y, "tolist") else y)]
        gone = next((place for place, label in enumerate(labels) if label is None or label != label), None)
        if gone is not None:
            do = "Leave it out, or give its label"
            raise InputError("labels y", expected="one per input", got=f"no label of input {gone}", do=do)
        numbers, answers = np.asarray(x) if isinstance(x, np.ndarray) else None, np.asarray(y) if not isinstance(y, list | tuple) else None
        if numbers is not None and answers is not None and numbers.dtype.kind in "biuf" and answers.dtype.kind in "biufU":
            file = BytesIO()
            np.savez_compressed(file, x=numbers, y=answers)
            return {"files": {"file": ("examples.npz", file.getvalue())}, "data": {"options": as_json(options)}}
        if numbers is not None and numbers.dtype.kind in "biuf":
            inputs = [encode_input(each, f"example {place}") for place, each in enumerate(numbers)]
        else:
            inputs = encode_batch(x, lambda: ())
        if len(inputs) != len(labels):
            raise InputError("labels y", expected=f"{len(inputs)}, one per input", got=len(labels))
        pairs = [{"input": value, "label": label} for value, label in zip(inputs, labels, strict=True)]
        return {"json": {"examples": pairs, **options}}

    def _wait(self, job: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """The job when it has ended; its progress is told meanwhile."""
        path, pause, told = f"jobs/{job['id']}", FIRST_LOOK, None
        try:
            while job["state"] in ("queued", "running"):
                time.sleep(pause)
                pause = min(LAST_LOOK, 1.5 * pause)
                job = self._at.ask("GET", path, lasting=True)
                done = job["progress"]
                if done is not None and done != told:
                    figures = {name: value for name, value in done.items() if name not in ("stage", "done", "total")}
                    progress(done["stage"], done["done"], done["total"], **figures)
                    told = done
        except SenpathError:  # the server cannot be reached or does not know the job: there is nothing to tell it
            raise
        except BaseException as error:  # of the person at the keyboard, or of who follows
            with contextlib.suppress(SenpathError):  # it may have ended a moment ago
                self._at.ask("DELETE", path)
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(f"interrupted; the server was told to cancel {job['what']} of {job['task']!r}") from None
            raise
        return job

    def _await_version(self, version: int) -> None:
        """Go on when the server answers from a version that was just made: it takes a moment to notice what its other processes commit."""
        until = time.monotonic() + NOTICED
        while self.version < version and time.monotonic() < until:
            time.sleep(FIRST_LOOK)

    def _one(self, x: Any) -> list[Any]:
        values = encode_batch(x, self._sizes)
        if len(values) != 1 or is_by_modality(x):
            raise InputError("input to explain", expected="one input, such as x[0]", got=f"{len(values)}")
        return values

    def _sizes(self) -> set[tuple[int, int]]:
        shapes = [task["type"]["shape"] for task in self.tasks.values() if task["modality"] == "image"]
        return {(int(shape[1]), int(shape[2])) for shape in shapes if len(shape) == 3}


def _parts(inputs: list[Any]) -> list[tuple[int, list[Any]]]:
    """A batch in parts that a server takes at once, each with the place of its first input."""
    parts: list[tuple[int, list[Any]]] = []
    room = 0
    for place, value in enumerate(inputs):
        size = _size(value)
        if not parts or len(parts[-1][1]) == AT_ONCE or size > room:
            parts.append((place, []))
            room = CHARACTERS_AT_ONCE
        parts[-1][1].append(value)
        room -= size
    return parts


def _size(value: Any) -> int:
    """About how many characters of JSON a value makes."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return len(value) * (_size(value[0]) if value else 0)
    return 20
