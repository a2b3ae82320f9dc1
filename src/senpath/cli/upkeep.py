"""`senpath remove`, `rollback`, `gc`, `export` and `import`: the commands that take back, free and move."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from senpath import Network
from senpath.cli.options import NetFolder, Task, open_network, trusted
from senpath.cli.show import console
from senpath.errors import InputError
from senpath.store import KEPT_VERSIONS


def remove(net: NetFolder, task: Task) -> None:
    """Remove a task; `rollback` brings it back, until `gc`."""
    removed = open_network(net).remove(task)
    stay = f"; {len(removed.shared)} that others read stay" if removed.shared else ""
    console.print(f"removed {task!r}: {len(removed.components)} components go{stay}; version {removed.version}", highlight=False)
    back = f"`senpath rollback {net} {removed.version - 1}` brings it back"
    console.print(f"{back}; `senpath gc {net} --versions 1` frees {_size(removed.bytes)}")


def rollback(
    net: NetFolder,
    version: Annotated[int | None, typer.Argument(help="The version to return to; without it, the versions are listed.")] = None,
) -> None:
    """Return to an earlier version."""
    network = open_network(net)
    if version is None:
        _list_versions(network)
        return
    returned = network.rollback(version)
    console.print(f"version {returned.version} has the tasks of version {returned.to}", highlight=False)
    for words, names in (("gone", returned.removed), ("back", returned.restored), ("as it was", returned.reverted)):
        if names:
            console.print(f"  {words}: {', '.join(map(repr, names))}", highlight=False)


def gc(
    net: NetFolder,
    versions: Annotated[int, typer.Option(min=1, help="Number of versions to keep, the present one included.")] = KEPT_VERSIONS,
) -> None:
    """Forget earlier versions and free the files that only they needed."""
    cleaned = open_network(net).gc(versions)
    kept = ", ".join(map(str, cleaned.versions[:-1])) or "none"
    freed = f"freed {_size(cleaned.bytes)}, {cleaned.files} files"
    console.print(f"{freed}; version {cleaned.versions[-1]}, earlier ones: {kept}", highlight=False)


def export(
    net: NetFolder,
    task: Task,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The file to write: *.onnx is an ONNX model, any other, by custom *.sentask, a task for another network."
        ),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is an exported one.")] = False,
) -> None:
    """Write a task to one file, for another network, or as an ONNX model for other programs."""
    network = open_network(net)
    write = network.export_onnx if file.suffix.lower() == ".onnx" else network.export
    write(task, file, overwrite=overwrite)
    console.print(f"wrote {file}, {_size(file.stat().st_size)}", highlight=False)


def import_(
    net: NetFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported task.")],
    name: Annotated[str | None, typer.Option(help="Name for the task; by default the one that it had.")] = None,
) -> None:
    """Import an exported task; the folder is created if needed."""
    if not file.is_file():
        raise InputError(f"task file {file}", expected="an exported task", got="no file of that name")
    if not (net / "network.json").exists():
        Network().import_task(file, name, trust=trusted())  # into one that goes: a file that is refused leaves no empty network
    network = Network(net, trust=trusted())
    info = network.import_task(file, name, trust=trusted())
    task = list(network.tasks)[-1]
    console.print(f"imported {task!r}: {len(info.classes_)} classes, {info.weights:,} weights; version {info.version}", highlight=False)


def _list_versions(net: Network) -> None:
    entries = {entry["version"]: entry for entry in net.log}
    for version in net.versions:
        entry = entries.get(version, {})
        what = next((f"{word} {entry[word]}" for word in ("removed", "rollback", "compacted", "tasks") if entry.get(word)), "empty")
        console.print(f"{version}: {entry.get('time', '')} {what}", highlight=False)
    console.print(f"{net.version}: present", highlight=False)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
