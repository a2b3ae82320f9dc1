"""What a proposal does to tasks that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from senpath.errors import InputError
from senpath.snapshot.proposal import Proposal, try_out
from senpath.snapshot.view import View
from senpath.types import Examples


@dataclass(frozen=True)
class TaskChange:
    """How good a changed task's answers are, see `senpath.tasks.TaskKind.score`; None where no data was given to measure it.

    Attributes:
        examples: how many it was measured on.
        before: with the pathway that it had.
        after: with the one that takes its place.
    """

    examples: int = 0
    before: float | None = None
    after: float | None = None

    @property
    def lost(self) -> float | None:
        """What the task lost, below 0 where it gained."""
        return None if self.before is None or self.after is None else self.before - self.after


def measure_changes(view: View, proposal: Proposal, tests: Mapping[str, Examples]) -> dict[str, TaskChange]:
    """What a proposal does to each task that it replaces.

    Args:
        tests: labelled examples of some of them.

    Raises:
        InputError: if there are examples of a task that is not replaced.
    """
    require_changing(tests, proposal.replaces)
    changed = {}
    for place, pathway in enumerate(proposal.pathways):
        if pathway.task in proposal.replaces:
            changed[pathway.task] = _measured(view, proposal, place, tests[pathway.task]) if pathway.task in tests else TaskChange()
    return changed


def require_changing(names: Iterable[str], changing: Collection[str]) -> None:
    """Refuse to measure a task that will not change."""
    strange = [name for name in names if name not in changing]
    if strange:
        what = ", ".join(sorted(changing)) or "none, for may_change names none"
        raise InputError("measure", expected=f"data of tasks that may change: {what}", got=repr(strange[0]))


def _measured(view: View, proposal: Proposal, place: int, test: Examples) -> TaskChange:
    pathway = proposal.pathways[place]
    after = try_out(view, proposal, test.inputs, place).cpu()
    before = view.logits(pathway.task, test.inputs).cpu()
    score = pathway.task_kind.score
    return TaskChange(len(test), score(before, test.targets), score(after, test.targets))
