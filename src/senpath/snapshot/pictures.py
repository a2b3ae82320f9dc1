"""A network as a notebook shows it: a table of its tasks, a small drawing, a chart."""

from __future__ import annotations

from typing import Any

from senpath.notebook import charts
from senpath.notebook.html import arcs, block, more, note, table
from senpath.snapshot.task_info import task_info
from senpath.snapshot.view import View

TASKS = 50
"""Tasks that are listed and drawn, the latest."""


def network_html(view: View, name: str) -> str:
    """The tasks as a table, and which borrows from which as a drawing.

    Args:
        name: of the network.
    """
    shown = [*view.tasks][-TASKS:]
    rows = []
    for task in shown:
        info = task_info(view, task)
        lenders = ", ".join(dict.fromkeys(source for source, _ in info.transfers))
        run = f"{info.run_weights:,}"
        rows.append(
            (task, info.kind, view.types[info.data_type].modality, len(info.classes_), f"{info.examples:,}", info.method, lenders, run)
        )
    head = ["task", "kind", "reads", "outputs", "examples", "method", "borrows from", "weights that run"]
    weights = view.weights
    said = f"version {view.version}; {weights['total']:,} weights, {weights['dispatcher']:,} of them the dispatcher's"
    listed = (table(head, rows, (3, 4, 7)), more(len(view.tasks), len(shown), "earlier tasks"), arcs(shown, _borrowed(view, shown)))
    return block(name, note(said), *(listed if shown else [note("nothing learned yet")]))


def plot_network(view: View, axes: Any = None) -> Any:
    """Draw a network; see `Network.plot`."""
    shown = [*view.tasks][-TASKS:]
    axes = charts.new_axes(height=max(2.0, 0.35 * len(shown) + 1)) if axes is None else axes
    charts.links(axes, shown, [task_info(view, task).weights for task in shown], _borrowed(view, shown))
    return axes


def _borrowed(view: View, tasks: list[str]) -> list[tuple[str, str]]:
    """(borrower, lender) for each link among these tasks."""
    return [(task, link.source) for task in tasks for link in view.pathway(task).links]
