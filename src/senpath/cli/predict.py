"""`senpath predict`: files, each by itself or all of one thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from senpath import Network, Prediction
from senpath.cli.options import NetFolder, open_network
from senpath.cli.reading import SHOWN
from senpath.cli.show import console, percent, table
from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.sources import read_unlabelled

HOW = (
    "raise: end at the first input that no task reads; none: list these, as is done unless --task is given; "
    "skip: list also those that are broken."
)


def predict(
    net: NetFolder,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Pictures, sounds, texts, or tables and .npz files of several inputs.")
    ],
    task: Annotated[str | None, typer.Option(help="The task, if it is known.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Show this many answers an input.")] = 1,
    together: Annotated[bool, typer.Option("--together", help="The files are of one thing: a picture, a sound, …")] = False,
    errors: Annotated[str | None, typer.Option(metavar="HOW", help=HOW)] = None,
) -> None:
    """Answer for files, without being told the task.

    Of a table only the columns that its task has learned from are read. Inputs without an answer are listed below the others, each with
    the reason.
    """
    if together and task is not None:
        raise InputError("--task", expected="none beside --together", got=repr(task))
    network = open_network(net)
    errors = errors or ("none" if task is None else "raise")
    known = [*network.view.types.values()] if task is None else [network.view.types[network.view.pathway(task).data_type]]
    names, items = read_unlabelled(files, known, skip=errors == "skip")
    if together:
        _predict_together(network, names, items, top, errors)
        return
    try:
        answers = network.predict(items, task=task, errors=errors)
    except InputError as error:
        name_input(error, names)
        raise
    rows = [_answer_row(network, name, answers, index) for index, name in enumerate(names)]
    table(None, ["input", "task", "label", "confidence", "pathways run", "weights run"], rows)
    if top > 1:
        for name, best in zip(names, answers.top(top), strict=True):
            console.print(f"{name}: {_ranked(best)}", highlight=False)
    _show_reasons(names, answers.reason)


def _predict_together(net: Network, names: Sequence[str], items: Sequence[Any], top: int, errors: str) -> None:
    """What each file says by itself, and all together."""
    groups = split_by_modality(items)
    for group in groups:
        if len(group.rows) > 1:
            got = f"{len(group.rows)} of {group.modality}: {', '.join(names[row] for row in group.rows[:5])}"
            raise InputError("files of one thing", expected="one input of each modality", got=got, do="Without --together each is a thing")
    answer = net.predict({group.modality: [items[group.rows[0]]] for group in groups}, errors=errors)
    rows: list[list[object]] = []
    for group in groups:
        alone = answer.modalities[group.modality]
        rows.append([names[group.rows[0]], group.modality, *_cells(alone.task[0], alone.label[0], alone.confidence[0])])
    rows.append(["together", ", ".join(answer.modalities), *_cells(answer.concept[0], answer.label[0], answer.confidence[0])])
    table(None, ["input", "modality", "task or concept", "label", "confidence"], rows)
    ran = percent(answer.activated[0].total / max(1, net.weights["total"]))
    console.print(f"answered by {', '.join(answer.tasks[0]) or 'none'}; {ran} of all weights ran", highlight=False)
    if top > 1:
        console.print(f"together: {_ranked(answer.top(top)[0])}", highlight=False)
    _show_reasons([names[group.rows[0]] for group in groups], [answer.modalities[group.modality].reason[0] for group in groups])


def _answer_row(net: Network, name: str, answers: Prediction, index: int) -> list[object]:
    ran = answers.activated[index]
    pathways = " + ".join(ran.tasks) + (f" (reads {', '.join(ran.sources)})" if ran.sources else "")
    cells = _cells(answers.task[index], answers.label[index], answers.confidence[index])
    return [name, *cells, pathways or "none", percent(ran.total / max(1, net.weights["total"]))]


def _cells(task: str | None, label: object, confidence: float) -> tuple[object, object, str]:
    return ("nothing fits", "–", percent(0)) if task is None else (task, label, percent(confidence))


def _ranked(best: Sequence[tuple[str, object, float]]) -> str:
    return ", ".join(f"{task} {label!r} {percent(probability)}" for task, label, probability in best)


def name_input(error: InputError, names: Sequence[str]) -> None:
    """Let an error that names an input by its place name it by its file."""
    place = re.match(r"input (\d+)", error.what)
    if place is not None and int(place[1]) < len(names):
        name = names[int(place[1])]
        error.reword(name + error.message.removeprefix(place[0]), what=name + error.what.removeprefix(place[0]))


def _show_reasons(names: Iterable[str], reasons: Iterable[str | None]) -> None:
    """Say why inputs have no answer, once for all that have the same reason."""
    inputs: dict[str, list[str]] = {}
    for name, reason in zip(names, reasons, strict=True):
        if reason is not None:
            inputs.setdefault(reason, []).append(name)
    for reason, those in [*inputs.items()][:SHOWN]:
        more = f" and {len(those) - 3:,} more" if len(those) > 3 else ""
        console.print(f"{', '.join(those[:3])}{more}: {reason}", highlight=False, soft_wrap=True)
    if len(inputs) > SHOWN:
        console.print(f"{len(inputs) - SHOWN:,} more reasons", highlight=False)
