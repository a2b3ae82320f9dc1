"""Why one input got its answer."""

from __future__ import annotations

from typing import Any

import torch

from senpath.network.predict import Routing, encode_batches, predict
from senpath.network.prediction import Explanation, LinkUse
from senpath.network.view import View
from senpath.pathways import Link, Pathway
from senpath.types import Label


def explain(view: View, x: Any, routing: Routing) -> Explanation:
    """The whole way of one input; see `Network.explain`."""
    answer = predict(view, [x], None, routing)
    _, batches = encode_batches(view, [x])
    scores: dict[str, float] = {}
    strangeness = float("inf")
    if batches:
        strangeness = float(view.dispatcher(batches[0].key).decide(batches[0].inputs).strangeness[0])
        names, ranking = view.rank(batches[0].key, batches[0].inputs)
        chances = zip(ranking.tasks[0], ranking.chances[0].tolist(), strict=True)
        scores = {names[place]: chance for place, chance in sorted(chances, key=lambda pair: -pair[1]) if place >= 0}
    task, label, activated = answer.task[0], answer.label[0], answer.activated[0]
    links = _links_used(view, view.pathway(task), label, batches[0].inputs) if task is not None else ()
    return Explanation(
        task=task,
        label=label,
        confidence=float(answer.confidence[0]),
        scores=scores,
        strangeness=strangeness,
        candidates=answer.candidates[0],
        links=links,
        activated=activated,
        share=activated.total / max(1, view.weights["total"]),
        top=tuple(answer.top(5)[0]),
    )


def _links_used(view: View, pathway: Pathway, label: Label, inputs: torch.Tensor) -> tuple[LinkUse, ...]:
    place = pathway.classes.index(label)
    used = []
    for link in pathway.links:
        added = float(_run_chain(view, link, inputs)[0, place])
        found = next((transfer for transfer in link.transfers if transfer.target == label), None)
        used.append(LinkUse(link.source, found, added))
    return tuple(used)


def _run_chain(view: View, link: Link, inputs: torch.Tensor) -> torch.Tensor:
    values = inputs
    for name in (*link.reads, link.component):
        values = view.component(name)(values)
    return values
