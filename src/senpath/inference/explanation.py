"""Why one input got its answer, as a notebook shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from senpath.notebook.html import SHOWN, block, facts, note, percent, shade, table
from senpath.pathways import Activation, Transfer
from senpath.types import Label


@dataclass(frozen=True)
class LinkUse:
    """What one link added to an output: to the logit of the answer, of each of its labels, or to each of a regression's numbers."""

    output: Label
    source: str
    transfer: Transfer | None
    added: float


@dataclass(frozen=True)
class Explanation:
    """Why one input got its answer.

    Attributes:
        task: the task, or None where nothing fits.
        label: its answer, see `Prediction`, or None.
        confidence: P(task, label | input).
        scores: the dispatcher's P(task | input), most probable first: for every task of the input's type or, where there are very many, for
            those that came into question.
        ood_score: how far the input is from what its likeliest task was learned from; above 1 nothing fits.
        reason: why there is no answer, see `Prediction.reason`; None where there is one.
        candidates: the tasks whose pathways ran.
        links: what each link of the answering pathway contributed.
        activated: what ran, in weights.
        share: share of the network's weights that ran, in 0 … 1.
        top: the five most probable answers.
        notes: of a row of a table what stands for values that are missing, and which words are new, a line for each such column.

    Example:
        >>> why = net.explain(x[0], task="high")
        >>> why.task, {link.source for link in why.links}
        ('high', {'low'})
    """

    task: str | None
    label: Any
    confidence: float
    scores: dict[str, float]
    ood_score: float
    reason: str | None
    candidates: tuple[str, ...]
    links: tuple[LinkUse, ...]
    activated: Activation
    share: float
    top: tuple[tuple[str, Any, float], ...]
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        title = "nothing fits" if self.task is None else f"{self.task}: {self.label!r}"
        ran = {
            "confidence": percent(self.confidence),
            "ood score (above 1 nothing fits)": self.ood_score,
            "weights that ran": f"{self.activated.total:,}, {percent(self.share)} of all",
        }
        tasks = table(
            ["task", "P(task | input)", ""],
            [
                (name, shade(score, percent(score)), "ran" if name in self.candidates else "")
                for name, score in [*self.scores.items()][:SHOWN]
            ],
        )
        answers = table(["task", "label", "P"], [(task, label, shade(p, percent(p))) for task, label, p in self.top])
        links = table(
            ["link from", "of its class", "to the output", "added"],
            [(use.source, use.transfer.source if use.transfer else "", use.output, f"{use.added:+.2f}") for use in self.links],
            (3,),
        )
        return block(
            title,
            note(self.reason or ""),
            facts(ran),
            *map(note, self.notes),
            tasks,
            answers if self.top else "",
            links if self.links else "",
        )
