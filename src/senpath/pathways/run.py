"""Running pathways: one alone, or many over a mixed batch with everything they share computed once."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from senpath.components import Lookup
from senpath.pathways.spec import Pathway

Chain = tuple[str, ...]


def run_pathway(pathway: Pathway, inputs: torch.Tensor, lookup: Lookup) -> torch.Tensor:
    """Logits of one task, float32 (n, classes).

    Args:
        inputs: encoded inputs of the pathway's data type, (n, …).
    """
    return run_batch({pathway: torch.arange(len(inputs), device=inputs.device)}, inputs, lookup)[pathway.task]


def run_batch(jobs: Mapping[Pathway, torch.Tensor], inputs: torch.Tensor, lookup: Lookup) -> dict[str, torch.Tensor]:
    """Logits of several tasks, each for its own rows of one batch.

    A sequence of components with which several chains begin runs once, over the rows that any of them needs.

    Args:
        jobs: for each pathway the rows it answers for, int64, ascending.
        inputs: encoded inputs of one data type, (n, …).

    Returns:
        For each task the logits of its rows, float32 (rows, classes).
    """
    shared = _SharedPrefixes(inputs, lookup)
    for pathway, rows in jobs.items():
        for chain in pathway.chains:
            shared.need(chain, rows)
    answers = {}
    for pathway, rows in jobs.items():
        parts = [shared.output(chain, rows) for chain in pathway.chains]
        answers[pathway.task] = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
    return answers


class _SharedPrefixes:
    """Outputs of chains of components over rows of a batch; each prefix is computed once, over the union of its rows."""

    def __init__(self, inputs: torch.Tensor, lookup: Lookup) -> None:
        self.inputs, self.lookup = inputs, lookup
        self.asked: dict[Chain, list[torch.Tensor]] = {}
        self.done: dict[Chain, tuple[torch.Tensor, torch.Tensor]] = {}

    def need(self, chain: Chain, rows: torch.Tensor) -> None:
        for end in range(1, len(chain) + 1):
            self.asked.setdefault(chain[:end], []).append(rows)

    def output(self, chain: Chain, rows: torch.Tensor) -> torch.Tensor:
        have, values = self._compute(chain)
        return _take(values, have, rows)

    def _compute(self, chain: Chain) -> tuple[torch.Tensor, torch.Tensor]:
        if chain not in self.done:
            asked = self.asked[chain]
            rows = asked[0] if len(asked) == 1 else torch.unique(torch.cat(asked))
            if len(chain) == 1:
                before = self.inputs if len(rows) == len(self.inputs) else self.inputs[rows]
            else:
                before = self.output(chain[:-1], rows)
            self.done[chain] = rows, self.lookup(chain[-1])(before)
        return self.done[chain]


def _take(values: torch.Tensor, have: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The values at `rows`, where `values[i]` belongs to row `have[i]`; both ascending, `rows` within `have`."""
    return values if len(have) == len(rows) else values[torch.searchsorted(have, rows.contiguous())]
