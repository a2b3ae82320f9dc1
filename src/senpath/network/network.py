"""A network that grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from senpath.errors import InputError
from senpath.network.explain import explain
from senpath.network.fused import Fused, fuse
from senpath.network.keeping import KeptNetwork
from senpath.network.learning import LearningNetwork
from senpath.network.predict import Routing, predict
from senpath.network.prediction import Explanation, Prediction
from senpath.network.revising import RevisingNetwork
from senpath.network.senses import are_senses


class Network(LearningNetwork, RevisingNetwork, KeptNetwork):
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

    @overload
    def predict(
        self,
        x: Mapping[str, Any],
        task: None = None,
        *,
        concept: str | None = None,
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
    ) -> Fused: ...

    @overload
    def predict(
        self,
        x: Any,
        task: str | None = None,
        *,
        candidates: int = 2,
        admit: float | None = None,
        reject: bool = True,
        strict: bool = False,
    ) -> Prediction: ...

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
    ) -> Prediction | Fused:
        """Answer for each input of a batch, which may mix data types; or for things that several senses tell of.

        Args:
            x: inputs, see `senpath.modalities.split_by_modality`, or as `encode` answers. Or a mapping of senses ("image", "audio", "table"
                or "text") to inputs, as many of each: the first of every sense is of one thing, and so on. None in a list (or
                NaN), or in its place, is a missing sense.
            task: if the task is known; by default the dispatcher finds it.
            concept: of senses, if the concept is known: its tasks answer.
            candidates: pathways that may run per input, 1 or 2; of senses, per sense.
            admit: the second runs where its P(task | input) is at least this; None takes the dispatcher's default.
            reject: answer None where an input fits no task; False always answers. A sense whose input fits no task says nothing.
            strict: allow a second pathway only where, link sources counted, no more than two are touched.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if an input cannot be read, or is of another type than the task's; if there is no such concept or sense, or
                nothing is told of a thing.
        """
        routing = Routing(candidates, admit, reject, strict)
        if isinstance(x, Mapping):
            if task is not None:
                do = "A concept may be given; a single row of a table goes into a list"
                raise InputError("task", expected="none beside a mapping of senses", got=repr(task), do=do)
            return fuse(self._view, x, concept, routing)
        if concept is not None:
            raise InputError("concept", expected="a mapping of senses to inputs beside it", got=type(x).__name__)
        if task is not None:
            self._view.pathway(task)
        return predict(self._view, x, task, routing)

    def explain(self, x: Any, *, candidates: int = 2, admit: float | None = None, reject: bool = True, strict: bool = False) -> Explanation:
        """Why one input, not a batch, gets its answer: scores per task, candidates, links used, weights activated."""
        if isinstance(x, list | tuple):
            raise InputError("input to explain", expected="one input, such as x[0]", got=f"a {type(x).__name__} of {len(x)}")
        if are_senses(x):
            got = f"a mapping of senses: {', '.join(x)}"
            raise InputError("input to explain", expected="one input, such as x[0]", got=got, do="Explain what one sense tells")
        return explain(self._view, x, Routing(candidates, admit, reject, strict))
