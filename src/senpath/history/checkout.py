"""A network's folder and the version that an object shows: opening, refreshing, committing, verifying."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import torch

from senpath.arrays import as_number, json_value
from senpath.errors import ConflictError, InputError, StoreError
from senpath.history.commit import commit, probe_inputs
from senpath.inputs.encoders import Encoder, Encoders
from senpath.progress import Progress
from senpath.snapshot.dispatchers import check_covariances, read_metric
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.settings import NetworkSettings
from senpath.snapshot.view import View
from senpath.store import KEPT_VERSIONS, Change, Manifest, Store
from senpath.store.address import Place, as_place
from senpath.store.files import temporary_folder, timestamp
from senpath.store.manifest import RESTORE

TOLERANCE = 1e-4
"""Probes may differ by this much, absolute or relative: machines round differently."""


def verify(store: Store, view: View, progress: Progress) -> None:
    """Recompute every hash and replay every pathway's probe.

    Raises:
        StoreError: at the first mismatch, naming the file or the task.
    """
    manifest = view.manifest
    steps = len(manifest.components) + len(manifest.types) + 2 * len(manifest.tasks)
    done = 0
    # First what the next commits may remove.
    for record in manifest.types.values():
        check_covariances(store, record)
        if record.metric is not None:
            read_metric(store, record, record.metric, torch.device("cpu"))
        progress("verify", done := done + 1, steps)
    for name, weights in manifest.components.items():
        component = store.component(name)
        if component.weights != weights:
            raise StoreError(f"component {name[:12]}", expected=f"{weights:,} weights", got=f"{component.weights:,}")
        progress("verify", done := done + 1, steps)
    rows = {key: store.columns(record) for key, record in manifest.types.items()}
    for task, kept in manifest.tasks.items():
        key = kept.pathway.data_type
        store.check_columns(rows[key], manifest.types[key], kept.statistics)
        progress("verify", done := done + 1, steps)
        _compare_children(view, task)
        _replay(view, task)
        progress("verify", done := done + 1, steps)


def _compare_children(view: View, task: str) -> None:
    pathway = view.pathway(task)
    configured = {name: part.children for name in pathway.references if (part := view.component(name)).children}
    if configured != pathway.children:
        wrong = min(name for name in configured.keys() | pathway.children.keys() if configured.get(name) != pathway.children.get(name))
        raise StoreError(
            f"task {task!r}: what is inside of component {wrong[:12]}",
            expected=f"{len(configured.get(wrong, ()))} components, as its configuration says",
            got=f"{len(pathway.children.get(wrong, ()))} in network.json, or others",
            do=RESTORE,
        )


def _replay(view: View, task: str) -> None:
    record = view.tasks[task]
    inputs = probe_inputs(view.manifest.types[record.pathway.data_type].data_type, record.probe.seed)
    logits = view.logits(task, inputs).cpu().flatten()
    expected = torch.tensor(record.probe.output, dtype=logits.dtype)
    if logits.shape != expected.shape or not torch.allclose(logits, expected, rtol=TOLERANCE, atol=TOLERANCE):
        worst = float((logits - expected).abs().max()) if logits.shape == expected.shape else float("inf")
        raise StoreError(
            f"task {task!r}: answers to its probe",
            expected=f"those it gave when it was learned, within {TOLERANCE:g}",
            got=f"a difference of {worst:.3g}",
            do="The files are intact, so this machine or library computes differently",
        )


Answer = TypeVar("Answer")
ATTEMPTS = 3
"""How often a network is verified that writers change meanwhile."""


class Checkout:
    """A folder and the version of it that is shown, which moves on with every commit.

    Args:
        path: the folder, opened or created; None makes a temporary one that goes with this object.
        device: where pathways run, as torch names it.
        lock_seconds: how long a commit waits for another writer.
        encoders: see `senpath.Network`.
        trust: see `senpath.Network`.
        settings: see `NetworkSettings`; None is the default where the folder is created, and whatever it has where it is opened.

    Raises:
        StoreError: if the folder holds something else, is damaged, or was written by a newer senpath.
        InputError: if a setting differs from the one that the network was created with.

    Attributes:
        given: what another object for the same folder is to be opened with.
    """

    def __init__(
        self,
        path: str | Place | None,
        *,
        device: str | torch.device,
        lock_seconds: float,
        encoders: Mapping[str, str | Encoder] | str | None,
        trust: bool | frozenset[str] = False,
        settings: Mapping[str, Any],
    ) -> None:
        self.path: Place = temporary_folder(self) if path is None else as_place("path of the network", path)
        self.device = _device(device)
        if not as_number(lock_seconds) >= 0:
            raise InputError("lock_seconds", expected="a number of seconds, 0 or more", got=repr(lock_seconds))
        lock_seconds = float(lock_seconds)
        readers = Encoders(encoders, self.device)
        if not isinstance(trust, bool | frozenset):
            raise InputError("trust", expected="True or False", got=repr(trust))
        self.store = Store(self.path, lock_seconds=lock_seconds, trust=trust)
        self.given = {"device": str(self.device), "lock_seconds": lock_seconds, "encoders": encoders}
        given = {name: value for name, value in settings.items() if value is not None}
        chosen = NetworkSettings(**given)
        manifest = self.store.opened()
        if manifest is None:
            manifest = self.store.create(chosen.to_json())  # or what another process made meanwhile
        _require_same(given, NetworkSettings.from_json(manifest.settings))
        for record in manifest.types.values():
            readers.check(record.data_type)
        self.view = View(self.store, manifest, self.device, encoders=readers)
        self._writing, self._showing = RLock(), RLock()

    def reading(self, work: Callable[[View], Answer]) -> Answer:
        """The answer of `work` to the version that is shown.

        If what it reads goes meanwhile because this object moves on (another thread removes a task and cleans up), it works on what is
        shown then.

        Raises:
            ConflictError: if it goes because another object moved on.
        """
        while True:
            view = self.view
            try:
                return work(view)
            except ConflictError:
                with self._writing:  # until it is shown
                    pass
                if self.view is view:
                    raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out, where writers take turns; threads of this object do so always.

        Raises:
            ConflictError: if another process holds the lock for longer than `lock_seconds`.
        """
        with self._writing, self.store.locked():
            yield

    def update(self, make: Callable[[Manifest], tuple[Manifest, Change] | None], keep: int = KEPT_VERSIONS) -> View:
        """Make the next version from the present one and return it; see `Store.update`. Threads of this object take turns."""
        with self._writing:
            return self.moved(self.store.update(self.view.manifest, make, keep)[1])

    def moved(self, manifest: Manifest) -> View:
        """Show the newest version, now that this object has made one, or restored it.

        Returns:
            The version of this manifest, whatever other writers have made of it since.
        """
        with self._showing:
            view = self._view_of(manifest)
            shown = self.view.manifest
            if self.store.objects.takes_turns:
                newest = self.store.read(manifest)
            else:  # the next look is soon enough, and costs a request
                newest = shown if shown.id == manifest.id and shown.version > manifest.version else manifest
            self.view = view if newest is manifest else self._view_of(newest)
            return view

    def refresh(self) -> bool:
        """Show the version that is on disk now; returns whether it is another one."""
        with self._showing:  # not an older one than another thread shows meanwhile
            shown = self.view.manifest
            manifest = self.store.read(shown)
            other = manifest is not shown and manifest != shown
            if other:
                self.view = self._view_of(manifest)
            return other

    def _view_of(self, manifest: Manifest) -> View:
        same = manifest.id == self.view.manifest.id  # nothing is known of another network that has taken the folder
        return View(self.store, manifest, self.device, self.view if same else None, self.view.encoders)

    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first."""
        return self.store.journals.log(self.view.manifest)

    def earlier_versions(self) -> tuple[int, ...]:
        """Those that are kept, ascending."""
        return tuple(self.store.history.numbers(self.store.read(self.view.manifest).version))

    def view_of(self, version: int) -> View:
        """An earlier version; what this object shows stays as it is. See `Network.view_of`."""
        known = self.earlier_versions()
        if version not in known:
            expected = f"one of {', '.join(map(str, known))}" if known else "an earlier version that is kept; there is none"
            raise InputError(f"version {version}", expected=expected, got="another number")
        # Components of its own: those of the present version stay in its memory.
        return View(self.store, self.store.history.read(version, self.view.manifest), self.device, encoders=self.view.encoders)

    def record_evaluation(self, figures: Mapping[str, Any]) -> None:
        """Append figures that were measured of the version that is shown; see `Network.record_evaluation`."""
        own = {"version": self.view.version, "time": timestamp()}
        try:
            given = {str(name): json_value(value) for name, value in figures.items()}
            json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise InputError("figures", expected="a mapping of names to values that JSON has", got=str(error)) from error
        if own.keys() & given.keys():
            raise InputError("figures", expected=f"none named {' or '.join(own)}", got=", ".join(given))
        self.store.journals.record(own | given)

    def remove_evaluation(self, place: int, time: str | None) -> None:
        """Remove recorded figures; see `Network.remove_evaluation`."""
        self.store.journals.remove(place, time)

    def commit(self, proposal: Proposal) -> View:
        """Make a proposal the next version, and return that; see `senpath.history.commit`."""
        with self._writing:
            return self.moved(commit(self.store, proposal, self.view))

    def verify(self, progress: Progress) -> None:
        """Recompute every hash and replay every pathway's probe.

        Raises:
            StoreError: at the first mismatch.
        """
        for attempt in range(ATTEMPTS):
            manifest = self.store.read()
            try:
                verify(self.store, View(self.store, manifest, self.device), progress)
                return
            except StoreError:  # writers may have gone on, and removed what this version needs
                if attempt + 1 == ATTEMPTS or self.store.read().version == manifest.version:
                    raise


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device).tolist()  # a device that torch knows need not be here, or hold numbers
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError("device", expected="one that torch knows and this machine has, such as 'cpu'", got=repr(name)) from error
    return device


def _require_same(given: Mapping[str, Any], kept: NetworkSettings) -> None:
    for name, value in given.items():
        have = getattr(kept, name)
        if have != (tuple(value) if isinstance(value, list) else value):
            raise InputError(
                f"setting {name!r}", expected=f"{have!r}, with which the network was created", got=repr(value), do="Leave it out"
            )
