"""An open network: its folder, the version that is shown, and the one door for changes."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from senpath.encoders import Encoder, Encoders
from senpath.errors import InputError, StoreError
from senpath.network.commit import commit
from senpath.network.encoded import Encoded, encode_inputs
from senpath.network.inputs import encode_examples
from senpath.network.proposal import Proposal
from senpath.network.settings import DispatcherForm, NetworkSettings
from senpath.network.verify import verify
from senpath.network.view import View
from senpath.pathways import Transfer
from senpath.progress import Progress, silent
from senpath.reading import read_labelled
from senpath.store import Manifest, Store
from senpath.store.files import timestamp
from senpath.types import Examples, Label, TaskKind

Answer = TypeVar("Answer")
ATTEMPTS = 3
"""How often a network is verified that writers change meanwhile."""


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task.

    Attributes:
        kind: "classification", "multilabel" or "regression".
        classes_: its labels, in the order of the outputs (scikit-learn's name).
        data_type: key of the type of its inputs.
        examples: how many it was learned from.
        method: name of the method that learned it.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        concept: what its inputs are signs of, if it shares that with other tasks; see `Network.learn`.
        weights: of its own components and its links.
        run_weights: weights that answering with it runs, the layers that its links read included.
        version: the network's version that it came with.
        notes: what the method noted down.
    """

    kind: TaskKind
    classes_: tuple[Label, ...]
    data_type: str
    examples: int
    method: str
    transfers: tuple[tuple[str, Transfer], ...]
    concept: str | None
    weights: int
    run_weights: int
    version: int
    notes: Mapping[str, Any]


class OpenNetwork:
    """What every part of `Network` builds on; see there for the arguments."""

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        dispatcher: DispatcherForm | None = None,
        image_shape: tuple[int, int, int] | None = None,
        random_state: int | None = None,
        encoders: Mapping[str, str | Encoder] | str | None = None,
        device: str | torch.device = "cpu",
        lock_seconds: float = 30.0,
    ) -> None:
        if path is not None and not isinstance(path, str | Path):
            raise InputError("path of the network", expected="a str or Path", got=repr(path))
        self.path = Path(tempfile.mkdtemp(prefix="senpath-") if path is None else path)
        if path is None:  # not a TemporaryDirectory, which would warn when it goes
            weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self.device = _device(device)
        if isinstance(lock_seconds, bool) or not isinstance(lock_seconds, int | float) or not lock_seconds >= 0:
            raise InputError("lock_seconds", expected="a number of seconds, 0 or more", got=repr(lock_seconds))
        sensed = Encoders(encoders, self.device)
        self._store = Store(self.path, lock_seconds=lock_seconds)
        asked = {"dispatcher": dispatcher, "image_shape": image_shape, "random_state": random_state}
        given = {name: value for name, value in asked.items() if value is not None}
        settings = NetworkSettings(**given)  # type: ignore[arg-type]
        if self._store.exists():
            manifest = self._store.read()
            _require_same(given, NetworkSettings.from_json(manifest.settings))
        else:
            manifest = self._store.create(settings.to_json())
        for record in manifest.types.values():
            sensed.check(record.data_type)
        self._view = View(self._store, manifest, self.device, encoders=sensed)

    def __repr__(self) -> str:
        return f"Network({str(self.path)!r}, version {self.version}, {len(self._view.tasks)} tasks)"

    @property
    def version(self) -> int:
        """How many commits made the network that this object shows."""
        return self._view.version

    @property
    def view(self) -> View:
        """The read-only picture that methods are given."""
        return self._view

    @property
    def tasks(self) -> dict[str, TaskInfo]:
        """What is known of each task, by name, in the order of learning."""
        return {name: self._info(name) for name in self._view.tasks}

    @property
    def weights(self) -> dict[str, int]:
        """All weights: "pathways" (links included), "dispatcher", pretrained "encoders" and their "total"."""
        return self._view.weights

    @property
    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first: what changed, from which data, settings, seed, figures."""
        return self._store.log(self._view.manifest)

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """What was measured on test data and recorded, oldest first, as plain JSON; `senpath.recorded_evaluations` makes figures of it."""
        return self._store.evaluations()

    def record_evaluation(self, figures: Mapping[str, Any]) -> None:
        """Keep figures (JSON values) measured of this version with the network; no commit. See `senpath.evaluate`, which calls this.

        Raises:
            StoreError: if the folder cannot be written.
        """
        self._store.append_evaluation({"version": self.version, "time": timestamp(), **figures})

    @property
    def encoders(self) -> dict[str, str]:
        """Name of the pretrained encoder of each type of data that has one, by the type's key."""
        types = {key: record.data_type for key, record in self._view.manifest.types.items()}
        return {key: data_type.encoder for key, data_type in types.items() if data_type.encoder is not None}

    def encode(self, x: Any, progress: Progress = silent) -> Encoded:
        """Inputs as the network's pathways see them, to be given to `predict` several times: a pretrained encoder runs only here.

        Args:
            x: inputs, see `senpath.modalities.split_by_modality`, of types that the network has; others get no answer.
            progress: told ("encode", done, all) where a pretrained encoder runs.

        Raises:
            InputError: if an input cannot be read.
            MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
        """
        return encode_inputs(self._view, x, progress)

    def encode_examples(self, x: Any, y: Any = None, *, kind: str | None = None, progress: Progress = silent) -> Examples:
        """Labelled data as `learn` would encode it, to be given to `learn` several times, or to `predict`.

        Args:
            x, y, kind: as for `learn`.
            progress: as for `encode`.

        Raises:
            InputError: if the data cannot be used.
            MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
        """
        return encode_examples(self._view, *read_labelled(x, y), kind=kind, progress=progress)

    def refresh(self) -> bool:
        """Look whether other writers have committed, and show their newest version; returns whether there was one."""
        manifest = self._store.read(self._view.manifest)
        newer = manifest.version != self.version
        if newer:
            self._view = View(self._store, manifest, self.device, self._view)
        return newer

    def commit(self, proposal: Proposal) -> None:
        """Make a proposal the next version; see `senpath.network.commit`."""
        manifest = commit(self._store, proposal, self._view)
        self._view = View(self._store, manifest, self.device, self._view)

    def verify(self, progress: Progress = silent) -> None:
        """Recompute every hash and replay every pathway's probe.

        Raises:
            StoreError: at the first mismatch.
        """
        for attempt in range(ATTEMPTS):
            manifest = self._store.read()
            try:
                verify(self._store, View(self._store, manifest, self.device), progress)
                return
            except StoreError:  # writers may have gone on, and removed what this version needs
                if attempt + 1 == ATTEMPTS or self._store.read().version == manifest.version:
                    raise

    def _moved(self, manifest: Manifest, answer: Answer) -> Answer:
        """Show this version from now on."""
        self._view = View(self._store, manifest, self.device, self._view)
        return answer

    def _info(self, task: str) -> TaskInfo:
        record = self._view.tasks[task]
        pathway = record.pathway
        sizes = self._view.manifest.components
        own = pathway.whole((*pathway.components, *(link.component for link in pathway.links)))
        return TaskInfo(
            kind=pathway.kind,
            classes_=pathway.classes,
            data_type=pathway.data_type,
            examples=int(pathway.notes.get("examples", 0)),
            method=str(pathway.notes.get("method", "")),
            transfers=tuple((link.source, transfer) for link in pathway.links for transfer in link.transfers),
            concept=pathway.concept,
            weights=sum(sizes[name] for name in own),
            run_weights=sum(sizes[name] for name in pathway.references),
            version=record.version,
            notes=pathway.notes,
        )


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
