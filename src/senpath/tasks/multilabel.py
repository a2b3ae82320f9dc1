"""Tasks that answer any number of their labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Any, final

import numpy as np
import torch
from torch.nn import functional

from senpath.arrays import object_array
from senpath.errors import InputError
from senpath.tasks.base import Targets, TaskKind
from senpath.tasks.classification import TINY
from senpath.tasks.labels import Label, distinct_labels, is_missing, join_labels, of_one_kind
from senpath.tasks.targets import column_names, read_numbers, require_columns, require_some, stacked

LABELS_Y = "labels y of a multilabel task"


@final
class Multilabel(TaskKind):
    """Each label holds or not; outputs are logits of one sigmoid each."""

    name = "multilabel"
    exclusive = False
    has_labels = True
    nouns = ("label", "labels")
    score_name = "Jaccard index"
    exported_names = ("logits", "probabilities")
    estimator_noun = "classifier of several labels"
    estimator_methods = ("predict_proba",)
    estimator_advice = "Wrap a classifier in sklearn.multiclass.OneVsRestClassifier"

    def read(self, y: Any, inputs: int) -> Targets:
        targets = self._read(y, inputs)
        if not bool(targets.values.any()):
            raise InputError(LABELS_Y, expected="at least one label", got="none on any input")
        return targets

    def read_more(self, y: Any, inputs: int, known: tuple[Label, ...], *, new_classes: bool) -> Targets:
        given = self._read(y, inputs, known)
        mine, classes = join_labels(given.classes, known, may_be_new=new_classes)
        values = torch.zeros(inputs, len(classes))
        for column, label in enumerate(mine):  # of two columns, "1" and "1.0", that mean one label either may hold
            place = classes.index(label)
            values[:, place] = torch.maximum(values[:, place], given.values[:, column])
        return Targets(self.name, classes, values)

    def _read(self, y: Any, inputs: int, known: tuple[Label, ...] = ()) -> Targets:
        """What y says, with labels that there are or, where columns have no names, those that are known."""
        y = stacked(y)
        if isinstance(y, list | tuple) and all(is_collection(labels) for labels in y):
            return self._read_collections(y, inputs, known)
        gap = next((place for place, labels in enumerate(y) if is_missing(labels)), None) if isinstance(y, list | tuple) else None
        if gap is not None:
            do = "Leave out these inputs, or give their labels; none hold is an empty collection"
            raise InputError(LABELS_Y, expected="a collection of labels for each input", got=f"no value for input {gap}", do=do)
        names, values = column_names(y, known), read_numbers(y, inputs, LABELS_Y)
        _require_bits(values, learned=bool(known))
        if known and names is None and values.shape[1] != len(known):
            raise InputError("labels y", expected=f"{len(known)} columns, the task's labels", got=values.shape[1])
        if known and names is not None:
            require_columns(names, known)
        classes = names if names is not None else known or tuple(range(values.shape[1]))
        return Targets(self.name, classes, torch.from_numpy(values.astype(np.float32)))

    def _read_collections(self, y: Sequence[Collection[Any]], inputs: int, known: tuple[Label, ...]) -> Targets:
        if len(y) != inputs:
            raise InputError("labels y", expected=f"{inputs} collections of labels, one per input", got=len(y))
        require_some(inputs)
        _require_clear(y)
        flat = [label for labels in y for label in labels]
        if not flat:
            return Targets(self.name, known, torch.zeros(inputs, len(known)))
        labels, places = distinct_labels(flat, len(flat))
        values = torch.zeros(inputs, len(labels))
        values[torch.arange(inputs).repeat_interleave(torch.tensor([len(row) for row in y])), places] = 1
        if not known:
            labels = of_one_kind(labels)
        return Targets(self.name, tuple(labels), values)

    def _check_values(self, targets: torch.Tensor, classes: tuple[Label, ...], known: int) -> None:
        if not bool(((targets == 0) | (targets == 1)).all()):
            raise InputError("encoded examples", expected="targets of 0 and 1", got="other numbers")

    def counts(self, targets: torch.Tensor, outputs: int) -> torch.Tensor:
        return targets.sum(0)

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor, reduction: str) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, targets, reduction=reduction)

    def distillation_loss(self, outputs: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, earlier.sigmoid())

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """The mean Jaccard index: what an answer's labels and the true ones have in common, as a share of what either has."""
        return float(jaccard_score(outputs > 0, targets > 0.5).mean())

    def read_truth(self, y: Any, inputs: int, classes: tuple[Label, ...]) -> torch.Tensor:
        return self.read_more(y, inputs, classes, new_classes=False).values

    def score_answers(self, answers: Sequence[Any], truth: torch.Tensor, classes: tuple[Label, ...]) -> float:
        mine = torch.tensor([labels is not None for labels in answers])
        bits = torch.tensor([[label in (labels or ()) for label in classes] for labels in answers])
        return float((jaccard_score(bits, truth > 0.5) * mine).mean())

    def values(self, outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
        return [torch.sigmoid(part.double()).cpu().numpy() for part in outputs]

    def exported(self, outputs: torch.Tensor, temperature: float) -> tuple[torch.Tensor, ...]:
        return outputs, outputs.sigmoid()

    def answers(self, values: np.ndarray, classes: tuple[Label, ...]) -> np.ndarray:
        return object_array([tuple(label for label, p in zip(classes, row, strict=True) if p > 0.5) for row in values])

    def certainty(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(values, 1 - values).prod(1))

    def builtin_estimator(self, name: str, seed: int) -> Any | None:
        from sklearn.ensemble import RandomForestClassifier  # large, and rarely needed

        return RandomForestClassifier(n_estimators=200, random_state=seed) if name == "forest" else None

    def answered_outputs(self, method: str, width: int, outputs: int) -> int:
        return 1 if (width, outputs) == (2, 1) else width

    def decode_estimator(self, method: str, answer: np.ndarray, outputs: int) -> np.ndarray:
        """The log odds of each label; of a single one its classifier answers the probabilities that it does not hold, and that it does."""
        probabilities = answer[:, 1:] if (answer.shape[1], outputs) == (2, 1) else answer
        probabilities = np.clip(probabilities, TINY, 1 - TINY)
        return np.asarray(np.log(probabilities) - np.log1p(-probabilities), dtype=np.float32)

    def estimator_outputs(self, estimator: Any, inputs: np.ndarray, outputs: int) -> np.ndarray:
        method = self.asked_method(estimator)
        given = getattr(estimator, method)(inputs)
        if isinstance(given, list):  # scikit-learn's own models answer (n, classes) for each label; its wrappers (n, labels)
            given = np.stack([_holds(part, classes) for part, classes in zip(given, estimator.classes_, strict=True)], 1)
        return self.decode_estimator(method, given, outputs)


def _holds(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """P(label holds), of the probabilities of a label's classes: 0, 1, or the only one that there were examples of."""
    held = np.flatnonzero(np.asarray(classes) == 1)
    return probabilities[:, held[0]] if len(held) else np.zeros(len(probabilities))


def jaccard_score(answers: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of bool (n, labels) twice: float64 (n,); 1 where both are empty."""
    both, either = (answers & truth).sum(1).double(), (answers | truth).sum(1).double()
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both))


def is_collection(value: Any) -> bool:
    """Whether this is a collection of labels."""
    return isinstance(value, Collection) and not isinstance(value, str | bytes | dict | torch.Tensor | np.ndarray | Enum)


def _require_bits(values: np.ndarray, *, learned: bool) -> None:
    if bool(np.isin(values, (0, 1)).all()):
        return
    gaps = bool(np.isnan(values).any())
    do = "Numbers to be predicted as such need kind='regression'" if not learned else ""
    raise InputError(
        LABELS_Y,
        expected="0 or 1 for each label, or collections of labels",
        got="NaN" if gaps else "other numbers",
        do="Leave out these inputs, or fill their gaps" if gaps else do,
    )


def _require_clear(y: Sequence[Any]) -> None:
    """Lists of 0s and 1s, all as long as each other, may be rows of a table or the labels 0 and 1."""
    rows = [labels for labels in y if isinstance(labels, list | tuple)]
    if len(rows) == len(y) and len({len(labels) for labels in rows}) == 1 and len(rows[0]) > 1 and {*rows[0]} <= {0, 1}:
        raise InputError(
            "labels y",
            expected="collections of labels, or an array of 0s and 1s",
            got="lists that may mean either",
            do="Make an array of a table, or sets of labels",
        )
