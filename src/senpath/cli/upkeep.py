"""The commands that take back, free and move."""

from __future__ import annotations

from pathlib import Path

from senpath import Network
from senpath.cli.commands import open_network
from senpath.cli.show import console
from senpath.errors import InputError


def remove_task(path: Path, task: str) -> None:
    """Remove and say what stays."""
    removed = open_network(path).remove(task)
    stay = f"; {len(removed.shared)} that others read stay" if removed.shared else ""
    console.print(f"removed {task!r}: {len(removed.components)} components go{stay}; version {removed.version}", highlight=False)
    console.print(
        f"`senpath rollback {path} {removed.version - 1}` brings it back; `senpath gc {path} --versions 1` frees {_size(removed.bytes)}"
    )


def roll_back(path: Path, version: int | None) -> None:
    """Return to a version, or list those that there are."""
    net = open_network(path)
    if version is None:
        _list_versions(net)
        return
    found = net.rollback(version)
    console.print(f"version {found.version} has the tasks of version {found.to}", highlight=False)
    for words, names in (("gone", found.removed), ("back", found.restored), ("as it was", found.reverted)):
        if names:
            console.print(f"  {words}: {', '.join(map(repr, names))}", highlight=False)


def clean(path: Path, versions: int) -> None:
    """Free and say how much."""
    found = open_network(path).gc(versions)
    kept = ", ".join(map(str, found.versions[:-1])) or "none"
    console.print(f"freed {_size(found.bytes)}, {found.files} files; version {found.versions[-1]}, earlier ones: {kept}", highlight=False)


def export_task(path: Path, task: str, file: Path, *, overwrite: bool) -> None:
    """Write a task to a file, as its ending says, and say how large that is."""
    net = open_network(path)
    write = net.export_onnx if file.suffix.lower() == ".onnx" else net.export
    write(task, file, overwrite=overwrite)
    console.print(f"wrote {file}, {_size(file.stat().st_size)}", highlight=False)


def import_task(path: Path, file: Path, name: str | None) -> None:
    """Take a task in; the folder is made if need be, once the file is known to hold a task that can be taken in."""
    if not file.is_file():
        raise InputError(f"task file {file}", expected="an exported task", got="no file of that name")
    if not (path / "network.json").exists():
        Network().import_task(file, name)  # into one that goes: a file that is refused leaves no empty network
    net = Network(path)
    info = net.import_task(file, name)
    task = list(net.tasks)[-1]
    console.print(f"imported {task!r}: {len(info.classes_)} classes, {info.weights:,} weights; version {info.version}", highlight=False)


def _list_versions(net: Network) -> None:
    tasks = {entry["version"]: entry for entry in net.log}
    for version in net.versions:
        entry = tasks.get(version, {})
        what = next((f"{word} {entry[word]}" for word in ("removed", "rollback", "compacted", "tasks") if entry.get(word)), "empty")
        console.print(f"{version}: {entry.get('time', '')} {what}", highlight=False)
    console.print(f"{net.version}: present", highlight=False)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
