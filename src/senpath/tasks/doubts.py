"""What makes labels look as if they were not what people meant: numbers and gaps that became classes, one class by several names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from senpath.arrays import as_word
from senpath.tasks.labels import WHOLE, Label

MANY = 30
"""Classes from which whole numbers may be measured ones."""
FEW = 2
"""Examples that most classes of such have, at most."""
FILLED = 0.9
"""Share of the whole numbers between the smallest and the largest that are labels, from which they count classes."""
APART = 0.5
"""The same, where there is one example of each: few of many numbered classes are learned so too."""
GAPS = frozenset({"nan", "NaN", "NaT", "<NA>"})
"""Words that programs write for a value that is missing."""
NAMED = 5
"""Labels that are named, at most."""


def doubts_about(classes: Sequence[Label], counts: torch.Tensor | None = None, *, known: int = 0) -> list[str]:
    """Sentences about a task's labels, without their full stops; none where nothing is remarkable.

    Args:
        classes: the labels, those that the task had before first.
        counts: of a classification that is new, how many examples there are of each.
        known: how many it had before.
    """
    doubts = [_numbers(classes)] if counts is not None and _measured(classes, counts) else []
    return doubts + _gaps(classes[known:]) + _alike(classes, known)


def _measured(classes: Sequence[Label], counts: torch.Tensor) -> bool:
    """Whether labels are whole numbers that lie apart, most with an example or two, as targets of a regression are.

    Few-shot tasks have equally many examples of each class, and classes that are numbered have most numbers of their range.
    """
    numbers = [int(str(label).partition(".")[0]) for label in classes if WHOLE.fullmatch(str(label))]  # words of a file too, "151.0"
    if len(numbers) < max(MANY, len(classes)) or 2 * int((counts <= FEW).sum()) < len(numbers):
        return False
    filled = len(numbers) / (max(numbers) - min(numbers) + 1)
    if int(counts.min()) == int(counts.max()):
        return int(counts.max()) == 1 and filled < APART
    return filled < FILLED


def _numbers(classes: Sequence[Label]) -> str:
    some = ", ".join(map(str, classes[:NAMED]))
    what = f"its labels {some}, … look like numbers to be predicted, and each of {len(classes):,} became a class of its own"
    return f"{what}, most with one or two examples. If they are, learn them with kind='regression' (--kind regression)"


def _gaps(classes: Sequence[Label]) -> list[str]:
    """What is said of labels that are words for no label, as numpy and pandas make words of gaps."""
    gaps = [label for label in classes if isinstance(label, str) and (not as_word(label) or label in GAPS)]
    if not gaps:
        return []
    what = f"its label {gaps[0]!r} looks like one that is missing, and became a class of its own"
    return [f"{what}. If it is, leave these inputs out, or give their labels"]


def _alike(classes: Sequence[Label], known: int) -> list[str]:
    """What is said of labels that case and outer blanks alone tell apart; letters by themselves are different ones by case."""
    groups: dict[str, list[Label]] = {}
    new = {*classes[known:]}
    for label in classes:
        if isinstance(label, str):
            word = as_word(label)
            groups.setdefault(word if len(word) == 1 else word.casefold(), []).append(label)
    alike = [group for group in groups.values() if len(group) > 1 and not new.isdisjoint(group)]
    if not alike:
        return []
    some = "; ".join(" and ".join(map(repr, group)) for group in alike[:NAMED]) + ("; …" if len(alike) > NAMED else "")
    return [f"its labels {some} differ only by case or outer blanks, and are classes of their own. If they mean the same, make them one"]
