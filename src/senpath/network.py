"""A network that grows: the one object that users hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self, Unpack, final, overload

import torch

from senpath.arrays import composed
from senpath.export import export_all, export_onnx
from senpath.history.archive import export, import_task
from senpath.history.checkout import Checkout
from senpath.history.gc import Cleaned, clean
from senpath.history.hub import copy_saved, push, save_with_card
from senpath.history.limits import set_limit
from senpath.history.naming import describe, rename
from senpath.history.pickling import reduce
from senpath.history.rollback import Removed, RolledBack, remove, roll_back
from senpath.inference.explain import explain_one
from senpath.inference.explanation import Explanation
from senpath.inference.limits import REFUSE, SuggestedLimit, suggest_limit
from senpath.inference.multimodal import MultimodalPrediction, fuse, is_row
from senpath.inference.predict import Encoded, Routing, RoutingOptions, encode_inputs, predict
from senpath.inference.prediction import Prediction
from senpath.inference.unanswered import in_spite_of
from senpath.inputs.encoders import Encoder
from senpath.inputs.modalities.sparse import is_sparse
from senpath.inputs.sources import read_labelled
from senpath.isolation import isolated_class
from senpath.learning.learn import Learned, extend, learn, learn_many, revise
from senpath.learning.own_examples import say
from senpath.learning.stream import Routed
from senpath.methods.registry import make_method, make_revision
from senpath.progress import Follower, Progress, follow, has_viewer, silent
from senpath.snapshot import Method, Proposal, Revised, Revision, TaskInfo, View, encode_examples, task_info
from senpath.snapshot.pictures import network_html, plot_network
from senpath.snapshot.sending import opener
from senpath.snapshot.settings import DispatcherForm
from senpath.snapshot.thresholds import Threshold, threshold_of
from senpath.store import KEPT_VERSIONS, Place
from senpath.store.files import as_path
from senpath.types import Examples


@final
@isolated_class
class Network:
    """A folder of tasks that were learned one after another, with their pathways and the dispatcher.

    Args:
        path: the folder, opened or created, or an address in object storage, such as "s3://bucket/team.sen"
            (docs/howto/object-storage.md); None makes a temporary folder that is deleted with this object.
        dispatcher: "discriminant" or "binary", see `NetworkSettings`; fixed when the network is created.
        image_shape: (channels, height, width) that images are resized to; by default that of a type's first image, and tasks whose
            images would lose what they show get a type of their own. Fixed at creation.
        random_state: seed of the dispatcher's feature maps. Fixed at creation.
        encoders: pretrained encoders for data types that are new to the network. By modality: a name from `ENCODERS`, "hf:" and a name on
            the Hugging Face hub, or a `TorchEncoder`, which must be passed whenever the network is opened. "auto" chooses by what is
            installed; None encodes pixels, spectra, columns and hashed words. A type keeps its encoder for ever.
        device: where pathways run, as torch names it.
        lock_seconds: how long a commit waits for another writer.
        trust: whether you vouch for whoever made the folder. Without it, scikit-learn models that cannot be held as plain arrays
            (docs/howto/estimators.md) are refused, for their files could end or misuse this process.

    Raises:
        StoreError: if the folder holds something else, is damaged, or was written by a newer version of senpath.
        InputError: if a choice differs from the one that the network was created with.

    Example:
        >>> net = sp.Network()  # in a temporary folder
        >>> learned = net.learn("low", *tiny_task("low"), epochs=1)
        >>> net.version, list(net.tasks)
        (1, ['low'])
    """

    def __init__(
        self,
        path: str | Place | None = None,
        *,
        dispatcher: DispatcherForm | None = None,
        image_shape: tuple[int, int, int] | None = None,
        random_state: int | None = None,
        encoders: Mapping[str, str | Encoder] | str | None = None,
        device: str | torch.device = "cpu",
        lock_seconds: float = 30.0,
        trust: bool = False,
    ) -> None:
        settings = {"dispatcher": dispatcher, "image_shape": image_shape, "random_state": random_state}
        self._at = Checkout(path, device=device, lock_seconds=lock_seconds, encoders=encoders, trust=trust, settings=settings)

    def __repr__(self) -> str:
        return f"Network({str(self.path)!r}, version {self.version}, {len(self.view.tasks)} tasks)"

    def _repr_html_(self) -> str:
        return network_html(self.view, self.path.name)

    def plot(self, axes: Any = None) -> Any:
        """Draw the tasks, how many weights each has of its own, and which borrows from which, with matplotlib.

        Args:
            axes: matplotlib's; None for a new figure.

        Returns:
            The axes.

        Raises:
            MissingExtraError: if matplotlib is not installed.

        Example:
            >>> axes = net.plot()  # in a notebook this is enough
        """
        return plot_network(self.view, axes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied networks open the same folder; those of a temporary folder have a copy of this version in another one."""
        return reduce(type(self), self._at)

    @property
    def path(self) -> Place:
        """The network's folder, or its address in object storage.

        Example:
            >>> net.path.name
            'tiny.sen'
        """
        return self._at.path

    @property
    def device(self) -> torch.device:
        """Where pathways run.

        Example:
            >>> net.device
            device(type='cpu')
        """
        return self._at.device

    @property
    def version(self) -> int:
        """The number of commits that made the version that this object shows.

        Example:
            >>> net.version  # three tasks were learned
            3
        """
        return self.view.version

    @property
    def view(self) -> View:
        """The read-only view that methods get.

        Example:
            >>> net.view.version == net.version
            True
        """
        return self._at.view

    @property
    def tasks(self) -> dict[str, TaskInfo]:
        """What is known of each task, by name, in the order of learning.

        Example:
            >>> {name: (task.kind, len(task.classes_)) for name, task in net.tasks.items()}
            {'low': ('classification', 5), 'high': ('classification', 5), 'iris': ('classification', 3)}
        """
        view = self.view  # one, though other threads may move on
        return {name: task_info(view, name) for name in view.tasks}

    @property
    def thresholds(self) -> dict[str, Threshold]:
        """For each task, by name, which inputs are refused although it is their likeliest task, and why.

        Example:
            >>> net.thresholds["iris"].limit
            1.0
        """
        view = self.view
        return {name: threshold_of(view, name) for name in view.tasks}

    @property
    def weights(self) -> dict[str, int]:
        """All weights: "pathways" (links included), "dispatcher", pretrained "encoders" and their "total".

        Example:
            >>> sorted(net.weights)
            ['dispatcher', 'encoders', 'pathways', 'total']
        """
        return self.view.weights

    @property
    def encoders(self) -> dict[str, str]:
        """Name of the pretrained encoder of each type of data that has one, by the type's key.

        Example:
            >>> net.encoders  # none has a pretrained one
            {}
        """
        return {key: data_type.encoder for key, data_type in self.view.types.items() if data_type.encoder is not None}

    @property
    def log(self) -> list[dict[str, Any]]:
        """One entry per commit, oldest first: what changed, from which data, settings and seed, and the figures.

        Example:
            >>> [(entry["version"], entry["tasks"], entry["method"]) for entry in net.log]
            [(1, ['low'], 'constant'), (2, ['high'], 'constant'), (3, ['iris'], 'constant')]
        """
        return self._at.log()

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """Evaluations that were recorded, oldest first, as plain JSON values; see also `senpath.recorded_evaluations`.

        Example:
            >>> measured = sp.evaluate(net, {"iris": tiny_task("iris")}, record=True)
            >>> [figures["version"] for figures in net.evaluations]
            [3]
        """
        return self._at.store.journals.evaluations()

    @property
    def versions(self) -> tuple[int, ...]:
        """The earlier versions that `rollback` can return to, ascending.

        Example:
            >>> net.version, net.versions
            (3, (0, 1, 2))
        """
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
        validation: Any = None,
        progress: Follower = None,
        **settings: Any,
    ) -> Learned:
        """Learn a task from labelled examples and commit it.

        Earlier tasks are read but never changed, unless you ask for it (`may_change`). If learning fails or is interrupted, the network
        stays as it was.

        Args:
            task: a new name.
            x: inputs, see `senpath.inputs.modalities.split_by_modality`; or labelled data without `y`, see `senpath.read`; or encoded
                `Examples`.
            y: one label per input (whole numbers or strings), several (multilabel), or numbers (n,) or (n, outputs) (regression), see
                `senpath.tasks.read_targets`. For data with columns, the name of the column of labels.
            kind: "classification", "multilabel" or "regression"; None tells the first two apart by y. `Examples` have a kind of their own.
            concept: a name shared by tasks of several modalities that have the same labels for the same things; `predict` combines their
                answers. Takes up to five more trainings, to measure how far each can be trusted.
            method: name of a method, "package:Class", or a method object.
            measure: labelled data of earlier tasks that may change: their answers to it are scored before and after.
            validation: what the task is measured on and not learned from: a share of each class of the examples, or further labelled data,
                (x, y) or without y. While weights are trained `progress` is told the accuracy on it, and in the end `Learned.validation`.
            progress: who follows: a function of stage, steps done and steps in all, a `Callback`, several of them, True for bars, False for
                nobody; None for bars where somebody sees them. See docs/howto/notebook.md.
            settings: of the method; for "sen" see `senpath.SenSettings`.

        Raises:
            InputError: if the data or a setting cannot be used.
            TaskExistsError: if the name is taken.
            ConflictError: if another writer meanwhile established the same type of data with another scale.
            StoreError: if the folder cannot be written.

        Example:
            >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1)
            >>> learned.version, net.tasks["odd"].method
            (4, 'sen')
        """
        name, chosen, concept = self.view.task_name(task), make_method(method, settings), _composed(concept)
        about = {"task": name, "method": method, "settings": settings}
        return follow(progress, "learn", about, lambda told: learn(self._at, name, x, y, kind, concept, chosen, measure, validation, told))

    def learn_many(
        self,
        tasks: Mapping[str, Any],
        *,
        kind: str | None = None,
        concept: str | None = None,
        method: str | Method = "sen",
        jobs: int | None = None,
        engine: str | None = None,
        progress: Follower = None,
        **settings: Any,
    ) -> dict[str, Learned]:
        """Learn several tasks in one call and commit them in order, or together as one version.

        The methods "allocation" and "moe" learn tasks of one data type together and commit them as one version. Any other method learns
        each task from the network as it is now, so no task borrows from another of the call, and any number of jobs gives the same bits;
        if one fails, the tasks committed before it stay, and the error says which.

        Tasks of few images that follow each other are trained in one product by "sen", and committed as one version, sixteen at most: up to
        100 images a class, on average, with even sides of 24 pixels or more, and no setting of the model, passes or rate. Each becomes what
        it would become alone, but for rounding: weights differ by less than 1e-4.

        Args:
            tasks: for each new name (x, y), or labelled data without y, or encoded `Examples`; see `learn`.
            kind, concept, method, settings: for all tasks, as for `learn`; tasks that are learned together cannot have a concept.
            jobs: number of processes; None works in this one alone. A script that asks for more needs `if __name__ == "__main__":`.
            engine: "ray" for workers on the Ray cluster that RAY_ADDRESS names, or on this machine's own Ray; `jobs` is then the number of
                workers, None one for each CPU. They need the network's folder at the same place as here, and read data of which only the
                path or address is given themselves. See docs/howto/cluster.md.
            progress: as for `learn`; told ("tasks", committed, all), or, for tasks learned together, stages and steps.

        Returns:
            The outcome for each task, by name; its seconds count from this call to its commit.

        Raises:
            InputError, TaskExistsError, StoreError: as for `learn`; the message names the task.
            SenpathError: if a task's worker dies twice, for example because it is out of memory; or if Ray cannot be reached.
            MissingExtraError: for an engine that is not installed.

        Example:
            >>> learned = net.learn_many({"odd": tiny_task("odd"), "weather": tiny_task("weather")}, epochs=1)
            >>> {name: task.version for name, task in learned.items()}
            {'odd': 4, 'weather': 5}
        """
        named, chosen, concept = self.view.task_names(tasks), make_method(method, settings), _composed(concept)
        about = {"tasks": [*named] if isinstance(named, Mapping) else None, "method": method, "settings": settings}
        return follow(progress, "learn_many", about, lambda told: learn_many(self._at, named, kind, concept, chosen, jobs, engine, told))

    def revise(self, task: str, revision: Revision, x: Any = None, y: Any = None, progress: Follower = None) -> Revised:
        """Change a task by a revision; `review`, `prune` and `extend` are senpath's own.

        Every other task stays as it is: one that reads components of this task keeps the components that it has.

        Args:
            task: its name.
            revision: what changes it, such as `senpath.Prune(keep=0.5)`, or an object of your own, see `senpath.snapshot.Revision`.
            x, y: examples of the task, as for `learn`, if the revision asks for them.
            progress: as for `learn`.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the data cannot be used.
            ConflictError: if another writer changed the task meanwhile.

        Example:
            >>> net.revise("iris", sp.Prune(keep=0.6)).changed
            True
        """
        name = self.view.task_name(task)
        return follow(progress, "revise", {"task": name}, lambda told: revise(self._at, name, revision, x, y, told))

    def review(self, task: str, x: Any, y: Any = None, *, progress: Follower = None, **settings: Any) -> Revised:
        """Let a task borrow from tasks that were learned after it (backward transfer), if it gains by that.

        Needs the examples that the task was learned from. Cross-validation decides; without a gain nothing changes.
        For the settings see `senpath.Review`; other arguments and errors are those of `revise`.

        Example:
            >>> net = sp.Network()
            >>> learned = net.learn("low", *tiny_task("low"), epochs=1)
            >>> net.review("low", *tiny_task("low")).changed  # there is no later task to borrow from
            False
        """
        name, revision = self.view.task_name(task), make_revision("review", settings)
        about = {"task": name, "settings": settings}
        return follow(progress, "review", about, lambda told: revise(self._at, name, revision, x, y, told))

    def prune(self, task: str, keep: float, x: Any = None, y: Any = None, *, progress: Follower = None, **settings: Any) -> Revised:
        """Make a task's pathway smaller: remove its smallest weights, or whole hidden units with `what="units"`.

        With examples, what remains is trained further, and nothing changes if that loses too much; without, nothing is measured. Tasks that
        borrow from this one keep the layers that they have. For the settings see `senpath.PruneSettings`; other arguments and errors are
        those of `revise`.

        Args:
            keep: the share that remains, above 0 and below 1.

        Example:
            >>> net.prune("iris", keep=0.6).version
            4
            >>> print(net.prune("iris", keep=0.1).reason)
            biases and the output layer, which stay, are 131 of its 155 weights: keep 0.852 or more
        """
        name, revision = self.view.task_name(task), make_revision("prune", {"keep": keep, **settings})
        about = {"task": name, "settings": {"keep": keep, **settings}}
        return follow(progress, "prune", about, lambda told: revise(self._at, name, revision, x, y, told))

    @overload
    def extend(self, task: str, x: Any, y: Any = None, *, progress: Follower = None, **settings: Any) -> Revised: ...

    @overload
    def extend(self, task: Any, x: Any = None, *, progress: Follower = None, **settings: Any) -> Routed: ...

    def extend(self, task: Any, x: Any = None, y: Any = None, *, progress: Follower = None, **settings: Any) -> Revised | Routed:
        """Add examples to a task, including examples of new classes: `extend(task, x, y)`; or split a mixed stream: `extend(x, y)`.

        The task's backbone and the rows of its old classes stay the same to the bit, unless `finetune=True`. In a multilabel task an old
        label that an example lacks counts as one that does not hold, so give the old labels too.
        A stream may mix tasks and data types: each example goes to the likeliest of its candidates that has its label, or to none. The
        tasks are then extended one by one.

        Args:
            task: a name; or the stream's inputs, or its labelled data. A string without labels that is not a task's name is a path, if
                there is something there.
            x, y: as for `learn`; without a task's name, `x` is the stream's labels, which may mix numbers and strings (in a list).
            progress: as for `learn`.
            settings: see `senpath.ExtendSettings`.

        Raises:
            UnknownTaskError, InputError, ConflictError: as for `revise`.
            SenpathError: in a stream, if extending a task fails; the message says which tasks were extended before.

        Example:
            >>> net = sp.Network()
            >>> learned = net.learn("low", x[y < 4], y[y < 4], epochs=1)
            >>> extended = net.extend("low", x[y == 4], y[y == 4], most_lost=1)
            >>> extended.changed, net.tasks["low"].classes_
            (True, (0, 1, 2, 3, 4))
        """
        revision, about = make_revision("extend", settings), {"task": task if isinstance(task, str) else None, "settings": settings}
        return follow(progress, "extend", about, lambda told: extend(self._at, task, x, y, revision, told))

    @overload
    def predict(
        self,
        x: Mapping[str, Any],
        task: None = None,
        *,
        concept: str | None = None,
        errors: str = "raise",
        progress: Follower = None,
        **routing: Unpack[RoutingOptions],
    ) -> MultimodalPrediction: ...

    @overload
    def predict(
        self, x: Any, task: str | None = None, *, errors: str = "raise", progress: Follower = None, **routing: Unpack[RoutingOptions]
    ) -> Prediction: ...

    def predict(
        self,
        x: Any,
        task: str | None = None,
        *,
        concept: str | None = None,
        errors: str = "raise",
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
        progress: Follower = None,
    ) -> Prediction | MultimodalPrediction:
        """Answer for each input of a batch, which may mix data types; or for things that are given in several modalities.

        Inputs are encoded and answered some at a time, so memory does not grow with the batch, but for what is answered.

        Args:
            x: inputs, see `senpath.inputs.modalities.split_by_modality`, or what `encode` returned. One input by itself is answered as a
                batch of one: a picture as large as those that were learned, a row (an array, a dict, a pandas Series), a text, an `Audio`,
                a PIL image, a path; a path of a table stands for its rows. Of a table columns that its task did not learn from, such as the
                labels, are left aside; the others may come in any order. Or a mapping of modalities ("image", "audio", "video", "table" or
                "text") to equally many inputs: the first of every modality belong to one thing, and so on. None (or NaN) in a list, or in
                the place of one, is a missing input.
            task: the task, if it is known: its pathway alone answers then; by default the dispatcher finds it.
            concept: the concept, if it is known and x is a mapping: its tasks answer.
            errors: "raise" refuses a batch with an input that no task can read, naming the first; "none" answers None to inputs of types
                that no task reads; "skip" also to those that are broken: a file that is damaged, a row without any value, another shape
                than the others'. `Prediction.reason` says of each why. What `encode` returned was judged there. A row with a gap is
                answered; a warning names the column if none was missing there when its type was first learned.
            candidates: how many pathways may run per input (and modality), 1 or 2.
            admit: the second one runs where its P(task | input) is at least this; None takes the dispatcher's default.
            reject: answer None where an input fits no task; False always answers.
            strict: allow a second pathway only where no more than two are touched, link sources included.
            progress: as for `learn`; told ("encode", done, all) where a pretrained encoder runs.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if an input cannot be read, or no task or not the given one reads its type, see `errors`; if an array may be one
                input or several; if there is no such concept or modality, or a thing has no input at all.

        Example:
            >>> answers = net.predict([x[0], tiny_task("iris")[0][0]])  # no task given, types mixed
            >>> answers.task, answers.label
            (array(['low', 'iris'], dtype=object), array([0, 1]))
            >>> net.predict(x[:3], task="low").label
            array([0, 1, 2])
        """
        routing = Routing(candidates, admit, reject, strict)

        def answer(told: Progress) -> Prediction | MultimodalPrediction:
            if isinstance(x, Mapping) and not is_sparse(x) and not is_row(x):
                return self._at.reading(lambda view: fuse(view, x, task, _composed(concept), routing, errors, told))
            answers = self._at.reading(lambda view: predict(view, x, view.task_name(task), routing, errors, concept, told))
            if doubts := in_spite_of(answers.gaps, answers.task):
                say({"": doubts})
            return answers

        nobody = progress is False or (progress is None and not has_viewer())  # most answers take a moment
        return answer(silent) if nobody else follow(progress, "predict", {"task": task}, answer)

    def explain(
        self,
        x: Any,
        *,
        task: str | None = None,
        errors: str = "raise",
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
    ) -> Explanation:
        """Explain the answer to a single input: scores per task, candidates, links used, weights activated, or why there is none.

        Arguments are those of `predict`, for one input.

        Raises:
            InputError: if the input cannot be read, or is not one.
            UnknownTaskError: if there is no such task.

        Example:
            >>> why = net.explain(x[0])
            >>> why.task, why.label, max(why.scores, key=why.scores.get)
            ('low', 0, 'low')
        """
        return self._at.reading(lambda view: explain_one(view, x, Routing(candidates, admit, reject, strict), errors, task))

    def encode(self, x: Any, progress: Follower = None, *, errors: str = "raise") -> Encoded:
        """Encode inputs once, to give them to `predict` several times; a pretrained encoder then runs only here.

        Args:
            x: as for `predict`.
            progress: as for `learn`; told ("encode", done, all) where a pretrained encoder runs.
            errors: as for `predict`, for all predictions from what is returned.

        Raises:
            InputError: if an input cannot be read, or is of a type that no task reads, see `errors`.
            MissingExtraError, StoreError: if a type's pretrained encoder is not installed, or has other weights.

        Example:
            >>> encoded = net.encode(x[:5])
            >>> net.predict(encoded).label
            array([0, 1, 2, 3, 4])
        """
        return follow(progress, "encode", {}, lambda told: self._at.reading(lambda view: encode_inputs(view, x, told, errors)))

    def encode_examples(self, x: Any, y: Any = None, *, kind: str | None = None, progress: Follower = None) -> Examples:
        """Encode labelled data as `learn` does, to give it to `learn` several times.

        Args:
            x, y, kind: as for `learn`.
            progress: as for `encode`.

        Raises:
            InputError, MissingExtraError, StoreError: as for `encode`.

        Example:
            >>> examples = net.encode_examples(x, y)
            >>> tuple(examples.inputs.shape), examples.classes
            ((150, 1, 8, 8), (0, 1, 2, 3, 4))
        """
        data = read_labelled(x, y, kind)
        encode = partial(encode_examples, kind=kind)
        return follow(progress, "encode", {}, lambda told: self._at.reading(lambda view: encode(view, *data, progress=told)))

    def view_of(self, version: int) -> View:
        """The read-only view of an earlier version, one of `versions`, beside the one that this object shows.

        Args:
            version: its number.

        Raises:
            InputError: if the version is not kept; names those that are.

        Example:
            >>> list(net.view_of(2).tasks)
            ['low', 'high']
        """
        return self._at.view_of(version)

    def opener(self) -> Callable[[], View]:
        """A function that opens the version that this object shows in another process, whatever was committed since; pickle sends it.

        Example:
            >>> list(net.opener()().tasks)
            ['low', 'high', 'iris']
        """
        return opener(self._at.store, self.view, [*self.view.types], self._at.given["encoders"])

    def record_evaluation(self, figures: Mapping[str, Any]) -> None:
        """Keep figures of this version with the network, without a commit. `senpath.evaluate` calls this.

        Args:
            figures: JSON values, by name, but for version and time; numbers of numpy too, and what is not finite is kept as null.

        Raises:
            InputError: for anything else.

        Example:
            >>> net.record_evaluation({"tried": "by hand"})
            >>> net.evaluations[-1]["tried"]
            'by hand'
        """
        self._at.record_evaluation(figures)

    def remove_evaluation(self, place: int, time: str | None = None) -> None:
        """Remove a recorded evaluation; `senpath.remove_evaluation` calls this.

        Args:
            place: where it is in `evaluations`.
            time: when it was made; None does not check that.

        Raises:
            InputError: if there is none.
            ConflictError: if it is of another time: another program removed one meanwhile.

        Example:
            >>> net.record_evaluation({"tried": "by hand"})
            >>> net.remove_evaluation(0)
            >>> net.evaluations
            []
        """
        self._at.remove_evaluation(place, time)

    def refresh(self) -> bool:
        """Show the version that is in the folder now, whoever wrote it; returns whether it is another one.

        That is the newest commit, or, where the folder was built anew or restored from a copy, whatever it holds.

        Example:
            >>> other = sp.Network(net.path)
            >>> removed = other.remove("iris")
            >>> net.refresh(), list(net.tasks)
            (True, ['low', 'high'])
        """
        return self._at.refresh()

    def commit(self, proposal: Proposal) -> None:
        """Make a proposal the next version. This is the only door by which a network changes.

        Args:
            proposal: made against this version, or an earlier one all of whose components are still there.

        Raises:
            TaskExistsError, UnknownTaskError: if a new task's name is taken, or a task that changes is not there.
            ConflictError: if something that it names is gone.
            InputError: if a component does not hold what its hash says, or the task's answers are not finite.
            StoreError: if the folder cannot be written.

        Example:
            >>> from senpath.learning import propose
            >>> from senpath.testing import ConstantMethod
            >>> examples = net.encode_examples(*tiny_task("odd"))
            >>> net.commit(propose(net.view, ConstantMethod(), "odd", examples))
            >>> net.version, list(net.tasks)
            (4, ['low', 'high', 'iris', 'odd'])
        """
        self._at.commit(proposal)

    def verify(self, progress: Follower = None) -> None:
        """Recompute every hash and replay every pathway's probe.

        Args:
            progress: as for `learn`.

        Raises:
            StoreError: at the first mismatch; names the file or the task.

        Example:
            >>> net.verify()  # nothing is wrong
        """
        follow(progress, "verify", {}, self._at.verify)

    def remove(self, task: str) -> Removed:
        """Remove a task: its pathway, the components that no other task reads, its part in the dispatcher. `rollback` brings it back.

        Which task an input is taken for is then decided as if this one had never been learned. Tasks that borrowed from it keep the
        components that they read; with the task given they answer as before, bit for bit.
        On disk everything stays until `gc`; docs/concepts/privacy.md says what remains even then.

        Args:
            task: its name.

        Raises:
            UnknownTaskError: if there is no such task.
            ConflictError: if another writer changed the task meanwhile.

        Example:
            >>> removed = net.remove("low")
            >>> len(removed.shared)  # "high" borrows from it
            1
            >>> list(net.tasks)
            ['high', 'iris']
        """
        return remove(self._at, self.view.task_name(task))

    def suggest_limit(self, task: str, x: Any, others: Any = None, *, refuse: float = REFUSE) -> SuggestedLimit:
        """Say which limit fits a task, judged by inputs; `set_limit` sets it. Nothing is changed.

        Args:
            task: its name.
            x: inputs that belong to the task, none of which it was learned from; no labels.
            others: inputs that belong to no task. With them the limit is the one with the fewest mistakes of both kinds, each counted as a
                share; without, the smallest that refuses at most `refuse` of further inputs like `x`.
            refuse: above 0, at most 0.5.

        Raises:
            InputError: if an input cannot be read, or all that belong go to other tasks.
            UnknownTaskError: if there is no such task.

        Example:
            >>> suggested = net.suggest_limit("iris", tiny_task("iris")[0][:50])
            >>> suggested.task, suggested.present, suggested.others
            ('iris', 1.0, None)
        """
        return suggest_limit(self.view, self.view.task_name(task), x, others, refuse)

    def set_limit(self, task: str, limit: float) -> Threshold:
        """Set how far from a task's own examples an input may be, as the next version; `rollback` takes it back.

        Args:
            task: its name.
            limit: a multiple of the limit that the task was learned with, 0.01 to 100: above 1 less is refused, 1 is as learned. What
                it is compared with is a squared distance. `ood_score` and reasons are shares of the limit that is set.

        Raises:
            InputError: if the limit is out of range.
            UnknownTaskError: if there is no such task.
            ConflictError: if another writer changed the task meanwhile.

        Example:
            >>> net.set_limit("iris", 0.5).limit
            0.5
        """
        return set_limit(self._at, self.view.task_name(task), limit)

    def rename(self, task: str, name: str) -> TaskInfo:
        """Give a task another name, as the next version; `rollback` takes it back.

        Everything else stays as it is, bit for bit: its answers, links from and to it, and what was measured of it.

        Args:
            task: its present name.
            name: a new name, 1 to 200 printable characters.

        Raises:
            UnknownTaskError: if there is no such task.
            TaskExistsError: if the name is taken.
            InputError: if it cannot be a name.

        Example:
            >>> task = net.rename("iris", "flowers")
            >>> list(net.tasks)
            ['low', 'high', 'flowers']
        """
        return rename(self._at, self.view.task_name(task), self.view.task_name(name))

    def describe(self, task: str, description: str) -> TaskInfo:
        """Say what a task is for, as the next version: a text for people, which no answer depends on.

        It goes with the task when that is exported, changed or renamed; `TaskInfo.description` has it.

        Args:
            task: its name.
            description: at most 2,000 characters; "" takes an earlier one away.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if it is no text, or too long.

        Example:
            >>> net.describe("iris", "Which iris a flower is.").description
            'Which iris a flower is.'
        """
        return describe(self._at, self.view.task_name(task), description)

    def rollback(self, version: int) -> RolledBack:
        """Return to an earlier version, one of `versions`: the next version has its tasks and answers as it did.

        Later versions are kept as long as others are, and can be returned to as well.

        Args:
            version: its number.

        Raises:
            InputError: if the version is not kept; names those that are.
            StoreError: if one of its files is missing or damaged.

        Example:
            >>> removed = net.remove("iris")
            >>> net.rollback(3).restored
            ('iris',)
        """
        return roll_back(self._at, version)

    def gc(self, versions: int = KEPT_VERSIONS, grace: float | None = None) -> Cleaned:
        """Forget all but the last `versions`, the present one included, and free the files that only they needed.

        With `versions=1` the columns of removed tasks are freed too, and confidences may change by rounding. Programs that still show a
        version that is gone are told to `refresh`.

        Args:
            grace: of a network in object storage, where no lock keeps others out: seconds that a version stays after another took its
                place, and that files stay which nothing needs; a day by default.

        Raises:
            InputError: if `versions` is not a positive whole number, or `grace` is given for a folder.
            StoreError: if a version to keep is damaged, or the folder cannot be written.

        Example:
            >>> net.gc(versions=1).versions
            (3,)
        """
        return clean(self._at, versions, grace)

    def export(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a task to one file, by convention `.sentask`, for `import_task` of another network.

        The file holds everything that the task needs, including the mean covariance of all tasks of its data type.

        Args:
            task: its name.
            path: the file.
            overwrite: replaces an exported task, but nothing else.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the path cannot be used, or a file of this name exists and may not be replaced.
            StoreError: if the file cannot be written, or a file of the network is damaged.

        Example:
            >>> net.export("iris", "iris.sentask")
            >>> sp.Network().import_task("iris.sentask").examples
            150
        """
        target = as_path("path of the file", path)
        self._at.reading(lambda view: export(self._at.store, view, view.task_name(task), target, overwrite=overwrite))

    def import_task(self, path: str | Path, name: str | None = None, *, trust: bool = False) -> TaskInfo:
        """Import an exported task and commit it. With the task given, it answers as it did where it was learned.

        The whole file is checked first, and the task's probe is replayed; no code in it is run.

        Args:
            path: the file.
            name: a name for the task; by default the one that it had.
            trust: whether you vouch for whoever made the file, as for `Network`.

        Raises:
            StoreError: if the file is damaged or something else; FormatVersionError if a newer version of senpath wrote it.
            TaskExistsError: if the name is taken.
            InputError: if the path cannot be used, or the network has the task's data type with another encoding or other features.

        Example:
            >>> net.export("iris", "iris.sentask")
            >>> flowers = net.import_task("iris.sentask", name="flowers")
            >>> list(net.tasks)
            ['low', 'high', 'iris', 'flowers']
        """
        return import_task(self._at, as_path("path of the file", path), _composed(name), trust=trust)

    def export_onnx(self, task: str, path: str | Path, *, overwrite: bool = False) -> None:
        """Write everything that a task's pathway runs as one ONNX model, for programs without senpath.

        Its input "input" is encoded, float32 (n, *shape), for any n; its outputs are "logits" and "probabilities" (n, classes), or for a
        regression "values" (n, outputs). Its metadata has the task's name, kind and classes, and how inputs are encoded; a pretrained
        encoder is not part of the model.

        Args:
            task: its name.
            path: the file.
            overwrite: replaces a model that senpath wrote, but nothing else.

        Raises:
            UnknownTaskError, InputError, StoreError: as for `export`; InputError also if the task is a scikit-learn model.
            MissingExtraError: if onnx is not installed.

        Example:
            >>> net.export_onnx("iris", "iris.onnx")
            >>> Path("iris.onnx").stat().st_size > 0
            True
        """
        target = as_path("path of the file", path)
        self._at.reading(lambda view: export_onnx(view, view.task_name(task), target, overwrite=overwrite))

    def export_all(self, path: str | Path, *, encoded: bool = False, page: str | Path | None = None, overwrite: bool = False) -> list[Path]:
        """Write the whole network as ONNX models, for programs without senpath: one for each type of data, dispatcher and tasks in it.

        A model reads raw pictures or rows where it can encode them itself, otherwise encoded inputs; its metadata says which, and names
        tasks and labels. It answers as `predict` does: the task, −1 where nothing fits, the label, their probabilities and the ood score.

        Args:
            path: a file *.onnx, for a network of one type of data; otherwise a folder, which gets a file for each type.
            encoded: whether models are to read encoded inputs in every case.
            page: the folder of the npm package onnxruntime-web. The folder `path` then gets no models by themselves, but a page that runs
                them in a browser, opened from the folder or from any host.
            overwrite: replaces models, or a page, that senpath wrote, but nothing else.

        Returns:
            The files.

        Raises:
            InputError: if the network has no task, or several types for one file; or a task is a scikit-learn model.
            StoreError, MissingExtraError: as for `export_onnx`.

        Example:
            >>> len(net.export_all("models"))  # a model for each type of data
            2
        """
        target = as_path("path of the models", path)
        runtime = None if page is None else as_path("page", page)
        return self._at.reading(lambda view: export_all(view, target, encoded=encoded, page=runtime, overwrite=overwrite))

    def save_pretrained(self, folder: str | Path) -> None:
        """Copy the version that this object shows, and no other, to a new or empty folder, which is then a network itself.

        The copy answers as this object does, up to rounding where tasks were removed. A README.md in it, a model card, says what is known
        of the tasks, their data and the figures that were recorded, and what the limits are. If saving fails, the folder is as it was.

        Args:
            folder: new or empty.

        Raises:
            InputError: if the folder is not a str or Path.
            StoreError: if the folder is not empty or cannot be written, or a file of the network is damaged or gone after a `gc`.

        Example:
            >>> net.save_pretrained("saved.sen")
            >>> sorted(file.name for file in Path("saved.sen").iterdir())
            ['README.md', 'components', 'dispatcher', 'log.jsonl', 'network.json']
        """
        target = as_path("folder to save to", folder)
        self._at.reading(lambda view: save_with_card(self._at.store, view, target))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload the version that this object shows, with its model card, to a repository on the Hugging Face hub, as one commit.

        The repository is made if it is not there; files of a version that was uploaded before go, others stay.

        Args:
            repo_id: such as "someone/digits".
            commit_message: of the commit; None is one that names the version.
            private: whether only its owner sees a repository that is made; None is what the owner's account says.
            token: that allows it; None takes the one that the hub's own library has.
            branch: to commit to; None is the main one.
            create_pr: whether to propose the commit instead.

        Returns:
            The address of the commit, or of what was proposed.

        Raises:
            InputError: if the id is none.
            StoreError: if a file of the network is damaged.
            MissingExtraError, DownloadError: if the library is not installed, or the hub refuses or cannot be reached.

        Example:
            >>> net.push_to_hub("no such id")
            Traceback (most recent call last):
                ...
            senpath.errors.InputError: id of the repository: expected a name like someone/digits, got 'no such id'
        """
        how = {"commit_message": commit_message, "private": private, "token": token, "branch": branch, "create_pr": create_pr}
        return self._at.reading(lambda view: push(self._at.store, view, repo_id, **how))

    @classmethod
    def from_pretrained(
        cls, source: str | Path, path: str | Path | None = None, *, revision: str | None = None, token: str | None = None, **settings: Any
    ) -> Self:
        """Open a copy of a saved network.

        Args:
            source: a network's folder, which is never changed; if there is none of this name, the id of a repository on the Hugging Face
                hub.
            path: a new or empty folder for the copy; None makes a temporary folder that is deleted with this object.
            revision: of the repository on the hub.
            token: that allows it to be read; None takes the one that the hub's own library has.
            settings: as for `Network`; they are checked before anything is copied.

        Raises:
            InputError: if a setting is unknown, or differs from the one that the network was created with.
            StoreError: if there is no network, it is damaged, or the folder is not empty.
            MissingExtraError, DownloadError: if the hub is needed and its library is not installed, or it cannot be reached.

        Example:
            >>> net.save_pretrained("saved.sen")
            >>> copy = sp.Network.from_pretrained("saved.sen", "copy.sen")
            >>> list(copy.tasks)
            ['low', 'high', 'iris']
        """
        return copy_saved(cls, source, path, settings, revision=revision, token=token)


def _composed(name: Any) -> Any:
    """A name in its one form; what is no name is refused by whom it is for."""
    return composed(name) if isinstance(name, str) else name
