"""What is kept of a type and of a task: the values of network.json and of its pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ConfigDict

from senpath.pathways import Pathway
from senpath.store.objects import Segment
from senpath.types import DataType

STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class MetricRecord:
    """The metric in which the dispatcher compares a type's tasks. It is renewed now and then, not with every task.

    Args:
        file: its name, in `dispatcher/`.
        sha256: its content's hash.
        tasks: how many it was made of.
        shared: numbers in it with which columns are looked up; 0 where there is no index.
        each: numbers by which each column is looked up.
    """

    file: str
    sha256: str
    tasks: int
    shared: int = 0
    each: int = 0


@dataclass(frozen=True)
class TypeRecord:
    """One data type: its encoding, its fixed feature map, and where the dispatcher's statistics of it are.

    Args:
        features: hash of the component that is the feature map.
        rows: rows in the type's file of columns that are taken; the next task's begin there.
        width: numbers in a row.
        columns: name of the file of columns, in `dispatcher/`.
        covariances: hash of each covariance that is kept, by its task, in the order of learning; tasks of which earlier formats had added
            them up share the mean of these.
        pooled: name of the file with what formats 1 to 6 added up, in `dispatcher/`; empty once a commit has put its mean in its place.
        pooled_sha256: its content's hash.
        summed: how many covariances are in it: one for each task that there ever was.
        segments: the objects that its columns are in, one after another; none where they are in the one file.
        metric: where the metric is; None where the dispatcher has no need of one, or an earlier senpath wrote the folder.
    """

    data_type: DataType
    features: str
    rows: int
    width: int
    columns: str = ""
    covariances: dict[str, str] = field(default_factory=dict)
    pooled: str = ""
    pooled_sha256: str = ""
    summed: int = 0
    metric: MetricRecord | None = None
    segments: tuple[Segment, ...] = ()

    @property
    def files(self) -> set[str]:
        """Names of the files in `dispatcher/` that it needs."""
        names = {self.columns, self.pooled, *map(covariance_file, self.covariances.values())}
        return (names | {self.metric.file} if self.metric is not None else names) - {""}


def covariance_file(name: str) -> str:
    """Name of the file, in `dispatcher/`, of the covariance of this hash."""
    return f"{name}.covariance"


@dataclass(frozen=True)
class StatisticsRecord:
    """Where the dispatcher's own columns of one task are, and the single numbers that go with them.

    Args:
        first: first row in the type's file of columns.
        rows: how many rows.
        sha256: hash of these rows.
        counts: examples behind each row.
        figures: other numbers of the task that the dispatcher keeps, by name.
        gate: hash of the task's own gate, where the network's dispatcher has one per task.
        owners: see `TaskStatistics`.
    """

    first: int
    rows: int
    sha256: str
    counts: tuple[float, ...]
    figures: dict[str, float] = field(default_factory=dict)
    gate: str | None = None
    owners: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Probe:
    """A seeded input and what the pathway answered to it when it was learned."""

    seed: int
    output: tuple[float, ...]


@dataclass(frozen=True)
class TaskRecord:
    """One task: its pathway, the dispatcher's statistics of it, its probe, and the version that brought it.

    Args:
        misled: what bringing it did to the tasks of its type that there were, see `Learned`.
        description: what people have said that it is for; "" if nothing.
    """

    pathway: Pathway
    statistics: StatisticsRecord
    probe: Probe
    version: int
    misled: float = 0.0
    description: str = ""
