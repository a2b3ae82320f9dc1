"""`senpath review`, `prune` and `extend`: the commands that change a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.emit import Result
from senpath.cli.options import Net, Sets, Task, connect, is_url, open_network, read_settings
from senpath.cli.reading import Label, Modality, ReadingOptions, SkipBad, grouped_reasons, labelled
from senpath.cli.show import note, say
from senpath.errors import InputError
from senpath.progress import bars

if TYPE_CHECKING:
    from senpath import Client, Network


def review(
    net: Net,
    task: Task,
    source: Annotated[str, typer.Argument(metavar="DATA", help="The examples that it was learned from, as for learn.")],
    settings: Sets = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> Result:
    """Let a task borrow from tasks that were learned after it, if it gains."""
    network, given = connect(net), _checked("review", read_settings(settings))
    x, y = labelled(source, reading=ReadingOptions(label, modality, skip_bad, _kind(network, task)))
    with bars(task) as progress:
        return _changed(network.review(task, x, y, progress=progress, **given))


def prune(
    net: Net,
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
) -> Result:
    """Make a task's pathway smaller, unless that loses too much."""
    network = connect(net)
    given = _checked("prune", {"keep": keep, "what": what, **read_settings(settings, "keep", "what")})
    reading = ReadingOptions(label, modality, skip_bad, _kind(network, task))
    x, y = labelled(source, reading=reading) if source is not None else (None, None)
    with bars(task) as progress:
        return _changed(network.prune(task, x=x, y=y, progress=progress, **given))


def extend(
    net: Net,
    first: Annotated[
        str | None, typer.Argument(metavar="TASK", help="Name of the task; without it the examples are split among the tasks.")
    ] = None,
    second: Annotated[str | None, typer.Argument(metavar="DATA", help="Labelled examples, as for learn.")] = None,
    settings: Sets = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> Result:
    """Add examples or new classes to a task, or split a mixed stream among all tasks.

    Needed are labelled examples of the type of data that the task reads: of new classes alone, of old ones alone, or of both; the old
    examples are not needed again. Old classes keep their answers to the bit; --set finetune=true trains the whole task again, and says
    what that may cost. Without TASK each example goes to the likeliest of its tasks that has its label.
    """
    if first is None:
        raise InputError(
            "extend", expected="DATA, or TASK DATA", got="neither", do="Name the examples: a file, a folder, or - for standard input"
        )
    given = _checked("extend", read_settings(settings))
    if second is None:
        return _extend_stream(net, first, ReadingOptions(label, modality, skip_bad), given)
    network = connect(net)
    x, y = labelled(second, reading=ReadingOptions(label, modality, skip_bad, _kind(network, first)))
    with bars(first) as progress:
        return _changed(network.extend(first, x, y, progress=progress, **given))


def _extend_stream(net: str, source: str, reading: ReadingOptions, given: dict[str, Any]) -> Result:

    from senpath.cli.described import describe_revised

    if is_url(net):
        raise InputError("extend", expected="TASK DATA with a server", got="one argument", do="A stream is split among tasks here alone")
    network = open_network(net)
    x, y = labelled(source, reading=reading)
    with bars("stream") as progress:
        routed = network.extend(x, y, progress=progress, **given)
    records = [{**describe_revised(revised), "examples": len(routed.sent.get(task, ()))} for task, revised in routed.revised.items()]

    def show() -> None:
        for revised in routed.revised.values():
            _say(revised)
        say(f"{len(routed.left):,} of {len(x):,} examples fit no task, or have a label that theirs has not")

    for line in grouped_reasons((f"example {row}", reason) for row, reason in sorted(routed.reasons.items())):
        note(f"left: {line}")
    return Result(records, show)


def _checked(revision: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that the revision takes: what is mistyped is said before data is read."""
    from senpath.methods.registry import make_revision

    make_revision(revision, settings)
    return settings


def _kind(net: Network | Client, task: str) -> str | None:
    """Of a task that is there; a name that is no task's is an error here, which says which tasks there are."""
    from senpath.client import Client

    return None if isinstance(net, Client) else net.view.pathway(task).kind


def _changed(revised: Any) -> Result:
    from senpath.cli.described import describe_revised

    return Result([describe_revised(revised)], lambda: _say(revised))


def _say(revised: Any) -> None:
    """Whether a task was changed, and why."""
    what = f"changed {revised.task!r}, version {revised.version}" if revised.changed else f"{revised.task!r} stays as it is"
    say(f"{what}: {revised.reason}" if revised.reason else what)
