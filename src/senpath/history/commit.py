"""The only door through which a network changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from senpath.components import Lookup, content_hash
from senpath.errors import ConflictError, InputError, PathwayError, RoutingWarning, TaskExistsError, UnknownTaskError, warn
from senpath.history.statistics import StatisticsAccumulator
from senpath.pathways import Link, Pathway, run_pathway
from senpath.routing import LARGEST_FEATURE, WARNED_OF
from senpath.seeds import derive
from senpath.snapshot.examples import check_concept, labels_of
from senpath.snapshot.proposal import Proposal, with_new
from senpath.snapshot.thresholds import with_limit
from senpath.snapshot.view import View
from senpath.store import Change, Manifest, Probe, Store, TaskRecord, TypeRecord
from senpath.store.files import author, timestamp
from senpath.types import DataType

PROBES = 2
"""Inputs of a probe; with less than two, a mistake in handling batches would not show."""


def commit(store: Store, proposal: Proposal, view: View) -> Manifest:
    """Write a proposal as the next version and return it.

    Nothing kept other writers out before, so the network may have moved on since the proposal was made; that is fine as long as what
    the proposal builds on is still there.

    Args:
        view: of the network, of whatever version; its components and what it has read of the manifest are used again.

    Raises:
        TaskExistsError: if a task's name is taken.
        UnknownTaskError: if a task that is to be changed or removed is not there.
        ConflictError: if something that the proposal names is gone, or its data type was meanwhile established differently.
        InputError: if a component does not hold what its hash says, the task's answers or statistics are not finite, or a new task of
            a concept has other labels than that.
    """
    _check_contents(proposal)
    _check_statistics(proposal)
    proposal = _with_children(proposal, view)

    said = False

    def merged(before: Manifest) -> tuple[Manifest, Change]:
        nonlocal said
        _check_fits(proposal, before)
        _check_types(proposal, before, view.manifest)
        after, change = _merge(store, proposal, before, view)
        if not said:  # for where others are faster this is made several times
            _warn({name: after.tasks[name].misled for name in (path.task for path in proposal.pathways) if name not in before.tasks})
            said = True
        return after, change

    return store.update(view.manifest, merged)[1]


def _warn(new: Mapping[str, float]) -> None:
    """Say so if new tasks make it much harder to find the others, by the number that each of them has.

    Before the commit: where warnings are errors, nothing is to have happened.
    """
    if max(new.values(), default=0.0) >= WARNED_OF:
        names, share = ", ".join(map(repr, sorted(new))), max(new.values())
        do = "Look for wrong cells or other units in its data; remove() takes all of it back"
        what = f"task {names}: an estimated {share:.1%} more of the other tasks' inputs will be taken for those of a wrong one"
        warn(f"{what}. {do}", RoutingWarning)


def probe_inputs(data_type: DataType, seed: int) -> torch.Tensor:
    """The seeded inputs of a probe, uniform in [0, 1], float32 (PROBES, *shape)."""
    return torch.rand(PROBES, *data_type.shape, generator=torch.Generator().manual_seed(seed))


def _check_contents(proposal: Proposal) -> None:
    for component in proposal.components:
        if component.payload is None or content_hash(component.kind, component.config, component.payload) != component.hash:
            raise InputError(f"proposed component {component.hash[:12]}", expected="content that has this hash", got="other content")


def _check_statistics(proposal: Proposal) -> None:
    """One task's infinite numbers would spoil what all of its type are told apart by; who exported a task may have made them up."""
    for task, kept in proposal.statistics.items():
        covariance = kept.covariance if kept.covariance is not None else 0
        got = ""
        if not all(np.isfinite(numbers).all() for numbers in (kept.columns, kept.counts, covariance, [*kept.figures.values()])):
            got = "NaN or infinity"
        elif np.abs(kept.columns).max() > LARGEST_FEATURE:
            got = f"{np.abs(kept.columns).max():g}"
        elif kept.counts.min() < 1:
            got = f"means of {kept.counts.min():g} examples"
        if got:
            raise InputError(
                f"task {task!r}: the dispatcher's statistics",
                expected=f"finite numbers up to {LARGEST_FEATURE:g}, means of 1 example or more",
                got=got,
                do="Scale the inputs to the range of the network's earlier ones",
            )


def _with_children(proposal: Proposal, view: View) -> Proposal:
    """The proposal with what is inside of the composite components of its pathways."""
    new = {component.hash: component for component in proposal.components}
    there = view.manifest.components

    def children(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        contents: dict[str, tuple[str, ...]] = {}
        rest = list(names)
        while rest:
            name = rest.pop()
            component = new.get(name) or (view.component(name) if name in there else None)  # what is gone is refused later
            if component is not None and component.children and name not in contents:
                contents[name] = component.children
                rest += component.children
        return contents

    pathways = tuple(
        replace(pathway, children=children(name for chain in pathway.chains for name in chain)) for pathway in proposal.pathways
    )
    return replace(proposal, pathways=pathways)


def _check_changed(proposal: Proposal, before: Manifest) -> None:
    """What is replaced or removed has to be there still, as the method saw it."""
    for task in sorted(proposal.replaces | proposal.removes | proposal.limits.keys()):
        record = before.tasks.get(task)
        if record is None:
            raise UnknownTaskError(f"task {task!r}", expected="one that the network has", got="a network without, by now")
        if record.version > proposal.version:
            raise ConflictError(
                f"proposal for {task!r}",
                expected=f"the task as version {proposal.version} had it",
                got=f"one changed in version {record.version} by another writer",
                do="Try again on the present version",
            )


def _check_fits(proposal: Proposal, before: Manifest) -> None:
    _check_changed(proposal, before)
    new = {component.hash for component in proposal.components}
    for pathway in proposal.pathways:
        if pathway.task in before.tasks and pathway.task not in proposal.replaces:
            raise TaskExistsError(
                f"task {pathway.task!r}", expected="a new name", got="one the network has learned", do="Choose another name"
            )
        if pathway.concept is not None and pathway.task not in before.tasks:
            known = labels_of((record.pathway for record in before.tasks.values()), pathway.concept)
            check_concept(pathway.concept, pathway.task_kind, pathway.classes, known)
        if pathway.data_type not in before.types and pathway.data_type not in proposal.types:
            raise ConflictError(
                f"proposal for {pathway.task!r}",
                expected=f"the data type {pathway.data_type!r}",
                got="a network without",
                do="Learn the task again on the present version",
            )
        missing = {name for name in pathway.references - new if name not in before.components}
        if missing:
            raise ConflictError(
                f"proposal for {pathway.task!r}",
                expected="components that the network has",
                got=f"{len(missing)} that are gone ({min(missing)[:12]} …)",
                do="Learn the task again on the present version",
            )
    for key, (data_type, features) in proposal.types.items():
        record = before.types.get(key)
        if record is not None and (record.data_type, record.features) != (data_type, features.hash):
            mine, theirs = (
                f"shape {kind.shape}" + (f" of the encoder {kind.encoder!r}" if kind.encoder else "")
                for kind in (data_type, record.data_type)
            )
            if record.data_type == data_type:
                mine, theirs = f"feature map {features.hash[:12]}", f"feature map {record.features[:12]}"
            elif mine == theirs:
                mine, theirs = "columns on the scale of these examples", "on that of others"
            raise ConflictError(
                f"data type {key!r}",
                expected=mine,
                got=f"{theirs}, established by another writer",
                do="Learn the task again on the present version",
            )


def _check_types(proposal: Proposal, before: Manifest, seen: Manifest) -> None:
    """A type whose tasks all went may have come again with another encoding."""
    for key in {pathway.data_type for pathway in proposal.pathways} - proposal.types.keys():
        old, new = seen.types.get(key), before.types[key]
        if old is not None and (old.data_type, old.features) != (new.data_type, new.features):
            raise ConflictError(
                f"data type {key!r}",
                expected=f"that of version {seen.version}",
                got="another one, established by another writer since",
                do="Learn the task again on the present version",
            )


def _merge(store: Store, proposal: Proposal, before: Manifest, view: View) -> tuple[Manifest, Change]:
    new = {component.hash: component for component in (*proposal.components, *(part for _, part in proposal.types.values()))}
    new |= {entry.gate.hash: entry.gate for entry in proposal.statistics.values() if entry.gate is not None}
    sums = StatisticsAccumulator(store, proposal, before)
    lookup = with_new(proposal.components, view.component, view.device)
    tasks = dict(before.tasks)
    for name in proposal.removes:
        del tasks[name]
    for pathway in proposal.pathways:
        # A pathway in another's place answers for the same inputs: what the dispatcher knows of the task stays, if nothing is added.
        kept = sums.add(pathway) if pathway.task in proposal.statistics else tasks[pathway.task].statistics
        pathway = _identified(pathway, tasks, view.tasks)
        probe = _probe(pathway, sums.types[pathway.data_type].data_type, lookup, view.device)
        earlier, told = tasks.get(pathway.task), proposal.descriptions.get(pathway.task, "")
        misled, description = (earlier.misled, earlier.description) if earlier is not None else (0.0, told)
        tasks[pathway.task] = TaskRecord(pathway, kept, probe, before.version + 1, misled, description)
    for task, limit in proposal.limits.items():
        tasks[task] = replace(tasks[task], statistics=with_limit(tasks[task].statistics, limit))
    if proposal.replaces or proposal.removes:
        sums.drop_unused({record.pathway.data_type for record in tasks.values()})
    if view.settings.dispatcher == "discriminant":
        sums.renew_metrics(tasks, view)
        for name in (pathway.task for pathway in proposal.pathways if pathway.task not in before.tasks):
            tasks[name] = replace(tasks[name], misled=sums.misled.get(tasks[name].pathway.data_type, 0.0))
    used = {name: component for name, component in new.items() if name not in before.components}
    components = before.components | {name: component.weights for name, component in used.items()}
    if proposal.replaces or proposal.removes:
        components = _named(components, tasks.values(), sums.types.values())
        used = {name: component for name, component in used.items() if name in components}
    after = before.followed_by(
        components=components,
        types=sums.types,
        tasks=tasks,
        last=_entry(proposal, before.version + 1),
    )
    return after, Change(tuple(used.values()), sums.columns, sums.files)


def _identified(pathway: Pathway, tasks: Mapping[str, TaskRecord], seen: Mapping[str, TaskRecord]) -> Pathway:
    """A pathway with its task's identity, and those of the tasks that its links read; what is in its place is the same task.

    Links say the present names of tasks that were renamed since the proposal was made.

    Args:
        tasks: of the version before, and those that the commit has added.
        seen: those that the proposal may have been made from.
    """
    before = tasks[pathway.task].pathway if pathway.task in tasks else None
    known = {(link.source, link.reads): link.source_id for link in (before.links if before is not None else ())}

    def identified(link: Link) -> Link:
        name = link.source
        if (name, link.reads) in known:
            return replace(link, source_id=known[name, link.reads])
        source = seen.get(name) or tasks.get(name)
        own = link.source_id or (source.pathway.identity if source is not None else "")
        if own and (name not in tasks or tasks[name].pathway.identity != own):
            name = next((other for other, record in tasks.items() if record.pathway.identity == own), name)
        return replace(link, source=name, source_id=own)

    return replace(pathway, links=tuple(map(identified, pathway.links)), id=(before or pathway).identity)


def _named(components: Mapping[str, int], tasks: Iterable[TaskRecord], types: Iterable[TypeRecord]) -> dict[str, int]:
    """Of these components those that are still in use, in their order."""
    names = {record.features for record in types}
    for task in tasks:
        names |= task.pathway.references | ({task.statistics.gate} if task.statistics.gate is not None else set())
    return {name: weights for name, weights in components.items() if name in names}


def _probe(pathway: Pathway, data_type: DataType, lookup: Lookup, device: torch.device) -> Probe:
    seed = derive(0, pathway.task)
    try:
        output = run_pathway(pathway, probe_inputs(data_type, seed).to(device), lookup)
    except PathwayError as error:
        method = pathway.provenance.method
        what = f"task {pathway.task!r}, learned by method {method!r}: its pathway" if method else error.what
        raise InputError(what, expected=error.expected, got=error.got) from error
    if not bool(torch.isfinite(output).all()):
        raise InputError(
            f"task {pathway.task!r}: its answers", expected="finite numbers", got="NaN or infinity", do="Lower the learning rate"
        )
    return Probe(seed, tuple(round(value, 6) for value in output.flatten().tolist()))


def _entry(proposal: Proposal, version: int) -> dict[str, Any]:
    removed = {"removed": sorted(proposal.removes)} if proposal.removes else {}
    return {
        "version": version,
        "time": timestamp(),
        **author(),
        "tasks": [pathway.task for pathway in proposal.pathways],
        **removed,
        **proposal.entry,
    }
