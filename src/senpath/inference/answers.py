"""Collecting what the pathways answer to the inputs of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from senpath.inference.prediction import Part, Prediction, Probabilities, Routes
from senpath.pathways import Pathway, run_batch
from senpath.snapshot.view import View


class Answers:
    """Answers to n inputs, added batch by batch.

    Args:
        view: of the network that answers.
        inputs: how many.
    """

    def __init__(self, view: View, inputs: int) -> None:
        self._view, self._inputs = view, inputs
        self._parts: dict[str, list[Part]] = {}
        self._known = np.zeros(inputs, dtype=bool)
        self._candidates = np.full((inputs, 2), -1)
        self._dispatcher = np.zeros(inputs, dtype=np.int64)
        self._ood_score = np.full(inputs, np.inf)

    def add(
        self,
        inputs: torch.Tensor,
        rows: np.ndarray,
        candidates: np.ndarray,
        probabilities: np.ndarray,
        *,
        known: np.ndarray | bool = True,
        dispatcher: np.ndarray | int = 0,
        ood_score: np.ndarray | float = np.nan,
    ) -> None:
        """Run the candidates of a batch.

        Args:
            inputs: encoded, of one data type, (n, …).
            rows: their places among all inputs (n,).
            candidates: int64 (n, k), k at most 2: the tasks' places in the network, −1 for none; the likelier first.
            probabilities: float64 (n, k), P(task | input).
            known: bool (n,), whether an input fits its likeliest task.
            dispatcher: how many numbers of the dispatcher each input ran.
            ood_score: float64 (n,), see `Prediction`.
        """
        if not len(rows):  # no answers, of no task
            return
        self._known[rows], self._dispatcher[rows], self._ood_score[rows] = known, dispatcher, ood_score
        self._candidates[rows, : candidates.shape[1]] = candidates
        member, column = np.nonzero(candidates >= 0)
        task = candidates[member, column]
        order = np.lexsort((member, task))
        member, probability = member[order], probabilities[member, column][order]
        found, starts = np.unique(task[order], return_index=True)
        pathways = [self._view.paths[place] for place in found]
        index = torch.from_numpy(member).to(inputs.device).tensor_split(torch.from_numpy(starts[1:]))
        logits = run_batch(dict(zip(pathways, index, strict=True)), inputs, self._view.component)
        values = _values(pathways, [logits[path.task] / path.temperature for path in pathways])
        where, weights = np.split(rows[member], starts[1:]), np.split(probability, starts[1:])
        for pathway, own, weight, value in zip(pathways, where, weights, values, strict=True):
            self._parts.setdefault(pathway.task, []).append(Part(own, weight, value))

    def prediction(self) -> Prediction:
        """What was collected."""
        parts = {name: _joined(found) for name, found in self._parts.items()}
        paths = {name: self._view.pathway(name) for name in parts}
        incomparable = self._incomparable()
        task, label = np.full(self._inputs, None, dtype=object), np.full(self._inputs, None, dtype=object)
        confidence, best = np.zeros(self._inputs), np.zeros(self._inputs)
        for name, part in parts.items():
            kind = paths[name].task_kind
            joint = part.probabilities * kind.certainty(part.values)
            worth = np.where(incomparable[part.rows], part.probabilities, joint)
            better = self._known[part.rows] & (worth > best[part.rows])
            rows = part.rows[better]
            task[rows], confidence[rows], best[rows] = name, joint[better], worth[better]
            label[rows] = kind.answers(part.values[better], paths[name].classes)
        return Prediction(task, label, confidence, Probabilities(self._inputs, parts, paths), self._routes(), self._ood_score)

    def _incomparable(self) -> np.ndarray:
        """Inputs with a candidate that says no probability of one class, bool (n,): P(task | input) alone decides there."""
        others = [place for place in np.unique(self._candidates) if place >= 0 and not self._view.paths[place].task_kind.exclusive]
        return np.asarray(np.isin(self._candidates, others).any(1))

    def _routes(self) -> Routes:
        paths = {int(place): self._view.paths[place] for place in np.unique(self._candidates) if place >= 0}
        return Routes(self._candidates, self._dispatcher, paths, self._view.manifest.components, self._view.encoder_weights)


def _values(pathways: Sequence[Pathway], outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """What outputs of these pathways mean, see `Part`; those of one kind in one go."""
    values: list[np.ndarray] = [np.zeros(0)] * len(outputs)
    for kind in {path.task_kind for path in pathways}:
        places = [place for place, path in enumerate(pathways) if path.task_kind is kind]
        for place, part in zip(places, kind.values([outputs[place] for place in places]), strict=True):
            values[place] = part
    return values


def _joined(parts: Sequence[Part]) -> Part:
    """Those of several batches as one, in the order of the inputs."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    probabilities, values = np.concatenate([part.probabilities for part in parts]), np.concatenate([part.values for part in parts])
    return Part(rows[order], probabilities[order], values[order])
