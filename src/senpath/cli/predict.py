"""`senpath predict` and `senpath explain`: what inputs are, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.emit import UNANSWERED, Result
from senpath.cli.options import Engine, Net, connect, is_url, open_network
from senpath.cli.reading import grouped_reasons
from senpath.cli.show import percent, say, table
from senpath.errors import InputError
from senpath.progress import bars

if TYPE_CHECKING:
    from senpath.cli.emit import Record

HOW = (
    "raise: end at the first input that no task reads; none: list these, as is done unless --task is given; "
    "skip: list also those that are broken."
)
Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|TEXT|-…",
        help="Pictures, sounds, texts, or tables and .npz files of several inputs. What is no file's name is a text. - reads standard "
        "input: texts, one a line, or what it holds by its content: a picture, a sound, a clip, .npz, .xlsx, .zip, Parquet, JSON "
        "lines, a JSON list, or CSV whose header has the columns of a table that the network knows.",
    ),
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Refuse answers whose confidence is below this share: task and label are then none.")
]


def predict(
    net: Net,
    inputs: Inputs,
    task: Annotated[str | None, typer.Option(help="The task, if it is known.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Show this many answers an input; JSON and CSV list 5 by default.")] = None,
    together: Annotated[bool, typer.Option("--together", help="The inputs are of one thing: a picture, a sound, …")] = False,
    errors: Annotated[str | None, typer.Option(metavar="HOW", help=HOW)] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="The same as --errors skip.")] = False,
    reject: Annotated[bool, typer.Option("--reject/--no-reject", help="Whether inputs that fit no task get no answer.")] = True,
    threshold: Threshold = None,
    engine: Engine = None,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --engine ray: an empty or new folder for the answers.")
    ] = None,
) -> Result:
    """Answer for files, texts or standard input, without being told the task.

    With --engine ray, the FILEs are one large set, which may be in folders, and answers go to Parquet files.
    Of a table only the columns that its task has learned from are read. Inputs without an answer are listed with the reason; the exit
    code is then 6.
    """
    if together and task is not None:
        raise InputError("--task", expected="none beside --together", got=repr(task))
    if skip_bad and errors not in (None, "skip"):
        raise InputError("--errors", expected="skip, or none beside --skip-bad", got=repr(errors))
    if engine is not None or parquet is not None:
        return _of_large_set(net, inputs, engine, parquet, task, {"errors": errors or "skip", "reject": reject})
    from senpath.cli.asked import asked

    network = connect(net)
    errors = "skip" if skip_bad else errors or ("none" if task is None else "raise")
    with asked(network, inputs, task, skip=errors == "skip") as (names, items):
        options: dict[str, Any] = {"errors": errors, "reject": reject}
        if together:
            records = _of_one_thing(network, names, items, top, options)
        else:
            try:
                records = _records(network, network.predict(items, task=task, **options), top)
            except InputError as error:
                name_input(error, names)
                raise
            records = [{"input": name, **record} for name, record in zip(names, records, strict=True)]
    records = [_refused(record, threshold) for record in records]
    code = UNANSWERED if any(record["task"] is None for record in records) else 0
    return Result(records, (lambda: _show_thing(records[0], top)) if together else lambda: _show(records, top), code)


def _of_large_set(net: str, places: list[str], engine: str | None, out: Path | None, task: str | None, options: Any) -> Result:
    if engine != "ray" or out is None:
        raise InputError(
            "--engine", expected="ray, beside --parquet FOLDER", got="one without the other" if engine in ("ray", None) else engine
        )
    if is_url(net):
        raise InputError("NET", expected="a folder, for workers open it themselves", got=net)
    from senpath import predict_dataset

    network = open_network(net)
    with bars("predict") as progress:
        answers = predict_dataset(network, places, out, task=task, progress=progress, **options)
    return Result([{"out": str(out), "answers": answers}], lambda: say(f"{answers:,} answers in {out}"))


def explain(
    net: Net, what: Annotated[str, typer.Argument(metavar="FILE|TEXT|-", help="One picture, sound, row or text, as for predict.")]
) -> Result:
    """Show why one input gets its answer; the exit code is 6 if it gets none."""
    from senpath.cli.asked import asked
    from senpath.cli.explanation import show_explanation
    from senpath.client import Client
    from senpath.inference.records import explanation_record

    network = connect(net)
    with asked(network, [what]) as (names, items):
        if len(items) != 1:
            raise InputError(f"file {what}", expected="one input", got=f"{len(items)}")
        if isinstance(network, Client):
            told = network.explain(items[0], errors="none")
            code = UNANSWERED if told.task is None else 0
            return Result([{**told.record, "input": names[0]}], lambda: say(f"{_short(names[0])}: {told.text}"), code)
        why = network.explain(items[0], errors="none")
    record = {"input": names[0], **explanation_record(network.view, why)}
    return Result(
        [record],
        lambda: show_explanation(_short(names[0]), why, record["answer"]["ran"]["of"]),
        UNANSWERED if why.task is None else 0,
    )


def _records(network: Any, answers: Any, top: int | None) -> list[dict[str, Any]]:
    from senpath.client import Client
    from senpath.inference.records import TOP, answer_records

    if isinstance(network, Client):
        return [{**record, "top": record["top"][: top or TOP]} for record in answers.records]
    return answer_records(network.view, answers, top or TOP)


def _of_one_thing(net: Any, names: Sequence[str], items: Sequence[Any], top: int | None, options: dict[str, Any]) -> list[dict[str, Any]]:
    """The record of one thing; its senses say which input each was."""
    from senpath.inputs.modalities import split_by_modality

    groups = split_by_modality(items)
    for group in groups:
        if len(group.rows) > 1:
            got = f"{len(group.rows)} of {group.modality}: {', '.join(names[row] for row in group.rows[:5])}"
            raise InputError("files of one thing", expected="one input of each modality", got=got, do="Without --together each is a thing")
    answer = net.predict({group.modality: [items[group.rows[0]]] for group in groups}, **options)
    (record,) = _records(net, answer, top)
    own = {group.modality: names[group.rows[0]] for group in groups}
    senses = {modality: {"input": own[modality], **sense} for modality, sense in record["senses"].items()}
    return [{"input": ", ".join(own.values()), **record, "senses": senses}]


def _refused(record: dict[str, Any], threshold: float | None) -> dict[str, Any]:
    """An answer below the threshold is none."""
    if threshold is None or record["task"] is None or record["confidence"] >= threshold:
        return record
    reason = f"confidence {percent(record['confidence'])} is below the threshold of {percent(threshold)}"
    refused = {"task": None, "label": None, "confidence": 0.0, "reason": reason}
    return {**record, **refused, **({"concept": None} if "concept" in record else {})}


def _show(records: Sequence[Record], top: int | None) -> None:
    rows = [[_short(record["input"]), *_cells(record), *_ran(record["ran"])] for record in records]
    table(None, ["input", "task", "label", "confidence", "pathways run", "weights run"], rows)
    if top is not None and top > 1:
        for record in records:
            say(f"{_short(record['input'])}: {_ranked(record)}")
    _show_reasons([_short(record["input"]) for record in records], [record["reason"] for record in records])


def _show_thing(record: Record, top: int | None) -> None:
    """What each input says by itself, and all together."""
    rows: list[list[object]] = []
    for modality, sense in record["senses"].items():
        rows.append([_short(sense["input"]), modality, *_cells(sense)])
    rows.append(["together", ", ".join(record["senses"]), *_cells(record, "concept")])
    table(None, ["input", "modality", "task or concept", "label", "confidence"], rows)
    _, share = _ran(record["ran"])
    answering = [name for name in record["ran"]["tasks"] if record["task"] is not None]
    say(f"answered by {', '.join(answering) or 'none'}; {share} of all weights ran")
    if top is not None and top > 1:
        say(f"together: {_ranked(record)}")
    _show_reasons([_short(sense["input"]) for sense in record["senses"].values()], [s["reason"] for s in record["senses"].values()])
    _show_reasons(["together"], [record["reason"]] if record["task"] is None else [None])


def _cells(record: Record, name: str = "task") -> tuple[object, object, str]:
    if record["task"] is None:
        return "nothing fits", "–", percent(0)
    label = record["label"]
    return record[name], tuple(label) if isinstance(label, list) else label, percent(record["confidence"])


def _ran(ran: Mapping[str, Any]) -> tuple[str, str]:
    pathways = " + ".join(ran["tasks"]) + (f" (reads {', '.join(ran['sources'])})" if ran["sources"] else "")
    return pathways or "none", percent(ran["weights"] / max(1, ran["of"]))


def _ranked(record: Record) -> str:
    return ", ".join(f"{each['task']} {each['label']!r} {percent(each['probability'])}" for each in record["top"])


def _short(name: str) -> str:
    line = name.replace("\n", " ")
    return line if len(line) <= 60 else f"{line[:59]}…"


def name_input(error: InputError, names: Sequence[str]) -> None:
    """Let an error that names an input by its place name it by its file, or its line of standard input."""
    from senpath.inference.unanswered import POSITION

    said = POSITION.match(error.what)
    place = int(said[0].split()[-1]) if said is not None else len(names)
    if said is not None and place < len(names):
        name = _short(names[place].strip()) or f"line {place + 1}"
        error.reword(name + error.message.removeprefix(said[0]), what=name + error.what.removeprefix(said[0]))


def _show_reasons(names: Iterable[str], reasons: Iterable[str | None]) -> None:
    """Say why inputs have no answer."""
    for line in grouped_reasons((name, reason) for name, reason in zip(names, reasons, strict=True) if reason is not None):
        say(line)
