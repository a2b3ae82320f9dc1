"""Tasks that answer one of their classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch.nn import functional

from senpath.arrays import object_array
from senpath.errors import InputError
from senpath.tasks.base import Targets, TaskKind
from senpath.tasks.labels import Label, distinct_labels, index_labels, join_labels, require_known

TEMPERATURE = 2.0
"""At which earlier and present probabilities are compared (Hinton, Vinyals and Dean 2015; Li and Hoiem 2016, equation 3)."""
TINY = 1e-6
"""Smallest probability that a scikit-learn model's answer counts as: a forest says 0 where no tree voted, and log 0 is no number."""


@final
class Classification(TaskKind):
    """One class holds for each input; outputs are the logits of a softmax."""

    name = "classification"
    exclusive = True
    has_labels = True
    nouns = ("class", "classes")
    score_name = "accuracy"
    exported_names = ("logits", "probabilities")
    estimator_noun = "classifier"
    estimator_methods = ("predict_proba", "decision_function", "predict")

    def read(self, y: Any, inputs: int) -> Targets:
        classes, targets = index_labels(y, inputs)
        if len(classes) < 2:
            do = "Add examples of what it is to be told from"
            raise InputError("labels y", expected="two classes or more", got=f"one class, {classes[0]!r}", do=do)
        return Targets(self.name, classes, targets)

    def read_more(self, y: Any, inputs: int, known: tuple[Label, ...], *, new_classes: bool) -> Targets:
        labels, places = distinct_labels(y, inputs)
        mine, classes = join_labels(labels, known, may_be_new=new_classes)
        return Targets(self.name, classes, torch.tensor([classes.index(label) for label in mine])[places])

    def _check_values(self, targets: torch.Tensor, classes: tuple[Label, ...], known: int) -> None:
        if len({type(label) for label in classes}) > 1 or not isinstance(classes[0], int | str):
            expected = "classes that are all whole numbers, all strings, or True and False"
            raise InputError("encoded examples", expected=expected, got=f"{classes[-5:]}")
        places = {*targets.unique().tolist()}
        if not places <= {*range(len(classes))} or not {*range(known, len(classes))} <= places:
            expected = f"targets from 0 to {len(classes) - 1}, and examples of each {'new ' if known else ''}class"
            raise InputError("encoded examples", expected=expected, got=f"targets {sorted(places)[:20]} of {len(classes)} classes")

    def counts(self, targets: torch.Tensor, outputs: int) -> torch.Tensor:
        return targets.bincount(minlength=outputs)

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor, reduction: str) -> torch.Tensor:
        return functional.cross_entropy(outputs, targets, reduction=reduction)

    def _slope(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        chosen = outputs.new_full((1, 1), -1.0).expand(len(outputs), 1)
        return outputs.softmax(1).scatter_add_(1, targets[:, None], chosen).div_(len(outputs))

    def distillation_loss(self, outputs: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs / TEMPERATURE, (earlier / TEMPERATURE).softmax(1)) * TEMPERATURE**2

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        return float((outputs.argmax(1) == targets).double().mean())

    def read_truth(self, y: Any, inputs: int, classes: tuple[Label, ...]) -> list[Label]:
        labels, places = distinct_labels(y, inputs)
        mine = require_known(labels, classes)
        return [mine[place] for place in places.tolist()]

    def score_answers(self, answers: Sequence[Any], truth: list[Label], classes: tuple[Label, ...]) -> float:
        return float(np.mean([label is not None and bool(label == true) for label, true in zip(answers, truth, strict=True)]))

    def confused(self, answers: Sequence[Any], truth: list[Label], classes: tuple[Label, ...]) -> tuple[tuple[int, int, int], ...]:
        places = {label: place for place, label in enumerate(classes)}
        pairs = Counter((places[true], places[label]) for true, label in zip(truth, answers, strict=True) if label is not None)
        return tuple((true, label, count) for (true, label), count in sorted(pairs.items()))

    def values(self, outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
        values: list[np.ndarray] = [np.zeros(0)] * len(outputs)
        widths = [part.shape[1] for part in outputs]
        if len({*widths}) == 1 and all(len(part) == 1 for part in outputs):
            alone = torch.softmax(torch.cat([*outputs]).double(), 1).cpu().numpy()
            return [alone[place : place + 1] for place in range(len(outputs))]
        for width in set(widths):  # those of as many classes in one go
            places = [place for place, mine in enumerate(widths) if mine == width]
            joint = torch.softmax(torch.cat([outputs[place] for place in places]).double(), 1).cpu().numpy()
            ends = np.cumsum([len(outputs[place]) for place in places])[:-1]
            for place, part in zip(places, np.split(joint, ends), strict=True):
                values[place] = part
        return values

    def exported(self, outputs: torch.Tensor, temperature: float) -> tuple[torch.Tensor, ...]:
        return outputs, (outputs / temperature).softmax(1)

    def answers(self, values: np.ndarray, classes: tuple[Label, ...]) -> np.ndarray:
        labels: np.ndarray = object_array(classes)[values.argmax(1)]
        return labels

    def certainty(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values.max(1))

    def builtin_estimator(self, name: str, seed: int) -> Any | None:
        from sklearn.ensemble import RandomForestClassifier  # large, and rarely needed
        from sklearn.svm import SVC

        return {"svm": SVC(), "forest": RandomForestClassifier(n_estimators=200, random_state=seed)}.get(name)

    def answered_outputs(self, method: str, width: int, outputs: int) -> int:
        if method == "predict":
            return outputs if width == 1 else 0
        return 2 if method == "decision_function" and width == 1 else width

    def decode_estimator(self, method: str, answer: np.ndarray, outputs: int) -> np.ndarray:
        """log P(class | input); scores of `decision_function` are taken as logits, and labels as certain."""
        if method == "decision_function":
            scores = torch.from_numpy(np.asarray(answer, dtype=np.float32).reshape(len(answer), -1))
            if scores.shape[1] == 1:
                scores = torch.cat([-scores, scores], dim=1) / 2
            return torch.log_softmax(scores, dim=1).numpy()
        if method == "predict":
            answer = answer.reshape(-1, 1) == np.arange(outputs)
        return np.asarray(np.log(np.clip(answer, TINY, 1)), dtype=np.float32)
