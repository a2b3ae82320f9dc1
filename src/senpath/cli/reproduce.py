"""`senpath reproduce`: published experiments, run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Repeat published experiments, and print the published figures beside the new ones.")


@app.callback()
def group() -> None:
    """Repeat published experiments, and print the published figures beside the new ones."""


@app.command()
def sen(
    out: Annotated[Path, typer.Option(help="Folder for the page sen.md and its figures.")] = Path("docs/results"),
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done; a stopped run goes on from there.")] = Path("runs/sen"),
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds.")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data; by default a rule from the number of examples.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes at once, of one thread each; by default one per core.")
    ] = None,
) -> None:
    """The tables and figures of Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways", section 4."""
    from senpath.cli.reproduction import run_sen

    run_sen(out, work, seeds, epochs, jobs)
