"""A network that grows."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import torch

from senpath.errors import InputError, StoreError
from senpath.execution import check_jobs
from senpath.modalities import read_labelled
from senpath.network.commit import commit
from senpath.network.explain import explain
from senpath.network.inputs import check_encoded, check_name, encode_examples, read_more
from senpath.network.many import learn_batch, propose
from senpath.network.predict import Routing, predict
from senpath.network.prediction import Explanation, Prediction
from senpath.network.proposal import Method, Proposal, Revision
from senpath.network.settings import DispatcherForm, NetworkSettings
from senpath.network.verify import verify
from senpath.network.view import View
from senpath.pathways import LearningCost, Transfer
from senpath.progress import Progress, silent
from senpath.store import Store
from senpath.types import Examples, Label, TaskKind

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
    weights: int
    run_weights: int
    version: int
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Learned:
    """What learning a task came to.

    Attributes:
        task: its name.
        version: the network's version that has it.
        seconds: from the call to the commit.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        notes: what the method noted down.
        cost: the weights that ran and that changed, the search for a source included.
    """

    task: str
    version: int
    seconds: float
    transfers: tuple[tuple[str, Transfer], ...]
    notes: Mapping[str, Any]
    cost: LearningCost


@dataclass(frozen=True)
class Revised:
    """What became of a task that was to be changed.

    Attributes:
        task: its name.
        changed: whether a new version was committed.
        reason: why not, or what was gained: a sentence for people.
        version: the network's version now.
        seconds: from the call to the answer.
        notes: what was measured (JSON values).
    """

    task: str
    changed: bool
    reason: str
    version: int
    seconds: float
    notes: Mapping[str, Any]


class Network:
    """Tasks learned one after another, their pathways and the dispatcher, in a folder.

    Args:
        path: the folder, opened or created; None makes a temporary one that goes with this object.
        dispatcher: "discriminant" or "binary", see `NetworkSettings`; fixed when the network is created.
        image_shape: (channels, height, width) that images are brought to; by default that of the first image. Fixed at creation.
        random_state: seed of the dispatcher's feature maps. Fixed at creation.
        device: where pathways run, as torch names it.
        lock_seconds: how long a commit waits for another writer.

    Raises:
        StoreError: if the folder holds something else, is damaged, or was written by a newer senpath.
        InputError: if a choice differs from the one that the network was created with.
    """

    methods: ClassVar[Mapping[str, Callable[..., Method]]] = {}
    """Methods by name; the package root fills it in."""

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        dispatcher: DispatcherForm | None = None,
        image_shape: tuple[int, int, int] | None = None,
        random_state: int | None = None,
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
        self._store = Store(self.path, lock_seconds=lock_seconds)
        asked = {"dispatcher": dispatcher, "image_shape": image_shape, "random_state": random_state}
        given = {name: value for name, value in asked.items() if value is not None}
        settings = NetworkSettings(**given)  # type: ignore[arg-type]
        if self._store.exists():
            manifest = self._store.read()
            _require_same(given, NetworkSettings.from_json(manifest.settings))
        else:
            manifest = self._store.create(settings.to_json())
        self._view = View(self._store, manifest, self.device)

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
        """All weights: "pathways" (links included), "dispatcher" and their "total"."""
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
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._store.append_evaluation({"version": self.version, "time": when, **figures})

    def refresh(self) -> bool:
        """Look whether other writers have committed, and show their newest version; returns whether there was one."""
        manifest = self._store.read(self._view.manifest)
        newer = manifest.version != self.version
        if newer:
            self._view = View(self._store, manifest, self.device, self._view)
        return newer

    def learn(
        self,
        task: str,
        x: Any,
        y: Any = None,
        *,
        kind: TaskKind | None = None,
        method: str | Method = "sen",
        progress: Progress = silent,
        **settings: Any,
    ) -> Learned:
        """Learn a task from labelled examples and commit it.

        Earlier tasks are read, never changed. Interrupted or failing, it leaves the network at the version it had.

        Args:
            task: a new name.
            x: inputs, or labelled data without `y`: see `senpath.modalities.read_labelled` and `split_by_modality`; or encoded `Examples`.
            y: one label per input, whole numbers or strings, at least two different ones; for a multilabel task a collection of labels per
                input, or 0s and 1s (n, labels); for a regression numbers (n,) or (n, outputs).
            kind: "classification", "multilabel" or "regression"; None is what y looks like, one of the first two.
            method: name of a method, or a method.
            progress: told of stages and steps.
            settings: of the method; for "sen" see `senpath.methods.SenSettings`.

        Raises:
            InputError: if the data or a setting cannot be used.
            TaskExistsError: if the name is taken.
            StoreError: if the folder cannot be written.
        """
        start = time.perf_counter()
        try:
            cost = self._learn(task, x, y, kind, method, progress, settings)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self._interrupted(task)) from None
        return self._learned(task, time.perf_counter() - start, cost)

    def learn_many(
        self,
        tasks: Mapping[str, Any],
        *,
        method: str | Method = "sen",
        jobs: int = 1,
        progress: Progress = silent,
        **settings: Any,
    ) -> dict[str, Learned]:
        """Learn several tasks, each from what the network is now, and commit them one by one in their order.

        No task of the call borrows from another one. Every task is computed with one thread, so any number of jobs gives the same
        bits. Nothing is learned if a name, data, labels or a setting cannot be used; whatever fails later, the tasks committed
        before stay, and the error says which.

        Args:
            tasks: for each new name (x, y), or labelled data without y, or encoded `Examples`; see `learn`. The first task of a data
                type that is new to the network defines it for the others.
            jobs: processes at once; 1 works in this one. A script that asks for more needs `if __name__ == "__main__":`.
            progress: told ("tasks", committed, all).
            method, settings: as for `learn`, the same for all tasks.

        Returns:
            What came of each task, by name; its seconds count from this call to its commit.

        Raises:
            InputError: if the data or a setting cannot be used; names the task.
            TaskExistsError: if a name is taken.
            StoreError: if the folder cannot be written.
            SenpathError: if a worker process ends, as one does that is out of memory.
        """
        check_jobs(jobs)
        costs = learn_batch(self, tasks, self.make_method(method, settings), jobs, progress)
        return {task: self._learned(task, seconds, cost) for task, (seconds, cost) in costs.items()}

    def revise(self, task: str, revision: Revision, x: Any = None, y: Any = None, progress: Progress = silent) -> Revised:
        """Change a task by a revision, of which `review`, `prune` and `extend` are those that senpath has.

        Every other task stays as it is, also where it reads this one's components: it goes on with those that it has.

        Args:
            x, y: examples of the task, as for `learn`, if the revision asks for them.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the data cannot be used.
            ConflictError: if another writer changed the task meanwhile.
        """
        start = time.perf_counter()
        self.refresh()
        view = self._view
        pathway = view.pathway(task)
        examples = None if x is None and y is None else read_more(view, pathway, x, y, new_classes=revision.grows)
        try:
            found = revision.propose(view, task, examples, progress)
            if isinstance(found, Proposal):
                self.commit(found)
        except KeyboardInterrupt:
            self.refresh()
            raise KeyboardInterrupt(f"interrupted; the network is at version {self.version}") from None
        changed = isinstance(found, Proposal)
        reason, notes = (str(found.entry.get("reason", "")), found.entry) if isinstance(found, Proposal) else (found.reason, found.notes)
        return Revised(task, changed, reason, self.version, time.perf_counter() - start, notes)

    def commit(self, proposal: Proposal) -> None:
        """Make a proposal the next version; see `senpath.network.commit`."""
        manifest = commit(self._store, proposal, self._view)
        self._view = View(self._store, manifest, self.device, self._view)

    def predict(
        self,
        x: Any,
        task: str | None = None,
        *,
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
    ) -> Prediction:
        """Answer for each input of a batch, which may mix data types.

        Args:
            x: inputs, see `senpath.modalities.split_by_modality`.
            task: if the task is known; by default the dispatcher finds it.
            candidates: pathways that may run per input, 1 or 2.
            admit: the second runs where its P(task | input) is at least this; None takes the dispatcher's default.
            reject: answer None where an input fits no task; False always answers.
            strict: allow a second pathway only where, link sources counted, no more than two are touched.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if an input cannot be read, or is of another type than the task's.
        """
        if task is not None:
            self._view.pathway(task)
        return predict(self._view, x, task, Routing(candidates, admit, reject, strict))

    def explain(self, x: Any, *, candidates: int = 2, admit: float | None = None, reject: bool = True, strict: bool = False) -> Explanation:
        """Why one input, not a batch, gets its answer: scores per task, candidates, links used, weights activated."""
        if isinstance(x, list | tuple):
            raise InputError("input to explain", expected="one input, such as x[0]", got=f"a {type(x).__name__} of {len(x)}")
        return explain(self._view, x, Routing(candidates, admit, reject, strict))

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

    def _learn(
        self, task: str, x: Any, y: Any, kind: TaskKind | None, method: str | Method, progress: Progress, settings: Mapping[str, Any]
    ) -> LearningCost:
        self.refresh()
        view = self._view
        check_name(task, view)
        worker = self.make_method(method, settings)
        examples = check_encoded(view, x, y) if isinstance(x, Examples) else encode_examples(view, *read_labelled(x, y), kind=kind)
        proposal, cost = propose(view, worker, task, examples, progress)
        self.commit(proposal)
        return cost

    @classmethod
    def make_method(cls, method: str | Method, settings: Mapping[str, Any]) -> Method:
        """A method of this name with these settings, or the method itself.

        Raises:
            InputError: for an unknown method or setting, or settings beside a method.
        """
        if callable(getattr(method, "propose", None)) and not isinstance(method, str):
            if settings:
                raise InputError("settings", expected="none beside a method that has its own", got=sorted(settings))
            return method
        if not isinstance(method, str) or method not in cls.methods:
            raise InputError("method", expected=f"one of {', '.join(cls.methods)}", got=repr(method))
        return cls.methods[method](**settings)

    def _learned(self, task: str, seconds: float, cost: LearningCost) -> Learned:
        info = self._info(task)
        return Learned(task, info.version, seconds, info.transfers, info.notes, cost)

    def _info(self, task: str) -> TaskInfo:
        record = self._view.tasks[task]
        pathway = record.pathway
        sizes = self._view.manifest.components
        own = {*pathway.components, *(link.component for link in pathway.links)}
        return TaskInfo(
            kind=pathway.kind,
            classes_=pathway.classes,
            data_type=pathway.data_type,
            examples=int(pathway.notes.get("examples", 0)),
            method=str(pathway.notes.get("method", "")),
            transfers=tuple((link.source, transfer) for link in pathway.links for transfer in link.transfers),
            weights=sum(sizes[name] for name in own),
            run_weights=sum(sizes[name] for name in pathway.references),
            version=record.version,
            notes=pathway.notes,
        )

    def _interrupted(self, task: str) -> str:
        self.refresh()
        if task in self._view.tasks:
            return f"interrupted after {task!r} was committed as version {self._view.tasks[task].version}"
        return f"interrupted; the network is as it was, at version {self.version}"


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
