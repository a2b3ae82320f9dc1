"""Learned parameter allocation: tasks learned together, and which components each uses (Maziarz et al. 2019, arXiv 1910.04915)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senpath.methods.allocation.blueprint import make_blueprint
from senpath.methods.allocation.config import NAME, AllocationSettings
from senpath.methods.allocation.propose import results_of
from senpath.methods.allocation.train import Lesson, Training
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View, one_type
from senpath.training import spare
from senpath.types import DataType, Examples


class Allocation:
    """Several tasks learned together in layers of components, of which each task comes to use some.

    A matrix of probabilities, tasks × components, is learned with the weights by the straight-through Gumbel-softmax. In the network a
    task's pathway then has only what it uses; tasks that use the same in a layer share that layer. Nothing that exists is changed.

    Args:
        settings: by name, see `AllocationSettings`.
    """

    name = NAME
    settings_class = AllocationSettings

    def __init__(self, **settings: Any) -> None:
        self.settings = AllocationSettings(**settings)

    def check(self, data_type: DataType) -> None:
        """Refuse what cannot be learned.

        Raises:
            InputError: if the type cannot be learned, or the settings do not fit it.
        """
        make_blueprint(data_type, self.settings)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn one task by itself; nothing of the network is written."""
        return self.propose_many(view, {task: examples}, progress)[task]

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        """Learn tasks of one type of data together; nothing of the network is written.

        Raises:
            InputError: if they are of several types, or one that cannot be learned.
        """
        blueprint = make_blueprint(one_type(tasks), self.settings)
        lessons = [self._lesson(examples, task) for task, examples in tasks.items()]
        training = Training(lessons, blueprint, self.settings, view.device)
        training.run(progress)
        training.keep_best()
        return results_of([*tasks], training, blueprint, self.settings)

    def _lesson(self, examples: Examples, task: str) -> Lesson:
        fitted, held = spare(examples, self.settings.validation, derive(self.settings.random_state, "held out", task))
        return Lesson(examples.subset(fitted), examples.subset(held))
