"""Whether a reader's memory and open files level off."""

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
    """A reader over a run: medians of the second and the last quarter, and its most memory.

    Raises:
        Failure: if a quarter has no sample.
    """

    samples: list[Sample]
    seconds: float

    def __post_init__(self) -> None:
        if not self._quarter(1) or not self._quarter(QUARTERS - 1):
            raise Failure("a reader told nothing for a quarter of the run")

    def medians(self, figure: str) -> tuple[float, float]:
        """Of the second and the last quarter."""
        first, last = (median(getattr(sample, figure) for sample in self._quarter(quarter)) for quarter in (1, QUARTERS - 1))
        return first, last

    @property
    def allowed(self) -> float:
        """What the memory may have grown: 64 MB, and 0.1 MB for each task that was added between the two quarters' medians."""
        before, after = self.medians("tasks")
        return MEGABYTES + MEGABYTES_A_TASK * (after - before)

    @property
    def grown(self) -> float:
        """What it has grown."""
        before, after = self.medians("megabytes")
        return after - before

    def require(self, name: str) -> None:
        """Memory and open files of the last quarter are those of the second, within what is allowed.

        Raises:
            Failure: if not.
        """
        for what, figure, allowed in (("memory in MB", "megabytes", self.allowed), ("number of open files", "files", FILES)):
            before, after = self.medians(figure)
            if after > before + allowed:
                told = f"{before:.0f} in the second quarter of the run, {after:.0f} in the last; {allowed:.0f} more would be allowed"
                raise Failure(f"{name}: its {what} does not level off: {told}")

    def _quarter(self, number: int) -> list[Sample]:
        return [sample for sample in self.samples if int(QUARTERS * sample.seconds / self.seconds) == number]
