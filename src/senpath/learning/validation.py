"""Examples that a task is measured on while it is learned, and never learned from."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import Any

from senpath.errors import InputError
from senpath.inputs.sources import read_labelled
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.snapshot.examples import encode_examples, pair_of
from senpath.snapshot.proposal import Proposal, try_out
from senpath.snapshot.view import View
from senpath.training import hold_out_share
from senpath.types import Examples

MOST = 0.9
"""The largest share that can be held out."""


def with_validation(view: View, task: str, examples: Examples, validation: Any) -> Examples:
    """The examples to learn from, with those beside them that are to be measured on.

    Args:
        validation: see `senpath.Network.learn`.

    Raises:
        InputError: for a share that is none or leaves nothing to measure on, or data that does not fit the task.
    """
    if isinstance(validation, Examples):
        if (validation.data_type, validation.classes, validation.kind) != (examples.data_type, examples.classes, examples.kind):
            raise InputError("validation", expected="examples of the task's type, kind and classes", got="others")
        return replace(examples, held_out=validation.scaled(examples.scale))
    if not isinstance(validation, Real):
        return replace(examples, held_out=encode_examples(view, *read_labelled(*pair_of(validation)), like=examples))
    if isinstance(validation, bool) or not 0 < float(validation) <= MOST:
        raise InputError("validation", expected=f"a share above 0 and at most {MOST:g}, or labelled data", got=repr(validation))
    fitted, held = hold_out_share(examples, float(validation), derive(view.settings.random_state, f"validation of {task}"))
    if not len(held):
        do = "Name a larger share, or give data to measure on"
        raise InputError("validation", expected="a share that leaves examples to measure on", got=f"{validation:g} of each class", do=do)
    return replace(examples.subset(fitted), held_out=examples.subset(held))


def measure_validation(view: View, proposal: Proposal, held: Examples, progress: Progress) -> float:
    """How good what was proposed is on what was held out, see `senpath.tasks.TaskKind.score`."""
    outputs = try_out(view, proposal, held.inputs).cpu()
    score = held.task_kind.score(outputs, held.scaled(proposal.pathways[0].scale).targets)
    progress("validation", 1, 1, accuracy=score)
    return score
