"""Rows that run a network's pathways: senpath itself, the largest softmax of all, and the oracle that is told the task."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from senpath.bench.protocol import KEPT, BenchCell, RowAnswers, TaskLesson, Unlabelled, held_out
from senpath.bench.rows.kept import Kept, learn_pathways, open_pathways
from senpath.evaluation import Single, Strategy
from senpath.methods import SenSettings
from senpath.network import Network
from senpath.pathways import count_activation
from senpath.types import DataType, Examples


class Senpath:
    """A network with its defaults. Pathways are those of the cell; the dispatcher is made anew."""

    title: ClassVar[str] = "senpath"
    about: ClassVar[str] = "A network with its default settings."
    given: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    pathways: ClassVar[bool] = True

    def __init__(self, cell: BenchCell) -> None:
        self.cell = cell
        self._kept, self._net = open_pathways(cell), Network(random_state=cell.seed)

    @staticmethod
    def takes(data_type: DataType) -> bool:
        return True

    def learn(self, lesson: TaskLesson) -> None:
        self._net.learn(lesson.task, lesson.examples, method=Kept(self._kept))
        self._type, self._classes = lesson.examples.data_type, lesson.examples.classes

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        view = self._net.view
        said = self._net.predict(_as_examples(asked, self._type, self._classes), reject=False)
        places, paths = view.places, view.paths
        task = np.array([places[name] for name in said.task])
        label = np.array([paths[place].classes.index(label) for place, label in zip(task, said.label.tolist(), strict=True)])
        candidates = np.full((len(asked), 2), -1)
        for row, names in enumerate(said.candidates):
            candidates[row, : len(names)] = [places[name] for name in names]
        weights = float(np.mean([ran.total - ran.encoder_weights for ran in said.activated]))
        return RowAnswers(task, label, candidates, said.ood_score, said.ood_score > 1, weights)


class _OfPathways:
    """Rows that read the pathways' outputs alone."""

    pathways: ClassVar[bool] = True

    def __init__(self, cell: BenchCell) -> None:
        self.cell, self.lessons = cell, list[TaskLesson]()
        self.net = open_pathways(cell)

    @staticmethod
    def takes(data_type: DataType) -> bool:
        return True

    def learn(self, lesson: TaskLesson) -> None:
        self.lessons.append(lesson)

    def _weights(self, tasks: list[str]) -> int:
        view = self.net.view
        return count_activation([view.pathway(task) for task in tasks], view.sizes).total


class LargestSoftmax(_OfPathways):
    """Every pathway runs; the surest answers."""

    title: ClassVar[str] = "largest softmax of all pathways"
    about: ClassVar[str] = "senpath's own pathways all run, and the surest answers (Hendrycks and Gimpel 2017); so all are candidates."
    given: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    _limit: float | None = None

    def learn(self, lesson: TaskLesson) -> None:
        super().learn(lesson)
        self._limit = None

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        if self._limit is None:
            self._limit = self._read_limit()
        doubts, labels = self._doubts(self.net, asked.inputs)
        task = doubts.argmin(1)
        rows = np.arange(len(task))
        doubt, everybody = doubts[rows, task], doubts.argsort(1)
        return RowAnswers(
            task, labels[rows, task], everybody, doubt, doubt > self._limit, self._weights([one.task for one in self.lessons])
        )

    def _doubts(self, net: Network, inputs: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """1 − the largest softmax of every task, float64 (n, tasks), and its label."""
        best = [torch.softmax(net.view.logits(one.task, inputs).double(), 1).max(1) for one in self.lessons]
        sure, labels = torch.stack([one.values for one in best], 1), torch.stack([one.indices for one in best], 1)
        return 1 - sure.cpu().numpy(), labels.cpu().numpy()

    def _read_limit(self) -> float:
        """By pathways that were learned without the examples held out: those that have seen them are too sure of them."""
        net, doubts = learn_pathways(self.cell, self.lessons, part=True), []
        for lesson in self.lessons:
            held = held_out(lesson.examples, self.cell.seed)
            doubts.append(self._doubts(net, lesson.examples.inputs[held])[0].min(1))
        return float(np.quantile(np.concatenate(doubts), KEPT))


class Oracle(_OfPathways):
    """The pathway of the right task."""

    title: ClassVar[str] = "oracle: the task is given"
    about: ClassVar[str] = "senpath's pathway of the task that the input is of: no router can make more of these pathways."
    given: ClassVar[bool] = True
    at_once: ClassVar[bool] = False

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        if truth is None:
            truth = np.zeros(len(asked), dtype=np.int64)
        label = np.zeros(len(asked), dtype=np.int64)
        for place in np.unique(truth):
            mine = truth == place
            outputs = self.net.view.logits(self.lessons[place].task, asked.inputs[torch.from_numpy(mine)])
            label[mine] = outputs.argmax(1).cpu().numpy()
        sizes = [self._weights([one.task]) for one in self.lessons]
        return RowAnswers(truth, label, truth[:, None], None, None, float(np.mean(sizes)))


class JointRow:
    """One model of all tasks' classes, learned from all examples at once."""

    title: ClassVar[str] = "joint model, all data at once"
    about: ClassVar[str] = (
        "One task of all classes, learned by the network's defaults from all tasks' examples together, from encoded inputs or the "
        "dispatcher's features, whichever serves better."
    )
    given: ClassVar[bool] = False
    at_once: ClassVar[bool] = True
    pathways: ClassVar[bool] = False
    CHOOSING = 20_000
    """Examples by which inputs or features are chosen, at most."""

    def __init__(self, cell: BenchCell) -> None:
        self.cell, self.lessons = cell, list[TaskLesson]()
        self.choice: dict[str, str | float] = {}
        self._model: Strategy | None = None

    @staticmethod
    def takes(data_type: DataType) -> bool:
        return True

    def learn(self, lesson: TaskLesson) -> None:
        self.lessons.append(lesson)
        self._model = None

    def answer(self, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
        if self._model is None:
            self._model = self._fit()
        sure = torch.softmax(self._model.logits("all", self._inputs(asked.inputs, asked)).double(), 1).cpu().numpy()
        doubt, column = 1 - sure.max(1), sure.argmax(1)
        sizes = [len(lesson.examples.classes) for lesson in self.lessons]
        owners, labels = np.repeat(np.arange(len(sizes)), sizes)[column], np.concatenate([np.arange(size) for size in sizes])[column]
        return RowAnswers(owners, labels, owners[:, None], doubt, doubt > self._limit, self._model.activated("all"))

    def _inputs(self, inputs: torch.Tensor, having: Unlabelled | TaskLesson) -> torch.Tensor:
        return having.features if self.choice["reads"] == "features" else inputs

    def _fit(self) -> Strategy:
        best, held = -1.0, torch.cat([held_out(lesson.examples, self.cell.seed) for lesson in self.lessons])
        for reads in ("inputs", "features") if self.lessons[0].examples.data_type.form == "image" else ("inputs",):
            self.choice = {"reads": reads}
            everything = self._together()
            fitted, asked = everything.subset(self._some(everything.targets, ~held)), everything.subset(held)
            outputs = self._learned(fitted).logits("all", asked.inputs)
            right = float((outputs.argmax(1).cpu() == asked.targets).double().mean())
            if right > best:
                best, doubt = right, 1 - torch.softmax(outputs.double(), 1).max(1).values.cpu().numpy()
                limit, choice = float(np.quantile(doubt, KEPT)), {"reads": reads, "held-out": round(right, 4)}
        self.choice, self._limit = choice, limit
        return self._learned(self._together())

    def _together(self) -> Examples:
        """The examples of all tasks, classes counted over them."""
        starts = np.cumsum([0, *(len(lesson.examples.classes) for lesson in self.lessons)])
        inputs = torch.cat([self._inputs(lesson.examples.inputs, lesson) for lesson in self.lessons])
        targets = torch.cat([lesson.examples.targets + int(start) for lesson, start in zip(self.lessons, starts, strict=False)])
        data_type = self.lessons[0].examples.data_type
        if self.choice["reads"] == "features":
            data_type = DataType("image", (inputs.shape[1],), {"encoder": {"name": "dispatcher", "weights": 0, "sha256": ""}})
        return Examples(data_type, inputs, targets, tuple(range(int(starts[-1]))))

    def _some(self, targets: torch.Tensor, may: torch.Tensor) -> torch.Tensor:
        """Places of at most CHOOSING of the examples that may be learned from, of every class one at least."""
        order = torch.nonzero(may)[:, 0]
        order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(self.cell.seed))]
        first = torch.from_numpy(np.unique(targets[order].numpy(), return_index=True)[1])
        chosen: torch.Tensor = torch.cat([order[first], order])[: self.CHOOSING].unique()
        return chosen

    def _learned(self, examples: Examples) -> Strategy:
        return Single().learn("all", examples, SenSettings(random_state=self.cell.seed))


def _as_examples(asked: Unlabelled, data_type: DataType, classes: tuple[object, ...]) -> Examples:
    """Encoded inputs as a network takes them; the targets are not read."""
    return Examples(data_type, asked.inputs, torch.zeros(len(asked), dtype=torch.int64), classes)  # type: ignore[arg-type]
