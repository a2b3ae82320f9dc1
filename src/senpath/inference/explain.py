"""Why one input got its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inference.explanation import Explanation, LinkUse
from senpath.inference.multimodal import is_by_modality
from senpath.inference.predict import Routing, encode_inputs, predict
from senpath.inference.single import as_batch
from senpath.inputs.modalities.table import notes_of
from senpath.pathways import Pathway, run_chain
from senpath.snapshot.view import View


def explain_one(view: View, x: Any, routing: Routing, errors: str = "raise", task: str | None = None) -> Explanation:
    """The whole way of one input; see `Network.explain`.

    Args:
        task: the one that is to answer, if it is known; it alone has a score then.

    Raises:
        InputError: for several inputs, or one that cannot be answered and may not be spared.
    """
    if is_by_modality(x):
        got = f"a mapping of modalities: {', '.join(x)}"
        raise InputError("input to explain", expected="one input, such as x[0]", got=got, do="Explain what one modality tells")
    one = [x] if isinstance(x, np.ndarray | torch.Tensor) else as_batch(x, view.types, skip=errors == "skip")
    if one is x:
        got = f"a {type(x).__name__} of {len(x)}" if hasattr(x, "__len__") else f"a {type(x).__name__}"
        raise InputError("input to explain", expected="one input, such as x[0]", got=got)
    if len(one) != 1:
        raise InputError("input to explain", expected="one input, such as x[0]", got=f"{len(one)}")
    encoded = encode_inputs(view, one, errors=errors)
    known = view.task_name(task)
    answer, batches = predict(view, encoded, known, routing, errors), encoded.batches
    candidates = answer.candidates[0]
    key = view.pathway(candidates[0]).data_type if candidates else ""  # of the types that may hold it, the one that was chosen
    inputs = next((batch.inputs for batch in batches if batch.key == key), None)
    scores: dict[str, float] = {} if inputs is None or known is None else {known: 1.0}
    if inputs is not None and known is None:
        names, ranking = view.rank(key, inputs)
        probabilities = zip(ranking.tasks[0], ranking.probabilities[0].tolist(), strict=True)
        scores = {names[place]: probability for place, probability in sorted(probabilities, key=lambda pair: -pair[1]) if place >= 0}
    chosen, label, activated = answer.task[0], answer.label.tolist()[0], answer.activated[0]
    links = _links_used(view, view.pathway(chosen), label, inputs) if chosen is not None and inputs is not None else ()
    return Explanation(
        task=chosen,
        label=label,
        confidence=float(answer.confidence[0]),
        scores=scores,
        ood_score=float(answer.ood_score[0]),
        reason=answer.reason[0],
        candidates=answer.candidates[0],
        links=links,
        activated=activated,
        share=activated.total / max(1, view.weights["total"]),
        top=tuple(answer.top(5)[0]),
        notes=notes_of(one, view.types[batches[0].key]) if batches else (),
    )


def _links_used(view: View, pathway: Pathway, answer: Any, inputs: torch.Tensor) -> tuple[LinkUse, ...]:
    used = []
    for link in pathway.links:
        added = run_chain(map(view.component, (*link.reads, link.component)), inputs)[0].tolist()
        if pathway.scale is not None:
            added = [value * spread for value, spread in zip(added, pathway.scale.spread, strict=True)]
        for output in pathway.task_kind.outputs_of(answer, pathway.classes):
            transferred = next((transfer for transfer in link.transfers if transfer.target == output), None)
            used.append(LinkUse(output, link.source, transferred, added[pathway.classes.index(output)]))
    return tuple(used)
