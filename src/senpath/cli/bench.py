"""`senpath bench`: benchmarks that anybody can run and add a row to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure senpath beside other ways, and add your own.")


@app.callback()
def group() -> None:
    """Measure senpath beside other ways, and add your own."""


@app.command()
def routing(
    stream: Annotated[
        list[str] | None,
        typer.Option(
            help="letters, alphabets, requests, photographs or mixed, which are the default; or split-mnist, split-fashion, split-cifar10, "
            "permuted-mnist-250, permuted-mnist-1000 or rotated-mnist. May be repeated."
        ),
    ] = None,
    shots: Annotated[list[str] | None, typer.Option(help="5, 20 or all, where a stream has them; may be repeated. Default: all.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds.")] = 3,
    row: Annotated[
        list[str] | None, typer.Option(help="A row by name, or FILE.py:CLASS; may be repeated. Default: those that come with senpath.")
    ] = None,
    again: Annotated[list[str] | None, typer.Option(help="A row to measure again, though its results are there; may be repeated.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Test inputs of a task, at most.")] = 1_000,
    out: Annotated[Path, typer.Option(help="Folder for the page routing.md, routing.html and their figures.")] = Path("docs/results"),
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done; a stopped run goes on from there.")] = Path("runs/routing"),
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes at once, of one thread each.")] = 1,
) -> None:
    """Which task is an input of that does not say it? Five streams of tasks, senpath beside baselines on the same features."""
    from senpath.cli.benching import run_routing

    run_routing(stream or [], shots or [], seeds, row or [], again or [], most, out, work, jobs)
