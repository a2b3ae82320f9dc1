"""Running pathways: one alone, or many over a mixed batch with everything they share computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch

from senpath.components import Component, Lookup, canonical_json
from senpath.errors import SenpathError, StoreError
from senpath.pathways.grouped import LEAST, largest, run_grouped
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

    A sequence of components with which several chains begin runs once, over the rows that any of them needs. Small components of one
    shape run together.

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
    try:
        shared.run()
    except (SenpathError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever torch or scikit-learn make of parts that were put together by hand
        raise _misfit(jobs, f"{type(error).__name__}: {error}") from error
    answers = {}
    for pathway, rows in jobs.items():
        parts = [shared.output(chain, rows) for chain in pathway.chains]
        if any(part.shape != (len(rows), len(pathway.classes)) for part in parts):
            raise _misfit([pathway], f"answers of shape {[tuple(part.shape[1:]) for part in parts]} for {len(pathway.classes)} classes")
        answers[pathway.task] = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
    return answers


def _misfit(pathways: Iterable[Pathway], got: str) -> StoreError:
    names = [repr(pathway.task) for pathway in pathways]
    which = f"task {names[0]}: its pathway" if len(names) == 1 else f"pathways of tasks {', '.join(names[:5])}"
    return StoreError(which, expected="parts that fit together", got=got)


def run_chain(chain: Iterable[Callable[[torch.Tensor], torch.Tensor]], inputs: torch.Tensor) -> torch.Tensor:
    """What comes out of components (or modules in training) that are run one after another."""
    for component in chain:
        inputs = component(inputs)
    return inputs


class _SharedPrefixes:
    """Outputs of chains of components over rows of a batch; each prefix is computed once, over the union of its rows."""

    def __init__(self, inputs: torch.Tensor, lookup: Lookup) -> None:
        self.inputs, self.lookup = inputs, lookup
        self.asked: dict[Chain, list[torch.Tensor]] = {}
        self.done: dict[Chain, tuple[torch.Tensor, torch.Tensor]] = {}

    def need(self, chain: Chain, rows: torch.Tensor) -> None:
        for end in range(1, len(chain) + 1):
            self.asked.setdefault(chain[:end], []).append(rows)

    def run(self) -> None:
        """Compute all prefixes, the shorter ones first."""
        levels: dict[int, list[Chain]] = {}
        for chain in self.asked:
            levels.setdefault(len(chain), []).append(chain)
        for length in sorted(levels):
            self._run_level(levels[length])

    def output(self, chain: Chain, rows: torch.Tensor) -> torch.Tensor:
        have, values = self.done[chain]
        return _take(values, have, rows)

    def _run_level(self, chains: Sequence[Chain]) -> None:
        alike: dict[tuple[str, str], list[tuple[Chain, Component]]] = {}
        for chain in chains:
            component = self.lookup(chain[-1])
            if component.kind.grouped and component.weights <= largest(self.inputs.device) and len(chains) >= LEAST:
                alike.setdefault((component.kind.name, canonical_json(component.config)), []).append((chain, component))
            else:
                self._run_alone(chain, component)
        for group in alike.values():
            rows = [self._rows(chain) for chain, _ in group]
            before = [self._before(chain, mine) for (chain, _), mine in zip(group, rows, strict=True)]
            answers = run_grouped([component for _, component in group], before)
            self.done |= {chain: (mine, answer) for (chain, _), mine, answer in zip(group, rows, answers, strict=True)}

    def _run_alone(self, chain: Chain, component: Component) -> None:
        rows = self._rows(chain)
        self.done[chain] = rows, component(self._before(chain, rows))

    def _rows(self, chain: Chain) -> torch.Tensor:
        asked = self.asked[chain]
        return asked[0] if len(asked) == 1 else torch.unique(torch.cat(asked))

    def _before(self, chain: Chain, rows: torch.Tensor) -> torch.Tensor:
        """What the last component of a chain reads."""
        if len(chain) == 1:
            return self.inputs if len(rows) == len(self.inputs) else self.inputs.index_select(0, rows)
        return self.output(chain[:-1], rows)


def _take(values: torch.Tensor, have: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The values at `rows`, where `values[i]` belongs to row `have[i]`; both ascending, `rows` within `have`."""
    return values if len(have) == len(rows) else values.index_select(0, torch.searchsorted(have, rows.contiguous()))
