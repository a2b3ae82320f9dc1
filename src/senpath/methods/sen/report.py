"""What a report says of tasks that began as a copy of an earlier task's hidden layer, where no link says it."""

from __future__ import annotations

from collections.abc import Mapping

from senpath.sections import NetworkSummary, Section, TaskSummary


def report_section(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> Section | None:
    """The tasks whose hidden layers were copied; None where none was."""
    copied = {name: task.pathway.provenance.record.get("copied_from") for name, task in tasks.items()}
    borrowed = {name: (by,) for name, by in copied.items() if isinstance(by, str) and by not in tasks[name].pathway.sources}
    return Section(borrowed=borrowed, part="hidden layer") if borrowed else None
