"""`senpath remove`, `rollback`, `gc`, `export` and `import`: the commands that take back, free and move."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senpath.cli.emit import Result
from senpath.cli.options import Net, NetFolder, Task, connect, is_url, open_network, remote, trusted
from senpath.cli.show import commit_in_words, say
from senpath.errors import InputError

if TYPE_CHECKING:
    from senpath import Client, Network

KEPT_VERSIONS = 10
"""As `senpath.store` has it, which takes long to load; a test compares them."""


def remove(net: Net, task: Task) -> Result:
    """Remove a task; `rollback` brings it back, until `gc`."""
    if is_url(net):
        gone = remote(net).remove(task)
        return Result([{"task": task, "version": gone.version}], lambda: say(f"removed {task!r}; version {gone.version}"))
    removed = open_network(net).remove(task)
    record = {"task": task, "version": removed.version, "components": len(removed.components), "bytes": removed.bytes}

    def show() -> None:
        stay = f"; {len(removed.shared)} that others read stay" if removed.shared else ""
        say(f"removed {task!r}: {len(removed.components)} components go{stay}; version {removed.version}")
        back = f"`senpath rollback {net} {removed.version - 1}` brings it back"
        say(f"{back}; `senpath gc {net} --versions 1` frees {_size(removed.bytes)}")

    return Result([record], show)


def rename(net: Net, task: Task, name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")]) -> Result:
    """Give a task another name; everything else stays as it is."""
    network = connect(net)
    network.rename(task, name)
    record = {"task": name, "renamed": task, "version": network.version}
    return Result([record], lambda: say(f"renamed {task!r} to {name!r}; version {record['version']}"))


def describe(
    net: Net,
    task: Task,
    text: Annotated[
        str | None, typer.Argument(help="What it is for; '' takes an earlier text away. Without it, the text is shown.")
    ] = None,
) -> Result:
    """Say what a task is for, or show what was said."""
    from senpath.cli.described import describe_task

    network = connect(net)
    if text is not None:
        network.describe(task, text)
    told = describe_task(network, task)
    record = {"task": told["name"], "description": told["description"], "version": network.version}
    return Result([record], lambda: say(f"{told['name']!r}: {told['description'] or 'no description'}"))


def rollback(
    net: Net,
    version: Annotated[int | None, typer.Argument(help="The version to return to; without it, the versions are listed.")] = None,
) -> Result:
    """Return to an earlier version."""
    network = connect(net)
    if version is None:
        return _versions(network)
    returned = network.rollback(version)
    parts = {"removed": returned.removed, "restored": returned.restored, "reverted": returned.reverted}

    def show() -> None:
        say(f"version {returned.version} has the tasks of version {returned.to}")
        for words, names in zip(("gone", "back", "as it was"), parts.values(), strict=True):
            if names:
                say(f"  {words}: {', '.join(map(repr, names))}")

    record = {"version": returned.version, "to": returned.to, **{name: [*tasks] for name, tasks in parts.items()}}
    return Result([record], show)


def gc(
    net: NetFolder,
    versions: Annotated[int, typer.Option(min=1, help="Number of versions to keep, the present one included.")] = KEPT_VERSIONS,
    grace: Annotated[
        float | None, typer.Option(min=0, help="In object storage: seconds that what nothing needs any more stays; by default a day.")
    ] = None,
) -> Result:
    """Forget earlier versions and free the files that only they needed."""
    cleaned = open_network(net).gc(versions, grace)
    kept = ", ".join(map(str, cleaned.versions[:-1])) or "none"
    freed = f"freed {_size(cleaned.bytes)}, {cleaned.files} files"
    record = {"version": cleaned.versions[-1], "versions": [*cleaned.versions], "files": cleaned.files, "bytes": cleaned.bytes}
    return Result([record], lambda: say(f"{freed}; version {cleaned.versions[-1]}, earlier ones: {kept}"))


def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Folder of the network, or its address, such as s3://bucket/team.sen.")],
    target: Annotated[str, typer.Argument(metavar="DST", help="New or empty folder, or an address at which nothing is.")],
) -> Result:
    """Copy a network to a folder or into object storage: its present version, the log and recorded evaluations."""
    from senpath.history import copy_network

    copied = copy_network(source, target)
    record = {"source": copied.source, "target": copied.target, "version": copied.version, "tasks": copied.tasks}
    return Result([record], lambda: say(f"copied version {copied.version}, {copied.tasks} tasks: {copied.target}"))


def export(
    net: NetFolder,
    what: Annotated[
        str,
        typer.Argument(
            metavar="TASK_OR_TARGET",
            help="Name of the task; or, without FILE, where the whole network goes: a file *.onnx, or a folder that is there or ends in /, "
            "which gets an ONNX model for each type of data.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The file for the task: *.onnx is an ONNX model, any other, by custom *.sentask, a task for another network.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is an exported one.")] = False,
    encoded: Annotated[
        bool, typer.Option("--encoded", help="Whole networks: models read encoded inputs, even where they could encode them.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option(
            "--page",
            metavar="FOLDER",
            help="Whole networks: write a page that runs the models in a browser, without a server. FOLDER is onnxruntime-web's, as "
            "`npm install onnxruntime-web` puts it into node_modules/.",
        ),
    ] = None,
) -> Result:
    """Write a task to one file, for another network, or as an ONNX model; or the whole network as ONNX models, or as a page."""
    network = open_network(net)
    if file is None:
        return _export_all(network, what, encoded=encoded, page=page, overwrite=overwrite)
    if encoded:
        raise InputError(
            "--encoded", expected="a whole network", got=f"the task {what!r}", do="Models of a task read encoded inputs anyway"
        )
    if not file.parent.is_dir():
        raise InputError(f"file {file}", expected="a file in a folder that is there", got=f"no folder {file.parent}")
    write = network.export_onnx if file.suffix.lower() == ".onnx" else network.export
    write(what, file, overwrite=overwrite)
    size = file.stat().st_size
    return Result([{"task": what, "file": str(file), "bytes": size}], lambda: say(f"wrote {file}, {_size(size)}"))


def _export_all(network: Network, given: str, *, encoded: bool, page: Path | None, overwrite: bool) -> Result:
    target = Path(given)
    if page is None and not (target.suffix.lower() == ".onnx" or given.endswith(("/", os.sep)) or target.is_dir()):
        do = f"senpath export NET {shlex.quote(given)} FILE writes a task" if given in network.tasks else ""
        raise InputError("the whole network", expected="a file *.onnx, or a folder that is there or ends in /", got=repr(given), do=do)
    files = network.export_all(target, encoded=encoded, page=page, overwrite=overwrite)
    sizes = {str(file): file.stat().st_size for file in files}

    def show() -> None:
        for name, size in sizes.items():
            say(f"wrote {name}, {_size(size)}")
        if page is not None:
            say(f"open {target / 'index.html'}")

    return Result([{"file": name, "bytes": size} for name, size in sizes.items()], show)


def import_(
    net: NetFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported task.")],
    name: Annotated[str | None, typer.Option(help="Name for the task; by default the one that it had.")] = None,
) -> Result:
    """Import an exported task; the folder is created if needed."""
    from senpath import Network
    from senpath.store import as_place, has_network

    if not file.is_file():
        raise InputError(f"task file {file}", expected="an exported task", got="no file of that name")
    if not has_network(as_place("path of the network", net)):
        Network().import_task(file, name, trust=trusted())  # into one that goes: a file that is refused leaves no empty network
    network = Network(net, trust=trusted())
    info = network.import_task(file, name, trust=trusted())
    task = list(network.tasks)[-1]
    record = {"task": task, "version": info.version, "classes": len(info.classes_), "weights": info.weights}
    return Result(
        [record], lambda: say(f"imported {task!r}: {len(info.classes_)} classes, {info.weights:,} weights; version {info.version}")
    )


def _versions(net: Network | Client) -> Result:
    entries = {entry["version"]: entry for entry in net.log}
    records = []
    for version in (*net.versions, net.version):
        entry = entries.get(version, {})
        records.append(
            {
                "version": version,
                "time": entry.get("time"),
                "what": commit_in_words(entry) if entry else "empty",
                "present": version == net.version,
            }
        )

    def show() -> None:
        for record in records:
            when = "present" if record["present"] else f"{record['time'] or ''} {record['what']}"
            say(f"{record['version']}: {when}")

    return Result(records, show)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} kB"
