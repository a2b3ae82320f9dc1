"""From what a method learned to a proposal: the one place where pathway, statistics, provenance and log entry are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from senpath.arrays import bent, in_proportion, unbent
from senpath.components import Component
from senpath.errors import InputError, SenpathError
from senpath.learning.own_examples import Attempt, best_attempt, doubts_of, joined, warnings_of
from senpath.pathways import LearningCost, Pathway, Provenance
from senpath.progress import Progress, silent
from senpath.routing import TaskStatistics, collect, columns_of, is_few, is_refused, merge_columns, merge_limits, statistics_of
from senpath.snapshot.examples import fewest, fingerprint
from senpath.snapshot.proposal import Declined, JointMethod, Method, MethodResult, Proposal, Revision, RevisionResult, run_new
from senpath.snapshot.thresholds import LEARNED
from senpath.snapshot.traces import AccessTrace
from senpath.snapshot.view import View
from senpath.training import splits
from senpath.types import DataType, Examples


def learning_cost(view: View, trace: AccessTrace, proposal: Proposal) -> LearningCost:
    """What making and committing a proposal runs and changes.

    Args:
        view: that the proposal was made against.
        trace: what it handed out meanwhile.
    """
    sizes = view.sizes
    maps = view.feature_maps
    gates = view.gates
    added = [part for part in proposal.components if part.hash not in sizes]
    new = sum(part.weights for part in added)
    untrained = sum(part.weights for part in added if part.hash in proposal.untrained)
    asked = sum(trace.dispatchers.values())
    read_maps = sum(sizes[name] for name in trace.components & maps)
    new_maps = sum(features.weights for _, features in proposal.types.values())
    kept: dict[str, list[TaskStatistics]] = {path.data_type: [] for path in proposal.pathways}
    for path in proposal.pathways:
        if path.task in proposal.statistics:
            kept[path.data_type].append(proposal.statistics[path.task])
    read_by = {read_type.encoder_id: read_type.encoder_weights for read_type in (_data_type(view, proposal, key) for key in kept)}
    known = {data_type.encoder_id for data_type in view.types.values()}
    new_encoders = sum(size for name, size in read_by.items() if name not in known)
    own = sum(_own_numbers(view, statistics) for group in kept.values() for statistics in group)
    metrics = {key: _metric_numbers(view, group) for key, group in kept.items()}
    of_types = new_encoders + sum(metrics[key] for key in proposal.types)
    return LearningCost(
        read=sum(sizes[name] for name in trace.components - maps - gates) + untrained,
        updated=new - untrained,
        dispatcher_read=max(asked, read_maps) + new_maps,  # the whole dispatcher, where it ran, has its feature map and gates in it
        dispatcher_updated=own + sum(metrics.values()),
        total=view.weights["total"] - _replaced(view, proposal) + new + new_maps + own + of_types,
        encoder_read=sum(read_by.values()),
    )


def _data_type(view: View, proposal: Proposal, key: str) -> DataType:
    return proposal.types[key][0] if key in proposal.types else view.types[key]


def _replaced(view: View, proposal: Proposal) -> int:
    """Weights and columns that the network has no more, once what is replaced or removed is gone."""
    changed = proposal.replaces | proposal.removes
    if not changed:
        return 0
    kept = {name for path in (*proposal.pathways, *(path for path in view.paths if path.task not in changed)) for name in path.references}
    records = {name: view.tasks[name] for name in changed if name in view.tasks}
    gone = {name for record in records.values() for name in record.pathway.references} - kept
    columns = 0
    for name, record in records.items():
        if name in proposal.statistics or name in proposal.removes:
            columns += record.statistics.rows * view.column_width(record.pathway.data_type)
    return sum(view.sizes[name] for name in gone) + (columns if view.settings.dispatcher == "discriminant" else 0)


def _own_numbers(view: View, statistics: TaskStatistics) -> int:
    """What the dispatcher keeps of one task alone."""
    if view.settings.dispatcher == "binary":
        return statistics.gate.weights if statistics.gate else 0
    return int(statistics.columns.size)


def _metric_numbers(view: View, added: list[TaskStatistics]) -> int:
    """Size of the metric of a type, if tasks are added to it."""
    if view.settings.dispatcher == "binary" or not added:
        return 0
    width = added[0].columns.shape[1] if any(kept.covariance is not None for kept in added) else 0
    return int(width * (width + 1) // 2)


def new_statistics(
    view: View, examples: Examples, progress: Progress = silent
) -> tuple[TaskStatistics, Mapping[str, tuple[DataType, Component]]]:
    """The dispatcher's statistics of these examples, and their data type with its feature map if the network does not have it yet."""
    key = examples.data_type.key
    features = view.feature_map(examples.data_type)
    features.module.to(view.device)
    collected = collect(examples, features, view.settings.random_state, device=view.device, progress=progress)
    statistics = statistics_of(collected, gate=view.settings.dispatcher == "binary")
    statistics = replace(statistics, figures={**examples.origin.figures, **statistics.figures})
    progress("dispatcher", len(examples), len(examples))
    return statistics, {} if key in view.types else {key: (examples.data_type, features)}


def extended_statistics(view: View, task: str, examples: Examples, progress: Progress = silent) -> TaskStatistics:
    """The dispatcher's statistics of a task once these examples are added.

    The examples that made the present columns are gone, so the columns are put together with those of the new examples alone, see
    `senpath.routing.statistics`. The task's covariance stays as it was.

    Args:
        examples: at least one; their classes begin with the task's.
    """
    pathway, before = view.pathway(task), view.statistics(task)
    seen = pathway.provenance.examples
    few = is_few(examples.task_kind, seen + len(examples), len(examples.classes))
    features = view.feature_map(examples.data_type)
    features.module.to(view.device)
    present, read = _present(examples)
    collected = collect(read, features, view.settings.random_state, device=view.device, few=few, progress=progress)
    progress("dispatcher", len(examples), len(examples))
    collected = replace(collected, softness=before.figures.get("softness", 0.0))  # the limits of both are put together
    new, classes = statistics_of(collected, gate=False), len(pathway.classes)
    owners: Sequence[int | None] = [present[index] for index in collected.classes.tolist()]
    if not pathway.task_kind.exclusive:  # one class of all, and another one for what came with new labels
        owners, classes = [int(len(examples.classes) > classes)] * len(owners), 1
    refused = partial(is_refused, torch.from_numpy(before.columns), before.figures)
    columns = merge_columns(columns_of(before, _owners(pathway, before)), columns_of(new, owners), classes, refused)
    limit = before.figures.get(LEARNED, before.figures["limit"])
    share = before.figures["limit"] / limit
    if len(collected.held):  # else the new limit is a guess
        limit = merge_limits(limit, seen, new.figures["limit"], len(examples))
    means, counts = np.stack([column.mean for column in columns]), np.array([column.count for column in columns])
    owners = tuple(column.of for column in columns)
    figures = {**before.figures, "limit": limit * share, "few": float(few)}
    figures |= {LEARNED: limit} if LEARNED in before.figures else {}
    return TaskStatistics(means, counts, None, figures, owners=owners)


NOTHING_NEW = "the dispatcher knows such inputs, of which fewer than 20 of a class say nothing new"


def _present(examples: Examples) -> tuple[list[int], Examples]:
    """The classes that there are examples of, and the examples with these classes alone."""
    if not examples.task_kind.exclusive:
        return [0], examples
    present, targets = torch.unique(examples.targets, return_inverse=True)
    return present.tolist(), replace(examples, targets=targets, classes=tuple(examples.classes[index] for index in present.tolist()))


def _owners(pathway: Pathway, before: TaskStatistics) -> Sequence[int | None]:
    """The class of each of a task's columns: as kept, or in order where there are as many as classes."""
    rows = len(before.columns)
    if len(before.owners) == rows:
        return before.owners
    return range(rows) if rows == pathway.task_kind.groups(len(pathway.classes)) else [None] * rows


ENOUGH = 100
"""Held-out examples from which a temperature is well known: no further fold is learned then."""
TEMPERATURES = torch.logspace(-3, 5, 161, base=2.0, dtype=torch.float64)
"""1/8 … 32, in steps of 3.5 %, which cross-entropy does not feel."""


def fitted_temperature(view: View, method: Method, examples: Examples) -> float:
    """The temperature at which softmax has the least cross-entropy on held-out examples, by cross-validation (Guo et al. 2017).

    As if one example more had had any label (Platt 1999): few that are all right do not say that answers are never wrong.
    """
    logits, targets, held_out = [], [], 0
    for fitted, held in splits(examples, 0):
        part, rest = examples.subset(fitted), examples.subset(held)
        result = method.propose(view, "", part, silent)
        logits.append(run_new(view, result.pathway("", part), result.components, rest.inputs).double().cpu())
        targets.append(rest.targets)
        held_out += len(held)
        if held_out >= ENOUGH:
            break
    if not held_out:  # one example of some class: nothing is known of how sure it may be
        return 1.0
    outputs, truth = torch.cat(logits), torch.cat(targets)
    losses = [cross_entropy(outputs / temperature, truth, label_smoothing=1 / (held_out + 2)) for temperature in TEMPERATURES]
    return round(float(TEMPERATURES[torch.stack(losses).argmin()]), 4)


def propose(
    view: View,
    method: Method,
    task: str,
    examples: Examples,
    progress: Progress = silent,
    concept: str | None = None,
    learned: tuple[MethodResult, AccessTrace] | None = None,
) -> Proposal:
    """What a method makes of one task's examples.

    Args:
        learned: what it made of them already, and what the view handed out for that.
    """
    examples = examples.scaled(examples.task_kind.scale_of(examples.user_targets))
    tasks = {task: examples}

    def learn(tried: Method) -> dict[str, MethodResult]:
        if learned is not None and tried is method:
            return {task: learned[0]}
        return {task: _checked(tried, task, tried.propose(view, task, in_reach(examples), progress))}

    with view.watch() as trace:
        if learned is not None:
            trace.include(learned[1])
        attempt, notes = best_attempt(view, method, tasks, learn)
        proposal = _proposal(view, attempt, tasks, notes, progress)
        if concept is not None:
            temperature = fitted_temperature(view, attempt.method, examples)
            own, *others = proposal.pathways
            own = replace(own, concept=concept, temperature=temperature)
            entry = {**proposal.entry, "concept": concept, "temperature": temperature}
            proposal = replace(proposal, pathways=(own, *others), entry=entry)
    return _with_cost(proposal, {task}, learning_cost(view, trace, proposal))


def propose_jointly(view: View, method: JointMethod, tasks: Mapping[str, Examples], progress: Progress = silent) -> Proposal:
    """What a method makes of several tasks' examples together."""
    tasks = {task: examples.scaled(examples.task_kind.scale_of(examples.user_targets)) for task, examples in tasks.items()}

    def learn(tried: Any) -> dict[str, MethodResult]:
        results = tried.propose_many(view, {task: in_reach(examples) for task, examples in tasks.items()}, progress)
        if not isinstance(results, Mapping) or set(results) != set(tasks):
            got = f"results of {', '.join(map(repr, results))}" if isinstance(results, Mapping) else type(results).__name__
            raise SenpathError(f"method {tried.name!r}", expected=f"a result for each of {', '.join(map(repr, tasks))}", got=got)
        return {task: _checked(tried, task, results[task]) for task in tasks}

    with view.watch() as trace:
        attempt, notes = best_attempt(view, method, tasks, learn)
        proposal = _proposal(view, attempt, tasks, notes, progress)
    return _with_cost(proposal, set(tasks), learning_cost(view, trace, proposal))


def propose_revision(
    view: View, revision: Revision, task: str, examples: Examples | None, progress: Progress = silent
) -> tuple[RevisionResult, Proposal] | Declined:
    """What a revision makes of a task, or why it declines. The task stays of its concept, and trusted as far as it was."""
    before, result = view.pathway(task), revision.propose(view, task, None if examples is None else in_reach(examples), progress)
    if isinstance(result, Declined):
        return result
    statistics: dict[str, TaskStatistics] = {}
    record = dict(result.record)
    provenance = before.provenance
    if result.relearned is not None and examples is not None:
        provenance = replace(provenance_of(result.method, examples, result.relearned), revisions=provenance.revisions)
    if revision.grows and examples is not None:
        known, statistics[before.task] = view.statistics(before.task), extended_statistics(view, before.task, examples, progress)
        learned = not np.array_equal(known.columns, statistics[before.task].columns)
        result = replace(result, reason=f"{result.reason}; {'the dispatcher learned them' if learned else NOTHING_NEW}")
        provenance = replace(provenance, examples=provenance.examples + len(examples))
    pathway = replace(
        result.pathway,
        concept=before.concept,
        temperature=before.temperature,
        provenance=provenance.revised(revision.name, view.version, record),
    )
    relearned = provenance.log_entry() if result.relearned is not None else {}
    warned = doubts_of(before.task, examples, len(before.classes)) if revision.grows and examples is not None else {}
    proposal = Proposal(
        version=view.version,
        pathways=(pathway,),
        components=result.components,
        statistics=statistics,
        replaces=frozenset({before.task}),
        entry={
            **relearned,
            **({"warnings": [*warned.values()]} if warned else {}),
            "method": revision.name,
            "reason": result.reason,
            "revision": record,
        },
        warnings=warned,
    )
    return result, proposal


def in_reach(examples: Examples) -> Examples:
    """Examples as methods learn from them: in tables no cell outweighs all others, see `senpath.arrays.in_proportion`."""
    if examples.data_type.modality != "table" or "columns" not in examples.data_type.options:  # behind an encoder it is no table
        return examples
    straight = examples.data_type.options.get("straight")
    given = examples.inputs if straight is None else unbent(examples.inputs, straight)
    kept = in_proportion(given)
    if kept is given:
        return examples
    return replace(examples, inputs=kept if straight is None else bent(kept, straight))


def provenance_of(method: str, examples: Examples, result: MethodResult) -> Provenance:
    """How a task was learned, but for the cost, which is known later."""
    return Provenance(
        method=method,
        settings=dict(result.settings),
        examples=len(examples),
        fewest_per_class=fewest(examples),
        data=fingerprint(examples),
        sources_tried=dict(result.sources_tried),
        untrained=tuple(name for name in result.names if name in result.untrained),
        record=dict(result.record),
    )


def _checked(method: Method, task: str, result: object) -> MethodResult:
    """A method's result, if it is one; a plug-in may have returned anything."""
    if not isinstance(result, MethodResult):
        raise SenpathError(
            f"method {method.name!r}, task {task!r}",
            expected="a MethodResult from propose()",
            got=type(result).__name__,
            do="See docs/howto/write-a-method.md",
        )
    return result


def _proposal(view: View, attempt: Attempt, tasks: Mapping[str, Examples], notes: dict[str, Any], progress: Progress) -> Proposal:
    known, method, results = view.sizes, attempt.method, attempt.results
    pathways: list[Pathway] = []
    components: dict[str, Component] = {}
    statistics: dict[str, TaskStatistics] = {}
    types: dict[str, tuple[DataType, Component]] = {}
    for task, result in results.items():
        pathways.append(replace(result.pathway(task, tasks[task]), provenance=provenance_of(method.name, tasks[task], result)))
        components |= {part.hash: part for part in result.components if part.hash not in known}
        statistics[task], new_types = new_statistics(view, tasks[task], progress)
        types |= new_types
    changes = [pathway for result in results.values() for pathway in result.changes]
    warned = warnings_of(attempt, tasks, len(notes.get("recipes_tried", ())))
    warned = joined(*(doubts_of(task, examples) for task, examples in tasks.items()), _repeated(view, pathways), warned)
    read_as = {task: examples.origin.read_as for task, examples in tasks.items() if examples.origin.read_as}
    notes = {**notes, **({"read_as": read_as} if read_as else {})}
    return Proposal(
        version=view.version,
        pathways=(*pathways, *changes),
        components=tuple(components.values()),
        statistics=statistics,
        types=types,
        replaces=frozenset(pathway.task for pathway in changes),
        untrained=frozenset().union(*(result.untrained for result in results.values())),
        entry={**_entry(pathways, results), **notes, **({"warnings": [*warned.values()]} if warned else {})},
        warnings=warned,
        read_as=read_as,
    )


def _repeated(view: View, pathways: Sequence[Pathway]) -> dict[str, str]:
    """What is said of new tasks whose examples and labels are, to the bit, those of a task that there is: inputs do not tell them apart."""
    known = {record.pathway.provenance.data: name for name, record in view.tasks.items() if record.pathway.provenance.data}
    same = {pathway.task: known[pathway.provenance.data] for pathway in pathways if pathway.provenance.data in known}
    do = "No input tells the two apart; remove one, or give the task when you ask"
    return {task: f"task {task!r} has the very examples and labels of task {other!r}. {do}" for task, other in same.items()}


def _entry(pathways: list[Pathway], results: Mapping[str, MethodResult]) -> dict[str, Any]:
    """What the log says: of one task its provenance; of several what they share, and the rest by task."""
    log = {name: value for result in results.values() for name, value in result.log.items()}
    if len(pathways) == 1:
        return {**pathways[0].provenance.log_entry(), **log}
    first = pathways[0].provenance
    return {
        "method": first.method,
        "examples": sum(pathway.provenance.examples for pathway in pathways),
        "settings": first.settings,
        "learned": {pathway.task: {"data": pathway.provenance.data, "record": pathway.provenance.record} for pathway in pathways},
        **log,
    }


def _with_cost(proposal: Proposal, tasks: set[str], cost: LearningCost) -> Proposal:
    pathways = tuple(
        replace(pathway, provenance=replace(pathway.provenance, cost=cost)) if pathway.task in tasks else pathway
        for pathway in proposal.pathways
    )
    return replace(proposal, pathways=pathways, entry={**proposal.entry, "cost": asdict(cost)}, cost=cost)


def require_kind(method: Method, examples: Examples) -> None:
    """Refuse a task of a kind that a method says it does not learn.

    Raises:
        InputError: naming the method.
    """
    kinds = getattr(method, "kinds", None)
    if kinds is not None and examples.kind not in kinds:
        raise InputError(f"method {method.name!r}", expected=f"a task of kind {' or '.join(kinds)}", got=f"a {examples.kind}")
