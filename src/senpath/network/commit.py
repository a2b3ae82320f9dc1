"""The only door through which a network changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from senpath.components import Lookup, content_hash
from senpath.errors import ConflictError, InputError, TaskExistsError
from senpath.network.proposal import Proposal
from senpath.network.sums import NextSums
from senpath.network.view import View
from senpath.pathways import Pathway, run_pathway
from senpath.seeds import derive
from senpath.store import Change, Manifest, Probe, Store, TaskRecord
from senpath.types import DataType

PROBES = 2
"""Inputs of a probe; with less than two, a mistake in handling batches would not show."""


def commit(store: Store, proposal: Proposal, view: View) -> Manifest:
    """Write a proposal as the next version and return it.

    The lock is held from here on only, so the network may have moved on since the proposal was made; that is fine as long as what
    the proposal builds on is still there.

    Args:
        view: of the network, of whatever version; its components and what it has read of the manifest are used again.

    Raises:
        TaskExistsError: if a task's name is taken.
        ConflictError: if something that the proposal names is gone, or its data type was meanwhile established differently.
        InputError: if a component does not hold what its hash says, or the task's answers or statistics are not finite.
    """
    _check_contents(proposal)
    _check_finite(proposal)
    with store.locked():
        before = store.read(view.manifest)
        _check_fits(proposal, before)
        after, change = _merge(store, proposal, before, view)
        return store.write(before, after, change)


def probe_inputs(data_type: DataType, seed: int) -> torch.Tensor:
    """The seeded inputs of a probe, uniform in [0, 1], float32 (PROBES, *shape)."""
    return torch.rand(PROBES, *data_type.shape, generator=torch.Generator().manual_seed(seed))


def _check_contents(proposal: Proposal) -> None:
    for component in proposal.components:
        if component.payload is None or content_hash(component.kind, component.config, component.payload) != component.hash:
            raise InputError(f"proposed component {component.hash[:12]}", expected="content that has this hash", got="other content")


def _check_finite(proposal: Proposal) -> None:
    """One task's infinite numbers would spoil the sums that all tasks of its type are told apart by."""
    for task, kept in proposal.statistics.items():
        if not all(np.isfinite(numbers).all() for numbers in (kept.columns, kept.counts, kept.pooled, [*kept.figures.values()])):
            raise InputError(
                f"task {task!r}: the dispatcher's statistics",
                expected="finite numbers",
                got="NaN or infinity",
                do="Scale the inputs to the range of the network's earlier ones",
            )


def _check_fits(proposal: Proposal, before: Manifest) -> None:
    there = set(before.components) | {component.hash for component in proposal.components}
    for pathway in proposal.pathways:
        if pathway.task in before.tasks and pathway.task not in proposal.replaces:
            raise TaskExistsError(
                f"task {pathway.task!r}", expected="a new name", got="one the network has learned", do="Choose another name"
            )
        if pathway.data_type not in before.types and pathway.data_type not in proposal.types:
            raise ConflictError(
                f"proposal for {pathway.task!r}",
                expected=f"the data type {pathway.data_type!r}",
                got="a network without",
                do="Learn the task again on the present version",
            )
        missing = pathway.references - there
        if missing:
            raise ConflictError(
                f"proposal for {pathway.task!r}",
                expected="components that the network has",
                got=f"{len(missing)} that are gone ({min(missing)[:12]} …)",
                do="Learn the task again on the present version",
            )
    for key, (data_type, _) in proposal.types.items():
        record = before.types.get(key)
        if record is not None and record.data_type != data_type:
            raise ConflictError(
                f"data type {key!r}",
                expected=f"shape {data_type.shape}",
                got=f"shape {record.data_type.shape}, established by another writer",
                do="Learn the task again on the present version",
            )


def _merge(store: Store, proposal: Proposal, before: Manifest, view: View) -> tuple[Manifest, Change]:
    new = {component.hash: component for component in (*proposal.components, *(part for _, part in proposal.types.values()))}
    new |= {entry.gate.hash: entry.gate for entry in proposal.statistics.values() if entry.gate is not None}
    sums = NextSums(store, proposal, before)
    lookup = _with_new(proposal, view.component, view.device)
    tasks = dict(before.tasks)
    for pathway in proposal.pathways:
        # A pathway that takes another's place answers for the same inputs: what the dispatcher knows of the task stays.
        kept = tasks[pathway.task].statistics if pathway.task in tasks else sums.add(pathway)
        probe = _probe(pathway, sums.types[pathway.data_type].data_type, lookup, view.device)
        tasks[pathway.task] = TaskRecord(pathway, kept, probe, before.version + 1)
    if view.settings.dispatcher == "discriminant":
        sums.renew_metrics(view.device)
    used = {name: component for name, component in new.items() if name not in before.components}
    after = before.followed_by(
        components=before.components | {name: component.weights for name, component in used.items()},
        types=sums.types,
        tasks=tasks,
        last=_entry(proposal, before.version + 1),
    )
    return after, Change(tuple(used.values()), sums.columns, sums.files)


def _with_new(proposal: Proposal, lookup: Lookup, device: torch.device) -> Lookup:
    """Finds the proposal's components too, where the network's own are."""
    new = {component.hash: component for component in proposal.components}
    for component in new.values():
        component.module.to(device)
    return lambda name: new[name] if name in new else lookup(name)


def _probe(pathway: Pathway, data_type: DataType, lookup: Lookup, device: torch.device) -> Probe:
    seed = derive(0, pathway.task)
    output = run_pathway(pathway, probe_inputs(data_type, seed).to(device), lookup)
    if not bool(torch.isfinite(output).all()):
        raise InputError(
            f"task {pathway.task!r}: its answers", expected="finite numbers", got="NaN or infinity", do="Lower the learning rate"
        )
    return Probe(seed, tuple(round(value, 6) for value in output.flatten().tolist()))


def _entry(proposal: Proposal, version: int) -> dict[str, Any]:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {"version": version, "time": when, "tasks": [pathway.task for pathway in proposal.pathways], **proposal.entry}
