"""Collecting what the pathways answer to the inputs of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from senpath.network.prediction import Part, Prediction, Probabilities, Routes, objects
from senpath.network.view import View
from senpath.pathways import run_batch


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

    def add(
        self,
        inputs: torch.Tensor,
        rows: np.ndarray,
        candidates: np.ndarray,
        chances: np.ndarray,
        *,
        known: np.ndarray | bool = True,
        dispatcher: np.ndarray | int = 0,
    ) -> None:
        """Run the candidates of a batch.

        Args:
            inputs: encoded, of one data type, (n, …).
            rows: their places among all inputs (n,).
            candidates: int64 (n, k), k at most 2: the tasks' places in the network, −1 for none; the likelier first.
            chances: float64 (n, k), P(task | input).
            known: bool (n,), whether an input fits its likeliest task.
            dispatcher: how many numbers of the dispatcher each input ran.
        """
        if not len(rows):  # no answers, of no task
            return
        self._known[rows], self._dispatcher[rows] = known, dispatcher
        self._candidates[rows, : candidates.shape[1]] = candidates
        member, column = np.nonzero(candidates >= 0)
        task = candidates[member, column]
        order = np.lexsort((member, task))
        member, chance = member[order], chances[member, column][order]
        found, starts = np.unique(task[order], return_index=True)
        pathways = [self._view.paths[place] for place in found]
        index = torch.from_numpy(member).to(inputs.device).tensor_split(torch.from_numpy(starts[1:]))
        logits = run_batch(dict(zip(pathways, index, strict=True)), inputs, self._view.component)
        values = _probabilities([logits[pathway.task] for pathway in pathways])
        where, weights = np.split(rows[member], starts[1:]), np.split(chance[:, None], starts[1:])
        for pathway, own, weight, value in zip(pathways, where, weights, values, strict=True):
            self._parts.setdefault(pathway.task, []).append(Part(own, value * weight))

    def prediction(self) -> Prediction:
        """What was collected."""
        parts = {name: _joined(found) for name, found in self._parts.items()}
        classes = {name: self._view.pathway(name).classes for name in parts}
        task, label, confidence = (
            np.full(self._inputs, None, dtype=object),
            np.full(self._inputs, None, dtype=object),
            np.zeros(self._inputs),
        )
        for name, part in parts.items():
            best, where = part.values.max(1), part.values.argmax(1)
            better = self._known[part.rows] & (best > confidence[part.rows])
            rows = part.rows[better]
            task[rows], confidence[rows] = name, best[better]
            label[rows] = objects(classes[name])[where[better]]
        return Prediction(task, label, confidence, Probabilities(self._inputs, parts, classes), self._routes())

    def _routes(self) -> Routes:
        paths = {int(place): self._view.paths[place] for place in np.unique(self._candidates) if place >= 0}
        return Routes(self._candidates, self._dispatcher, paths, self._view.manifest.components)


def _probabilities(logits: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """Softmax of each, float64; those of as many classes in one go."""
    found: list[np.ndarray] = [np.zeros(0)] * len(logits)
    widths = [values.shape[1] for values in logits]
    for width in set(widths):
        places = [place for place, mine in enumerate(widths) if mine == width]
        values = torch.softmax(torch.cat([logits[place] for place in places]).double(), 1).cpu().numpy()
        ends = np.cumsum([len(logits[place]) for place in places])[:-1]
        for place, part in zip(places, np.split(values, ends), strict=True):
            found[place] = part
    return found


def _joined(parts: Sequence[Part]) -> Part:
    """Those of several batches as one, in the order of the inputs."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    return Part(rows[order], np.concatenate([part.values for part in parts])[order])
