"""From what a method learned to a proposal: the one place where pathway, statistics, provenance and log entry are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from senpath.components import Component
from senpath.errors import InputError, SenpathError
from senpath.learning.cost import learning_cost
from senpath.learning.extension import extended_statistics
from senpath.learning.statistics import new_statistics
from senpath.learning.temperature import fitted_temperature
from senpath.pathways import LearningCost, Pathway, Provenance
from senpath.progress import Progress, silent
from senpath.routing import TaskStatistics
from senpath.snapshot.method import Declined, JointMethod, Method, MethodResult, Revision, RevisionResult
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.provenance import fewest, fingerprint
from senpath.snapshot.view import View
from senpath.types import DataType, Examples


def propose(view: View, method: Method, task: str, examples: Examples, progress: Progress = silent, concept: str | None = None) -> Proposal:
    """What a method makes of one task's examples."""
    with view.watch() as touched:
        result = _checked(method, task, method.propose(view, task, examples, progress))
        proposal = _proposal(view, method, {task: examples}, {task: result}, progress)
        if concept is not None:
            temperature = fitted_temperature(view, method, examples)
            own, *others = proposal.pathways
            own = replace(own, concept=concept, temperature=temperature)
            entry = {**proposal.entry, "concept": concept, "temperature": temperature}
            proposal = replace(proposal, pathways=(own, *others), entry=entry)
    return _with_cost(proposal, {task}, learning_cost(view, touched, proposal))


def propose_jointly(view: View, method: JointMethod, tasks: Mapping[str, Examples], progress: Progress = silent) -> Proposal:
    """What a method makes of several tasks' examples together."""
    with view.watch() as touched:
        results = method.propose_many(view, tasks, progress)
        if not isinstance(results, Mapping) or set(results) != set(tasks):
            got = f"results of {', '.join(map(repr, results))}" if isinstance(results, Mapping) else type(results).__name__
            raise SenpathError(f"method {method.name!r}", expected=f"a result for each of {', '.join(map(repr, tasks))}", got=got)
        checked = {task: _checked(method, task, results[task]) for task in tasks}
        proposal = _proposal(view, method, tasks, checked, progress)
    return _with_cost(proposal, set(tasks), learning_cost(view, touched, proposal))


def propose_revision(
    view: View, revision: Revision, task: str, examples: Examples | None, progress: Progress = silent
) -> tuple[RevisionResult, Proposal] | Declined:
    """What a revision makes of a task, or why it declines. The task stays of its concept, and trusted as far as it was."""
    before, result = view.pathway(task), revision.propose(view, task, examples, progress)
    if isinstance(result, Declined):
        return result
    statistics: dict[str, TaskStatistics] = {}
    record = dict(result.record)
    provenance = before.provenance
    if result.relearned is not None and examples is not None:
        provenance = replace(provenance_of(result.method, examples, result.relearned), revisions=provenance.revisions)
    if revision.grows and examples is not None:
        statistics[before.task] = extended_statistics(view, before.task, examples, progress)
        provenance = replace(provenance, examples=provenance.examples + len(examples))
    pathway = replace(
        result.pathway,
        concept=before.concept,
        temperature=before.temperature,
        provenance=provenance.revised(revision.name, view.version, record),
    )
    relearned = provenance.log_entry() if result.relearned is not None else {}
    proposal = Proposal(
        version=view.version,
        pathways=(pathway,),
        components=result.components,
        statistics=statistics,
        replaces=frozenset({before.task}),
        entry={**relearned, "method": revision.name, "reason": result.reason, "revision": record},
    )
    return result, proposal


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


def _proposal(
    view: View, method: Method, tasks: Mapping[str, Examples], results: Mapping[str, MethodResult], progress: Progress
) -> Proposal:
    known = view.manifest.components
    pathways: list[Pathway] = []
    components: dict[str, Component] = {}
    statistics: dict[str, TaskStatistics] = {}
    types: dict[str, tuple[DataType, Component]] = {}
    for task, result in results.items():
        pathways.append(replace(result.pathway(task, tasks[task]), provenance=provenance_of(method.name, tasks[task], result)))
        components |= {part.hash: part for part in result.components if part.payload is not None or part.hash not in known}
        statistics[task], new_types = new_statistics(view, tasks[task], progress)
        types |= new_types
    changes = [pathway for result in results.values() for pathway in result.changes]
    return Proposal(
        version=view.version,
        pathways=(*pathways, *changes),
        components=tuple(components.values()),
        statistics=statistics,
        types=types,
        replaces=frozenset(pathway.task for pathway in changes),
        untrained=frozenset().union(*(result.untrained for result in results.values())),
        entry=_entry(pathways, results),
    )


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
