"""What classifier and regressor share: a network with one task, learned from inputs as scikit-learn gives them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from hashlib import blake2b
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, check_random_state, column_or_1d, compute_sample_weight
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import nn

from senpath.arrays import as_array, names_of_columns
from senpath.components import Component
from senpath.errors import InputError, StoreError
from senpath.inputs.modalities.columns import Rows, is_frame
from senpath.learning.own_examples import say
from senpath.learning.propose import propose
from senpath.methods import Sen
from senpath.network import Network
from senpath.pathways import run_pathway
from senpath.snapshot import Proposal, View, encode_examples
from senpath.store.files import scratch_folder
from senpath.tasks import TaskKindName
from senpath.tasks.labels import listed
from senpath.types import Audio

TASK = "task"
"""What the one task of a fitted estimator's network is called."""
SETTINGS = ("model", "hidden", "links", "guard", "augment", "epochs", "learning_rate")
"""Parameters that are settings of the method `sen`."""


class SENEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """One task, learned as `Network.learn` does; see `senpath.sklearn.SENClassifier`."""

    network_: Network
    feature_names_in_: np.ndarray

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

    @abstractmethod
    def _targets(self, y: Any) -> tuple[Any, TaskKindName]:
        """Targets as a network reads them, and of which kind they are; y may hold anything but None."""

    def _learn(self, X: Any, y: Any, sample_weight: Any, class_weight: Any = None) -> Any:
        """Learn anew; answers the targets that were learned."""
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if y is None:
            validate_data(self, X, y, **_checks(X))  # which says what is wrong
        values = self._values(X, reset=True)
        targets, kind = self._targets(y)
        check_consistent_length(values, targets)
        weights = _weights(values, targets, sample_weight, class_weight)
        if weights is not None:
            counting = np.flatnonzero(weights)
            values, targets, weights = (_safe_indexing(part, counting) for part in (values, targets, weights))
        if self._learns_on():  # else the model sees to it that weights are as good as repetitions
            values, targets, weights = _merged(values, targets, weights)
        net = Network() if self.source is None else _opened(self.source, self.trust)
        settings = {name: getattr(self, name) for name in SETTINGS}
        method = Sen(**settings, random_state=_seed(self.random_state))
        examples = encode_examples(net.view, self._named(values), targets, kind=kind)
        examples = replace(examples, classes=output_names(y) or examples.classes, weights=_relative(weights))
        proposal = propose(net.view, method, TASK, examples)
        say(proposal.warnings)
        if self.source is not None:
            net, proposal = _moved(net.view, proposal, self.trust)
        net.commit(proposal)
        self.network_ = net
        return targets

    def _learn_on(self, X: Any, y: Any) -> Any:
        """Extend what was learned by further examples; answers their targets, or None where what was learned stays."""
        values = self._values(X)
        targets, kind = self._targets(self._in_order(y))
        check_consistent_length(values, targets)
        known = self.network_.view.pathway(TASK).kind
        if kind != known:
            raise InputError("targets y", expected=f"those of a {known}, as before", got=f"those of a {kind}")
        revised = self.network_.extend(TASK, self._named(values), targets, finetune=True, random_state=_seed(self.random_state))
        if not revised.changed:
            say({TASK: f"these examples are not learned: {revised.reason}"})
            return None
        return targets

    def _in_order(self, y: Any) -> Any:
        """A data frame of several outputs as they were learned; all else as it is.

        Raises:
            InputError: if it has others.
        """
        given, known = output_names(y), self.network_.view.pathway(TASK).classes
        if not given or not all(isinstance(name, str) for name in known):  # they had no names
            return y
        if sorted(given) != sorted(known):
            raise InputError("targets y", expected=f"the columns {listed(known)}, as before", got=listed(given))
        return y.select([*known]) if hasattr(y, "column_names") and hasattr(y, "select") else y[[*known]]

    def _learns_on(self) -> bool:
        """Whether the model is one that can learn on."""
        return self.model not in ("svm", "forest") if isinstance(self.model, str) else isinstance(self.model, nn.Module)

    def _outputs(self, X: Any) -> torch.Tensor:
        """What the task's pathway answers, float64 (n, outputs).

        Pathways compute in double precision here, so that an answer does not depend on which other inputs are asked about.
        """
        check_is_fitted(self)
        view = self.network_.view
        pathway, encoded = view.pathway(TASK), self.network_.encode(self._named(self._values(X)))
        rows = sum(len(batch.rows) for batch in encoded.batches if batch.key == pathway.data_type)
        if rows < len(encoded):
            self.network_.predict(encoded, task=TASK)  # which says what is wrong
        return torch.cat([run_pathway(pathway, batch.inputs.double(), self._exact) / pathway.temperature for batch in encoded.batches])

    def _exact(self, name: str) -> Component:
        """A component of the task that computes in double precision."""
        component = self.network_.view.component(name)
        module = deepcopy(component.module).double()
        # An estimator answers in single precision all the same.
        module.register_forward_hook(lambda module, inputs, output: output.double())
        return Component(component.kind, component.config, module, name, None)

    def _values(self, X: Any, *, reset: bool = False) -> Any:
        checks = {} if _is_raw(X) else _checks(X)
        if _is_raw(X) or checks.get("skip_check_array"):
            _require_some(X)
        return X if _is_raw(X) else validate_data(self, X, reset=reset, **checks)

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
        twin = type(self)(**copies, source=self.source)  # which is only read, so all clones may share it
        if hasattr(self, "_metadata_request"):  # what `set_fit_request` and its like asked for
            twin._metadata_request = deepcopy(self._metadata_request)
        return twin

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


def target_array(y: Any) -> np.ndarray:
    """Targets as an array (n,), or (n, outputs) of several; finite, and not sparse."""
    values: np.ndarray = y.toarray() if issparse(y) else check_array(y, ensure_2d=False, dtype=None, input_name="y")
    if values.ndim < 2 or values.shape[1] == 1:
        values = column_or_1d(values, warn=True)
    return values


def output_names(y: Any) -> tuple[str, ...]:
    """What a data frame calls several outputs; empty where nothing does."""
    names = names_of_columns(y) or []
    return tuple(names) if len(names) > 1 and all(isinstance(name, str) for name in names) else ()


def _relative(weights: np.ndarray | None) -> torch.Tensor | None:
    """Weights above 0 as examples have them: 1 on average, and none where all are equal."""
    return None if weights is None or np.ptp(weights) == 0 else torch.from_numpy(weights / weights.mean()).float()


def _weights(values: Any, targets: Any, sample_weight: Any, class_weight: Any) -> np.ndarray | None:
    """How much each example counts, float64 (n,), not all 0; None where all count the same."""
    if sample_weight is None and class_weight is None:
        return None
    weights: np.ndarray = _check_sample_weight(sample_weight, values, dtype=np.float64, ensure_non_negative=True, copy=True)
    if isinstance(class_weight, str) and class_weight == "balanced":
        weights *= _balanced(targets, weights)
    elif class_weight is not None:
        weights *= compute_sample_weight(class_weight, targets)
    if not weights.any():
        raise InputError("sample weights", expected="some that are not zero", got="zeros")
    return weights


def _balanced(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What makes all classes count the same together, by the weights that their examples have: a weight of 2 is two examples here too.

    Of several labels the product over them, as `sklearn.utils.compute_sample_weight` has it.
    """
    factors = np.ones(len(targets))
    for column in targets.reshape(len(targets), -1).T:
        _, places = np.unique(column, return_inverse=True)
        sums = np.bincount(places, weights)
        factors *= (weights.sum() / np.count_nonzero(sums) / np.where(sums > 0, sums, 1))[places]
    return factors


def _merged(values: Any, targets: np.ndarray, weights: np.ndarray | None) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Equal examples of an array as one that counts as much as all of them, in an order that is the same however they came.

    So what is learned of examples with weights is what is learned of as many copies, to the bit. Without weights and copies, and of what is
    no numbers, all stays as it is.
    """
    dense = as_array(values) if isinstance(values, torch.Tensor) else values
    numbers = dense if issparse(dense) else np.asarray(dense) if hasattr(dense, "shape") else None
    if numbers is None or numbers.dtype.kind not in "biuf":
        return values, targets, weights
    keys = np.array([blake2b(row, digest_size=16).digest() for row in _rows(numbers, targets)], dtype="V16")
    unique, first, place = np.unique(keys, return_index=True, return_inverse=True)
    if weights is None and len(unique) == len(keys):
        return values, targets, None
    counts = np.bincount(place, weights)
    return _safe_indexing(values, first), _safe_indexing(targets, first), counts.astype(np.float64)


def _rows(values: Any, targets: np.ndarray) -> Iterator[bytes]:
    """The targets of each example and its numbers but 0, with their places: the same for a sparse matrix as for an array."""
    _, coded = np.unique(targets, return_inverse=True)
    coded = coded.reshape(len(targets), -1)
    if issparse(values):
        values = values.tocsr(copy=True)
        values.sum_duplicates()
        values.eliminate_zeros()
        bounds = zip(values.indptr, values.indptr[1:], strict=False)
        filled = ((values.indices[start:end].astype(np.int64), values.data[start:end]) for start, end in bounds)
    else:
        filled = ((columns, row.flat[columns]) for row in values for columns in [np.flatnonzero(row)])
    for target, (columns, numbers) in zip(coded, filled, strict=True):
        yield target.tobytes() + columns.tobytes() + numbers.tobytes()


def _is_raw(X: Any) -> bool:
    """Whether these are no table: images in one array, or items that are each an input."""
    axes = len(getattr(X, "shape", ()))
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
