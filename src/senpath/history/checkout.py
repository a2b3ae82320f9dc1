"""A network's folder and the version that an object shows: opening, refreshing, committing, verifying."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from senpath.errors import InputError, StoreError
from senpath.history.commit import commit, probe_inputs
from senpath.inputs.encoders import Encoder, Encoders
from senpath.progress import Progress
from senpath.snapshot.dispatchers import read_metric
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.settings import NetworkSettings
from senpath.snapshot.view import View
from senpath.store import Manifest, Store
from senpath.store.files import timestamp
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
        store.pooled(record)
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
    expected = torch.tensor(record.probe.output)
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
    """

    def __init__(
        self,
        path: str | Path | None,
        *,
        device: str | torch.device,
        lock_seconds: float,
        encoders: Mapping[str, str | Encoder] | str | None,
        trust: bool = False,
        settings: Mapping[str, Any],
    ) -> None:
        if path is not None and not isinstance(path, str | Path):
            raise InputError("path of the network", expected="a str or Path", got=repr(path))
        self.path = Path(tempfile.mkdtemp(prefix="senpath-") if path is None else path)
        if path is None:  # not a TemporaryDirectory, which would warn when it goes
            weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self.device = _device(device)
        if isinstance(lock_seconds, bool) or not isinstance(lock_seconds, int | float) or not lock_seconds >= 0:
            raise InputError("lock_seconds", expected="a number of seconds, 0 or more", got=repr(lock_seconds))
        readers = Encoders(encoders, self.device)
        if not isinstance(trust, bool):
            raise InputError("trust", expected="True or False", got=repr(trust))
        self.store = Store(self.path, lock_seconds=lock_seconds, trust=trust)
        given = {name: value for name, value in settings.items() if value is not None}
        chosen = NetworkSettings(**given)
        if self.store.exists():
            manifest = self.store.read()
            _require_same(given, NetworkSettings.from_json(manifest.settings))
        else:
            manifest = self.store.create(chosen.to_json())
        for record in manifest.types.values():
            readers.check(record.data_type)
        self.view = View(self.store, manifest, self.device, encoders=readers)

    def show(self, manifest: Manifest) -> None:
        """Show this version from now on."""
        self.view = View(self.store, manifest, self.device, self.view)

    def moved(self, manifest: Manifest, answer: Answer) -> Answer:
        """Show this version from now on, and pass an answer through."""
        self.show(manifest)
        return answer

    def refresh(self) -> bool:
        """Show the newest version that any writer committed; returns whether there was a newer one."""
        manifest = self.store.read(self.view.manifest)
        newer = manifest.version != self.view.version
        if newer:
            self.show(manifest)
        return newer

    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first."""
        return self.store.log(self.view.manifest)

    def earlier_versions(self) -> tuple[int, ...]:
        """Those that are kept, ascending."""
        return tuple(self.store.history.numbers(self.store.read(self.view.manifest).version))

    def record_evaluation(self, figures: Mapping[str, Any]) -> None:
        """Append figures that were measured of the version that is shown."""
        self.store.append_evaluation({"version": self.view.version, "time": timestamp(), **figures})

    def commit(self, proposal: Proposal) -> None:
        """Make a proposal the next version; see `senpath.history.commit`."""
        self.show(commit(self.store, proposal, self.view))

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
