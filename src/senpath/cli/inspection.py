"""`senpath tasks`, `explain`, `report` and `verify`: a network looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from senpath import Network, TaskInfo
from senpath import report as write_report
from senpath.cli.options import NetFolder, open_network
from senpath.cli.show import bars, console, percent, table
from senpath.errors import InputError
from senpath.inputs.sources import read_unlabelled
from senpath.inputs.sources.dataset import counted

SHORT_KEY = re.compile("([0-9a-f]{8})[0-9a-f]{24}$")
"""Of 128 bits, which tell types of tables apart, the first eight digits are enough to read."""


def tasks(net: NetFolder) -> None:
    """List what the network has learned."""
    network = open_network(net)
    infos = network.tasks
    concepts = any(info.concept is not None for info in infos.values())
    rows = []
    for name, info in infos.items():
        sources = ", ".join(dict.fromkeys(source for source, _ in info.transfers)) or "–"
        share = percent(run_share(network, info))
        concept = [info.concept or "–"] if concepts else []
        key = SHORT_KEY.sub(r"\1", info.data_type)
        rows.append([name, *concept, key, len(info.classes_), f"{info.examples:,}", sources, f"{info.weights:,}", share])
    columns = ["task", *(["concept"] if concepts else []), "type", "classes", "examples", "borrows\nfrom", "weights", "of all,\nrun"]
    weights = network.weights
    table(
        f"{net}: version {network.version}, {weights['total']:,} weights, {weights['dispatcher']:,} of them the dispatcher's", columns, rows
    )


def run_share(net: Network, info: TaskInfo) -> float:
    """The share of all weights that an input of this task runs, the dispatcher and a pretrained encoder included."""
    besides = net.view.encoder_weights.get(info.data_type, 0) + net.view.dispatcher_weights(info.data_type)
    return (info.run_weights + besides) / max(1, net.weights["total"])


def explain(net: NetFolder, file: Annotated[Path, typer.Argument(metavar="FILE", help="One picture, sound or text.")]) -> None:
    """Show why one input gets its answer."""
    network = open_network(net)
    _, items = read_unlabelled([file], network.view.types.values())
    if len(items) != 1:
        raise InputError(f"file {file}", expected="one input", got=f"{len(items)}")
    why = network.explain(items[0], errors="none")
    answer = "nothing fits" if why.task is None else f"task {why.task!r}, label {why.label!r}, confidence {percent(why.confidence)}"
    console.print(f"{file.name}: {answer}", style="bold", highlight=False)
    if why.reason is not None:
        console.print(why.reason, highlight=False, soft_wrap=True)
    scores = [[name, percent(score, 2), "yes" if name in why.candidates else ""] for name, score in why.scores.items()]
    table("which task? (dispatcher)", ["task", "P(task)", "runs"], scores)
    console.print(f"ood_score {why.ood_score:.2f} (above 1 nothing fits)")
    table("which label?", ["task", "label", "P(task, label)"], [[task, label, percent(p)] for task, label, p in why.top])
    for use in why.links:
        copied = f" from {use.transfer.source!r} (similarity {use.transfer.share:.2f})" if use.transfer else ""
        console.print(f"link to {use.source!r}{copied} added {use.added:+.2f} to {use.output!r}", highlight=False)
    ran = why.activated
    parts = {
        "pathways": ran.pathway_weights,
        "links": ran.link_weights,
        "layers that links read": ran.source_weights,
        "dispatcher": ran.dispatcher_weights,
        "pretrained encoder": ran.encoder_weights,
        "together": ran.total,
    }
    table("what ran", ["part", "weights"], [[name, f"{size:,}"] for name, size in parts.items()])
    console.print(f"{percent(why.share)} of the network's {network.weights['total']:,} weights")


def report(
    net: NetFolder,
    out: Annotated[Path | None, typer.Option(help="The page; by default named after the network, in this folder.")] = None,
) -> None:
    """Write a page that shows the whole network, to open in a browser."""
    network = open_network(net)
    page = out if out is not None else Path(f"{net.resolve().name.removesuffix('.sen')}.report.html")
    write_report(network, page)
    console.print(f"wrote {page}: open it in a browser", highlight=False)


def verify(net: NetFolder) -> None:
    """Recompute every hash and replay every pathway's probe."""
    network = open_network(net)
    with bars(str(net)) as progress:
        network.verify(progress)
    what = f"version {network.version}, {counted(len(network.tasks), 'task')}"
    console.print(f"{net}: {what}: every hash and every probe is as it was committed")
