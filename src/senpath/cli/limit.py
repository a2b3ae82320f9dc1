"""`senpath limit`: what a task refuses, which limit fits it, and setting it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.emit import Result
from senpath.cli.options import NetFolder, Task, open_network
from senpath.cli.show import note, percent, say, table
from senpath.errors import InputError

if TYPE_CHECKING:
    from senpath import Network, SuggestedLimit, Threshold


def limit(
    net: NetFolder,
    task: Task,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|TEXT|-…]", help="Inputs that belong to the task, as for predict, or folders of them."),
    ] = None,
    others: Annotated[
        list[str] | None,
        typer.Option("--not", metavar="FILE|TEXT|-", help="An input, or a folder of some, that belongs to no task; repeatable."),
    ] = None,
    refuse: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="Without --not: the share of inputs that belong that may be refused.")
    ] = 0.03,
    apply: Annotated[bool, typer.Option("--apply", help="Set the suggested limit.")] = False,
    to: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Set this limit: a multiple of the learned one; 1 is as learned.")
    ] = None,
) -> Result:
    """Show what a task refuses, suggest a limit from inputs, or set one; `rollback` takes it back."""
    network = open_network(net)
    task = network.view.task_name(task)
    network.view.pathway(task)  # which says what is wrong with the name
    if to is not None and (inputs or others or apply):
        raise InputError(
            "--to", expected="nothing to judge a limit by beside it", got="inputs or --apply", do="--apply sets what is suggested"
        )
    if not inputs:
        if others or apply:
            do = "Name files or texts that the task should answer"
            raise InputError("inputs", expected="some that belong to the task", got="none", do=do)
        threshold = network.thresholds[task] if to is None else network.set_limit(task, to)
        return Result([_described(network, threshold)], lambda: _show(threshold, network.version))
    advice = _judged(network, task, inputs, others, refuse)
    if apply:
        network.set_limit(task, advice.limit)
    record = {"task": task, "version": network.version, "limit": advice.limit, "present": advice.present, "reason": advice.reason}
    record |= {"applied": apply, "own": _counts(advice.own), "others": _counts(advice.others) if advice.others is not None else None}
    return Result([record], lambda: _show_advice(net, advice, apply))


def _judged(network: Network, task: str, inputs: list[str], others: list[str] | None, refuse: float) -> SuggestedLimit:
    from senpath.cli.asked import asked

    with asked(network, _files(inputs)) as (_, mine), asked(network, _files(others or [])) as (_, foreign):
        return network.suggest_limit(task, mine, foreign or None, refuse=refuse)


def _files(names: list[str]) -> list[str]:
    """These, and of a folder the files in it, hidden ones left out."""
    files: list[str] = []
    for name in names:
        if len(name) < 256 and Path(name).is_dir():
            inside = sorted(str(path) for path in Path(name).rglob("*") if path.is_file() and not path.name.startswith("."))
            if not inside:
                raise InputError(f"folder {name}", expected="files of inputs", got="none")
            files += inside
        else:
            files.append(name)
    return files


def _described(network: Network, threshold: Threshold) -> dict[str, Any]:
    return {"task": threshold.task, "version": network.version, "limit": threshold.limit, "reason": threshold.reason}


def _counts(refusals: Any) -> dict[str, Any]:
    shares = {"before": refusals.before, "after": refusals.after} if refusals.inputs else {"before": None, "after": None}
    return {"inputs": refusals.inputs, "elsewhere": refusals.elsewhere, **shares, "interval": [*refusals.interval]}


def _show(threshold: Threshold, version: int) -> None:
    say(f"{threshold.task!r}, limit {threshold.limit:g} (version {version}): {threshold.reason}")


def _show_advice(net: str, advice: SuggestedLimit, applied: bool) -> None:
    rows = []
    for name, counts in (("that belong", advice.own), ("that do not", advice.others)):
        if counts is not None:
            low, high = (percent(bound) for bound in counts.interval)
            shares = [percent(counts.before), f"{percent(counts.after)} ({low} to {high})"] if counts.inputs else ["–", "–"]
            rows.append([name, str(counts.inputs), str(counts.elsewhere), *shares])
    columns = [
        "inputs",
        "judged by\nthis limit",
        "go to\nother tasks",
        f"refused at\n{advice.present:g}",
        f"refused at {advice.limit:g}\n(95 % interval)",
    ]
    table(f"limit {advice.limit:g} for {advice.task!r}: {advice.reason}", columns, rows)
    if applied:
        say(f"set to {advice.limit:g}")
    else:
        note(f"`senpath limit {net} {advice.task} --to {advice.limit:g}` sets it (1 is the limit as learned)")
