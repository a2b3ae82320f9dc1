"""How a task came to be what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from senpath.pathways.cost import LearningCost


@dataclass(frozen=True)
class RevisionRecord:
    """One change to a task after it was learned.

    Args:
        revision: name of what changed it: "review", "prune", "extend"; or of the method that learned another task along with it.
        version: of the network that the change was made against.
        record: what was measured and set (JSON values).
    """

    revision: str
    version: int
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """How a task was learned, and what changed it since.

    Args:
        method: name of the method that learned it.
        settings: of the method, those in effect (JSON values).
        examples: how many it was learned from, those that it was extended by included.
        fewest_per_class: examples of the class, or with the label, that has the fewest; of a regression, all.
        data: sixteen hexadecimal digits that stand for the encoded examples and their labels.
        sources_tried: for each earlier task that was tried as a source, how similar it was to the new one at best, in 0 … 1.
        untrained: hashes of the components that were taken as they were, such as layers of a pretrained model.
        cost: what learning it ran and changed; None where an earlier senpath learned it. Tasks that were learned together share one.
        record: the method's own record (JSON values). Only the method and its section of the report read it.
        revisions: what changed it since, oldest first.
    """

    method: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    examples: int = 0
    fewest_per_class: int = 0
    data: str = ""
    sources_tried: dict[str, float] = field(default_factory=dict)
    untrained: tuple[str, ...] = ()
    cost: LearningCost | None = None
    record: dict[str, Any] = field(default_factory=dict)
    revisions: tuple[RevisionRecord, ...] = ()

    @property
    def seed(self) -> int | None:
        """What everything drawn while it was learned follows from."""
        seed = self.settings.get("random_state")
        return seed if isinstance(seed, int) else None

    def revised(self, revision: str, version: int, record: dict[str, Any]) -> Provenance:
        """The same with one more revision."""
        return replace(self, revisions=(*self.revisions, RevisionRecord(revision, version, record)))

    def revisions_by(self, revision: str) -> tuple[RevisionRecord, ...]:
        """The revisions of this name."""
        return tuple(change for change in self.revisions if change.revision == revision)

    def log_entry(self) -> dict[str, Any]:
        """What the log says of it, in one flat mapping; revisions and cost have entries of their own."""
        return {
            "method": self.method,
            "examples": self.examples,
            "fewest_per_class": self.fewest_per_class,
            "data": self.data,
            "settings": self.settings,
            **({"sources_tried": self.sources_tried} if self.sources_tried else {}),
            **({"record": self.record} if self.record else {}),
        }


def number(value: Any) -> float | None:
    """A number of a record that can be computed with; None for anything else, as a record may be damaged."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 < value < 1e18:
        return None
    return float(value) if isfinite(value) else None
