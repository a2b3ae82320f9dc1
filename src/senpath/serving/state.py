"""What is kept beside a network that is served: jobs, drafts and the inbox; and the thread that teaches."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from senpath.errors import InputError, SenpathError, TaskExistsError
from senpath.inference.prediction import Prediction
from senpath.inputs.encoders import AUTO
from senpath.learning.preview import Preview, preview
from senpath.methods import known_methods, make_method
from senpath.methods.registry import REVISIONS, find_method, make_revision
from senpath.serving.batcher import Reply
from senpath.serving.errors import describe
from senpath.serving.inputs import as_json, one_input
from senpath.serving.requests import Given, Learning, Pruning
from senpath.serving.settings import ServerSettings
from senpath.snapshot.examples import check_name, check_task
from senpath.snapshot.view import View
from senpath.store import Place
from senpath.teaching import DATA, FILE, JOBS, Database, Drafts, Inbox, Jobs, Teacher, Ways, doubt_of, require_open, state_folder

log = logging.getLogger("senpath.serving")


class State:
    """The state of one server, shared by its workers through one folder.

    Args:
        settings: of the server.
        network: folder of the network, or its address.
        identity: the network's id; "" if it has none yet.

    Raises:
        StoreError: if the folder cannot be written, a newer senpath made what is in it, or it is that of another network.
    """

    def __init__(self, settings: ServerSettings, network: Place, identity: str) -> None:
        self.folder = state_folder(network, None if settings.state is None else Path(settings.state))
        db = Database(self.folder / FILE)
        if db.set_aside is not None:
            log.error("the server's state was damaged: %s has it now, and the server starts without jobs, drafts and inbox", db.set_aside)
        db.keep_for(identity)
        self.jobs = Jobs(db, self.folder / JOBS)
        self.read = partial(one_input, limits=settings)
        self.drafts = Drafts(db, self.read)
        on = settings.inbox and not settings.read_only
        self.inbox = Inbox(db, self.read, on=on, inputs=settings.inbox_inputs, size=settings.inbox_bytes)
        self._teaches = not settings.read_only
        ways = Ways(self.read, describe, {"encoders": AUTO, "trust": settings.trust}, imports=(__name__,))
        self._teacher = Teacher(self.jobs, self.folder, network, ways, eager=settings.eager)

    def start(self) -> None:
        """Begin to run jobs, if no other worker does and the network may change."""
        if self._teaches:
            self._teacher.start()

    def close(self) -> None:
        """Stop; a job that runs goes back into the queue."""
        self._teacher.close()

    def offer(self, sent: Sequence[Any], reply: Reply) -> None:
        """Offer a request's inputs to the inbox. Takes a moment: for a thread. Raises nothing.

        Args:
            sent: the inputs in JSON, or what gives one; or of uploaded files (name, content).
            reply: what they were answered.
        """
        try:
            self.inbox.keep(_doubtful(sent, reply))
        except SenpathError as error:
            log.warning("the inbox cannot keep inputs: %s", error)

    def task_of(self, what: str, name: str, view: View) -> str:
        """The full name of the task that is to be taught.

        Raises:
            InputError: if it is no name, or a new task's name is taken, or there is no such task.
        """
        check_name("task", name)
        name = view.task_name(name)
        if what == "learn":
            check_task(name, view)
        else:
            view.pathway(name)
        return name

    def submit(self, what: str, task: str, body: Given, folder: Path, upload: str | None, request_id: str, key: str = "") -> dict[str, Any]:
        """Put a job into the queue, with its data in the job's folder.

        Args:
            what: "learn", or the name of a revision.
            upload: name of the uploaded file in the folder; None where the body has examples, or names a draft.
            request_id: of the request, for the job's error.
            key: name of the key that asks.

        Raises:
            InputError: if something in the body cannot be.
            FullError, ConflictError: as for `Jobs.submit`.
        """
        settings, read = _settings(what, body), time.time()
        data = self._write_data(body, folder, upload)
        if data is None and what != "prune":
            raise InputError("body", expected='"examples", "draft" or an uploaded file', got="none")
        options = {name: getattr(body, name, None) for name in ("method", "kind", "concept", "label", "modality", "draft")}
        given = {"what": what, "task": task, **options, "data": data, "settings": settings, "read": read}
        return self.jobs.submit(folder, {**given, "request_id": request_id, "key": key})

    def check_draft(self, draft: str, view: View) -> dict[str, Any]:
        """How well the task of a draft might go, see `Preview`; takes a moment, and learns nothing.

        Raises:
            MissingError: if there is no such draft.
        """
        pairs = self.drafts.examples(draft)
        if not pairs:
            return asdict(Preview(0, reason="there are no examples"))
        x = [self.read(value, f"example {place}") for place, (value, _) in enumerate(pairs)]
        told = asdict(preview(view, x, [label for _, label in pairs]))
        return {**told, "per_class": {str(label): share for label, share in told["per_class"].items()}}

    def undoes(self, key: str, to: int, version: int) -> bool:
        """Whether to return to a version takes back nothing but what a job of this key made.

        Args:
            to: the version to return to.
            version: the newest one.
        """
        made = [(job["result"]["before"], job["result"]["version"]) for job in self.jobs.done_by(key)]
        return (to, version) in made and version == to + 1

    def name_group(self, group: int, name: str, label: Any, into: str | None, view: View, request_id: str, key: str = "") -> dict[str, Any]:
        """Say what the inputs of a group are: they go into a draft for a new task or, by a job, to a task that there is.

        Args:
            name: of the new task; with `into` the class's, where there is no label.
            label: the class's; None for the name.
            into: the task that gets them; None for a new one.
            view: the current version.
            request_id, key: as for `submit`.

        Returns:
            The "draft", or the "job".
        """
        check_name("task", name)
        task, label = view.task_name(name if into is None else into), name if label is None else label
        if into is not None:
            view.pathway(task)
            self.jobs.require_room()  # before the group goes
        elif task in view.tasks:
            do = 'To give it these, write "into": its name'
            raise TaskExistsError(f"task {task!r}", expected="a new name", got="one that the network has learned", do=do)
        known = self.drafts.of_task(task) if into is None else None
        draft = known or self.drafts.make(task)
        try:
            self.inbox.to_draft(group, draft, label, self.drafts)
            if into is None:
                return {"draft": self.drafts.get(draft)}
            with self.jobs.preparing() as folder:
                return {"job": self.submit("extend", task, Given(draft=draft), folder, None, request_id, key)}
        except SenpathError:
            if known is None and not self.drafts.get(draft)["examples"]:
                self.drafts.remove(draft)
            raise

    def _write_data(self, body: Given, folder: Path, upload: str | None) -> str | None:
        """Write the examples into the job's folder, each read once; returns the name of the file that has them."""
        given = [name for name, there in (("examples", body.examples), ("draft", body.draft), ("file", upload)) if there is not None]
        if len(given) > 1:
            raise InputError("body", expected='one of "examples", "draft" and a file', got=" and ".join(given))
        if upload is not None or not given:
            return upload
        if body.draft is not None:
            pairs = self.drafts.examples(body.draft)
        else:
            pairs = [(example.input, example.label) for example in body.examples or ()]
            for place, (value, _) in enumerate(pairs):
                self.read(value, f"example {place}")
        _write_examples(folder / DATA, pairs)
        return DATA


def _write_examples(file: Path, examples: Iterable[tuple[Any, Any]]) -> None:
    """Write inputs in JSON with their labels, one a line."""
    lines = [json.dumps({"input": value, "label": label}) for value, label in examples]
    if not lines:
        raise InputError("examples", expected="at least one", got="none")
    file.write_text("\n".join(lines) + "\n", "utf-8")


def _doubtful(sent: Sequence[Any], reply: Reply) -> Iterator[tuple[Any, Any]]:
    """The inputs, in JSON, that are to be kept, and why."""
    for part in reply.parts:
        if isinstance(part.prediction, Prediction):
            for row, place in zip(part.rows, part.places, strict=True):
                doubt, value = doubt_of(part.prediction, row), sent[place]
                if doubt is None:
                    continue
                try:
                    yield (value() if callable(value) else as_json(*value) if isinstance(value, tuple) else value), doubt
                except SenpathError:  # what JSON does not have
                    continue


def _settings(what: str, body: Given) -> dict[str, Any]:
    """The settings of the method or revision, checked.

    Raises:
        InputError: for a method that is not installed as one, an unknown setting, or one that is of this machine.
    """
    seed = {} if body.seed is None else {"random_state": body.seed}
    settings = {**body.settings, **seed} | ({"keep": body.keep} if isinstance(body, Pruning) else {})
    method = body.method if isinstance(body, Learning) else None
    if method is not None and method not in known_methods():  # a place in a package would be imported
        raise InputError("method", expected=f"one of {', '.join(known_methods())}", got=repr(method))
    require_open(REVISIONS[what] if method is None else find_method(method), settings)
    if method is None:
        make_revision(what, settings)
    else:
        make_method(method, settings)
    return settings
