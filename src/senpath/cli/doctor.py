"""`senpath doctor`: what is installed, what this machine offers, and whether a network is whole."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from senpath.cli.emit import Result
from senpath.cli.show import heading, say, working

if TYPE_CHECKING:
    from senpath.cli.checks import Finding

UNWELL = 1
"""Exit code where something does not work."""
STYLES = {"ok": None, "note": "yellow", "bad": "red"}


def doctor(
    net: Annotated[str | None, typer.Argument(metavar="NET", help="Folder or address of a network to look at too.")] = None,
) -> Result:
    """Look at versions, extras, threads, the GPU and folders, and say what is wrong and what to do."""
    from senpath.cli.checks import BAD, checks

    with working("looking around"):
        everything = [*checks(net)]
    wrong = sum(check.state == BAD for check in everything)
    return Result([asdict(check) for check in everything], lambda: _show(everything, wrong), UNWELL if wrong else 0)


def _show(checks: list[Finding], wrong: int) -> None:
    width = max(len(check.name) for check in checks)
    for part, mine in groupby(checks, lambda check: check.part):
        heading(part)
        for check in mine:
            say(f"{check.state:<4}  {check.name:<{width}}  {check.value}", style=STYLES[check.state])
            if check.do is not None:
                say(f"{'':<{width + 8}}{check.do}")
    faults = "1 thing does" if wrong == 1 else f"{wrong} things do"
    say(f'\n{faults} not work: see "bad" above' if wrong else "\nall that senpath needs is there")
