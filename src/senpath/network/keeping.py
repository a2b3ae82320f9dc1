"""Taking back, cleaning up, and moving tasks and networks."""

from __future__ import annotations

import inspect
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import torch

from senpath.errors import InputError
from senpath.network.cleaning import Cleaned, clean
from senpath.network.history import Removed, RolledBack, remove, roll_back
from senpath.network.onnx import export_onnx
from senpath.network.opened import OpenNetwork, TaskInfo
from senpath.network.portable import export, import_task
from senpath.network.pretrained import find_saved, save
from senpath.network.view import View
from senpath.store import KEPT_VERSIONS, Store


class KeptNetwork(OpenNetwork):
    """The part of `Network` that looks after its folder."""

    @property
    def versions(self) -> tuple[int, ...]:
        """The earlier versions that `rollback` can return to, ascending."""
        return tuple(self._store.history.numbers(self._store.read(self._view.manifest).version))

    def remove(self, task: str) -> Removed:
        """Remove a task: its pathway, the components that no other task reads, its columns in the dispatcher. `rollback` brings it back.

        Tasks that borrowed from it keep the components that they read and answer, with the task given, as before, bit for bit.
        On disk everything stays until `gc`; after `gc(versions=1)` none of the task's own components and columns is there. What remains:
        its share in the sums of its type's covariances and, where there is an index, in the choice of its directions, its lines in the
        log and in recorded evaluations, and its name where others borrowed from it.

        Raises:
            UnknownTaskError: if there is no such task.
            ConflictError: if another writer changed the task meanwhile.
        """
        self.refresh()
        manifest, removed = remove(self._store, self._view, task)
        return self._moved(manifest, removed)

    def rollback(self, version: int) -> RolledBack:
        """Return to an earlier version, one of `versions`: the next version has the tasks of that one, and answers as it did.

        Nothing is lost: the versions since then are kept as long as others, and can be returned to too.

        Raises:
            InputError: if the version is not kept; names those that are.
            StoreError: if a file of it is missing or damaged.
        """
        return self._moved(*roll_back(self._store, self._view, version))

    def gc(self, versions: int = KEPT_VERSIONS) -> Cleaned:
        """Forget all but the last versions, and free the files that only they needed.

        If the present version is the only one, the columns of tasks that were removed go too, which takes a commit; answers stay, and
        confidences move by rounding only. Readers that show a version which is gone are told to `refresh`.

        Args:
            versions: to keep, the present one counted.

        Raises:
            InputError: if that is no number of versions.
            StoreError: if a version to keep is damaged, or the folder cannot be written.
        """
        return self._moved(*clean(self._store, self._view, versions))

    def export(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a task to one file (by custom `.sentask`), for `import_task` of another network.

        It holds all that the task needs: its components, those its links read, the feature map and encoding of its data type, its
        columns, the mean covariance of all tasks of the type (its own is not kept apart), its probe.

        Args:
            overwrite: replace the file if it is an exported task; anything else is never replaced.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the path is none, or there is a file of this name that may not be replaced.
            StoreError: if the file cannot be written, or a file of the network is damaged.
        """
        export(self._store, self._view, task, _path("path of the file", path), overwrite=overwrite)

    def export_onnx(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a task's pathway, all that it runs, as one ONNX model, for programs that have no senpath.

        Its input "input" is encoded, float32 (n, *shape), for any n. Its output is "logits" (n, classes) and "probabilities" of the same
        shape, which in a multilabel task are of each label by itself; of a regression "values" (n, outputs). Its metadata has the task's
        name, kind and classes, and how inputs are encoded; where a pretrained encoder belongs to that, the model is what comes after it.

        Args:
            overwrite: replace the file if it is an ONNX model that senpath wrote; anything else is never replaced.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the path is none, there is a file of this name that may not be replaced, or the task is a scikit-learn model.
            MissingExtraError: if onnx is not installed.
            StoreError: if the file cannot be written, or a file of the network is damaged.
        """
        export_onnx(self._view, task, _path("path of the file", path), overwrite=overwrite)

    def import_task(self, path: str | Path, name: str | None = None) -> TaskInfo:
        """Take in a task that was exported, and commit it. It answers, with the task given, as it did where it was learned.

        The whole file is checked first, and the task's probe is replayed; no code is run from it.

        Args:
            name: for the task; by default the one that it had.

        Raises:
            StoreError: if the file is damaged or something else.
            FormatVersionError: if a newer senpath wrote it.
            TaskExistsError: if the name is taken.
            InputError: if the path is none, or the network has the task's data type with another encoding or other features.
        """
        file = _path("path of the file", path)
        self.refresh()
        manifest, task = import_task(self._store, self._view, file, name)
        return self._info(self._moved(manifest, task))

    def save_pretrained(self, folder: str | Path) -> None:
        """Copy the version that this object shows, and nothing of others, to a new or empty folder, which is a network itself.

        The copy answers as this object does. Columns of tasks that were removed stay behind; where there are such, confidences may
        differ by rounding. If saving fails, the folder is as it was.

        Raises:
            InputError: if the folder is no str or Path.
            StoreError: if the folder is not empty or cannot be written, or a file of the network is damaged, or gone after another's `gc`.
        """
        save(self._store, self._view, _path("folder to save to", folder))

    @classmethod
    def from_pretrained(cls, source: str | Path, path: str | Path | None = None, *, revision: str | None = None, **settings: Any) -> Self:
        """Open a copy of a saved network. Nothing is copied before it is known that the settings can be used.

        Args:
            source: a network's folder, which is never changed; if there is none of this name, the id of a repository on the Hugging Face
                hub.
            path: where the copy is put, a new or empty folder; None makes a temporary one that goes with this object.
            revision: of the repository on the hub.
            settings: as for `Network`.

        Raises:
            InputError: if a setting is unknown, or differs from the one that the network was created with.
            StoreError: if there is no network, it is damaged, or the folder is not empty.
            MissingExtraError: if the hub is asked for and its library is not installed.
            DownloadError: if it cannot be fetched.
        """
        _require_known(settings, [name for name in inspect.signature(cls).parameters if name != "path"])
        given = None if path is None else _path("path of the copy", path)
        folder = find_saved(source, revision)
        saved = cls(folder, **settings).view.manifest
        target = Path(tempfile.mkdtemp(prefix="senpath-")) if given is None else given
        try:
            store = Store(folder)
            save(store, View(store, saved, torch.device("cpu")), target)
            net = cls(target, **settings)
        except BaseException:
            if path is None:
                shutil.rmtree(target, ignore_errors=True)
            raise
        if path is None:
            weakref.finalize(net, shutil.rmtree, target, ignore_errors=True)
        return net


def _path(what: str, path: str | Path) -> Path:
    if not isinstance(path, str | Path):
        raise InputError(what, expected="a str or Path", got=repr(path))
    return Path(path)


def _require_known(settings: Iterable[str], known: Sequence[str]) -> None:
    for name in settings:
        if name not in known:
            raise InputError(f"setting {name!r}", expected=f"one of {', '.join(known)}", got="another name")
