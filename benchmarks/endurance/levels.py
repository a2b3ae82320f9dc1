"""Whether a reader's memory and open files level off."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.endurance.processes import Failure

MEGABYTES = 64.0
"""A reader computes with matrices of 8 MB; freed ones are kept or given back as it happens. Steps of 40 MB were seen, up and down."""
MEGABYTES_A_TASK = 0.1
"""Its components, its part of the dispatcher and what the manifest holds of it."""
FILES = 8
"""A reader has the dispatcher of each type of data that it was asked for, of two versions at most, mapped into memory."""
QUARTERS = 4


@dataclass(frozen=True)
class Sample:
    """A reader at one moment."""

    seconds: float
    megabytes: float
    files: int
    tasks: int


@dataclass(frozen=True)
class Level:
    """Medians of the second and the last quarter of a run."""

    megabytes: tuple[float, float]
    files: tuple[float, float]
    tasks: tuple[float, float]
    most_megabytes: float

    @property
    def allowed(self) -> float:
        """What the memory may have grown: 64 MB, and 0.1 MB for each task that was added between the two quarters' medians."""
        return MEGABYTES + MEGABYTES_A_TASK * (self.tasks[1] - self.tasks[0])

    @property
    def grown(self) -> float:
        """What it has grown."""
        return self.megabytes[1] - self.megabytes[0]


def measure_level(samples: list[Sample], seconds: float) -> Level:
    """The level of one reader over a run of this length.

    Raises:
        Failure: if a quarter has no sample.
    """
    second, last = ([sample for sample in samples if int(QUARTERS * sample.seconds / seconds) == quarter] for quarter in (1, QUARTERS - 1))
    if not second or not last:
        raise Failure("a reader told nothing for a quarter of the run")

    def medians(figure: str) -> tuple[float, float]:
        return tuple(median(getattr(sample, figure) for sample in part) for part in (second, last))

    return Level(medians("megabytes"), medians("files"), medians("tasks"), max(sample.megabytes for sample in samples))


def require_level(name: str, level: Level) -> None:
    """Memory and open files of the last quarter are those of the second, within what is allowed.

    Raises:
        Failure: if not.
    """
    if level.grown > level.allowed:
        raise Failure(
            f"{name}: its memory does not level off: {level.megabytes[0]:.0f} MB in the second quarter of the run, "
            f"{level.megabytes[1]:.0f} MB in the last; {level.allowed:.0f} MB more would be allowed"
        )
    if level.files[1] > level.files[0] + FILES:
        raise Failure(
            f"{name}: open files grew from {level.files[0]:.0f} in the second quarter of the run to {level.files[1]:.0f} in the last"
        )
