"""`senpath data`: data sets that senpath knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from senpath.cli.emit import Result, with_forms
from senpath.cli.show import note, say, table
from senpath.progress import bars

app = typer.Typer(no_args_is_help=True, help="Data sets that senpath knows by name.")


def list_() -> Result:
    """Show the known sets and whether they are here."""
    from senpath import data

    root = data.data_root()
    note(f"data folder: {root if root else 'none (set SENPATH_DATA, or run `senpath data download`)'}")
    records = [{"name": known.name, "modality": known.modality, "here": known.present, "about": known.about} for known in data.available()]
    rows = [[each["name"], each["modality"], "yes" if each["here"] else "no", each["about"]] for each in records]
    return Result(records, lambda: table(None, ["set", "type", "here", "what it is"], rows))


def download(
    names: Annotated[list[str] | None, typer.Argument(help="Sets to fetch; by default those of the paper's five tasks.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to put them in.")] = None,
) -> Result:
    """Fetch sets from their official sources and check them."""
    from senpath import data
    from senpath.data.downloads import PAPER

    folder = to or data.cache_folder()
    with bars("download") as progress:
        data.download(names or PAPER, folder, progress=progress)
    records = [{"name": name, "folder": str(folder)} for name in names or PAPER]
    return Result(records, lambda: say(f"downloaded and checked: {', '.join(names or PAPER)} in {folder}"))


app.command("list")(with_forms(list_))
app.command("download")(with_forms(download))
