"""How well outputs tell inputs apart, in one number: 0 for the same answer to all, 1 for the right ones."""

from __future__ import annotations

import torch

CLEAR = 0.1
"""Skill of decisions from which it is not asked whether at least the scores are in order."""
ORDERED = 0.5
"""What order alone counts for."""
COMMON = 0.6
"""Share of the inputs that one answer is right for, from which on order alone says that something was learned: it may be the likeliest
answer for all of them."""


def label_skill(scores: torch.Tensor, decided: torch.Tensor, truth: torch.Tensor, *, exclusive: bool) -> float | None:
    """The mean over labels of the share that is recognised less the share that is claimed wrongly (Youden 1950).

    Where that is near 0 and one answer is right for most inputs, half of twice the area under the ROC curve less 1, if it is more.

    Args:
        scores: (n, labels), larger where a label is likelier.
        decided, truth: bool (n, labels).
        exclusive: whether one label holds for each input.

    Returns:
        At most 1; None if no label divides the inputs.
    """
    some = truth.any(0) & ~truth.all(0)
    if not bool(some.any()):
        return None
    if not bool(torch.isfinite(scores).all()):
        return 0.0
    scores, decided, truth = scores[:, some], decided[:, some], truth[:, some]
    recall = (decided & truth).sum(0) / truth.sum(0)
    wrong = (decided & ~truth).sum(0) / (~truth).sum(0)
    skill = float((recall - wrong).double().mean())
    shares = truth.double().mean(0)
    common = shares.max() if exclusive else torch.maximum(shares, 1 - shares).mean()
    if skill >= CLEAR or float(common) < COMMON:
        return skill
    order = [_order(column[mine], column[~mine]) for column, mine in zip(scores.T, truth.T, strict=True)]
    return max(skill, ORDERED * sum(order) / len(order))


def _order(positive: torch.Tensor, negative: torch.Tensor) -> float:
    """How much likelier one of the first is to be above one of the second than below it, -1 … 1 (Mann and Whitney 1947)."""
    ranked, asked = negative.contiguous().sort().values, positive.contiguous()
    below, not_above = torch.searchsorted(ranked, asked), torch.searchsorted(ranked, asked, right=True)
    return float((below + not_above).double().mean() / len(ranked) - 1)
