"""Progressive neural networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.parts import Baseline, cost_of, fresh_part, of_task, size, train
from senpath.methods import SenSettings
from senpath.pathways import LearningCost
from senpath.seeds import derive, seeded
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class _Column:
    """One task's part of a progressive network."""

    backbone: nn.Module
    head: nn.Linear
    lateral: Lateral | None
    reads: tuple[str, ...]

    @property
    def own(self) -> list[nn.Module]:
        return [part for part in (self.backbone, self.head, self.lateral) if part is not None]


@dataclass(frozen=True)
class Pnn(Baseline):
    """Progressive neural networks (Rusu et al. 2016): a new column per task that reads all earlier ones, which are frozen.

    With one hidden layer the lateral connections go from the earlier columns' hidden layers to the new output layer:
    logits = W h + U relu(V [α₁h₁ … αₖhₖ]) (their equation 2, the non-linear adapter).

    Args:
        columns: of the tasks so far, by name.
        kind: the kind and the shape of inputs that they read; None before the first.
        cost: of the task learned last.

    Example:
        >>> from senpath.evaluation import Pnn
        >>> examples = net.encode_examples(x, y)
        >>> learned = Pnn().learn("low", examples, sp.SenSettings(epochs=1))
        >>> learned.cost is not None
        True
    """

    columns: Mapping[str, _Column] = field(default_factory=dict)
    kind: tuple[str, tuple[int, ...]] | None = None
    cost: LearningCost | None = None

    @property
    def name(self) -> str:
        return "PNN"

    @property
    def tasks(self) -> Iterable[str]:
        return self.columns

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Pnn:
        kind = _kind(examples.data_type)
        if not self.takes(examples.data_type):
            raise InputError(f"task {task!r}", expected=f"inputs as the earlier columns read them, {self.kind}", got=kind)
        reads = tuple(self.columns)
        plan, module, head = fresh_part(examples, settings)
        with seeded(derive(settings.random_state, "lateral")):
            lateral = Lateral([self.columns[name].head.in_features for name in reads], plan.outputs, head.out_features) if reads else None
        column = _Column(module, head, lateral, reads)
        train(_Progressive(column, self._read_by(column)), plan, examples, settings)
        cost = cost_of(size(self._read_by(column)), size(column.own), self.weights + size(column.own))
        return Pnn({**self.columns, task: column}, kind, cost)

    def modules(self, task: str) -> list[nn.Module]:
        column = of_task(self.columns, task)
        return [*column.own, *self._read_by(column)]

    @torch.no_grad()
    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        column = of_task(self.columns, task)
        return _column_logits(column, self._read_by(column), inputs)

    def _read_by(self, column: _Column) -> list[nn.Module]:
        return [self.columns[name].backbone for name in column.reads]

    def takes(self, data_type: DataType) -> bool:
        return self.kind in (None, _kind(data_type))


class Lateral(nn.Module):
    """U relu(V [α₁h₁ … αₖhₖ]): earlier columns' hidden units → a column's outputs.

    Args:
        reads: hidden units of each earlier column.
        hidden: units between, as many as the column has.
        outputs: classes.
    """

    def __init__(self, reads: Sequence[int], hidden: int, outputs: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(0.1 * torch.rand(len(reads)))  # "different random small values"
        self.project = nn.Linear(sum(reads), hidden)
        self.out = nn.Linear(hidden, outputs, bias=False)

    def forward(self, hidden: Sequence[torch.Tensor]) -> torch.Tensor:
        scaled = torch.cat([scale * part for scale, part in zip(self.scales, hidden, strict=True)], dim=1)
        answer: torch.Tensor = self.out(functional.relu(self.project(scaled)))
        return answer


class _Progressive(nn.Module):
    """A column's loss while it is trained."""

    def __init__(self, column: _Column, earlier: Sequence[nn.Module]) -> None:
        super().__init__()
        self.own = nn.ModuleList(column.own)
        self._column, self._earlier = column, earlier  # no part of this module: frozen, or in `own` already

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(_column_logits(self._column, self._earlier, inputs), targets)


def _kind(data_type: DataType) -> tuple[str, tuple[int, ...]]:
    return data_type.key, data_type.shape


def _column_logits(column: _Column, earlier: Sequence[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    own: torch.Tensor = column.head(column.backbone(inputs))
    if column.lateral is None:
        return own
    with torch.no_grad():
        hidden = [backbone(inputs) for backbone in earlier]
    answer: torch.Tensor = own + column.lateral(hidden)
    return answer
