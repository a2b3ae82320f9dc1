"""Learning one task by scikit-learn's conventions; what is learned can move into a network, and may borrow from one."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from enum import Enum
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from senpath.components import Component
from senpath.errors import InputError, StoreError
from senpath.inputs.modalities.columns import Rows, is_frame
from senpath.isolation import isolated
from senpath.learning.own_examples import say
from senpath.learning.propose import propose
from senpath.methods import Sen
from senpath.network import Network
from senpath.pathways import run_pathway
from senpath.snapshot import Proposal, View, encode_examples
from senpath.store.files import scratch_folder
from senpath.tasks import Classification
from senpath.tasks.labels import plain_label
from senpath.types import Audio

TASK = "task"
"""What the one task of a fitted classifier's network is called."""


class SENClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that learns as `Network.learn` does.

    Inputs are tables, as everywhere in scikit-learn: arrays (n, columns), sparse matrices, or data frames, which may hold words, dates and
    texts too; NaN and None are missing values. They may also be images, (n, h, w), (n, h, w, c)
    or (n, c, h, w), or a list of texts, `Audio`, paths, PIL images or arrays (h, w[, c]); there is no `n_features_in_` then. Labels are
    whole numbers, True and False, or strings.

    Args:
        model, hidden, links, guard, augment, epochs, learning_rate: see `senpath.methods.SenSettings`.
        source: a network, or the path of its folder, that the task may borrow from; it is only read. Inputs are encoded as the network
            encodes its own, with its pretrained encoders too. In a pickled or deep-copied classifier it is the path; `clone` keeps the
            network.
        random_state: decides everything that is drawn: a whole number, None for another one each time, or a numpy RandomState.
        trust: whether you vouch for whoever made the folder at `source`, see `senpath.Network`.

    Attributes:
        classes_: the labels, (classes,), in the order of `predict_proba`'s columns.
        n_features_in_: columns of a table.
        feature_names_in_: their names, where a data frame had names.
        network_: a network in a temporary folder that has this task alone, to look at, or to `export` it for another network from.
    """

    def __init__(
        self,
        model: Any = "auto",
        *,
        hidden: int = 128,
        links: str = "all",
        guard: bool = False,
        augment: float | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        source: Network | str | Path | None = None,
        random_state: Any = 0,
        trust: bool = False,
    ) -> None:
        self.model = model
        self.hidden = hidden
        self.links = links
        self.guard = guard
        self.augment = augment
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.source = source
        self.random_state = random_state
        self.trust = trust

    @isolated
    def fit(self, X: Any, y: Any) -> Self:
        """Learn from inputs X and their labels y (n,).

        Raises:
            ValueError: if the data or a parameter cannot be used; `InputError` is one.
            StoreError: if there is no network at `source`, or it is damaged.
        """
        inputs, labels = self._read_labelled(X, y)
        net = Network() if self.source is None else _opened(self.source, self.trust)
        settings = {name: value for name, value in self.get_params(deep=False).items() if name not in ("source", "trust")}
        method = Sen(**{**settings, "random_state": _seed(self.random_state)})
        examples = encode_examples(net.view, inputs, labels, kind=Classification.name)
        proposal = propose(net.view, method, TASK, examples)
        say(proposal.warnings, above=2)
        if self.source is not None:
            net, proposal = _moved(net.view, proposal, self.trust)
        net.commit(proposal)
        self.network_ = net
        self.classes_ = np.unique(labels)
        return self

    @isolated
    def predict_proba(self, X: Any) -> np.ndarray:
        """P(class | input), float64 (n, classes), columns as in `classes_`.

        Pathways compute in double precision here, so that an answer does not depend on which other inputs are asked about.

        Raises:
            ValueError: if an input cannot be read, or is of another type than those that were learned; NotFittedError is one too.
        """
        check_is_fitted(self)
        view = self.network_.view
        pathway, encoded = view.pathway(TASK), self.network_.encode(self._read(X))
        rows = sum(len(batch.rows) for batch in encoded.batches if batch.key == pathway.data_type)
        if rows < len(encoded):
            self.network_.predict(encoded, task=TASK)  # which says what is wrong
        logits = [run_pathway(pathway, batch.inputs.double(), self._exact) / pathway.temperature for batch in encoded.batches]
        probabilities: np.ndarray = torch.cat(logits).softmax(1).numpy()
        return probabilities

    def _exact(self, name: str) -> Component:
        """A component of the task that computes in double precision."""
        component = self.network_.view.component(name)
        module = deepcopy(component.module).double()
        # An estimator answers in single precision all the same.
        module.register_forward_hook(lambda module, inputs, output: output.double())
        return Component(component.kind, component.config, module, name, None)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each input, (n,); see `predict_proba`."""
        likeliest = self.predict_proba(X).argmax(1)
        labels: np.ndarray = self.classes_[likeliest]
        return labels

    def _read_labelled(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        # Of members of an Enum numpy takes the names, cut to their values' length.
        if isinstance(y, list | tuple) and any(isinstance(label, Enum) for label in y):
            y = [plain_label(label) if isinstance(label, str | int) else label for label in y]
        if y is not None and _is_raw(X):
            inputs, labels = _require_some(X), column_or_1d(y, warn=True)
            check_consistent_length(inputs, labels)
        else:
            values, labels = validate_data(self, X, y, **_checks(X))
            inputs = self._named(values)
            check_consistent_length(inputs, labels)
        check_classification_targets(labels)
        return inputs, labels

    def _read(self, X: Any) -> Any:
        return _require_some(X) if _is_raw(X) else self._named(validate_data(self, X, reset=False, **_checks(X)))

    def _named(self, values: Any) -> Any:
        """The columns' names belong to the type of a table."""
        names = getattr(self, "feature_names_in_", None)
        return values if names is None or not isinstance(values, np.ndarray) else Rows(dict(zip(names, values.T, strict=True)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = tags.input_tags.string = True
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags

    def __sklearn_clone__(self) -> Self:
        copies = {name: clone(value, safe=False) for name, value in self.get_params(deep=False).items() if name != "source"}
        return type(self)(**copies, source=self.source)  # which is only read, so all clones may share it

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(self.source, Network):
            state["source"] = self.source.path
        if "network_" in state:
            state["network_"] = _packed(self.network_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in state:
            self.network_ = _unpacked(state["network_"], self.trust)


def _is_raw(X: Any) -> bool:
    """Whether these are no table: images in one array, or items that are each an input."""
    axes = getattr(X, "ndim", None)
    if axes in (3, 4):
        return True
    if not (isinstance(X, list | tuple) or axes == 1) or not len(X):
        return False
    first = next(iter(X))
    return isinstance(first, str | Path | Audio | Image.Image) or getattr(first, "ndim", 0) > 1


def _checks(X: Any) -> dict[str, Any]:
    """How scikit-learn is to check a table: a data frame that has other columns than numbers stays as it is, its names are looked at."""
    if is_frame(X) and not all(getattr(dtype, "kind", "O") in "fiub" for dtype in X.dtypes):
        return {"skip_check_array": True}
    return {"dtype": np.float64, "accept_sparse": "csr", "ensure_all_finite": "allow-nan"}


def _require_some(X: Any) -> Any:
    if not len(X):
        raise InputError("inputs", expected="at least one", got="none")
    return X


def _seed(random_state: Any) -> int:
    return int(random_state) if isinstance(random_state, Integral) else int(check_random_state(random_state).randint(2**31))


def _opened(source: Network | str | Path, trust: bool) -> Network:
    """The network to borrow from."""
    if isinstance(source, Network):
        return source
    if not isinstance(source, str | Path):
        raise InputError("source", expected="a Network, or the path of its folder", got=repr(source))
    if not (Path(source) / "network.json").exists():  # opening it would make an empty one
        raise StoreError(f"source {source}", expected="the folder of a network", got="none")
    return Network(source, trust=trust)


def _moved(view: View, proposal: Proposal, trust: bool) -> tuple[Network, Proposal]:
    """A temporary network, and the proposal as one for it: with what the task's links read, and its data type."""
    pathway = proposal.pathways[0]
    types = proposal.types
    if not types:
        known = view.types[pathway.data_type]
        types = {pathway.data_type: (known, view.with_payload(view.feature_map(known).hash))}
    data_type, _ = types[pathway.data_type]
    encoders = {data_type.modality: view.encoders.of(data_type)} if data_type.encoder is not None else None
    new = {component.hash for component in proposal.components}
    read = [view.with_payload(name) for name in sorted(pathway.references - new)]
    net = Network(dispatcher=view.settings.dispatcher, random_state=view.settings.random_state, encoders=encoders, trust=trust)
    return net, replace(proposal, version=net.version, components=(*proposal.components, *read), types=types)


def _packed(net: Network) -> bytes:
    """The one task as a file's content, which holds no code."""
    with scratch_folder() as folder:
        net.export(TASK, folder / TASK)
        return (folder / TASK).read_bytes()


def _unpacked(content: bytes, trust: bool) -> Network:
    net = Network(trust=trust)
    with scratch_folder() as folder:
        (folder / TASK).write_bytes(content)
        net.import_task(folder / TASK, trust=trust)
    return net
