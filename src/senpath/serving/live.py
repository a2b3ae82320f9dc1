"""The network that answers: always one version, and each new one within a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from threading import Lock

from senpath.errors import InputError, MissingError, SenpathError, StoreError
from senpath.network import Network
from senpath.snapshot.view import View
from senpath.store import Place, has_network

LOOK_SECONDS = 0.25
"""How often the folder is looked at for a new version."""
PINNED = 2
"""Earlier versions that are kept open, each with what it read."""

log = logging.getLogger("senpath.serving")


class LiveNetwork:
    """An existing network that moves on with whoever commits to it.

    Args:
        path: its folder.
        trust: whether you vouch for whoever made it.

    Attributes:
        network: the object that reads it.
        current: the newest version that this object knows of.

    Raises:
        StoreError: if there is no network, or it cannot be read.
    """

    def __init__(self, path: Place, *, trust: bool = False) -> None:
        if not has_network(path):
            do = f"Make it with `senpath learn {path} TASK DATA`"
            raise StoreError(f"network {path}", expected="a folder with network.json", got="none", do=do)
        self.network = Network(path, trust=trust)
        self.current = self.network.view
        self._pinned: OrderedDict[int, View] = OrderedDict()
        self._lock = Lock()
        self._look: asyncio.Task[None] | None = None

    def at(self, version: int | None) -> View:
        """The current version, or an earlier one that is kept.

        Raises:
            MissingError: if that version is not kept.
        """
        current = self.current
        if version is not None and version > current.version:  # another worker may have made it
            self.refresh()
            current = self.current
        if version is None or version == current.version:
            return current
        with self._lock:
            if version not in self._pinned:
                try:
                    self._pinned[version] = self.network.view_of(version)
                except InputError as error:
                    raise MissingError(error.what, expected=error.expected, got=error.got, do="Leave the version out") from error
            self._pinned.move_to_end(version)
            view = self._pinned[version]
            if len(self._pinned) > PINNED:
                self._pinned.popitem(last=False)
            return view

    def knowing(self, task: str) -> View:
        """The current version, looked for anew if it does not know a task of this name: another worker may have learned it."""
        if self.current.task_name(task) not in self.current.tasks:
            self.refresh()
        return self.current

    def refresh(self) -> bool:
        """Look for a new version now; returns whether there is one. Takes a moment: for a thread."""
        self.network.refresh()
        view = self.network.view
        if view is self.current:
            return False
        _warm(view)
        with self._lock:
            if self._pinned and not view.continues(self.current):  # the folder was replaced: its earlier versions are others
                self._pinned.clear()
            self.current = view
        return True

    def warm(self) -> None:
        """Read what every answer needs, so that nobody waits for it; what cannot be read is an error of who asks for it."""
        _warm(self.current)

    async def start(self) -> None:
        """Be ready to answer, and keep looking for new versions until `stop`."""
        await asyncio.to_thread(self.warm)
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
            except Exception as error:  # what is live stays live, and the next version may be one that can be read
                if not failed:
                    log.error("the network cannot be read: %s", error)
                failed = True


def _warm(view: View) -> None:
    for key, kind in view.types.items():
        with contextlib.suppress(SenpathError):
            if kind.encoder is not None:
                view.encoders.of(kind)
            view.dispatcher(key)
