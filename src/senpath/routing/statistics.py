"""What the dispatcher keeps of a task: means and covariances of features, never examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
import torch

from senpath.components import CONV_FEATURES, DENSE_FEATURES, TOKEN_FEATURES, UNIT_FEATURES, Component, ComponentKind
from senpath.progress import Progress, silent
from senpath.routing.covariances import covariance_of, pack
from senpath.routing.dispatcher import fit_gate, read_features
from senpath.routing.limits import limit_of
from senpath.seeds import derive
from senpath.tasks import TaskKind
from senpath.training import Augmentation, distinct
from senpath.types import Examples


@dataclass(frozen=True)
class Tuning:
    """What fits one kind of features.

    Args:
        temperature: divides log-likelihood ratios, which take the features for more independent than they are.
        correction: share of the expected error of a column's mean that is made good; few examples would else look far away. A task whose
            figures have a "correction" has its own.
        careful: whether few examples are allowed for in full. The metric is shrunk the more, the fewer examples stand behind it, see
            `scarcity`; and a task of few examples counts its own columns.
    """

    temperature: float
    correction: float
    careful: bool


TUNING = {
    CONV_FEATURES: Tuning(15.0, 0.3, careful=False),
    DENSE_FEATURES: Tuning(2.0, 0.3, careful=False),
    UNIT_FEATURES: Tuning(4.0, 1.0, careful=True),
    TOKEN_FEATURES: Tuning(4.0, 1.0, careful=True),
}


SINCE = {CONV_FEATURES: {"correction": 0.45, "temperature": 10.0}}
"""What has been chosen for a kind of features since, and is kept with each task: earlier tasks answer as they did
(docs/results/routing-trials.md)."""
TEXTS = {"temperature": 6.0, "prior": 0.7}
"""The same for texts behind an encoder."""
VOTE, VOTE_OF_FEW = 1 / 2, 2 / 3
"""Weight of what the columns of drawn pictures say of an input's class, beside its pathway; and where a task is one of few examples."""


def temperature_of(kind: ComponentKind, tasks: Iterable[Mapping[str, float]]) -> float:
    """By what the log-likelihood ratios of a type's tasks are divided: the least that their figures say, if all of them say so."""
    own = [figures.get("temperature") for figures in tasks]
    given = [temperature for temperature in own if temperature is not None]
    return min(given) if given and len(given) == len(own) else TUNING[kind].temperature


def scarcity(careful: bool, features: int, counts: Iterable[Sequence[float]]) -> float:
    """Features per example behind the tasks' mean covariance: what is added to its shrinkage.

    The mean of covariances with d₁, d₂ … degrees of freedom each is as uncertain as one with k² / Σ 1/d.

    Args:
        careful: see `Tuning`; if not, nothing is added.
        features: how many.
        counts: for each task the examples behind its columns.
    """
    if not careful:
        return 0.0
    shares = [1 / max(1.0, sum(mine) - len(mine)) for mine in counts]
    return features * sum(shares) / len(shares) ** 2


@dataclass(frozen=True)
class TaskStatistics:
    """The dispatcher's knowledge of one task, from that task's examples alone.

    Args:
        columns: float32 (columns, features), mean features of groups of examples of one class. They never change.
        counts: float64 (columns,), how many different examples stand behind each.
        covariance: float32 (features · (features + 1) / 2,), the upper triangle of the covariance within the groups. Tasks of a type are
            compared in a metric made of theirs, each with the same weight whatever the task's size. None where a task gets new columns.
        figures: "limit", the squared distance beyond which an input is too strange for the task, "few", 1 for a task of few
            examples, else 0, and where there are such: "softness", see `soft_nearest`, "correction" and "temperature", see
            `Tuning`, "prior", the share of its mixture's log size that is taken off, and "vote", see `ColumnVote`.
        gate: the task's own model, for the binary dispatcher.
        owners: the class of each column, an index, or None where that is not known; empty where there is one column a class, in order.
    """

    columns: np.ndarray
    counts: np.ndarray
    covariance: np.ndarray | None
    figures: dict[str, float] = field(default_factory=dict)
    gate: Component | None = None
    owners: tuple[int | None, ...] = ()


READ = 5_000
"""Examples of a task that are read, at most (but 20 of each class where a task has very many)."""
HELD = 500
"""Of these, how many only set the task's limit, at most; never more than a tenth."""
LEAST_HELD = 50
"""Where a tenth is fewer than this, none is held out, and each example is judged against its column without it: a limit read off
nine examples would refuse one in ten."""
FEW = 20
"""Tasks with fewer examples a class than this, on average, are read together with distorted copies."""
COPIES = 12
"""Of each of their images: an even number, half of them opposite to the others (docs/results/foundation.md)."""
COLUMNS, EXAMPLES_PER_COLUMN = 6, 20
"""Columns of a class: at most 6, one for every 20 examples. Handwriting comes in several forms of a letter."""
COLUMNS_WITHOUT_CLASSES = 30
"""Columns of a task without classes, of several labels or of numbers, at most."""
CHUNK = 1000
FAR = 10.0
"""Times the median distance; no example of the real sets in docs/results/drift.md is further from the median."""
MEDIAN_OF = 31
"""Examples that the median is taken of, at most."""
SOFTNESS = 0.25
"""Of texts behind an encoder, how far the columns further than the nearest one count too, as a share of the mean squared distance of
examples from their columns (docs/results/routing-trials.md)."""


@dataclass(frozen=True)
class Collected:
    """A task's statistics before its limit is known, and what the limit is read off.

    Args:
        means: float32 (columns, features).
        counts: examples behind each column.
        scatter: float32 (features, features), covariance within the columns' groups; below its diagonal there are zeros.
        held: float32 (n, features), examples that stand behind no column, or behind the one that `means_without` gives without them.
        means_without: float32 (n, features), or None where `held` examples stand behind no column.
        stand_behind: int64 (n,), the column that each of them stands behind, or None likewise.
        features: float32 (m, features), the examples behind the columns.
        few: whether it was read as a task of few examples.
        classes: int64 (columns,), the class of each column.
        careful: see `Tuning`.
        drawn: whether they are features of drawn pictures.
        strangers: see `DataType.strangers`.
        softness: see `soft_nearest`.
        tuned: figures of its kind of features, see `SINCE`.
    """

    means: torch.Tensor
    counts: torch.Tensor
    scatter: torch.Tensor
    held: torch.Tensor
    means_without: torch.Tensor | None
    stand_behind: torch.Tensor | None
    features: torch.Tensor
    few: bool
    classes: torch.Tensor
    careful: bool
    drawn: bool = False
    strangers: bool = False
    softness: float = 0.0
    tuned: Mapping[str, float] = field(default_factory=dict)


def collect(
    examples: Examples,
    features: Component,
    seed: int,
    *,
    device: torch.device,
    few: bool | None = None,
    progress: Progress = silent,
) -> Collected:
    """One task's columns and covariance from its own examples.

    Args:
        examples: of each of their classes at least one; copies count once.
        features: the data type's feature map, on `device`.
        seed: decides which examples are read, and the copies.
        few: whether to read them as those of a task of few examples; None goes by their number.
    """
    generator = torch.Generator().manual_seed(derive(seed, "dispatch"))
    exclusive = examples.task_kind.exclusive
    if examples.task_kind.strata(examples.targets) is None:  # one class of all
        examples = replace(examples, targets=torch.zeros(len(examples), dtype=torch.int64), classes=("all",))
    examples = distinct(examples)  # a limit that is read off copies lets in little else
    if few is None:
        few = is_few(examples.task_kind, len(examples), len(examples.classes))
    collected = (_collect_few if few else _collect_many)(examples, _Reader(features, device, progress), generator)
    if features.kind == UNIT_FEATURES and examples.data_type.modality == "text":
        return replace(collected, softness=SOFTNESS * float(collected.scatter.diagonal().double().sum()), tuned=TEXTS)
    drawn, tuned = features.kind == CONV_FEATURES, SINCE.get(features.kind, {})
    if drawn and exclusive:
        tuned = {**tuned, "vote": VOTE_OF_FEW if few else VOTE}
    return replace(collected, drawn=drawn, tuned=tuned)


def is_few(kind: TaskKind, examples: int, classes: int) -> bool:
    """Whether a task is read as one of few examples."""
    return examples < FEW * kind.groups(classes)


class _Reader:
    """Computes features chunk by chunk."""

    def __init__(self, features: Component, device: torch.device, progress: Progress) -> None:
        self.features, self.device, self.progress = features, device, progress
        self.careful = TUNING[features.kind].careful

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        parts = []
        for start in range(0, len(inputs), CHUNK):
            parts.append(read_features(self.features, inputs[start : start + CHUNK].to(self.device)))
            self.progress("dispatcher", min(start + CHUNK, len(inputs)), len(inputs))
        return torch.cat(parts)


def _within_reach(features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Features (n, features) of examples of these classes (n,), those far from all others of their class brought nearer.

    One wrong cell in a table is not to move means and variances. Far is more than FAR times the median distance from the class's median.
    """
    groups = targets.argsort(stable=True).split(targets.bincount().tolist())
    some = [group[:: ceil(len(group) / MEDIAN_OF) or 1] for group in groups]
    medians = torch.stack([_median(features[places]) if len(places) else features[0] for places in some])
    distances = torch.linalg.vector_norm(features - medians[targets], dim=1)
    reach = FAR * distances.median()
    far = distances > reach
    if not bool(far.any()) or not bool(reach > 0):
        return features
    nearer = features.clone()
    middle = medians[targets[far]]
    nearer[far] = middle + (features[far] - middle) * (reach / distances[far])[:, None]
    return nearer


def _median(rows: torch.Tensor) -> torch.Tensor:
    """The median of each column, of two the smaller, as torch has it, in half the time."""
    middle = (len(rows) - 1) // 2
    return torch.from_numpy(np.partition(rows.cpu().numpy(), middle, axis=0)[middle]).to(rows.device)


def _collect_many(examples: Examples, read: _Reader, generator: torch.Generator) -> Collected:
    index = _bounded(examples.targets, max(FEW, ceil(READ / len(examples.classes))), generator)
    held_out = min(HELD, len(index) // 10) if len(index) >= 10 * LEAST_HELD else 0
    targets = examples.targets[index].to(read.device)
    features = _within_reach(read(examples.inputs[index]), targets)
    held, features, targets = features[:held_out], features[held_out:], targets[held_out:]
    most = COLUMNS if examples.task_kind.exclusive else COLUMNS_WITHOUT_CLASSES
    means, counts, rests, classes = [], [], [], []
    for target in range(len(examples.classes)):
        group = features[targets == target]
        if not len(group):  # every example of a rare class was held out
            group = held[examples.targets[index[:held_out]] == target]
        parts = _split(group, max(1, min(most, len(group) // EXAMPLES_PER_COLUMN)), generator)
        for part in range(int(parts.max()) + 1):
            members = group[parts == part]
            if len(members):
                means.append(members.mean(0))
                counts.append(len(members))
                classes.append(target)
                rests.append(members - means[-1])
    scatter = covariance_of(torch.cat(rests))
    without = behind = None
    if not held_out:
        several = [(place, rest, means[place]) for place, rest in enumerate(rests) if len(rest) > 1]
        none = features[:0]  # where each class has one example, as where a task is extended by few, there is nothing to judge by
        held = torch.cat([none, *(rest + mean for _, rest, mean in several)])
        without = torch.cat([none, *(mean - rest / (len(rest) - 1) for _, rest, mean in several)])
        behind = torch.cat([torch.zeros(0, dtype=torch.int64), *(torch.full((len(rest),), place) for place, rest, _ in several)])
    numbers, owners, careful = torch.tensor(counts).double(), torch.tensor(classes), read.careful
    strangers = examples.data_type.strangers
    return Collected(torch.stack(means), numbers, scatter, held, without, behind, features, False, owners, careful, strangers=strangers)


def _collect_few(examples: Examples, read: _Reader, generator: torch.Generator) -> Collected:
    """One column a class; every example counts with its distorted copies, and each is held out in turn for the limit."""
    copies = COPIES if examples.data_type.form == "image" else 0
    plain = read(examples.inputs)
    groups = [plain[:, None]]
    if copies:
        drawn = Augmentation(distortion=1.0, opposed=copies // 2)(examples.inputs.repeat_interleave(copies, 0), generator)
        groups.append(read(drawn).view(len(plain), copies, -1))
    features = torch.cat(groups, 1)  # (examples, 1 + copies, features)
    targets = examples.targets.to(features.device)
    features = _within_reach(features.flatten(0, 1), targets.repeat_interleave(features.shape[1])).view(features.shape)
    plain, own = features[:, 0], features.mean(1)
    counts = targets.bincount(minlength=len(examples.classes))
    means = torch.zeros(len(counts), own.shape[1], device=own.device).index_add(0, targets, own) / counts[:, None]
    scatter = covariance_of((features - means[targets][:, None]).flatten(0, 1))
    size = counts[targets][:, None]
    several = size[:, 0] > 1
    without = ((means[targets] * size - own) / (size - 1).clamp(min=1))[several]
    numbers, owners, behind = counts.double().cpu(), torch.arange(len(counts)), targets[several]
    held, everything = plain[several], features.flatten(0, 1)
    return Collected(means, numbers, scatter, held, without, behind, everything, few=True, classes=owners, careful=read.careful)


def _bounded(targets: torch.Tensor, per_class: int, generator: torch.Generator) -> torch.Tensor:
    """Random examples, at most `per_class` of each class, in random order."""
    order = torch.randperm(len(targets), generator=generator)
    kept = torch.cat([order[targets[order] == target][:per_class] for target in targets.unique()])
    return kept[torch.randperm(len(kept), generator=generator)]


def _split(points: torch.Tensor, groups: int, generator: torch.Generator) -> torch.Tensor:
    """k-means (Lloyd 1982), ten rounds at most: the group of each point, int64."""
    centres = points[torch.randperm(len(points), generator=generator)[:groups]].clone()
    nearest = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    for turn in range(10 if groups > 1 else 0):
        before, nearest = nearest, (centres.square().sum(1) - 2 * points @ centres.T).argmin(1)
        if turn and torch.equal(nearest, before):
            break  # further rounds would change nothing
        for group in range(groups):
            mine = nearest == group
            if bool(mine.any()):
                centres[group] = points[mine].mean(0)
    return nearest


def statistics_of(collected: Collected, *, gate: bool) -> TaskStatistics:
    """What is kept of what was collected; with `gate` the task's own model too."""
    figures = {"limit": limit_of(collected), "few": float(collected.few)}
    if collected.softness:
        figures["softness"] = collected.softness
    figures |= collected.tuned
    classes, one_each = collected.classes, torch.arange(len(collected.means))
    apart = collected.held if collected.means_without is None else collected.held[:0]  # else they are among the features
    each = len(collected.features) // int(collected.counts.sum())
    return TaskStatistics(
        columns=collected.means.cpu().numpy(),
        counts=collected.counts.numpy(),
        covariance=pack(collected.scatter),
        figures=figures,
        gate=fit_gate(collected.features, apart, each) if gate else None,
        owners=() if "vote" not in figures or torch.equal(classes, one_each) else tuple(classes.tolist()),
    )


@dataclass(frozen=True)
class MeanColumn:
    """One column of a task.

    Args:
        mean: float32 (features,).
        count: examples behind it.
        of: its class, an index; None where that is not known.
    """

    mean: np.ndarray
    count: float
    of: int | None


def columns_of(statistics: TaskStatistics, classes: Sequence[int | None]) -> list[MeanColumn]:
    """The columns of a task, of these classes."""
    return [
        MeanColumn(mean, float(count), of) for mean, count, of in zip(statistics.columns, statistics.counts.tolist(), classes, strict=True)
    ]


def merge_columns(
    before: Sequence[MeanColumn], new: Sequence[MeanColumn], classes: int, refused: Callable[[np.ndarray], bool] = lambda mean: False
) -> list[MeanColumn]:
    """The columns of a task that gets further examples: those that it has, in their order, then the added ones.

    A class that has one column and gets one has the mean of all its examples then. A class that the task did not have gets all its
    columns. Any other gets further ones if they stand for EXAMPLES_PER_COLUMN examples together, or are refused so far; others say
    nothing that its columns do not.

    Args:
        classes: how many the task had; later ones are new.
        refused: whether a mean (features,) is further from all columns of the task than an input may be.
    """
    merged = list(before)
    added: list[MeanColumn] = []
    for of in dict.fromkeys(column.of for column in new):
        mine = [column for column in new if column.of == of]
        places, strange = [place for place, column in enumerate(before) if column.of == of], [one for one in mine if refused(one.mean)]
        if len(places) == 1 and len(mine) == 1 and not strange:
            merged[places[0]] = _mean(before[places[0]], mine[0])
        elif (of is not None and of >= classes) or sum(column.count for column in mine) >= EXAMPLES_PER_COLUMN:
            added += mine
        else:
            added += strange
    return merged + added


def merge_limits(before: float, seen: int, new: float, examples: int) -> float:
    """The mean of two limits, weighted by the examples that each was read off; distances are in the same features for ever."""
    return (before * seen + new * examples) / max(1, seen + examples)


def _mean(one: MeanColumn, other: MeanColumn) -> MeanColumn:
    count = one.count + other.count
    mean = (one.mean.astype(np.float64) * one.count + other.mean.astype(np.float64) * other.count) / count
    return MeanColumn(mean.astype(np.float32), count, one.of)
