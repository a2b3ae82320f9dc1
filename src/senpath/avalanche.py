"""A network as a strategy of Avalanche, whose streams, evaluators and loggers then drive it. Needs avalanche-lib 0.6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from senpath.errors import InputError, MissingExtraError
from senpath.network import Network

try:
    from avalanche.training.plugins.evaluation import default_evaluator
    from avalanche.training.templates import SupervisedTemplate
except ModuleNotFoundError as error:
    do = "pip install avalanche-lib, in an environment of its own: it brings gigabytes"
    raise MissingExtraError("senpath.avalanche", expected=str(error.name), got="not installed", do=do) from error

TINY = 1e-12
"""Added to probabilities before their logarithm is taken."""


class NetworkStrategy(SupervisedTemplate):  # type: ignore[misc]
    """Learns a task of each experience, and answers by label.

    Metrics of evaluation are Avalanche's own, of the label alone: an answer by another task that has the label too is right. Where an
    experience's task label names one task, that task answers; else, as on a class-incremental stream, the dispatcher finds it, and nothing
    is refused. What is told of training is measured once the task is learned.

    Args:
        net: may have other tasks, which then compete; of their labels numbers count.
        settings: of `Network.learn`, for every experience.
        name: what tasks are called: the experience's place in its stream follows.
        task_given: False leaves it to the dispatcher even where the stream tells tasks apart.
        eval_mb_size: inputs that are answered at once.
        plugins, evaluator, eval_every: see `SupervisedTemplate`. Plugins see batches of inputs and outputs, but nothing is trained by them.

    Example:
        >>> from senpath.avalanche import NetworkStrategy
        >>> strategy = NetworkStrategy(net=net, settings={"epochs": 3})
        >>> strategy.net is net
        True
    """

    def __init__(
        self,
        *,
        net: Network,
        settings: Mapping[str, Any] | None = None,
        name: str = "experience",
        task_given: bool = True,
        eval_mb_size: int = 512,
        plugins: Sequence[Any] | None = None,
        evaluator: Any = default_evaluator,
        eval_every: int = -1,
    ) -> None:
        unused = nn.Linear(1, 1)  # Avalanche wants a module and an optimizer; the network has its own
        super().__init__(
            model=unused,
            optimizer=torch.optim.SGD(unused.parameters(), lr=0.0),
            criterion=nn.NLLLoss(),
            train_mb_size=eval_mb_size,
            train_epochs=1,
            eval_mb_size=eval_mb_size,
            plugins=plugins,
            evaluator=evaluator,
            eval_every=eval_every,
        )
        self.net, self.settings = net, dict(settings or {})
        self._name, self._task_given = name, task_given
        self._tasks: dict[int, list[str]] = {}

    def training_epoch(self, **kwargs: Any) -> None:
        """Learn the experience, then answer its examples for the metrics of training."""
        task, (x, y, labels) = self._task(), self._examples()
        self.net.learn(task, x, y, **self.settings)
        for label in labels:
            self._tasks.setdefault(label, []).append(task)
        for batch in self.dataloader:
            self.mbatch = batch
            self._unpack_minibatch()
            self._before_training_iteration(**kwargs)
            self._before_forward(**kwargs)
            self.mb_output = self.forward()
            self._after_forward(**kwargs)
            self.loss = self.criterion()
            self._after_training_iteration(**kwargs)

    def forward(self) -> torch.Tensor:
        """Log-probabilities of the labels from 0 on, float32 (n, labels), as many as are known or asked about."""
        x = self.mb_x.cpu().numpy()
        known = [label for info in self.net.tasks.values() for label in info.classes_ if isinstance(label, int)]
        scores = np.zeros((len(x), max([int(self.mb_y.max()), *known]) + 1))
        labels = _task_labels(self.mbatch)
        for label in np.unique(labels).tolist():
            rows = np.flatnonzero(labels == label)
            self._answer(x[rows], self._tasks.get(label, []), rows, scores)
        return torch.from_numpy(np.log(scores + TINY)).float().to(self.device)

    def _answer(self, x: np.ndarray, tasks: Sequence[str], rows: np.ndarray, scores: np.ndarray) -> None:
        if not self.net.tasks:
            return
        given = tasks[0] if self._task_given and len(tasks) == 1 else None
        told = self.net.predict(x, task=given, reject=False).probabilities
        for task, classes in told.classes.items():
            part, numbers = told.parts[task], [place for place, label in enumerate(classes) if isinstance(label, int)]
            columns = np.array([classes[place] for place in numbers], dtype=np.int64)
            np.add.at(scores, (rows[part.rows][:, None], columns), part.values[:, numbers] * part.probabilities[:, None])

    def _task(self) -> str:
        place = getattr(self.experience, "current_experience", None)
        if place is None:
            raise InputError("experience", expected="one of a stream, which has a place in it", got=type(self.experience).__name__)
        return f"{self._name} {place}"

    def _examples(self) -> tuple[np.ndarray, np.ndarray, set[int]]:
        """Inputs, labels, and labels of tasks, in the order of the data set."""
        data = self.adapted_dataset
        batches = list(DataLoader(data, batch_size=self.eval_mb_size, collate_fn=getattr(data, "collate_fn", None)))
        x, y = (torch.cat([batch[place] for batch in batches]).numpy() for place in (0, 1))
        return x, y, {label for batch in batches for label in _task_labels(batch).tolist()}


def _task_labels(batch: Sequence[torch.Tensor]) -> np.ndarray:
    """The task label of each input, int64 (n,); 0 on a stream without."""
    return (batch[2] if len(batch) > 2 else torch.zeros(len(batch[0]), dtype=torch.int64)).cpu().numpy()
