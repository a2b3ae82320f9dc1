"""Predictions of many requests at once: what arrives while one batch runs is the next. A large request is not waited for as a whole."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from senpath.errors import BusyError, ConflictError, InputError, LimitError, SenpathError
from senpath.inference.multimodal import MultimodalPrediction, fuse
from senpath.inference.predict import Routing, predict
from senpath.inference.prediction import Prediction
from senpath.inference.records import answer_records, unread_record
from senpath.inference.unanswered import renumbered
from senpath.isolation import isolation
from senpath.serving.live import LiveNetwork
from senpath.serving.settings import ServerSettings
from senpath.snapshot.view import View

AT_ONCE, SHARE = 256, 64
"""Inputs that are predicted together, at most, and of one request."""
WINDOW_SECONDS, AGAIN_SECONDS = 0.002, 0.05
"""How long a batch waits for those to ask again who were just answered, and for how long after that they are expected to."""
TRIES = 3
"""How often a request begins anew because a file of its version went: another program cleaned up."""


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
        top: how many of the likeliest answers records tell.
    """

    task: str | None = None
    concept: str | None = None
    version: int | None = None
    errors: str = "none"
    candidates: int = 2
    admit: float | None = None
    reject: bool = True
    strict: bool = False
    top: int = 5

    @property
    def routing(self) -> Routing:
        """How candidates are chosen."""
        return Routing(self.candidates, self.admit, self.reject, self.strict)


class ReplyPart(NamedTuple):
    """A prediction of some of a request's inputs.

    Args:
        prediction: of these, and where requests were answered together also of others.
        rows: the places of this request's inputs in it.
        places: the places of the same inputs in the request.
    """

    prediction: Prediction | MultimodalPrediction
    rows: Sequence[int]
    places: Sequence[int]


class Reply(NamedTuple):
    """What one version answers to a request.

    Args:
        view: the version.
        parts: the answers; inputs that could not be read are in none.
        records: the answers as JSON values, in the order of the inputs.
    """

    view: View
    parts: list[ReplyPart]
    records: list[dict[str, Any]]


@dataclass(eq=False, slots=True)
class _Waiting:
    inputs: Sequence[Any]
    asked: Asked
    answer: asyncio.Future[Reply]
    start: int = 0
    replies: list[Reply] = field(default_factory=list)
    tries: int = TRIES


class _Share(NamedTuple):
    """Some of a request's inputs, from this place on."""

    waiting: _Waiting
    start: int
    inputs: Sequence[Any]


class _Expected(NamedTuple):
    """How many requests will wait for the next batch, if all who were just answered ask again, and until when that is to be seen."""

    key: tuple[Asked, View | None] | None
    requests: int
    until: float


class Batcher:
    """Answers requests in threads of their own, those together that want the same.

    A large request is answered by and by, so that others pass in between, by the version that began.

    Args:
        live: the network.
        settings: of the server.
        told: called with the number of inputs of every batch, and of those that wait meanwhile, in its thread.
    """

    def __init__(self, live: LiveNetwork, settings: ServerSettings, told: Callable[[int, int], None]) -> None:
        self._live, self._most, self._queue, self._seconds = live, settings.threads, settings.queue, settings.answer_seconds
        self._told = told
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="predict")
        self._waiting: OrderedDict[tuple[Asked, View | None], deque[_Waiting]] = OrderedDict()
        self._running = 0
        self._queued = 0
        self._expected = _Expected(None, 0, -math.inf)
        self._window: asyncio.TimerHandle | None = None

    async def ask(self, inputs: Sequence[Any], asked: Asked) -> Reply:
        """The answers of one version to these inputs.

        Args:
            inputs: as `senpath.serving.inputs.read_input` returns them; an `InputError` stands for one that could not be read.

        Raises:
            BusyError: if too many are waiting, or it took too long.
            SenpathError: if the request cannot be answered.
        """
        if self._queued and self._queued + len(inputs) > self._queue:
            raise BusyError("inputs that wait for an answer", expected=f"at most {self._queue}", got=f"{self._queued}")
        if asked.version is not None:  # whose refusal comes at once
            await asyncio.to_thread(self._live.at, asked.version)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(inputs, asked, loop.create_future())
        self._queued += len(inputs)
        self._enqueue(waiting, None)
        self._gather()
        late = loop.call_later(self._seconds, self._give_up, waiting)
        try:
            return await waiting.answer
        finally:
            late.cancel()

    def close(self) -> None:
        """Let the threads end."""
        self._close_window()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, waiting: _Waiting, view: View | None) -> None:
        self._waiting.setdefault((waiting.asked, view), deque()).append(waiting)

    def _give_up(self, waiting: _Waiting) -> None:
        if not waiting.answer.done():
            waiting.answer.set_exception(BusyError("the answer", expected=f"within {self._seconds:g} s", got="none yet"))

    def _gather(self) -> None:
        """Begin a batch, or wait a moment for those who were just answered: began the first of them one, the others would wait for it."""
        if self._running == self._most or not self._waiting:
            return
        loop, (key, group) = asyncio.get_running_loop(), next(iter(self._waiting.items()))
        few = len(group) < self._expected.requests and self._queued < AT_ONCE
        if few and key == self._expected.key and loop.time() < self._expected.until:
            self._window = self._window or loop.call_later(WINDOW_SECONDS, self._run_next)
        else:
            self._run_next()

    def _close_window(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None

    def _run_next(self) -> None:
        self._close_window()
        (asked, view), group = self._waiting.popitem(last=False)
        batch: list[_Share] = []
        size = 0
        while group and size < AT_ONCE:
            waiting = group.popleft()
            if waiting.answer.done():  # nobody waits any more
                self._queued -= len(waiting.inputs) - waiting.start
                continue
            share = _Share(waiting, waiting.start, waiting.inputs[waiting.start : waiting.start + SHARE])
            batch.append(share)
            size += len(share.inputs)
        if group:
            self._waiting[asked, view] = group
        self._running += 1
        self._queued -= size
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._answer, asked, view, batch)
        work.add_done_callback(lambda done: self._hand_out(asked, batch, done))

    def _hand_out(self, asked: Asked, batch: list[_Share], work: asyncio.Future[list[Reply | Exception]]) -> None:
        self._running -= 1
        failed = BusyError("the answer", got="none") if work.cancelled() else work.exception()
        replies = [failed] * len(batch) if failed is not None else work.result()
        results = [self._take(share, reply) for share, reply in zip(batch, replies, strict=True)]
        for share, result in zip(batch, results, strict=True):
            if result is not None and not share.waiting.answer.done():
                if isinstance(result, Reply):
                    share.waiting.answer.set_result(result)
                else:
                    share.waiting.answer.set_exception(result)
        if not work.cancelled():
            loop, answered = work.get_loop(), sum(result is not None for result in results)
            together = answered + len(self._waiting.get((asked, None), ()))
            self._expected = _Expected((asked, None), together, loop.time() + AGAIN_SECONDS)
            loop.call_soon(self._gather)  # once the answers are sent

    def _take(self, share: _Share, reply: Reply | BaseException | None) -> Reply | BaseException | None:
        """What a request is to be told; None if it goes on waiting."""
        waiting = share.waiting
        if isinstance(reply, ConflictError) and waiting.tries:
            self._queued += share.start + len(share.inputs)
            waiting.tries, waiting.start, waiting.replies = waiting.tries - 1, 0, []
            self._enqueue(waiting, None)
            return None
        if not isinstance(reply, Reply):
            self._queued -= len(waiting.inputs) - share.start - len(share.inputs)
            return reply
        if len(share.inputs) == len(waiting.inputs):
            return reply
        waiting.replies.append(reply)
        waiting.start += len(share.inputs)
        if waiting.start < len(waiting.inputs):
            self._enqueue(waiting, reply.view)
            return None
        parts = [part for each in waiting.replies for part in each.parts]
        return Reply(reply.view, parts, [record for each in waiting.replies for record in each.records])

    def _answer(self, asked: Asked, view: View | None, batch: list[_Share]) -> list[Reply | Exception]:
        """The reply to each request, or what it raises; in a thread."""
        self._told(sum(len(share.inputs) for share in batch), self._queued)
        with isolation():
            if view is None and asked.task is not None and asked.version is None:
                view = self._live.knowing(asked.task)
            elif view is None:
                view = self._live.at(asked.version)
            together = _together(view, asked, batch) if len(batch) > 1 else None
            return [reply or self._alone(view, asked, share) for reply, share in zip(together or [None] * len(batch), batch, strict=True)]

    def _alone(self, view: View, asked: Asked, share: _Share) -> Reply | Exception:
        refused = LimitError if asked.errors == "skip" else InputError  # beyond a limit nothing of the request is answered
        unread = next((item for item in share.inputs if isinstance(item, refused)), None)
        if unread is not None:
            return unread
        try:
            return _reply(view, asked, share)
        except ConflictError as error:
            self._live.refresh()
            return error
        except Exception as error:  # it is this request's own: raised where its answer is awaited
            return error


def _together(view: View, asked: Asked, batch: list[_Share]) -> list[Reply | None] | None:
    """Replies from one prediction of all that every request asks; None for one that has to be asked alone, or if all have to."""
    plain = [not any(isinstance(item, InputError | Senses) for item in share.inputs) for share in batch]
    items = [item for share, simple in zip(batch, plain, strict=True) if simple for item in share.inputs]
    try:
        prediction = predict(view, items, view.task_name(asked.task), asked.routing, "skip", asked.concept)
    except SenpathError:
        return None
    # Only who asks alone is told what is wrong as it was asked, and with its own places.
    read = ~np.isposinf(prediction.ood_score)
    records = answer_records(view, prediction, asked.top)
    replies: list[Reply | None] = []
    first = 0
    for share, simple in zip(batch, plain, strict=True):
        if not simple:
            replies.append(None)
            continue
        stop, places = first + len(share.inputs), range(share.start, share.start + len(share.inputs))
        part = ReplyPart(prediction, range(first, stop), places)
        replies.append(Reply(view, [part], records[first:stop]) if read[first:stop].all() else None)
        first = stop
    return replies


def _reply(view: View, asked: Asked, share: _Share) -> Reply:
    """The answers to some inputs of one request; errors and reasons name an input by its place in the whole request."""
    kinds: dict[bool, list[int]] = {False: [], True: []}
    records: dict[int, dict[str, Any]] = {}
    parts = []
    for place, item in enumerate(share.inputs, share.start):
        if isinstance(item, InputError):
            records[place] = unread_record(view, item.message)
        else:
            kinds[isinstance(item, Senses)].append(place)
    for senses, places in kinds.items():
        items = [share.inputs[place - share.start] for place in places]
        if not items:
            continue
        try:
            if senses:
                things = {name: [item.get(name) for item in items] for name in dict.fromkeys(name for item in items for name in item)}
                answers: Any = fuse(view, things, asked.task, asked.concept, asked.routing, asked.errors)
            else:
                concept = None if kinds[True] else asked.concept
                answers = predict(view, items, view.task_name(asked.task), asked.routing, asked.errors, concept)
        except InputError as error:
            error.reword(renumbered(error.message, places), what=renumbered(error.what, places))
            raise
        parts.append(ReplyPart(answers, range(len(places)), places))
        for place, record in zip(places, answer_records(view, answers, asked.top), strict=True):
            records[place] = record | {"reason": record["reason"] and renumbered(record["reason"], places)}
    return Reply(view, parts, [records[place] for place in sorted(records)])
