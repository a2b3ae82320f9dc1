"""Several tasks at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from senpath import Network
from senpath.cli.commands import counted_outputs, run_share, setting
from senpath.cli.encoders import chosen, show_encoder
from senpath.cli.reading import Reading, labelled
from senpath.cli.show import bars, console, percent
from senpath.errors import InputError
from senpath.inputs.encoders import AUTO
from senpath.methods import make_method
from senpath.snapshot import JointMethod

RESERVED = frozenset({"random_state", "tasks", "kind", "concept", "method", "jobs", "progress"})
"""What `learn_many` has arguments for."""


def learn_tasks(
    path: Path,
    tasks: Sequence[str],
    *,
    seed: int,
    method: str,
    settings: Sequence[str],
    jobs: int,
    kind: str | None = None,
    encoder: str = AUTO,
    reading: Reading,
) -> None:
    """Learn tasks, together or side by side, and say what came of them."""
    sources = _sources(tasks)
    # Before the data and the folder: a mistyped setting must not leave an empty network behind.
    worker = make_method(method, {"random_state": seed, **dict(setting(text, RESERVED) for text in settings)})
    found = {task: labelled(source, reading=reading, say=True) for task, source in sources.items()}
    first = next(iter(found.values()))[0]
    net = Network(path, encoders=chosen(encoder, first, method))
    with bars(method) as progress:
        learned = net.learn_many(found, kind=kind, method=worker, jobs=jobs, progress=progress)
    show_encoder(net, next(iter(learned)), encoder, first)
    for task, what in learned.items():
        info = net.tasks[task]
        outputs = counted_outputs(info)
        share = percent(run_share(net, info))
        console.print(
            f"learned {task!r}: {info.examples:,} examples, {outputs}; runs {share} of all weights; version {what.version}", highlight=False
        )
    last = next(reversed(learned.values()))
    together = ", together" if isinstance(worker, JointMethod) else ""
    console.print(f"{len(learned)} tasks{together}, {last.seconds:.1f} s", highlight=False)


def _sources(tasks: Sequence[str]) -> dict[str, str]:
    """TASK=DATA in two, each name once."""
    sources: dict[str, Any] = {}
    for text in tasks:
        task, equals, source = text.partition("=")
        if not equals or not task or not source:
            raise InputError("tasks", expected="TASK=DATA", got=repr(text))
        if task in sources:
            raise InputError(f"task {task!r}", expected="each name once", got="it twice")
        sources[task] = source
    return sources
