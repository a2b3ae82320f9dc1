"""`senpath evaluate` and `evaluations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from senpath.cli.emit import Result
from senpath.cli.options import Engine, NetFolder, open_network, read_pairs
from senpath.cli.reading import Label, Modality, ReadingOptions, SkipBad, Split, labelled
from senpath.cli.show import note, percent, say, table, working
from senpath.errors import InputError
from senpath.progress import bars

if TYPE_CHECKING:
    from senpath import Evaluation, Network


def evaluate(
    net: NetFolder,
    tests: Annotated[list[str], typer.Argument(metavar="TASK=DATA…", help="Labelled test data, as for learn, or a known set's test part.")],
    record: Annotated[bool, typer.Option(help="Keep the figures with the network, for its report.")] = True,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
    split: Split = None,
    engine: Engine = None,
) -> Result:
    """Measure tasks on test data, with the task given and found."""
    from senpath import evaluate as measure

    network = open_network(net)
    sources = read_pairs(tests, "test data", network.view.tasks)
    # A name that is no task's is an error here, which says which tasks there are.
    reading = {task: ReadingOptions(label, modality, skip_bad, network.view.pathway(task).kind, split) for task in sources}
    if engine is not None:
        measured = _on_ray(network, sources, label, engine, modality is not None or skip_bad or split is not None)
        return _recorded(net, network, measured, record)
    with working("measuring"):
        measured = measure(network, {task: labelled(source, "test", reading=reading[task]) for task, source in sources.items()})
    return _recorded(net, network, measured, record)


def _on_ray(network: Network, sources: Mapping[str, str], label: str | None, engine: str, read_otherwise: bool) -> Evaluation:
    from senpath import evaluate_dataset

    if engine != "ray":
        raise InputError("--engine", expected="ray", got=engine)
    if read_otherwise:
        raise InputError("--engine", expected="none beside --modality, --skip-bad and --split", got=engine)
    with bars("evaluate") as progress:
        return evaluate_dataset(network, {task: (source, label) for task, source in sources.items()}, progress=progress)


def _recorded(net: str, network: Network, measured: Evaluation, record: bool) -> Result:
    from senpath.cli.described import describe_evaluation
    from senpath.evaluation import record_evaluation

    if record:
        record_evaluation(network, measured)
        note(f"recorded with the network; `senpath report {net}` shows it (--no-record measures only)")
    return Result(describe_evaluation(measured), lambda: show_scores(None, measured))


def evaluations(
    net: NetFolder,
    remove: Annotated[int | None, typer.Option(metavar="NUMBER", min=1, help="Remove this one from the record; the others stay.")] = None,
) -> Result:
    """List the evaluations that are kept with a network, or remove one."""
    from senpath.cli.described import describe_evaluation
    from senpath.evaluation import recorded_evaluations, remove_evaluation

    network = open_network(net)
    recorded = recorded_evaluations(network)
    if remove is not None:
        known = {entry.place + 1: entry for entry in recorded}
        if remove not in known:
            expected = f"one of {', '.join(map(str, known))}" if known else "one that was recorded; there is none"
            raise InputError("evaluation to remove", expected=expected, got=remove)
        remove_evaluation(network, known[remove])
        return Result([{"removed": remove}], lambda: say(f"removed evaluation {remove}"))
    records = [
        {"number": entry.place + 1, "version": entry.version, "time": entry.time, **record}
        for entry in recorded
        for record in describe_evaluation(entry.evaluation)
    ]

    def show() -> None:
        rows = []
        for entry in recorded:
            for name, score in entry.evaluation.scores.items():
                shares = [percent(score.accuracy), percent(score.accuracy_unlabelled)]
                rows.append([entry.place + 1, entry.version, entry.time, name, f"{score.examples:,}", *shares])
        table(None, ["number", "version", "time", "task", "inputs", "right,\ngiven", "right,\nfound"], rows)

    return Result(records, show)


def show_scores(title: str | None, measured: Evaluation) -> None:
    """A table of an evaluation's figures, and what they mean."""
    columns = ["task", "inputs", "own\nruns", "own\nfirst", "run", "refused", "right,\ngiven", "right,\nfound"]
    rows = []
    for name, score in measured.scores.items():
        shares = [percent(value) for value in (score.refused, score.accuracy, score.accuracy_unlabelled)]
        rows.append([name, f"{score.examples:,}", percent(score.among), percent(score.first), f"{score.candidates:.2f}", *shares])
    table(title, columns, rows)
    note("own runs: the task's own pathway is one of those run · own first: the dispatcher's first choice")
    note("run: pathways an input, mean · refused: further from every task than its own examples")
    note("right: the label, with the task given, and with the task found by the network")
