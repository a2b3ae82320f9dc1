"""The commands, one function each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from senpath import Evaluation, Network, Prediction, TaskInfo, data, evaluate, report
from senpath.cli.encoders import chosen, show_encoder
from senpath.cli.munet import show_path, watched
from senpath.cli.reading import Reading, explain_columns, labelled
from senpath.cli.show import bars, console, percent, table
from senpath.data.downloads import PAPER
from senpath.errors import InputError, StoreError
from senpath.evaluation import record_evaluation
from senpath.inputs.encoders import AUTO
from senpath.inputs.modalities.table import table_columns
from senpath.inputs.sources import read_unlabelled
from senpath.inputs.sources.dataset import counted
from senpath.methods import Munet, make_method
from senpath.tasks import task_kind


def open_network(path: Path) -> Network:
    """An existing network; asking for one that is not there does not make it."""
    if not (path / "network.json").exists():
        raise StoreError(
            f"network {path}", expected="a folder with network.json", got="none", do=f"Make it with `senpath learn {path} TASK DATA`"
        )
    return Network(path)


OWN = frozenset({"random_state", *signature(Network.learn).parameters})
"""What `learn` has arguments for."""


def learn_task(
    path: Path,
    task: str,
    source: str,
    *,
    shots: int | None,
    seed: int,
    method: str,
    settings: Sequence[str],
    kind: str | None = None,
    concept: str | None = None,
    encoder: str = AUTO,
    reading: Reading,
) -> None:
    """Learn and say what came of it."""
    x, y = labelled(source, reading=reading, say=True)
    if shots is not None:
        places = data.few_shot(x, np.asarray(y), shots, seed)
        x, y = (x[places] if isinstance(x, np.ndarray) else [x[index] for index in places]), np.asarray(y)[places]
    # Before the folder is made: a mistyped setting must not leave an empty network behind.
    worker = make_method(method, {"random_state": seed, **dict(setting(text, OWN) for text in settings)})
    net = Network(path, encoders=chosen(encoder, x, method))
    with watched(worker, task) as progress:
        learned = net.learn(task, x, y, kind=kind, concept=concept, method=worker, progress=progress)
    info = net.tasks[task]
    outputs = counted_outputs(info)
    console.print(f"learned {task!r}: {info.examples:,} examples, {outputs}, {learned.seconds:.1f} s; version {learned.version}")
    show_encoder(net, task, encoder, x)
    cost = learned.cost
    console.print(f"learned or changed: {cost.updated:,} weights of pathways, {cost.dispatcher_updated:,} numbers of the dispatcher")
    console.print(f"ran meanwhile: {percent(cost.run_share)} of all weights, the search for a source included")
    if learned.transfers:
        show_transfers(net, task)
    if learned.provenance.method == Munet.name:
        show_path(net, task)
    guard = learned.provenance.record.get("guard")
    if guard:
        verdict = "kept" if guard["kept"] else "dropped"
        console.print(
            f"transfer {verdict}: {percent(guard['with_transfer'])} with it, {percent(guard['alone'])} alone, on held-out examples"
        )


def counted_outputs(info: TaskInfo) -> str:
    """How many classes, labels or numbers a task has, in words."""
    return counted(len(info.classes_), *task_kind(info.kind).nouns)


def show_transfers(net: Network, task: str) -> None:
    """The classes that borrow, the most similar first."""
    pathway = net.view.pathway(task)
    for link in pathway.links:
        ranked = sorted(link.transfers, key=lambda transfer: -transfer.share)
        best = ", ".join(f"{transfer.source}→{transfer.target} {transfer.share:.2f}" for transfer in ranked[:8])
        rest = f", and {len(ranked) - 8} more" if len(ranked) > 8 else ""
        console.print(f"  borrows from {link.source!r} (similarity on {link.examples} labelled examples): {best}{rest}", highlight=False)


def show_scores(title: str | None, measured: Evaluation) -> None:
    """A table of an evaluation's figures, and what they mean."""
    columns = ["task", "inputs", "own\nruns", "own\nfirst", "run", "refused", "right,\ngiven", "right,\nfound"]
    rows = []
    for name, score in measured.scores.items():
        shares = [percent(value) for value in (score.refused, score.accuracy, score.accuracy_unlabelled)]
        rows.append([name, f"{score.examples:,}", percent(score.among), percent(score.first), f"{score.candidates:.2f}", *shares])
    table(title, columns, rows)
    console.print("own runs: the task's own pathway is one of those run · own first: the dispatcher's first choice")
    console.print("run: pathways an input, mean · refused: said to fit no task")
    console.print("right: the label, with the task given, and with the task found by the network")


def predict_files(path: Path, files: Sequence[Path], *, task: str | None, top: int) -> None:
    """A table of answers, one row an input."""
    net = open_network(path)
    tables = [table_columns(record.data_type) for record in net.view.manifest.types.values() if record.data_type.modality == "table"]
    names, items = read_unlabelled(files, tables)
    answers = net.predict(items, task=task)
    total = net.weights["total"]
    rows = [_answer_row(net, name, answers, index, total) for index, name in enumerate(names)]
    table(None, ["input", "task", "label", "confidence", "pathways run", "weights run"], rows)
    if top > 1:
        for name, best in zip(names, answers.top(top), strict=True):
            console.print(f"{name}: " + ", ".join(f"{found} {label!r} {percent(p)}" for found, label, p in best), highlight=False)
    explain_columns(items, tables)


def show_tasks(path: Path) -> None:
    """A table of the tasks."""
    net = open_network(path)
    total, infos = net.weights["total"], net.tasks
    concepts = any(info.concept is not None for info in infos.values())
    rows = []
    for name, info in infos.items():
        sources = ", ".join(dict.fromkeys(source for source, _ in info.transfers)) or "–"
        share = percent(run_share(net, info))
        concept = [info.concept or "–"] if concepts else []
        rows.append([name, *concept, info.data_type, len(info.classes_), f"{info.examples:,}", sources, f"{info.weights:,}", share])
    columns = ["task", *(["concept"] if concepts else []), "type", "classes", "examples", "borrows\nfrom", "weights", "of all,\nrun"]
    table(f"{path}: version {net.version}, {total:,} weights, {net.weights['dispatcher']:,} of them the dispatcher's", columns, rows)


def run_share(net: Network, info: TaskInfo) -> float:
    """Of all weights the part that an input of this task runs, the dispatcher and a pretrained encoder included."""
    besides = net.view.encoder_weights.get(info.data_type, 0) + net.view.dispatcher_weights(info.data_type)
    return (info.run_weights + besides) / max(1, net.weights["total"])


def explain_input(path: Path, file: Path) -> None:
    """Everything about one answer."""
    net = open_network(path)
    _, items = read_unlabelled([file])
    if len(items) != 1:
        raise InputError(f"file {file}", expected="one input", got=f"{len(items)}")
    why = net.explain(items[0])
    answer = "nothing fits" if why.task is None else f"task {why.task!r}, label {why.label!r}, confidence {percent(why.confidence)}"
    console.print(f"{file.name}: {answer}", style="bold", highlight=False)
    table(
        "which task? (dispatcher)",
        ["task", "P(task)", "runs"],
        [[n, percent(p, 2), "yes" if n in why.candidates else ""] for n, p in why.scores.items()],
    )
    console.print(f"ood_score {why.ood_score:.2f} (above 1 nothing fits)")
    table("which label?", ["task", "label", "P(task, label)"], [[task, label, percent(p)] for task, label, p in why.top])
    for use in why.links:
        copied = f" from {use.transfer.source!r} (similarity {use.transfer.share:.2f})" if use.transfer else ""
        console.print(f"link to {use.source!r}{copied} added {use.added:+.2f} to {use.output!r}", highlight=False)
    ran = why.activated
    parts = [
        ("pathways", ran.pathway_weights),
        ("links", ran.link_weights),
        ("layers that links read", ran.source_weights),
        ("dispatcher", ran.dispatcher_weights),
        ("pretrained encoder", ran.encoder_weights),
    ]
    table("what ran", ["part", "weights"], [*([name, f"{size:,}"] for name, size in parts), ["together", f"{ran.total:,}"]])
    console.print(f"{percent(why.share)} of the network's {net.weights['total']:,} weights")


def evaluate_network(path: Path, tests: Sequence[str], *, record: bool, reading: Reading) -> None:
    """Measure on test data and keep the figures."""
    net = open_network(path)
    named: dict[str, str] = {}
    for text in tests:
        task, source = _test(net, text)
        if task in named:
            raise InputError(f"test data of {task!r}", expected="once", got="twice", do="Measure one after the other")
        named[task] = source
    with console.status("measuring"):
        measured = evaluate(net, {task: labelled(source, "test", reading=reading) for task, source in named.items()})
    show_scores(None, measured)
    if record:
        record_evaluation(net, measured)
        console.print(f"recorded with the network; `senpath report {path}` shows it (--no-record measures only)", highlight=False)


def write_report(path: Path, out: Path | None) -> None:
    """Write the page and say where."""
    net = open_network(path)
    target = out if out is not None else Path(f"{path.resolve().name.removesuffix('.sen')}.report.html")
    report(net, target)
    console.print(f"wrote {target}: open it in a browser", highlight=False)


def verify_network(path: Path) -> None:
    """Say that all is well, or fail."""
    net = open_network(path)
    with bars(str(path)) as progress:
        net.verify(progress)
    console.print(f"{path}: version {net.version}, {counted(len(net.tasks), 'task')}: every hash and every probe is as it was committed")


def list_sets() -> None:
    """A table of the sets."""
    found = data.data_root()
    console.print(f"data folder: {found if found else 'none (set SENPATH_DATA, or run `senpath data download`)'}", highlight=False)
    table(
        None, ["set", "type", "here", "what it is"], [[s.name, s.modality, "yes" if s.present else "no", s.about] for s in data.available()]
    )


def download_sets(names: Sequence[str], to: Path | None) -> None:
    """Fetch, with a bar per file."""
    folder = to or data.cache_folder()
    with bars("download") as progress:
        data.download(names or PAPER, folder, progress=progress)
    console.print(f"downloaded and checked: {', '.join(names or PAPER)} in {folder}", highlight=False)


def _test(net: Network, text: str) -> tuple[str, str]:
    """TASK=DATA in two. Both may have "=" in them: the longest name of a task that it can begin with counts."""
    places = [place for place, letter in enumerate(text) if letter == "="]
    if not places:
        raise InputError("test data", expected="TASK=DATA", got=repr(text))
    place = next((place for place in reversed(places) if text[:place] in net.view.tasks), places[0])
    net.view.pathway(text[:place])  # says which tasks there are, if this is none
    return text[:place], text[place + 1 :]


def setting(text: str, reserved: Iterable[str] = ()) -> tuple[str, Any]:
    """NAME=VALUE in two, the value read as JSON where it is that.

    Args:
        reserved: names for which the command has arguments of its own.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError("--set", expected="NAME=VALUE", got=repr(text))
    name = name.replace("-", "_")
    if name in reserved:
        raise InputError("--set", expected="a setting", got=name, do="The command has an argument of its own for it, or none: see --help")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _answer_row(net: Network, name: str, answers: Prediction, index: int, total: int) -> list[Any]:
    ran = answers.activated[index]
    pathways = " + ".join(ran.tasks) + (f" (reads {', '.join(ran.sources)})" if ran.sources else "")
    task = answers.task[index] if answers.task[index] is not None else "nothing fits"
    label = answers.label[index] if answers.label[index] is not None else "–"
    return [name, task, label, percent(answers.confidence[index]), pathways or "none", percent(ran.total / max(1, total))]
