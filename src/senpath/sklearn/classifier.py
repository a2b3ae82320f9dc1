"""A classifier by scikit-learn's conventions, of one label or of several for each input."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from senpath.errors import InputError
from senpath.isolation import isolated
from senpath.network import Network
from senpath.sklearn.estimator import TASK, SENEstimator, output_names, target_array
from senpath.tasks import Classification, Label, Multilabel, TaskKindName
from senpath.tasks.labels import is_missing, listed, plain_label


@final
class SENClassifier(ClassifierMixin, SENEstimator):  # type: ignore[misc]
    """A classifier that learns as `Network.learn` does.

    Inputs are tables, as everywhere in scikit-learn: arrays (n, columns), sparse matrices, or data frames, which may hold words, dates and
    texts too; NaN and None are missing values. They may also be images, (n, h, w), (n, h, w, c)
    or (n, c, h, w), or a list of texts, `Audio`, paths, PIL images or arrays (h, w[, c]); there is no `n_features_in_` then. Labels are
    whole numbers, True and False, or strings, (n,); or 0 and 1 for each of several labels, (n, labels).

    Args:
        model, hidden, links, guard, augment, epochs, learning_rate: see `senpath.methods.SenSettings`.
        class_weight: how much the examples of each class count, {label: weight}; "balanced": the same for all classes together; None: the
            same for all examples. Of several labels, see `sklearn.utils.compute_sample_weight`.
        source: a network, or the path of its folder, that the task may borrow from; it is only read. Inputs are encoded as the network
            encodes its own, with its pretrained encoders too. In a pickled or deep-copied classifier it is the path; `clone` keeps the
            network.
        random_state: decides everything that is drawn: a whole number, None for another one each time, or a numpy RandomState.
        trust: whether you vouch for whoever made the folder at `source`, see `senpath.Network`.

    Attributes:
        classes_: the labels, (classes,), in the order of `predict_proba`'s columns. Of several labels their places, or the names of a data
            frame's columns.
        n_features_in_: columns of a table.
        feature_names_in_: their names, where a data frame had names.
        network_: a network in a temporary folder that has this task alone, to look at, or to `export` it for another network from.

    Example:
        >>> from senpath.sklearn import SENClassifier
        >>> flowers, kinds = tiny_task("iris")
        >>> SENClassifier(epochs=20).fit(flowers[:100], kinds[:100]).predict(flowers[100:]).shape
        (50,)
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
        class_weight: Any = None,
        source: Network | str | Path | None = None,
        random_state: Any = 0,
        trust: bool = False,
    ) -> None:
        super().__init__(
            model,
            hidden=hidden,
            links=links,
            guard=guard,
            augment=augment,
            epochs=epochs,
            learning_rate=learning_rate,
            source=source,
            random_state=random_state,
            trust=trust,
        )
        self.class_weight = class_weight

    @isolated
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from inputs X and their labels y, (n,) or 0 and 1 (n, labels).

        Args:
            sample_weight: how much each example counts, (n,), 0 or more; those of 0 are left out. What is minimised is the weighted mean
                loss; how columns are scaled, and how similar the source's classes are, does not follow the weights. Of arrays and frames
                of numbers a weight of 2 is two examples, to the bit: equal ones count as one, of their weights' sum.

        Raises:
            ValueError: if the data or a parameter cannot be used; `InputError` is one.
            StoreError: if there is no network at `source`, or it is damaged.
        """
        labels = self._learn(X, y, sample_weight, self.class_weight)
        if labels.ndim > 1:
            self.classes_ = self._labels = np.asarray(output_names(y) or range(labels.shape[1]))
            return self
        self.classes_ = np.unique(labels)
        self._labels = as_given(self._classes, self.classes_)
        return self

    @available_if(lambda self: self._learns_on())  # type: ignore[untyped-decorator]
    @isolated
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn on from further examples, as `Network.extend` does with `finetune=True`; the first call is `fit`.

        Labels may be new. What was learned may lose 15 points of its right answers at most, as far as that can be told without the earlier
        examples; where it would be more, it stays as it is, with a warning. Scikit-learn models cannot learn on.

        Args:
            classes: in the first call, all labels that may come: `predict_proba` has a column for each from the start. Without it there
                are more columns when labels are new.

        Raises:
            ValueError: if the data cannot be used; `InputError` is one.
        """
        if hasattr(self, "network_"):
            self._require_same(classes)
            labels = self._learn_on(X, y)
            new = () if labels is None or labels.ndim > 1 else self._classes[len(self._labels) :]
            if new:  # they come behind the task's own
                self._labels = np.concatenate([self._labels, as_given(new, labels)])
                self.classes_ = np.union1d(self.classes_, self._labels)
            return self
        strange: Any = () if classes is None else np.setdiff1d(self._targets(y)[0], classes)
        if len(strange):
            raise InputError("classes", expected="all labels, those in y among them", got=f"none that is {strange[0].item()!r}")
        self.fit(X, y)
        if classes is not None and self._kind == Classification.name:
            self.classes_ = np.unique(classes)
        return self

    def _require_same(self, classes: Any) -> None:
        """Whether classes that a later call of `partial_fit` names again are those that there are."""
        if classes is None or self._kind != Classification.name:
            return
        named = {plain_label(label) for label in np.unique(classes).tolist()}
        missing = [label for label in self.classes_.tolist() if plain_label(label) not in named]
        if missing or len(named) > len(self.classes_):
            do = "Name all classes in the first call, and the same or none in later ones"
            got = f"others, without {missing[0]!r}" if missing else "more than these"
            raise InputError("classes", expected=f"those of the first call, {listed(self.classes_.tolist())}", got=got, do=do)

    @property
    def _kind(self) -> TaskKindName:
        kind: TaskKindName = self.network_.view.pathway(TASK).kind
        return kind

    @property
    def _classes(self) -> tuple[Label, ...]:
        """The task's labels, in the order of its outputs."""
        classes: tuple[Label, ...] = self.network_.view.pathway(TASK).classes
        return classes

    @isolated
    def predict_proba(self, X: Any) -> np.ndarray:
        """P(class | input), float64 (n, classes), columns as in `classes_`; of several labels the probability that each holds.

        Raises:
            ValueError: if an input cannot be read, or is of another type than those that were learned; NotFittedError is one too.
        """
        outputs = self._outputs(X)
        return self._spread(outputs.softmax(1), 0.0) if self._kind == Classification.name else outputs.sigmoid().numpy()

    @isolated
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`, computed without it, so that none is -inf but that of a class without examples."""
        outputs = self._outputs(X)
        if self._kind == Classification.name:
            return self._spread(outputs.log_softmax(1), -np.inf)
        return torch.nn.functional.logsigmoid(outputs).numpy()

    def _spread(self, values: torch.Tensor, missing: float) -> np.ndarray:
        """The columns of the task's labels in those of `classes_`."""
        columns = np.full((len(values), len(self.classes_)), missing)
        columns[:, np.searchsorted(self.classes_, self._labels)] = values.numpy()
        return columns

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each input, (n,); of several labels 1 for those that are likelier than not, (n, labels)."""
        probabilities = self.predict_proba(X)
        if self._kind != Classification.name:
            return (probabilities > 0.5).astype(np.int64)
        labels: np.ndarray = self.classes_[probabilities.argmax(1)]
        return labels

    def _targets(self, y: Any) -> tuple[Any, TaskKindName]:
        # Of members of an Enum numpy takes the names, cut to their values' length.
        if isinstance(y, list | tuple) and any(isinstance(label, Enum) for label in y):
            y = [plain_label(label) if isinstance(label, str | int) else label for label in y]
        _require_all(y)
        labels = target_array(y)
        check_classification_targets(labels)
        if labels.ndim == 1:
            _require_distinct(labels)
            return labels, Classification.name
        if type_of_target(labels) != "multilabel-indicator":
            raise InputError("labels y", expected="one for each input, or 0 and 1 for each of several", got="several of more values")
        return labels, Multilabel.name

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "classes_" in state and "_labels" not in state:  # pickled before there was `partial_fit`
            self._labels = self.classes_


def as_given(classes: Sequence[Label], labels: np.ndarray) -> np.ndarray:
    """A task's labels, in its order, each as it was given: a network takes the two forms of "é" for one, and 2.0 for 2.

    Args:
        classes: of the task; of each some label is among `labels`, or means it as text.
        labels: (n,).
    """
    given = {plain_label(label): label for label in np.unique(labels).tolist()}
    told = [given.get(label, label) for label in classes]
    return np.asarray(told, dtype=labels.dtype if labels.dtype.kind == "O" else None)


def _require_all(y: Any) -> None:
    """Whether each input has a label: with None among them scikit-learn only says that they cannot be sorted."""
    is_list = isinstance(y, list | tuple)
    if not is_list and (getattr(getattr(y, "dtype", None), "kind", "") != "O" or getattr(y, "ndim", 1) != 1 or issparse(y)):
        return
    gap = next((place for place, label in enumerate(y) if is_missing(label) and not isinstance(label, float)), None)
    if gap is not None:
        do = "Leave out these inputs, or give their labels"
        raise InputError("labels y", expected="a label for each input", got=f"none for input {gap}", do=do)


def _require_distinct(labels: np.ndarray) -> None:
    """Whether labels that differ are different ones for a network."""
    known: dict[Any, Any] = {}
    for label in dict.fromkeys(labels.tolist()):
        plain = plain_label(label)
        if plain is not None and known.setdefault(plain, label) != label:
            do = "Bring them into one form, with unicodedata.normalize"
            raise InputError("labels y", expected="one form of each", got=f"{label!r} in two, which look alike", do=do)
