"""A network that grows: the one object that users hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, Unpack, final, overload

import torch

from senpath.export import export_onnx
from senpath.history.archive import export, import_task
from senpath.history.checkout import Checkout
from senpath.history.gc import Cleaned, clean
from senpath.history.hub import copy_saved, save
from senpath.history.rollback import Removed, RolledBack, remove, roll_back
from senpath.inference.encode import Encoded, encode_inputs
from senpath.inference.explain import explain_one
from senpath.inference.multimodal import MultimodalPrediction, fuse
from senpath.inference.predict import Routing, RoutingOptions, predict
from senpath.inference.prediction import Explanation, Prediction
from senpath.inputs.encoders import Encoder
from senpath.inputs.sources import read_labelled
from senpath.learning.learn import Learned, extend, learn, learn_many, revise
from senpath.learning.stream import Routed
from senpath.methods.registry import make_method, make_revision
from senpath.progress import Progress, silent
from senpath.snapshot import Method, Proposal, Revised, Revision, TaskInfo, View, encode_examples, task_info
from senpath.snapshot.settings import DispatcherForm
from senpath.store import KEPT_VERSIONS
from senpath.store.files import as_path
from senpath.types import Examples


@final
class Network:
    """Tasks learned one after another, their pathways and the dispatcher, in a folder.

    Args:
        path: the folder, opened or created; None makes a temporary one that goes with this object.
        dispatcher: "discriminant" or "binary", see `NetworkSettings`; fixed when the network is created.
        image_shape: (channels, height, width) that images are brought to; by default that of the first image. Fixed at creation.
        random_state: seed of the dispatcher's feature maps. Fixed at creation.
        encoders: pretrained encoders that types which are new to the network will be read with. By modality: a name of `ENCODERS`, "hf:"
            and a name of the Hugging Face hub, or a `TorchEncoder`, which has to be given whenever the network is opened. "auto" chooses by
            what is installed; None reads pixels, spectra, columns and hashed words. A type keeps its encoder for ever.
        device: where pathways run, as torch names it.
        lock_seconds: how long a commit waits for another writer.

    Raises:
        StoreError: if the folder holds something else, is damaged, or was written by a newer senpath.
        InputError: if a choice differs from the one that the network was created with.
    """

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
        settings = {"dispatcher": dispatcher, "image_shape": image_shape, "random_state": random_state}
        self._at = Checkout(path, device=device, lock_seconds=lock_seconds, encoders=encoders, settings=settings)

    def __repr__(self) -> str:
        return f"Network({str(self.path)!r}, version {self.version}, {len(self.view.tasks)} tasks)"

    @property
    def path(self) -> Path:
        """The network's folder."""
        return self._at.path

    @property
    def device(self) -> torch.device:
        """Where pathways run."""
        return self._at.device

    @property
    def version(self) -> int:
        """How many commits made the network that this object shows."""
        return self.view.version

    @property
    def view(self) -> View:
        """The read-only picture that methods are given."""
        return self._at.view

    @property
    def tasks(self) -> dict[str, TaskInfo]:
        """What is known of each task, by name, in the order of learning."""
        return {name: task_info(self.view, name) for name in self.view.tasks}

    @property
    def weights(self) -> dict[str, int]:
        """All weights: "pathways" (links included), "dispatcher", pretrained "encoders" and their "total"."""
        return self.view.weights

    @property
    def encoders(self) -> dict[str, str]:
        """Name of the pretrained encoder of each type of data that has one, by the type's key."""
        types = {key: record.data_type for key, record in self.view.manifest.types.items()}
        return {key: data_type.encoder for key, data_type in types.items() if data_type.encoder is not None}

    @property
    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first: what changed, from which data, settings, seed, figures."""
        return self._at.store.log(self.view.manifest)

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """What was measured on test data and recorded, oldest first, as plain JSON; `senpath.recorded_evaluations` makes figures of it."""
        return self._at.store.evaluations()

    @property
    def versions(self) -> tuple[int, ...]:
        """The earlier versions that `rollback` can return to, ascending."""
        return self._at.earlier_versions()

    def learn(
        self,
        task: str,
        x: Any,
        y: Any = None,
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str | Method = "sen",
        measure: Mapping[str, Any] | None = None,
        progress: Progress = silent,
        **settings: Any,
    ) -> Learned:
        """Learn a task from labelled examples and commit it.

        Earlier tasks are read, never changed, unless the method is asked to (`may_change`). If it fails or is interrupted, the network
        stays at the version it had.

        Args:
            task: a new name.
            x: inputs, see `senpath.inputs.modalities.split_by_modality`; or labelled data without `y`, see `senpath.read`; or encoded
                `Examples`.
            y: one label per input (whole numbers or strings), several (multilabel), or numbers (n,) or (n, outputs) (regression), see
                `senpath.tasks.read_targets`. Beside data with columns the name of the one that holds the labels.
            kind: "classification", "multilabel" or "regression"; None is what y looks like, one of the first two, or what `Examples` say.
            concept: what the inputs are signs of, if other modalities tell of it too: all tasks of a concept have the same labels, and
                `predict` puts together what they say of one thing. Takes up to five more trainings, to measure how far to trust each.
            method: name of a method, "package:Class", or a method.
            measure: labelled data of earlier tasks that may change: their answers to it are scored before and after.
            progress: told of stages and steps.
            settings: of the method; for "sen" see `senpath.SenSettings`.

        Raises:
            InputError: if the data or a setting cannot be used.
            TaskExistsError: if the name is taken.
            StoreError: if the folder cannot be written.
        """
        return learn(self._at, task, x, y, kind, concept, make_method(method, settings), measure, progress)

    def learn_many(
        self,
        tasks: Mapping[str, Any],
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str | Method = "sen",
        jobs: int = 1,
        progress: Progress = silent,
        **settings: Any,
    ) -> dict[str, Learned]:
        """Learn several tasks, each from what the network is now, and commit them one by one in their order; or together.

        The methods "allocation" and "moe" learn the tasks together, of one type of data, and commit them as one version. With any other
        method no task of the call borrows from another one, and any number of jobs gives the same bits; if one fails, the tasks
        committed before stay, and the error says which.

        Args:
            tasks: for each new name (x, y), or labelled data without y, or encoded `Examples`; see `learn`.
            kind, concept, method, settings: of all the tasks, as for `learn`; tasks that are learned together have no concept.
            jobs: processes at once; 1 works in this one. A script that asks for more needs `if __name__ == "__main__":`.
            progress: told ("tasks", committed, all); of tasks that are learned together the stages and steps.

        Returns:
            What came of each task, by name; its seconds count from this call to its commit.

        Raises:
            InputError, TaskExistsError, StoreError: as for `learn`; names the task.
            SenpathError: if a worker process ends, as one does that is out of memory.
        """
        return learn_many(self._at, tasks, kind, concept, make_method(method, settings), jobs, progress)

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
        return revise(self._at, task, revision, x, y, progress)

    def review(self, task: str, x: Any, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised:
        """Let a task borrow from tasks that were learned after it (backward transfer), if it gains by that.

        Needs the examples that the task was learned from. Cross-validation decides; where it finds no gain nothing changes.
        For the settings see `senpath.Review`; arguments and errors are those of `revise`.
        """
        return revise(self._at, task, make_revision("review", settings), x, y, progress)

    def prune(self, task: str, keep: float, x: Any = None, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised:
        """Make a task's pathway smaller: leave out its smallest weights, or whole hidden units with `what="units"`.

        With examples what is left is trained on, and nothing changes if that loses too much; without, nothing is measured. Tasks that
        borrow from this one go on with the layers that they have. For the settings see `senpath.PruneSettings`; other arguments and
        errors are those of `revise`.

        Args:
            keep: the share that stays, above 0 and below 1.
        """
        return revise(self._at, task, make_revision("prune", {"keep": keep, **settings}), x, y, progress)

    @overload
    def extend(self, task: str, x: Any, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised: ...

    @overload
    def extend(self, task: Any, x: Any = None, *, progress: Progress = silent, **settings: Any) -> Routed: ...

    def extend(self, task: Any, x: Any = None, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised | Routed:
        """Add examples to a task, also of classes that are new to it: `extend(task, x, y)`; or a mixed stream: `extend(x, y)`.

        What the task has stays as it is, to the bit, unless `finetune=True`: its backbone and the rows of its old classes. For a
        multilabel task an old label that an example does not have counts as one that does not hold: give the old labels too.
        A stream may mix tasks and data types: each example goes to the likeliest of its candidates that has its label; what fits none
        goes nowhere. Tasks are extended one by one.

        Args:
            task: a name; or the stream's inputs, or its labelled data. A string without labels that is no task's name is a path, if
                there is something there.
            x, y: as for `learn`; without a task's name, `x` is the stream's labels, which may mix numbers and strings (in a list).
            settings: see `senpath.ExtendSettings`.

        Raises:
            UnknownTaskError, InputError, ConflictError: as for `revise`.
            SenpathError: in a stream, for whatever fails while tasks are extended; the message says which were before.
        """
        return extend(self._at, task, x, y, make_revision("extend", settings), progress)

    @overload
    def predict(
        self, x: Mapping[str, Any], task: None = None, *, concept: str | None = None, **routing: Unpack[RoutingOptions]
    ) -> MultimodalPrediction: ...

    @overload
    def predict(self, x: Any, task: str | None = None, **routing: Unpack[RoutingOptions]) -> Prediction: ...

    def predict(
        self,
        x: Any,
        task: str | None = None,
        *,
        concept: str | None = None,
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
    ) -> Prediction | MultimodalPrediction:
        """Answer for each input of a batch, which may mix data types; or for things that several modalities tell of.

        Args:
            x: inputs, see `senpath.inputs.modalities.split_by_modality`, or as `encode` answers. Or a mapping of modalities ("image",
                "audio", "table" or "text") to inputs, as many of each: the first of every modality is of one thing, and so on. None in a
                list (or NaN), or in its place, is a missing input.
            task: if the task is known; by default the dispatcher finds it.
            concept: of a mapping, if the concept is known: its tasks answer.
            candidates: pathways that may run per input (and modality), 1 or 2.
            admit: the second runs where its P(task | input) is at least this; None takes the dispatcher's default.
            reject: answer None where an input fits no task; False always answers.
            strict: allow a second pathway only where, link sources counted, no more than two are touched.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if an input cannot be read, or is of another type than the task's; if there is no such concept or modality, or
                nothing is told of a thing.
        """
        routing = Routing(candidates, admit, reject, strict)
        if isinstance(x, Mapping):
            return fuse(self.view, x, task, concept, routing)
        return predict(self.view, x, task, routing, concept)

    def explain(self, x: Any, *, candidates: int = 2, admit: float | None = None, reject: bool = True, strict: bool = False) -> Explanation:
        """Why one input, not a batch, gets its answer: scores per task, candidates, links used, weights activated."""
        return explain_one(self.view, x, Routing(candidates, admit, reject, strict))

    def encode(self, x: Any, progress: Progress = silent) -> Encoded:
        """Inputs as the network's pathways see them, to be given to `predict` several times: a pretrained encoder runs only here.

        Args:
            x: as for `predict`, of types that the network has; others get no answer.
            progress: told ("encode", done, all) where a pretrained encoder runs.

        Raises:
            InputError: if an input cannot be read.
            MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
        """
        return encode_inputs(self.view, x, progress)

    def encode_examples(self, x: Any, y: Any = None, *, kind: str | None = None, progress: Progress = silent) -> Examples:
        """Labelled data as `learn` would encode it, to be given to `learn` several times; errors as for `encode`."""
        return encode_examples(self.view, *read_labelled(x, y), kind=kind, progress=progress)

    def record_evaluation(self, figures: Mapping[str, Any]) -> None:
        """Keep figures (JSON values) measured of this version with the network; no commit. `senpath.evaluate` calls this."""
        self._at.record_evaluation(figures)

    def refresh(self) -> bool:
        """Look whether other writers have committed, and show their newest version; returns whether there was one."""
        return self._at.refresh()

    def commit(self, proposal: Proposal) -> None:
        """Make a proposal the next version; see `senpath.history.commit`."""
        self._at.commit(proposal)

    def verify(self, progress: Progress = silent) -> None:
        """Recompute every hash and replay every pathway's probe; raises StoreError at the first mismatch."""
        self._at.verify(progress)

    def remove(self, task: str) -> Removed:
        """Remove a task: its pathway, the components that no other task reads, its columns in the dispatcher. `rollback` brings it back.

        Tasks that borrowed from it keep the components that they read and answer, with the task given, as before, bit for bit.
        On disk everything stays until `gc`; docs/concepts/privacy.md says what remains even then.

        Raises:
            UnknownTaskError: if there is no such task.
            ConflictError: if another writer changed the task meanwhile.
        """
        return remove(self._at, task)

    def rollback(self, version: int) -> RolledBack:
        """Return to an earlier version, one of `versions`: the next version has the tasks of that one, and answers as it did.

        The versions since then are kept as long as others, and can be returned to too.

        Raises:
            InputError: if the version is not kept; names those that are.
            StoreError: if a file of it is missing or damaged.
        """
        return roll_back(self._at, version)

    def gc(self, versions: int = KEPT_VERSIONS) -> Cleaned:
        """Forget all but the last `versions` (the present one counted), and free the files that only they needed.

        With `versions=1` the columns of tasks that were removed go too; confidences may move by rounding. Readers that show a version
        which is gone are told to `refresh`.

        Raises:
            InputError: if that is no number of versions.
            StoreError: if a version to keep is damaged, or the folder cannot be written.
        """
        return clean(self._at, versions)

    def export(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a task to one file (by custom `.sentask`), for `import_task` of another network.

        It holds all that the task needs, the mean covariance of all tasks of its data type included. `overwrite` replaces an exported
        task; anything else is never replaced.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the path is none, or there is a file of this name that may not be replaced.
            StoreError: if the file cannot be written, or a file of the network is damaged.
        """
        export(self._at, task, as_path("path of the file", path), overwrite=overwrite)

    def import_task(self, path: str | Path, name: str | None = None) -> TaskInfo:
        """Take in a task that was exported, and commit it. It answers, with the task given, as it did where it was learned.

        The whole file is checked first, and the task's probe is replayed; no code is run from it.

        Args:
            name: for the task; by default the one that it had.

        Raises:
            StoreError: if the file is damaged or something else; FormatVersionError if a newer senpath wrote it.
            TaskExistsError: if the name is taken.
            InputError: if the path is none, or the network has the task's data type with another encoding or other features.
        """
        return import_task(self._at, as_path("path of the file", path), name)

    def export_onnx(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a task's pathway, all that it runs, as one ONNX model, for programs that have no senpath.

        Its input "input" is encoded, float32 (n, *shape), for any n; its outputs are "logits" and "probabilities" (n, classes), of a
        regression "values" (n, outputs). Its metadata has the task's name, kind and classes, and how inputs are encoded; where a
        pretrained encoder belongs to that, the model is what comes after it. `overwrite` replaces a model that senpath wrote.

        Raises:
            UnknownTaskError, InputError, StoreError: as for `export`; InputError also if the task is a scikit-learn model.
            MissingExtraError: if onnx is not installed.
        """
        export_onnx(self.view, task, as_path("path of the file", path), overwrite=overwrite)

    def save_pretrained(self, folder: str | Path) -> None:
        """Copy the version that this object shows, and nothing of others, to a new or empty folder, which is a network itself.

        The copy answers as this object does, up to rounding where tasks were removed. If saving fails, the folder is as it was.

        Raises:
            InputError: if the folder is no str or Path.
            StoreError: if the folder is not empty or cannot be written, or a file of the network is damaged, or gone after another's `gc`.
        """
        save(self._at.store, self.view, as_path("folder to save to", folder))

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
            MissingExtraError, DownloadError: if the hub is asked for and its library is not installed, or it cannot be fetched.
        """
        return copy_saved(cls, source, path, revision, settings)
