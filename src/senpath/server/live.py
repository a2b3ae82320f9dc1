"""The network that answers: always one version, and each new one within a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from senpath.errors import InputError, SenpathError, StoreError
from senpath.network import Network
from senpath.server.errors import Refusal
from senpath.snapshot.view import View

LOOK_SECONDS = 0.25
"""How often the folder is looked at for a new version."""
PINNED = 2
"""Earlier versions that are kept open, each with what it read."""

log = logging.getLogger("senpath.server")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One version of the network, and its number."""

    view: View

    @property
    def version(self) -> int:
        """The version's number."""
        return self.view.version


class LiveNetwork:
    """An existing network that moves on with whoever commits to it.

    Args:
        path: its folder.
        trust: whether you vouch for whoever made it.

    Attributes:
        network: the object that reads it.

    Raises:
        StoreError: if there is no network, or it cannot be read.
    """

    def __init__(self, path: Path, *, trust: bool = False) -> None:
        if not (path / "network.json").exists():
            do = f"Make it with `senpath learn {path} TASK DATA`"
            raise StoreError(f"network {path}", expected="a folder with network.json", got="none", do=do)
        self.network = Network(path, trust=trust)
        self._current = Snapshot(self.network.view)
        self._pinned: OrderedDict[int, Snapshot] = OrderedDict()
        self._lock = Lock()
        self._listeners: list[Callable[[int], None]] = []
        self._look: asyncio.Task[None] | None = None

    @property
    def current(self) -> Snapshot:
        """The newest version that this object knows of."""
        return self._current

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call this with the number of each version that comes to be live; it may be called in any thread."""
        self._listeners.append(listener)

    def at(self, version: int | None) -> Snapshot:
        """The current version, or an earlier one that is kept.

        Raises:
            Refusal: 404 if that version is not kept.
        """
        current = self._current
        if version is None or version == current.version:
            return current
        with self._lock:
            if version in self._pinned:
                self._pinned.move_to_end(version)
                return self._pinned[version]
            try:
                snapshot = Snapshot(self.network.view_of(version))
            except InputError as error:
                raise Refusal(404, "not_found", error.what, expected=error.expected, got=error.got, do="Leave the version out") from error
            self._pinned[version] = snapshot
            if len(self._pinned) > PINNED:
                self._pinned.popitem(last=False)
            return snapshot

    def refresh(self) -> bool:
        """Look for a new version now; returns whether there is one. Takes a moment: for a thread."""
        self.network.refresh()
        view = self.network.view
        if view is self._current.view:
            return False
        _warm(view)
        with self._lock:
            self._current = Snapshot(view)
            for number in [number for number in self._pinned if number > view.version]:  # the folder was replaced
                del self._pinned[number]
        for listener in self._listeners:
            listener(view.version)
        return True

    async def start(self) -> None:
        """Be ready to answer, and keep looking for new versions until `stop`."""
        await asyncio.to_thread(_warm, self._current.view)
        self._look = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """Stop looking."""
        if self._look is not None:
            self._look.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._look

    async def _keep_looking(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await asyncio.to_thread(self.refresh)
                failed = False
            except (SenpathError, OSError) as error:  # what is live stays live
                if not failed:
                    log.error("the network cannot be read: %s", error)
                failed = True


def _warm(view: View) -> None:
    """Read what finds an input's task, so that nobody waits for it; what cannot be read is an error of who asks for it."""
    for key in view.types:
        with contextlib.suppress(SenpathError):
            view.dispatcher(key)
