"""Predictions of many requests at once: what arrives while one batch runs is the next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from senpath.errors import ConflictError, InputError, SenpathError
from senpath.inference.multimodal import MultimodalPrediction, fuse
from senpath.inference.predict import Routing, predict
from senpath.inference.prediction import Prediction
from senpath.inference.records import answer_records, unread_record
from senpath.isolation import isolation
from senpath.server.errors import busy
from senpath.server.live import LiveNetwork, Snapshot
from senpath.server.settings import ServerSettings

MOST_AT_ONCE = 1024
"""Inputs that are predicted together, at most, unless one request has more."""


class Senses(dict[str, Any]):
    """One thing in several modalities: each one's input by its name."""


@dataclass(frozen=True)
class Asked:
    """What a request wants to know besides its inputs; requests that agree in it are answered together.

    Args:
        task, concept: if they are known.
        version: that is to answer; None for the current one.
        errors: as for `Network.predict`.
        candidates, admit, reject, strict: see `Routing`.
        top: how many of the likeliest answers records tell; None for no records.
    """

    task: str | None = None
    concept: str | None = None
    version: int | None = None
    errors: str = "none"
    candidates: int = 2
    admit: float | None = None
    reject: bool = True
    strict: bool = False
    top: int | None = None

    @property
    def routing(self) -> Routing:
        """How candidates are chosen."""
        return Routing(self.candidates, self.admit, self.reject, self.strict)


@dataclass(frozen=True, eq=False)
class ReplyPart:
    """A prediction of some of a request's inputs.

    Args:
        prediction: of these, and where requests were answered together also of others.
        rows: the places of this request's inputs in it.
        places: the places of the same inputs in the request.
    """

    prediction: Prediction | MultimodalPrediction
    rows: Sequence[int]
    places: Sequence[int]


@dataclass(frozen=True, eq=False)
class Reply:
    """What one version answers to a request.

    Args:
        snapshot: the version.
        parts: the answers; inputs that could not be read are in none.
        unread: why an input could not be read, by its place.
        records: the answers as JSON values, in the order of the inputs.
    """

    snapshot: Snapshot
    parts: list[ReplyPart]
    unread: dict[int, str] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class _Waiting:
    inputs: Sequence[Any]
    asked: Asked
    answer: asyncio.Future[Reply]


class Batcher:
    """Answers requests in threads of their own, those together that want the same.

    Args:
        live: the network.
        settings: of the server.

    Attributes:
        told: called with the number of inputs of every batch, in its thread.
    """

    def __init__(self, live: LiveNetwork, settings: ServerSettings) -> None:
        self._live, self._settings = live, settings
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="predict")
        self._waiting: OrderedDict[Asked, list[_Waiting]] = OrderedDict()
        self._running = 0
        self.queued = 0
        self.told: Callable[[int], None] = lambda inputs: None

    async def ask(self, inputs: Sequence[Any], asked: Asked) -> Reply:
        """The answers of one version to these inputs.

        Args:
            inputs: as `senpath.server.inputs.read_input` returns them; an `InputError` stands for one that could not be read.

        Raises:
            Refusal: 503 if too many are waiting, or it took too long.
            SenpathError: if the request cannot be answered.
        """
        if self.queued and self.queued + len(inputs) > self._settings.queue:
            raise busy("inputs that wait for an answer", expected=f"at most {self._settings.queue}", got=f"{self.queued}")
        if asked.version is not None:  # whose refusal comes at once
            await asyncio.to_thread(self._live.at, asked.version)
        waiting = _Waiting(inputs, asked, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(asked, []).append(waiting)
        self.queued += len(inputs)
        if self._running < self._settings.threads:
            self._run_next()
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                return await waiting.answer
        except TimeoutError:
            raise busy("the answer", expected=f"within {self._settings.answer_seconds:g} s", got="none yet") from None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run_next(self) -> None:
        asked, group = self._waiting.popitem(last=False)
        size, taken = 0, 0
        for waiting in group:
            if taken and size + len(waiting.inputs) > MOST_AT_ONCE:
                break
            size, taken = size + len(waiting.inputs), taken + 1
        batch, rest = group[:taken], group[taken:]
        if rest:
            self._waiting[asked] = rest
        self._running += 1
        self.queued -= size
        wanted = [waiting for waiting in batch if not waiting.answer.done()]
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, asked, [waiting.inputs for waiting in wanted])
        work.add_done_callback(lambda done: self._hand_out(wanted, done))

    def _hand_out(self, batch: list[_Waiting], work: asyncio.Future[list[Reply | Exception]]) -> None:
        self._running -= 1
        if self._waiting:
            self._run_next()
        if work.cancelled():
            return
        failed = work.exception()
        replies = [failed] * len(batch) if failed is not None else work.result()
        for waiting, reply in zip(batch, replies, strict=True):
            if not waiting.answer.done():
                if isinstance(reply, Reply):
                    waiting.answer.set_result(reply)
                else:
                    waiting.answer.set_exception(reply or busy("the answer", got="none"))

    def _answer(self, asked: Asked, requests: list[Sequence[Any]]) -> list[Reply | Exception]:
        """The reply to each request, or what it raises; in a thread."""
        self.told(sum(map(len, requests)))
        with isolation():
            snapshot = self._live.at(asked.version)
            if len(requests) > 1:
                together = _together(snapshot, asked, requests)
                if together is not None:
                    return [reply or self._alone(asked, request) for reply, request in zip(together, requests, strict=True)]
            return [self._alone(asked, request) for request in requests]

    def _alone(self, asked: Asked, inputs: Sequence[Any]) -> Reply | Exception:
        for _ in range(3):
            snapshot = self._live.at(asked.version)
            try:
                return _reply(snapshot, asked, inputs)
            except ConflictError as error:  # a file of this version went: another program cleaned up
                self._live.refresh()
                last: Exception = error
            except Exception as error:  # it is this request's own: raised where its answer is awaited
                return error
        return last


def _together(snapshot: Snapshot, asked: Asked, requests: list[Sequence[Any]]) -> list[Reply | None] | None:
    """Replies from one prediction of all that every request asks; None for one that has to be asked alone, or if all have to."""
    plain = [not any(isinstance(item, InputError | Senses) for item in inputs) for inputs in requests]
    items = [item for inputs, simple in zip(requests, plain, strict=True) if simple for item in inputs]
    view = snapshot.view
    try:
        prediction = predict(view, items, view.task_name(asked.task), asked.routing, "skip", asked.concept)
    except SenpathError:
        return None
    # Only who asks alone is told what is wrong as it was asked, and with its own places.
    read = ~np.isposinf(prediction.ood_score)
    records = [] if asked.top is None else answer_records(view, prediction, asked.top)
    replies: list[Reply | None] = []
    start = 0
    for inputs, simple in zip(requests, plain, strict=True):
        if not simple:
            replies.append(None)
            continue
        stop = start + len(inputs)
        parts = [ReplyPart(prediction, range(start, stop), range(len(inputs)))]
        replies.append(Reply(snapshot, parts, {}, records[start:stop]) if read[start:stop].all() else None)
        start = stop
    return replies


def _reply(snapshot: Snapshot, asked: Asked, inputs: Sequence[Any]) -> Reply:
    """The answers to one request."""
    unread = {place: item for place, item in enumerate(inputs) if isinstance(item, InputError)}
    if unread and asked.errors != "skip":
        raise next(iter(unread.values()))
    senses = [place for place, item in enumerate(inputs) if isinstance(item, Senses)]
    plain = [place for place in range(len(inputs)) if place not in unread and place not in {*senses}]
    view, parts = snapshot.view, []
    if plain:
        concept = None if senses else asked.concept
        prediction = predict(view, [inputs[place] for place in plain], view.task_name(asked.task), asked.routing, asked.errors, concept)
        parts.append(ReplyPart(prediction, range(len(plain)), plain))
    if senses:
        names = dict.fromkeys(name for place in senses for name in inputs[place])
        things = {name: [inputs[place].get(name) for place in senses] for name in names}
        parts.append(ReplyPart(fuse(view, things, asked.task, asked.concept, asked.routing, asked.errors), range(len(senses)), senses))
    records: list[dict[str, Any]] = []
    if asked.top is not None:
        told = {place: unread_record(view, error.message) for place, error in unread.items()}
        for part in parts:
            told |= dict(zip(part.places, answer_records(view, part.prediction, asked.top), strict=True))
        records = [told[place] for place in range(len(inputs))]
    return Reply(snapshot, parts, {place: error.message for place, error in unread.items()}, records)
