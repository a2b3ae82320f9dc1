"""Running pathways: one, or many over a mixed batch; shared prefixes once, small layers of one shape as one product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy

import torch
from torch.func import functional_call
from torch.nn.utils.rnn import pad_sequence

from senpath.components import NUMBERS, OPERATIONS, STEP, Component, Lookup, canonical_json
from senpath.errors import PathwayError, SenpathError
from senpath.pathways.spec import Pathway

LEAST = 8
"""Fewer components are run one by one."""
TOGETHER = 128
"""Components in one product."""
LARGEST, LARGEST_ON_DEVICE = 20_000, 2_000_000
"""Weights of a component that is grouped, at most. On a processor a larger layer takes as long as reading its weights does, and laying
them side by side reads them once more (docs/log.md); an accelerator reads faster than it starts products."""


def largest(device: torch.device) -> int:
    """Weights of a component that is worth grouping there."""
    return LARGEST if device.type == "cpu" else LARGEST_ON_DEVICE


def run_grouped(components: Sequence[Component], inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The answers of components of one kind and configuration.

    Args:
        inputs: of each component, (its own number, …).
    """
    # Of like length side by side, so that little is filled up.
    order = sorted(range(len(components)), key=lambda place: len(inputs[place]))
    answers: list[torch.Tensor] = [inputs[0]] * len(components)
    for part in _parts(order, [len(mine) for mine in inputs]):
        if len(part) < LEAST:
            outputs: Sequence[torch.Tensor] = [components[place](inputs[place]) for place in part]
        else:
            outputs = list(_run_together([components[place] for place in part], [inputs[place] for place in part]))
        for place, output in zip(part, outputs, strict=True):
            answers[place] = output[: len(inputs[place])]
    return answers


def _parts(order: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Cut what is ordered by size so that in a part at most half is filled up."""
    part: list[int] = []
    rows = 0
    for place in order:
        if len(part) == TOGETHER or (len(part) + 1) * sizes[place] > 2 * (rows + sizes[place]) + LEAST:
            yield part
            part, rows = [], 0
        part.append(place)
        rows += sizes[place]
    yield part


def _run_together(components: Sequence[Component], inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """(components, most inputs, outputs); what is beyond a component's own inputs means nothing."""
    modules = [component.module for component in components]
    shape = deepcopy(modules[0])  # a call with other weights puts them into the module for its time, and other threads may use it
    names = [name for name, _ in shape.named_parameters()]
    with torch.no_grad():
        weights = {name: torch.stack([module.get_parameter(name) for module in modules]) for name in names}
        filled = pad_sequence(list(inputs), batch_first=True)
        outputs: torch.Tensor = torch.vmap(lambda mine, values: functional_call(shape, mine, (values,)))(weights, filled)
    return outputs


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
    shared = (_OneInput if len(inputs) == 1 else _SharedPrefixes)(inputs, lookup, len(jobs))
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


def _misfit(pathways: Iterable[Pathway], got: str) -> PathwayError:
    names = [repr(pathway.task) for pathway in pathways]
    which = f"task {names[0]}: its pathway" if len(names) == 1 else f"pathways of tasks {', '.join(names[:5])}"
    return PathwayError(which, expected="parts that fit together", got=got)


def run_chain(chain: Iterable[Callable[[torch.Tensor], torch.Tensor]], inputs: torch.Tensor) -> torch.Tensor:
    """What comes out of components (or modules in training) that are run one after another."""
    for component in chain:
        inputs = component(inputs)
    return inputs


WORK: dict[tuple[Chain, tuple[int, ...]], int] = {}
"""What the last component of a chain takes on inputs of a shape: components are named by their content, so that stays the same."""
MOST_KEPT = 20_000
"""Of these that are remembered; beyond, all are forgotten."""


def account(chains: Iterable[Chain], shape: tuple[int, ...], lookup: Lookup, tasks: int) -> None:
    """Count what one input takes, and refuse what takes more than any pathway may, before anything runs.

    Args:
        chains: that are run, and every beginning of each.
        shape: of one input.
        tasks: how many pathways they are of.
    """
    asked = [(chain, shape) for chain in chains]
    known = [WORK.get(one) for one in asked]
    if None not in known and sum(filter(None, known)) <= tasks * OPERATIONS:
        return
    if len(WORK) > MOST_KEPT:
        WORK.clear()
    work, shapes = 0, dict[Chain, tuple[int, ...]]({(): shape})
    for chain, _ in sorted(asked, key=lambda one: len(one[0])):
        component = lookup(chain[-1])
        own = STEP + 2 * component.weights
        if not component.is_small:
            reached = next(end for end in range(len(chain) - 1, -1, -1) if chain[:end] in shapes)
            for end in range(reached + 1, len(chain)):  # after small ones, whose answers' shapes have to be known only here
                shapes[chain[:end]] = lookup(chain[end - 1]).outline(shapes[chain[: end - 1]]).shape
            outline = component.outline(shapes[chain[:-1]])
            shapes[chain], own = outline.shape, outline.work
        work += own
        if not component.is_small and work > tasks * OPERATIONS:
            raise PathwayError("pathway", expected=f"at most {OPERATIONS:,} operations on one input", got=f"{work // tasks:,}")
        WORK[chain, shape] = own


def require_kept(numbers: int, tasks: int) -> None:
    """Refuse answers of so many numbers for one input."""
    if numbers > tasks * NUMBERS:
        raise PathwayError("pathway", expected=f"at most {NUMBERS:,} numbers as an answer", got=f"{numbers // tasks:,}")


class _OneInput:
    """Outputs of chains of components for a single input, each prefix computed once; there are no rows to look after."""

    def __init__(self, inputs: torch.Tensor, lookup: Lookup, tasks: int) -> None:
        self.inputs, self.lookup, self.tasks = inputs, lookup, tasks
        self.ends: dict[Chain, None] = {}
        self.done: dict[Chain, torch.Tensor] = {(): inputs}

    def need(self, chain: Chain, rows: torch.Tensor) -> None:
        self.ends[chain] = None

    def run(self) -> None:
        """Compute all of them."""
        prefixes = {chain[:end]: None for chain in self.ends for end in range(1, len(chain) + 1)}
        account(prefixes, tuple(self.inputs.shape[1:]), self.lookup, self.tasks)
        kept = 0
        for chain in prefixes:
            values = self.done[chain] = self.lookup(chain[-1])(self.done[chain[:-1]])
            if chain in self.ends:
                kept += values[:1].numel()
                require_kept(kept, self.tasks)

    def output(self, chain: Chain, rows: torch.Tensor) -> torch.Tensor:
        return self.done[chain]


class _SharedPrefixes:
    """Outputs of chains of components over rows of a batch; each prefix is computed once, over the union of its rows."""

    def __init__(self, inputs: torch.Tensor, lookup: Lookup, tasks: int) -> None:
        self.tasks = tasks
        self.inputs, self.lookup = inputs, lookup
        self.kept = 0
        self.ends: set[Chain] = set()
        self.asked: dict[Chain, list[torch.Tensor]] = {}
        self.done: dict[Chain, tuple[torch.Tensor, torch.Tensor]] = {}

    def need(self, chain: Chain, rows: torch.Tensor) -> None:
        self.ends.add(chain)
        for end in range(1, len(chain) + 1):
            self.asked.setdefault(chain[:end], []).append(rows)

    def run(self) -> None:
        """Compute all prefixes, the shorter ones first."""
        levels: dict[int, list[Chain]] = {}
        for chain in self.asked:
            levels.setdefault(len(chain), []).append(chain)
        account(self.asked, tuple(self.inputs.shape[1:]), self.lookup, self.tasks)
        for length in sorted(levels):
            self._run_level(levels[length])
            for chain in levels.get(length - 1, ()):  # nothing else reads it
                if chain not in self.ends:
                    del self.done[chain]
            self.kept += sum(self.done[chain][1][:1].numel() for chain in levels[length] if chain in self.ends)
            require_kept(self.kept, self.tasks)

    def output(self, chain: Chain, rows: torch.Tensor) -> torch.Tensor:
        have, values = self.done[chain]
        return _take(values, have, rows)

    def _run_level(self, chains: Sequence[Chain]) -> None:
        alike: dict[tuple[str, str], list[tuple[Chain, Component]]] = {}
        for chain in chains:
            component = self.lookup(chain[-1])
            if component.kind.grouped and component.is_small and component.weights <= largest(self.inputs.device) and len(chains) >= LEAST:
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
