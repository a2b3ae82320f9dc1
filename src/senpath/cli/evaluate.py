"""`senpath evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from senpath import Evaluation
from senpath import evaluate as measure
from senpath.cli.options import NetFolder, open_network, read_pairs
from senpath.cli.reading import Label, Modality, ReadingOptions, SkipBad, labelled
from senpath.cli.show import console, percent, table
from senpath.errors import InputError
from senpath.evaluation import record_evaluation, recorded_evaluations, remove_evaluation


def evaluate(
    net: NetFolder,
    tests: Annotated[list[str], typer.Argument(metavar="TASK=DATA…", help="Labelled test data, as for learn, or a known set's test part.")],
    record: Annotated[bool, typer.Option(help="Keep the figures with the network, for its report.")] = True,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Measure tasks on test data, with the task given and found."""
    network = open_network(net)
    sources = read_pairs(tests, "test data", network.view.tasks)
    # A name that is no task's is an error here, which says which tasks there are.
    reading = {task: ReadingOptions(label, modality, skip_bad, network.view.pathway(task).kind) for task in sources}
    with console.status("measuring"):
        measured = measure(network, {task: labelled(source, "test", reading=reading[task]) for task, source in sources.items()})
    show_scores(None, measured)
    if record:
        record_evaluation(network, measured)
        console.print(f"recorded with the network; `senpath report {net}` shows it (--no-record measures only)", highlight=False)


def evaluations(
    net: NetFolder,
    remove: Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="Remove this one from the record; the others stay.")] = None,
) -> None:
    """List the evaluations that are kept with a network, or remove one."""
    network = open_network(net)
    recorded = recorded_evaluations(network)
    if remove is not None:
        known = {entry.place + 1: entry for entry in recorded}
        if remove not in known:
            expected = f"one of {', '.join(map(str, known))}" if known else "one that was recorded; there is none"
            raise InputError("evaluation to remove", expected=expected, got=remove)
        remove_evaluation(network, known[remove])
        console.print(f"removed evaluation {remove}", highlight=False)
        return
    rows = []
    for entry in recorded:
        for name, score in entry.evaluation.scores.items():
            shares = [percent(score.accuracy), percent(score.accuracy_unlabelled)]
            rows.append([entry.place + 1, entry.version, entry.time, name, f"{score.examples:,}", *shares])
    table(None, ["number", "version", "time", "task", "inputs", "right,\ngiven", "right,\nfound"], rows)


def show_scores(title: str | None, measured: Evaluation) -> None:
    """A table of an evaluation's figures, and what they mean."""
    columns = ["task", "inputs", "own\nruns", "own\nfirst", "run", "refused", "right,\ngiven", "right,\nfound"]
    rows = []
    for name, score in measured.scores.items():
        shares = [percent(value) for value in (score.refused, score.accuracy, score.accuracy_unlabelled)]
        rows.append([name, f"{score.examples:,}", percent(score.among), percent(score.first), f"{score.candidates:.2f}", *shares])
    table(title, columns, rows)
    console.print("own runs: the task's own pathway is one of those run · own first: the dispatcher's first choice")
    console.print("run: pathways an input, mean · refused: further from every task than its own examples")
    console.print("right: the label, with the task given, and with the task found by the network")
