"""`senpath review`, `prune` and `extend`: the commands that change a task which the network has."""

from __future__ import annotations

from typing import Annotated

import typer

from senpath.cli.options import NetFolder, Sets, Task, open_network, read_settings
from senpath.cli.reading import Label, Modality, ReadingOptions, SkipBad, labelled
from senpath.cli.show import bars, console
from senpath.methods.registry import make_revision
from senpath.snapshot import Revised


def review(
    net: NetFolder,
    task: Task,
    source: Annotated[str, typer.Argument(metavar="DATA", help="The examples that it was learned from, as for learn.")],
    settings: Sets = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Let a task borrow from tasks that were learned after it, if it gains."""
    network, revision = open_network(net), make_revision("review", read_settings(settings))
    x, y = labelled(source, reading=ReadingOptions(label, modality, skip_bad, network.view.pathway(task).kind))
    with bars(task) as progress:
        _show_revised(network.revise(task, revision, x, y, progress))


def prune(
    net: NetFolder,
    task: Task,
    keep: Annotated[float, typer.Option(help="The share of its weights, or of its hidden units, that stays.")] = 0.5,
    what: Annotated[str, typer.Option(help="What to leave out: weights (saves disk) or units (saves disk and time).")] = "weights",
    source: Annotated[
        str | None, typer.Option("--data", help="Examples of the task, as for learn, to measure with and to train on.")
    ] = None,
    settings: Sets = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Make a task's pathway smaller, unless that loses too much."""
    given = {"keep": keep, "what": what, **read_settings(settings, "keep", "what")}
    network, revision = open_network(net), make_revision("prune", given)
    reading = ReadingOptions(label, modality, skip_bad, network.view.pathway(task).kind)
    x, y = labelled(source, reading=reading) if source is not None else (None, None)
    with bars(task) as progress:
        _show_revised(network.revise(task, revision, x, y, progress))


def extend(
    net: NetFolder,
    first: Annotated[str, typer.Argument(metavar="[TASK]", help="Name of the task; without it the examples are split among the tasks.")],
    second: Annotated[str | None, typer.Argument(metavar="DATA", help="Labelled examples, as for learn.")] = None,
    settings: Sets = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Add examples or new classes to a task, or split a mixed stream among all tasks."""
    network, given = open_network(net), read_settings(settings)
    revision = make_revision("extend", given)
    kind = network.view.pathway(first).kind if second is not None else None
    x, y = labelled(first if second is None else second, reading=ReadingOptions(label, modality, skip_bad, kind))
    if second is not None:
        with bars(first) as progress:
            _show_revised(network.revise(first, revision, x, y, progress))
        return
    with bars("stream") as progress:
        routed = network.extend(x, y, progress=progress, **given)
    for revised in routed.revised.values():
        _show_revised(revised)
    console.print(f"{len(routed.left):,} of {len(x):,} examples fit no task, or have a label that theirs has not", highlight=False)


def _show_revised(revised: Revised) -> None:
    """Whether a task was changed, and why."""
    what = f"changed {revised.task!r}, version {revised.version}" if revised.changed else f"{revised.task!r} stays as it is"
    console.print(f"{what}: {revised.reason}" if revised.reason else what, highlight=False)
