"""What every kind of task has: how targets are read and learned, and what the outputs mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn.functional import one_hot

from senpath.errors import InputError
from senpath.tasks.labels import Label
from senpath.tasks.scale import TargetScale
from senpath.tasks.skill import label_skill

TaskKindName = Literal["classification", "multilabel", "regression"]
"""As users say it, and as folders keep it."""


@dataclass(frozen=True)
class Targets:
    """The targets of a task's examples; see `senpath.types.Examples`."""

    kind: TaskKindName
    classes: tuple[Label, ...]
    values: torch.Tensor


class TaskKind(ABC):
    """What a task answers, and all that follows from it. There is one final class for each kind, without state; see `task_kind`.

    Where nothing else is said, outputs are float32 (n, outputs) as a pathway gives them, and targets are those of
    `senpath.types.Examples`. Numpy values are what outputs mean to a user: float64 (n, outputs), probabilities or numbers.

    Attributes:
        name: as users say it, and as folders keep it.
        exclusive: whether exactly one of the outputs holds for an input. Probabilities of one class can be compared between tasks, and
            examples belong to a class each.
        has_labels: whether outputs stand for labels, which have probabilities, and not for numbers.
        nouns: what one output is called, and several.
        score_name: what `score` is.
        exported_names: what `exported` answers, by name.
        estimator_noun: what the scikit-learn models are that learn it.
        estimator_methods: what these are asked, the best first.
        estimator_advice: what to do with a model that has none of them.

    Example:
        >>> from senpath.tasks import TaskKind, task_kind
        >>> isinstance(task_kind("multilabel"), TaskKind), task_kind("multilabel").exclusive
        (True, False)
    """

    name: ClassVar[TaskKindName]
    exclusive: ClassVar[bool]
    has_labels: ClassVar[bool]
    nouns: ClassVar[tuple[str, str]]
    score_name: ClassVar[str]
    exported_names: ClassVar[tuple[str, ...]]
    estimator_noun: ClassVar[str]
    estimator_methods: ClassVar[tuple[str, ...]]
    estimator_advice: ClassVar[str] = ""

    @abstractmethod
    def read(self, y: Any, inputs: int) -> Targets:
        """Targets of a new task; see `senpath.tasks.read_targets`."""

    @abstractmethod
    def read_more(self, y: Any, inputs: int, known: tuple[Label, ...], *, new_classes: bool) -> Targets:
        """Targets of further examples of a task.

        Args:
            y: as for `read_targets`. Columns of a data frame are found by name, in whatever order; of an array by their places. A
                multilabel task's labels may be on no input.
            known: the task's labels, or the names of its numbers. What is given as text, or as a number, may mean one of them, see
                `senpath.tasks.labels.match_labels`.
            new_classes: whether labels may be new; they come behind the known ones, sorted.

        Raises:
            InputError: if y is not of this kind, a column is missing, or it has a label that is new and may not be.
        """

    def empty_targets(self, outputs: int) -> torch.Tensor:
        """Targets of no examples."""
        return torch.zeros(self._shape(0, outputs), dtype=self._dtype)

    def check(self, targets: torch.Tensor, classes: tuple[Label, ...], inputs: int, *, known: int = 0) -> None:
        """Check encoded targets.

        Args:
            known: how many classes, the first ones, were learned before and need no example; each other one of a classification does.

        Raises:
            InputError: if they are of another type or shape than the kind has, or there is nothing to tell apart.
        """
        shape = self._shape(inputs, len(classes))
        if targets.dtype not in self._dtypes or tuple(targets.shape) != shape:
            got = f"{targets.dtype} of shape {tuple(targets.shape)}"
            raise InputError("encoded examples", expected=f"{self._dtype} targets of shape {shape} for a {self.name}", got=got)
        if len(set(classes)) != len(classes) or len(classes) < 1 + self.exclusive:
            raise InputError("encoded examples", expected="different classes, two at least for a classification", got=f"{classes[:5]}")
        self._check_values(targets, classes, known)

    @abstractmethod
    def _check_values(self, targets: torch.Tensor, classes: tuple[Label, ...], known: int) -> None:
        """Refuse values that no target has."""

    @property
    def _dtype(self) -> torch.dtype:
        return torch.int64 if self.exclusive else torch.float32

    @property
    def _dtypes(self) -> tuple[torch.dtype, ...]:
        """Of targets that are taken as they are."""
        return (self._dtype,)

    def _shape(self, inputs: int, outputs: int) -> tuple[int, ...]:
        return (inputs,) if self.exclusive else (inputs, outputs)

    @abstractmethod
    def counts(self, targets: torch.Tensor, outputs: int) -> torch.Tensor:
        """How many examples there are for each output, (outputs,): of the class, with the label, or all."""

    def strata(self, targets: torch.Tensor) -> torch.Tensor | None:
        """The class of each example, int64 (n,): folds keep the classes' shares. None where examples have no class each."""
        return targets if self.exclusive else None

    def groups(self, outputs: int) -> int:
        """In how many groups the dispatcher knows the examples of a task: one for each class, or all in one."""
        return outputs if self.exclusive else 1

    def scale_of(self, targets: torch.Tensor) -> TargetScale | None:
        """The units in which a pathway is to answer that learns these targets; None where outputs are no numbers of the user's."""
        return None

    def standardisation(self, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Mean and standard deviation of targets that are numbers, float32 (outputs,) each, 1 where one is constant; else None."""
        if self.has_labels:
            return None
        spread, mean = torch.std_mean(targets.double(), dim=0, correction=0)
        return mean.float(), torch.where(spread > 1e-9 * (1 + mean.abs()), spread, 1).float()

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """What is minimised, a scalar.

        Args:
            weights: how much each example counts, float32 (n,), 1 on average; None where all count the same.
        """
        if weights is None:
            return self._loss(outputs, targets, "mean")
        each = self._loss(outputs, targets, "none")
        return (each.flatten(1).mean(1) if each.ndim > 1 else each).mul(weights).mean()

    def slope(self, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """The gradient of the loss along the outputs, (n, outputs)."""
        slope = self._slope(outputs, targets)
        return slope if weights is None else slope * weights[:, None]

    def _slope(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            asked = outputs.detach().requires_grad_()
            return torch.autograd.grad(self._loss(asked, targets, "mean"), asked)[0]

    @abstractmethod
    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor, reduction: str) -> torch.Tensor:
        """The mean loss, or with the reduction "none" that of each example, and of each output where it has one for each."""

    @abstractmethod
    def distillation_loss(self, outputs: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        """How far outputs are from what they were, a scalar to be minimised (Li and Hoiem 2016, section 3.1)."""

    @abstractmethod
    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """How good outputs are, at most 1; `score_name` says what it is. Always a number, if outputs are finite."""

    def skill(self, outputs: torch.Tensor, targets: torch.Tensor) -> float | None:
        """How well outputs tell these inputs apart, at most 1; 0 for the same answer to all. None where there is nothing to tell apart."""
        truth = one_hot(targets, outputs.shape[1]) if self.exclusive else targets
        scores = outputs.log_softmax(1) if self.exclusive else outputs
        return label_skill(scores, self.decide(outputs).bool(), truth > 0.5, exclusive=self.exclusive)

    @abstractmethod
    def read_truth(self, y: Any, inputs: int, classes: tuple[Label, ...]) -> Any:
        """What answers to test inputs are compared with, for `score_answers`.

        Raises:
            InputError: if there is not one for each input, one is of another kind or none of the task's, or there are no inputs.
        """

    @abstractmethod
    def score_answers(self, answers: Sequence[Any], truth: Any, classes: tuple[Label, ...]) -> float:
        """As `score`, of what users get; NaN where that is not defined.

        Args:
            answers: see `answers`; None where another task answered, or none.
            truth: of `read_truth`.
        """

    def confused(self, answers: Sequence[Any], truth: Any, classes: tuple[Label, ...]) -> tuple[tuple[int, int, int], ...] | None:
        """How often each class was answered for each true one: (place of the true class, of the answered one, how often), ascending.

        None where an input does not have one class.

        Args:
            answers, truth: as for `score_answers`; answers that are None are left out.
        """
        return None

    def decide(self, outputs: torch.Tensor) -> torch.Tensor:
        """Which labels are answered, 0 or 1 for each: (n, outputs)."""
        return one_hot(outputs.argmax(1), outputs.shape[1]) if self.exclusive else outputs > 0

    @abstractmethod
    def values(self, outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
        """What outputs of several tasks of this kind mean, float64 (n, outputs) each: probabilities of the labels, or numbers."""

    @abstractmethod
    def exported(self, outputs: torch.Tensor, temperature: float) -> tuple[torch.Tensor, ...]:
        """What a model answers that is exported for other programs: the outputs, and probabilities if there are any, (n, outputs) each."""

    @abstractmethod
    def answers(self, values: np.ndarray, classes: tuple[Label, ...]) -> np.ndarray:
        """Object array (n,): a label; a tuple of those labels that are likelier than not; a number, or a tuple of several."""

    @abstractmethod
    def certainty(self, values: np.ndarray) -> np.ndarray:
        """P(answer | task, input), float64 (n,): of all labels together, in a multilabel task; 1 for a regression, which tells none."""

    def outputs_of(self, answer: Any, classes: tuple[Label, ...]) -> tuple[Label, ...]:
        """The outputs that an answer comes from: those of its labels, or all of its numbers."""
        labels: tuple[Label, ...] = (answer,) if self.exclusive else answer
        return labels if self.has_labels else classes

    @abstractmethod
    def builtin_estimator(self, name: str, seed: int) -> Any | None:
        """The model that "svm" or "forest" stands for; None where there is none."""

    def fits(self, estimator: Any) -> bool:
        """Whether a scikit-learn model can learn tasks of this kind."""
        from sklearn.base import is_classifier, is_regressor  # large, and rarely needed

        try:
            return bool((is_classifier if self.has_labels else is_regressor)(estimator))
        except AttributeError:  # scikit-learn asks the model within, and there is none
            return False

    def estimator_targets(self, targets: torch.Tensor) -> np.ndarray:
        """Targets as scikit-learn wants them: (n,) where there is one for each input, else (n, outputs)."""
        values: np.ndarray = targets.numpy().astype(np.int64 if self.has_labels else np.float64)
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def asked_method(self, estimator: Any) -> str:
        """The first of `estimator_methods` that a scikit-learn model has.

        Raises:
            InputError: if it has none.
        """
        for method in self.estimator_methods:
            if hasattr(estimator, method):
                return method
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected=f"a {self.estimator_noun} with {' or '.join(self.estimator_methods)}",
            got="one without",
            do=self.estimator_advice,
        )

    @abstractmethod
    def answered_outputs(self, method: str, width: int, outputs: int) -> int:
        """How many outputs `decode_estimator` makes of an answer with so many columns."""

    @abstractmethod
    def decode_estimator(self, method: str, answer: np.ndarray, outputs: int) -> np.ndarray:
        """What a model answered, as a pathway would give it: float32 (n, outputs); of a regressor float64.

        Args:
            method: that it was asked, one of `estimator_methods`.
            answer: (n,) or (n, columns).
        """

    def estimator_outputs(self, estimator: Any, inputs: np.ndarray, outputs: int) -> np.ndarray:
        """What a fitted model answers, see `decode_estimator`.

        Raises:
            InputError: if it has no method that tells.
        """
        method = self.asked_method(estimator)
        return self.decode_estimator(method, np.asarray(getattr(estimator, method)(inputs)), outputs)
