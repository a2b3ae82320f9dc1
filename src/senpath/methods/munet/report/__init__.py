"""The section on layers that tasks share: who uses whose, how the searches went, what each path costs for its accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from senpath.methods.munet.report.charts import LABELS, draw_accuracies, draw_search
from senpath.methods.munet.report.graph import GONE, draw_graph
from senpath.methods.munet.report.paths import TaskPath, read_paths
from senpath.sections import CHART_HEIGHT, NetworkSummary, Section, TaskSummary

GRAPHS, SEARCHES = 4, 8
"""At most so many roots have a graph, and searches a chart."""


def report_section(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> Section | None:
    """The section; None where no task's record can be read."""
    paths = read_paths(network, tasks)
    if not paths:
        return None
    roots: dict[str, list[TaskPath]] = {}
    for path in paths:
        roots.setdefault(path.root.key, []).append(path)
    largest = sorted(roots.values(), key=len, reverse=True)[:GRAPHS]
    graphs = [draw_graph(network, mine) for mine in roots.values() if mine in largest]
    searches = [search for path in paths if (search := draw_search(path)) is not None]
    values = {
        "paths": paths,
        "graphs": graphs,
        "roots": len(roots),
        "gone": any(node.colour == GONE for graph in graphs for node in graph["nodes"]),
        "searches": searches[-SEARCHES:],
        "all_searches": len(searches),
        **draw_accuracies(paths),
        "labels": LABELS,
        "chart": CHART_HEIGHT,
    }
    return Section(Path(__file__).with_name("section.html"), values, {path.task.name: path.lenders for path in paths}, "layers")
