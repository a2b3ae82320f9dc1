"""The commands that change a task which the network has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from senpath.cli.commands import open_network, setting
from senpath.cli.reading import Reading, labelled
from senpath.cli.show import bars, console
from senpath.snapshot import Revised


def _settings(texts: Sequence[str], *own: str) -> dict[str, Any]:
    return dict(setting(text, {"task", "x", "y", "progress", *own}) for text in texts)


def review_task(path: Path, task: str, source: str, settings: Sequence[str], reading: Reading) -> None:
    """Let a task borrow from later ones, and say what came of it."""
    net = open_network(path)
    given = _settings(settings)
    with bars(task) as progress:
        found = net.review(task, *labelled(source, reading=reading), progress=progress, **given)
    show_revised(found)


def prune_task(path: Path, task: str, keep: float, what: str, source: str | None, settings: Sequence[str], reading: Reading) -> None:
    """Make a task's pathway smaller, and say what came of it."""
    net = open_network(path)
    x, y = labelled(source, reading=reading) if source is not None else (None, None)
    with bars(task) as progress:
        found = net.prune(task, keep, x, y, progress=progress, **{"what": what, **_settings(settings, "keep", "what")})
    show_revised(found)


def extend_tasks(path: Path, task: str | None, source: str, settings: Sequence[str], reading: Reading) -> None:
    """Add examples to a task, or split a mixed stream, and say what came of it."""
    net = open_network(path)
    given, (x, y) = _settings(settings), labelled(source, reading=reading)
    with bars(task or "stream") as progress:
        found = net.extend(x, y, progress=progress, **given) if task is None else net.extend(task, x, y, progress=progress, **given)
    if isinstance(found, Revised):
        show_revised(found)
        return
    for revised in found.revised.values():
        show_revised(revised)
    console.print(f"{len(found.left):,} of {len(x):,} examples fit no task, or have a label that theirs has not", highlight=False)


def show_revised(found: Revised) -> None:
    """Whether a task was changed, and why."""
    what = f"changed {found.task!r}, version {found.version}" if found.changed else f"{found.task!r} stays as it is"
    console.print(f"{what}: {found.reason}" if found.reason else what, highlight=False)
