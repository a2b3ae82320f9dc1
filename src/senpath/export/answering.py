"""Which tasks an encoded input may belong to, and which of their answers is given: in tensors that a graph can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from senpath.export.assembling import Assembly
from senpath.pathways import Pathway
from senpath.routing import ADMIT, LARGEST_FEATURE


class RouterModule(nn.Module):
    """What `Dispatcher.decide` answers: (n, …) to candidates, int64 (n, 2), −1 for none; P(task | input) of each, (n, 2); ood score (n,).

    Where columns vote on classes, also P(class | task, input) by them, (n, 2, labels), and the weight of that, (n, 2).

    Args:
        features: the type's feature map.
        ranking: see `Dispatcher.portable`.
        tasks: how many there are.
        labels: the most of a task.
    """

    def __init__(self, features: nn.Module, ranking: nn.Module, tasks: int, labels: int) -> None:
        super().__init__()
        self.features, self.ranking, self.tasks, self.labels = features, ranking, tasks, labels
        self.votes = getattr(ranking, "votes", None)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = self.features(inputs)
        features = torch.where(features.isnan(), LARGEST_FEATURE, features.clamp(-LARGEST_FEATURE, LARGEST_FEATURE))
        probabilities, ood_score, *likeness = self.ranking(features)
        best = probabilities.topk(min(2, self.tasks), dim=1)
        chosen, shares = best.indices, best.values
        if self.tasks == 1:
            candidates, shares = torch.cat([chosen, chosen - 1], 1), torch.cat([shares, torch.zeros_like(shares)], 1)
            chosen = chosen.expand(-1, 2)
        else:
            candidates = torch.cat([chosen[:, :1], torch.where(shares[:, 1:] >= ADMIT, chosen[:, 1:], -1)], 1)
        votes = self.votes(likeness[0], chosen, self.labels) if self.votes is not None else ()
        return candidates, shares, ood_score, *votes


EXCLUSIVE, SEVERAL, NUMBERS = range(3)


def form_of(pathway: Pathway) -> int:
    """What a pathway's values are: probabilities of classes of which one holds, of labels that each may hold, or numbers."""
    kind = pathway.task_kind
    return NUMBERS if not kind.has_labels else EXCLUSIVE if kind.exclusive else SEVERAL


def choose_answer(graph: Assembly, pathways: Sequence[Pathway], routed: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """The better one of what two candidates answer, as `senpath.inference.prediction.Answers` chooses it: values by the outputs' names.

    Args:
        pathways: the tasks', in the order of the dispatcher.
        routed: what `RouterModule` answers.
        values: float32 (n, 2, most), probabilities of labels, 0 behind a task's own; where there are regressions, also their numbers,
            float64 (n, 2, most).
    """
    add, (candidates, shares, ood_score, *votes), labelled = graph.add, routed, values[0]
    if votes:  # pooled with what the pathways say, see `senpath.routing.columns.ColumnVotes`
        weight = add("Unsqueeze", votes[1], graph.constant([2], np.int64))
        labelled = add("Add", labelled, add("Mul", weight, add("Sub", votes[0], labelled)))
    zero, none = graph.constant(0, np.float32), graph.constant(-1, np.int64)
    ran = add("Greater", candidates, none)
    form = add(
        "Gather", graph.constant([form_of(pathway) for pathway in pathways], np.int64), add("Max", candidates, graph.constant(0, np.int64))
    )
    exclusive, several = (add("Equal", form, graph.constant(code, np.int64)) for code in (EXCLUSIVE, SEVERAL))
    one, last = graph.constant(1, np.float32), graph.constant([2], np.int64)
    likeliest = add("ReduceMax", labelled, last, keepdims=0)
    all_labels = add("ReduceProd", add("Max", labelled, add("Sub", one, labelled)), last, keepdims=0)
    joint = add("Mul", shares, add("Where", exclusive, likeliest, add("Where", several, all_labels, one)))
    # Where one candidate gives no probability of one class, P(task | input) alone decides.
    comparable = add("Cast", add("Or", exclusive, add("Not", ran)), to=6)
    comparable = add("Cast", add("ReduceMin", comparable, graph.constant([1], np.int64), keepdims=1), to=9)
    worth = add("Where", comparable, joint, shares)
    worth = add("Where", add("And", ran, add("Greater", worth, zero)), worth, zero)  # what is no number is worth nothing

    def side(value: str, place: int) -> str:
        return add("Gather", value, graph.constant(place, np.int64), axis=1)

    first, second = side(worth, 0), side(worth, 1)
    earlier = add("And", side(ran, 1), add("Less", side(candidates, 1), side(candidates, 0)))
    other = add("Or", add("Greater", second, first), add("And", add("Equal", second, first), earlier))
    known = add("LessOrEqual", ood_score, one)
    answered = add("And", known, add("Greater", add("Max", first, second), zero))

    def chosen(value: str, nothing: str, each: bool = False) -> str:
        """Of a value of both candidates the better one's; `each` of a row of them."""
        whether, whose = (add("Unsqueeze", flag, graph.constant([1], np.int64)) if each else flag for flag in (answered, other))
        return add("Where", whether, add("Where", whose, side(value, 1), side(value, 0)), nothing)

    label = add("Where", exclusive, add("ArgMax", labelled, axis=2, keepdims=0), none)
    answers = {
        "task": chosen(candidates, none),
        "label": chosen(label, none),
        "confidence": chosen(joint, zero),
        "task_probability": chosen(shares, zero),
        "probabilities": chosen(labelled, zero, each=True),
        "ood_score": ood_score,
    }
    if len(values) > 1:
        answers["numbers"] = chosen(values[1], graph.constant(np.nan, np.float64), each=True)
    return answers
