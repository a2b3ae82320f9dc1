"""Counting what learning a task ran and changed."""

from __future__ import annotations

from senpath.pathways import LearningCost
from senpath.routing import TaskStatistics
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.view import AccessTrace, View
from senpath.types import DataType


def learning_cost(view: View, touched: AccessTrace, proposal: Proposal) -> LearningCost:
    """What making and committing a proposal runs and changes.

    Args:
        view: that the proposal was made against.
        touched: what it handed out meanwhile.
    """
    sizes = view.manifest.components
    maps = {record.features for record in view.manifest.types.values()}
    gates = {record.statistics.gate for record in view.tasks.values()}
    added = [part for part in proposal.components if part.hash not in sizes]
    new = sum(part.weights for part in added)
    untrained = sum(part.weights for part in added if part.hash in proposal.untrained)
    asked = sum(touched.dispatchers.values())
    read_maps = sum(sizes[name] for name in touched.components & maps)
    new_maps = sum(features.weights for _, features in proposal.types.values())
    kept: dict[str, list[TaskStatistics]] = {path.data_type: [] for path in proposal.pathways}
    for path in proposal.pathways:
        if path.task in proposal.statistics:
            kept[path.data_type].append(proposal.statistics[path.task])
    read_by = {found.encoder_id: found.encoder_weights for found in (_data_type(view, proposal, key) for key in kept)}
    known = {record.data_type.encoder_id for record in view.manifest.types.values()}
    new_encoders = sum(size for name, size in read_by.items() if name not in known)
    own = sum(_own_numbers(view, statistics) for group in kept.values() for statistics in group)
    sums = {key: _sum_numbers(view, group) for key, group in kept.items()}
    of_types = new_encoders + sum(sums[key] for key in proposal.types)
    return LearningCost(
        read=sum(sizes[name] for name in touched.components - maps - gates) + untrained,
        updated=new - untrained,
        dispatcher_read=max(asked, read_maps) + new_maps,  # the whole dispatcher, where it ran, has its feature map and gates in it
        dispatcher_updated=own + sum(sums.values()),
        total=view.weights["total"] - _replaced(view, proposal) + new + new_maps + own + of_types,
        encoder_read=sum(read_by.values()),
    )


def _data_type(view: View, proposal: Proposal, key: str) -> DataType:
    return proposal.types[key][0] if key in proposal.types else view.manifest.types[key].data_type


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
            columns += record.statistics.rows * view.manifest.types[record.pathway.data_type].width
    return sum(view.manifest.components[name] for name in gone) + (columns if view.settings.dispatcher == "discriminant" else 0)


def _own_numbers(view: View, statistics: TaskStatistics) -> int:
    """What the dispatcher keeps of one task alone."""
    if view.settings.dispatcher == "binary":
        return statistics.gate.weights if statistics.gate else 0
    return int(statistics.columns.size)


def _sum_numbers(view: View, added: list[TaskStatistics]) -> int:
    """Size of the sum over all tasks of a type, if it changes."""
    if view.settings.dispatcher == "binary" or not added:
        return 0
    width = added[0].columns.shape[1] if any(kept.pooled is not None for kept in added) else 0
    return int(width * (width + 1) // 2)
