"""`senpath tasks`, `log`, `report` and `verify`: a network looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.emit import Result
from senpath.cli.options import Net, NetFolder, connect, open_network
from senpath.cli.show import commit_in_words, percent, say, table
from senpath.errors import InputError
from senpath.progress import bars

if TYPE_CHECKING:
    from senpath import Network, TaskInfo

LOGGED = ("version", "time", "author", "tasks", "method", "examples", "data", "settings")
"""What `senpath log` says of each commit, where it is known."""
SHORT_KEY = re.compile("([0-9a-f]{8})[0-9a-f]{24}$")
"""Of 128 bits, which tell types of tables apart, the first eight digits are enough to read."""


def tasks(net: Net) -> Result:
    """List what the network has learned."""
    from senpath.cli.described import describe_tasks

    network = connect(net)
    records = describe_tasks(network)
    return Result(records, lambda: _show_tasks(f"{net}: version {network.version}", records, network.weights))


def _show_tasks(title: str, records: list[dict[str, Any]], weights: dict[str, int]) -> None:
    concepts = any(record["concept"] is not None for record in records)
    rows = []
    for record in records:
        concept = [record["concept"] or "–"] if concepts else []
        key = SHORT_KEY.sub(r"\1", record["type"]["key"])
        links = ", ".join(record["links"]) or "–"
        share = percent(record["run"] / max(1, weights["total"])) if record.get("run") is not None else "–"
        sizes = [len(record["classes"]), f"{record['examples']:,}", links, f"{record['weights']:,}", share]
        rows.append([record["name"], *concept, key, *sizes])
    columns = ["task", *(["concept"] if concepts else []), "type", "classes", "examples", "borrows\nfrom", "weights", "of all,\nrun"]
    table(f"{title}, {weights['total']:,} weights, {weights['dispatcher']:,} of them the dispatcher's", columns, rows)


def log(
    net: NetFolder,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Only so many commits, the newest.")] = None,
) -> Result:
    """List what was committed: when, by whom, which tasks, how, and from how many examples."""
    entries = open_network(net).log
    entries = entries if last is None else entries[-last:]
    records = [{name: entry.get(name) for name in LOGGED} | {"change": commit_in_words(entry)} for entry in entries]

    def show() -> None:
        columns = ["version", "time", "author", "change", "method", "examples"]
        rows = [["–" if record[name] is None else str(record[name]) for name in columns] for record in records]
        table(f"{net}: {len(records)} commits", columns, rows)

    return Result(records, show)


def run_share(net: Network, info: TaskInfo) -> float:
    """The share of all weights that an input of this task runs, the dispatcher and a pretrained encoder included."""
    besides = net.view.encoder_weights.get(info.data_type, 0) + net.view.dispatcher_weights(info.data_type)
    return (info.run_weights + besides) / max(1, net.weights["total"])


def report(
    net: NetFolder,
    out: Annotated[Path | None, typer.Option(help="The page; by default named after the network, in this folder.")] = None,
) -> Result:
    """Write a page that shows the whole network, to open in a browser."""
    from senpath import report as write_report

    network = open_network(net)
    name = network.path.resolve().name if isinstance(network.path, Path) else network.path.name
    page = out if out is not None else Path(f"{name.removesuffix('.sen')}.report.html")
    if page.suffix.lower() in (".csv", ".jsonl", ".npz", ".parquet", ".tsv", ".txt", ".xlsx", ".zip"):  # data, perhaps of value
        raise InputError(f"page {page}", expected="a name that ends in .html", got=page.suffix)
    write_report(network, page)
    return Result([{"file": str(page), "version": network.version}], lambda: say(f"wrote {page}: open it in a browser"))


def verify(net: NetFolder) -> Result:
    """Recompute every hash and replay every pathway's probe."""
    from senpath.inputs.sources.dataset import counted

    network = open_network(net)
    with bars(str(net)) as progress:
        network.verify(progress)
    what = f"version {network.version}, {counted(len(network.tasks), 'task')}"
    record = {"version": network.version, "tasks": [*network.tasks]}
    return Result([record], lambda: say(f"{net}: {what}: every hash and every probe is as it was committed"))
