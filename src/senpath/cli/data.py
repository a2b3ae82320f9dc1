"""`senpath data`: data sets that senpath knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from senpath import data
from senpath.cli.show import bars, console, table
from senpath.data.downloads import PAPER

app = typer.Typer(no_args_is_help=True, help="Data sets that senpath knows by name.")


@app.command("list")
def list_() -> None:
    """Show the known sets and whether they are here."""
    root = data.data_root()
    console.print(f"data folder: {root if root else 'none (set SENPATH_DATA, or run `senpath data download`)'}", highlight=False)
    rows = [[known.name, known.modality, "yes" if known.present else "no", known.about] for known in data.available()]
    table(None, ["set", "type", "here", "what it is"], rows)


@app.command()
def download(
    names: Annotated[list[str] | None, typer.Argument(help="Sets to fetch; by default those of the paper's five tasks.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to put them in.")] = None,
) -> None:
    """Fetch sets from their official sources and check them."""
    folder = to or data.cache_folder()
    with bars("download") as progress:
        data.download(names or PAPER, folder, progress=progress)
    console.print(f"downloaded and checked: {', '.join(names or PAPER)} in {folder}", highlight=False)
