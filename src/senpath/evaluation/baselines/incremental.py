"""One backbone and one output layer that grows by each task's classes: training on each task in turn, or on all of them at once."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Self

import torch
from torch import nn
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.parts import Baseline, cost_of, fresh_part, of_task, size
from senpath.evaluation.strategy import Answers, Classes, best_of
from senpath.methods import SenSettings
from senpath.methods.sen.model import Backbone, choose_backbone, recipe_for
from senpath.pathways import LearningCost
from senpath.seeds import derive, seeded
from senpath.training import Augmentation, Descent, passes, training_steps
from senpath.types import DataType, Examples

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of inputs (n, …) and their columns, int64 (n,): a scalar."""
ADAM, SGD = "adam", "sgd"
"""SEN's own recipe, along its schedule; and stochastic gradient descent without momentum at a constant rate, as many papers have it."""


class GrowingClassifier(nn.Module):
    """A backbone and an output layer with a column for each class of all tasks.

    Args:
        backbone: inputs (n, …) → (n, units).
        head: (n, units) → (n, columns).
    """

    def __init__(self, backbone: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.head(self.backbone(inputs))
        return answer

    def grown(self, columns: int) -> GrowingClassifier:
        """A copy with so many more columns, whose weights are drawn as torch draws them.

        Zeros, as every output layer here has them at first, are no start beside columns that are trained: the hidden units are then pushed
        down by those alone, and many never answer again.
        """
        head = nn.Linear(self.head.in_features, self.head.out_features + columns)
        with torch.no_grad():
            for new, old in zip(head.parameters(), self.head.parameters(), strict=True):
                new[: len(old)] = old
        return GrowingClassifier(copy.deepcopy(self.backbone).requires_grad_(True), head)


@dataclass(frozen=True)
class Lesson:
    """A task while it is learned.

    Args:
        model: with the task's columns, to be trained.
        plan: what its backbone is.
        examples: with columns as targets.
        rivals: columns among which the loss chooses: those of all tasks so far, or of this one.
        new: this task's columns.
        settings: of the training.
        optimizer: ADAM or SGD.
    """

    model: GrowingClassifier
    plan: Backbone
    examples: Examples
    rivals: range
    new: range
    settings: SenSettings
    optimizer: str = ADAM

    def cross_entropy(self, logits: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Among the rivals."""
        return functional.cross_entropy(logits[:, self.rivals.start : self.rivals.stop], columns - self.rivals.start)

    def plain(self, inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """The loss of a learner that does nothing against forgetting."""
        return self.cross_entropy(self.model(inputs), columns)

    def steps(self, loss: Loss) -> Iterator[int]:
        """Minimise a loss by the optimizer: a generator, so that whoever iterates may look between two steps."""
        if self.settings.epochs == 0:
            return
        recipe, seed = recipe_for(self.plan.kind, self.examples, self.settings), derive(self.settings.random_state, "train")
        generator, augment = torch.Generator().manual_seed(seed), Augmentation(distortion=recipe.augment)
        inputs, columns = self.examples.inputs, self.examples.targets
        if self.optimizer == SGD:
            descent = Descent(torch.optim.SGD(self.model.parameters(), lr=recipe.learning_rate), steps=recipe.steps, warm_up=None)
        else:
            adam = torch.optim.Adam(self.model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay, fused=True)
            descent = Descent(adam, steps=recipe.steps, clip=recipe.clip)

        def of_batch(batch: torch.Tensor) -> torch.Tensor:
            return loss(augment(inputs[batch], generator) if recipe.augment else inputs[batch], columns[batch])

        self.model.train()
        batches = islice(passes(len(inputs), recipe.batch_size, generator), recipe.steps)
        yield from training_steps(batches, of_batch, descent)
        self.model.eval()

    def fit(self, loss: Loss) -> None:
        """All steps."""
        for _ in self.steps(loss):
            pass


@dataclass(frozen=True)
class Incremental(Baseline):
    """A learner with one growing output layer.

    Args:
        heads: "one": classes of all tasks compete in training and answering, so that tasks can be found (class-incremental); "each": in
            training only those of the task itself (task-incremental).
        optimizer: "adam": SEN's own recipe, along its schedule of the learning rate; "sgd": stochastic gradient descent without momentum
            at a constant learning rate, as many papers have it.

    Raises:
        InputError: for other heads or another optimizer.
    """

    heads: str = "one"
    optimizer: str = ADAM
    model: GrowingClassifier | None = None
    columns: Mapping[str, range] = field(default_factory=dict)
    kind: tuple[str, str] | None = None
    prototypes: torch.Tensor | None = None
    cost: LearningCost | None = None

    def __post_init__(self) -> None:
        if self.heads not in ("one", "each"):
            raise InputError("setting 'heads'", expected="'one' or 'each'", got=repr(self.heads))
        if self.optimizer not in (ADAM, SGD):
            raise InputError("setting 'optimizer'", expected=f"{ADAM!r} or {SGD!r}", got=repr(self.optimizer))

    @abstractmethod
    def teach(self, lesson: Lesson) -> dict[str, Any]:
        """Train the lesson's model in place; returns the fields that the learner has next, beside those that all have."""

    @property
    def tasks(self) -> Iterable[str]:
        return self.columns

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Self:
        kind = (examples.data_type.key, repr(choose_backbone(settings.model, examples.data_type, settings.hidden)))
        if self.kind not in (None, kind):
            raise InputError(f"task {task!r}", expected="inputs and a model as the shared backbone has them", got=f"{kind[0]} data")
        plan, backbone, head = fresh_part(examples, settings)
        known = self.model.head.out_features if self.model is not None else 0
        with seeded(derive(settings.random_state, "columns", known)):
            model = GrowingClassifier(backbone, head) if self.model is None else self.model.grown(len(examples.classes))
        new = range(known, known + len(examples.classes))
        labelled = replace(examples, targets=examples.targets + known)
        rivals = new if self.heads == "each" else range(new.stop)
        fields = self.teach(Lesson(model, plan, labelled, rivals, new, settings, self.optimizer))
        learned: GrowingClassifier = fields.pop("model", model)
        cost = cost_of(0, size([learned]), size([learned]))
        return replace(self, model=learned, columns={**self.columns, task: new}, kind=kind, cost=cost, **fields)

    def modules(self, task: str) -> list[nn.Module]:
        of_task(self.columns, task)
        return [] if self.model is None else [self.model]

    @torch.no_grad()
    def outputs(self, inputs: torch.Tensor) -> torch.Tensor:
        """How much each column is answered, float32 (n, columns): logits, or where there are prototypes less distance to them."""
        if self.model is None:
            raise InputError("learner", expected="one that has learned a task", got="one that has not")
        if self.prototypes is None:
            logits: torch.Tensor = self.model(inputs)
            return logits
        features = functional.normalize(self.model.backbone(inputs), dim=1)
        return -torch.cdist(features, self.prototypes).square()

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        places = of_task(self.columns, task)
        return self.outputs(inputs)[:, places.start : places.stop]

    def find(self, test: Examples, tasks: Classes) -> Answers:
        """The best column of all where their classes have competed; else see `Strategy.find`."""
        if self.heads == "each" and self.prototypes is None:
            return super().find(test, tasks)
        return best_of(self.outputs, test.inputs, self.columns, tasks)

    def takes(self, data_type: DataType) -> bool:
        return self.kind is None or self.kind[0] == data_type.key


@dataclass(frozen=True)
class Sequential(Incremental):
    """Trained on each task in turn, and nothing is done against forgetting."""

    @property
    def name(self) -> str:
        return "sequential"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        lesson.fit(lesson.plain)
        return {}


@dataclass(frozen=True)
class Joint(Incremental):
    """A new model for each task, trained on the examples of all tasks so far, which are kept: what forgetting is measured against."""

    seen: Sequence[Examples] = ()

    @property
    def name(self) -> str:
        return "joint"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        seen = (*self.seen, lesson.examples)
        together = replace(
            lesson.examples, inputs=torch.cat([part.inputs for part in seen]), targets=torch.cat([part.targets for part in seen])
        )
        one_of_all = replace(together, classes=tuple(range(lesson.new.stop)))
        plan, backbone, head = fresh_part(one_of_all, lesson.settings)
        model = GrowingClassifier(backbone, head)
        whole = replace(lesson, model=model, plan=plan, examples=together, rivals=range(lesson.new.stop))
        whole.fit(whole.plain)
        return {"model": model, "seen": seen}
