"""Finished generations on disk, from which a search that was killed goes on."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from senpath.cache import SEARCHES, cache_folder
from senpath.components import Component, content_hash, thaw
from senpath.errors import InputError, SenpathError
from senpath.methods.munet.path import LayerPath
from senpath.methods.munet.schedule import Schedule
from senpath.store.files import write_atomic

STATE, LOCK, ENDING = "state.json", ".lock", ".safetensors"
STALE = 30 * 24 * 3600
"""Seconds after which a search in the cache that nobody went on with is removed."""


class SearchCheckpoint:
    """A folder with the finished generations of one search; closed at the end, and removed once its task is learned.

    Args:
        work: folder in which it lies; None for one in the user's cache.
        key: stands for all that decides the search; two of one key come to the same.
        warn: called with a sentence where nothing can be kept.

    Raises:
        InputError: if `work` cannot be written.
    """

    def __init__(self, work: str | Path | None, key: str, warn: Callable[[str], None]) -> None:
        base = Path(work).absolute() if work is not None else cache_folder() / SEARCHES
        self._lock: FileLock | None = None
        try:
            self.folder = base / key
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / LOCK)
            self._lock.acquire(timeout=0)
            if work is None:
                _drop_stale(base, self.folder)
        except (OSError, Timeout) as error:
            if work is not None and not isinstance(error, Timeout):
                raise InputError(f"setting 'work': {work}", expected="a folder that can be written", got=str(error)) from error
            why = "the same search runs in another process" if isinstance(error, Timeout) else str(error)
            warn(f"finished generations are not kept, for {why}")
            self._lock, self.folder = None, Path(tempfile.mkdtemp(prefix="senpath-search-"))

    def load(self, search: Schedule) -> tuple[dict[str, Component], list[str]]:
        """Bring a search to where it was, and return the components of its paths, by hash, and what went wrong; none for one that begins.

        What is damaged is of no use, and the search begins.
        """
        before = search.state()
        try:
            state = json.loads((self.folder / STATE).read_bytes())
            search.restore(state["search"])
            components = {name: component for path in search.population for name, component in self._own(path).items()}
            return components, [str(sentence) for sentence in state["warnings"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SenpathError):
            search.restore(before)
            for file in self.folder.glob(f"*{ENDING}"):
                file.unlink(missing_ok=True)
            return {}, []

    def save(self, search: Schedule, components: Mapping[str, Component], warnings: Sequence[str]) -> None:
        """Keep a generation that is finished. While all children were lost there is nothing to go on from, and another try begins.

        Args:
            components: of the search's paths, by hash.
            warnings: what went wrong so far, in sentences.

        Raises:
            InputError: if the folder cannot be written.
        """
        if not search.population:
            return
        names = {name for path in search.population for name in _trained(path) if name in components}
        try:
            for name in names:
                file = self.folder / (name + ENDING)
                if not file.exists():
                    write_atomic(file, components[name].payload or b"")
            write_atomic(self.folder / STATE, json.dumps({"search": search.state(), "warnings": list(warnings)}).encode())
            for file in self.folder.glob(f"*{ENDING}"):
                if file.stem not in names:
                    file.unlink(missing_ok=True)
        except OSError as error:
            got = error.strerror or str(error)
            raise InputError(f"folder of the search, {self.folder}", expected="a place to write to", got=got) from error

    def close(self, *, remove: bool) -> None:
        """Leave it for another try, or remove it."""
        if remove or self._lock is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()

    def _own(self, path: LayerPath) -> dict[str, Component]:
        components = {}
        for layer in path.layers:
            file = self.folder / ((layer.component or "") + ENDING)
            if layer.origin == path.task and layer.component is not None:
                payload = file.read_bytes()
                if content_hash(layer.kind, layer.config, payload) != layer.component:
                    raise ValueError(f"{file} was changed")
                components[layer.component] = thaw(layer.kind, layer.config, payload)
        return components


def _trained(path: LayerPath) -> Sequence[Any]:
    """Hashes of the components that the task itself trained."""
    return [layer.component for layer in path.layers if layer.origin == path.task]


def _drop_stale(base: Path, own: Path) -> None:
    """Remove searches that nobody went on with, nor is at work on."""
    for folder in base.iterdir():
        with suppress(OSError, Timeout):
            if folder != own and time.time() - folder.stat().st_mtime > STALE:
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
