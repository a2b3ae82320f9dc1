"""`senpath predict`: files, each by itself or all of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from senpath import Network, Prediction
from senpath.cli.options import NetFolder, open_network
from senpath.cli.show import console, percent, table
from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.modalities.table import table_columns
from senpath.inputs.sources import read_unlabelled


def predict(
    net: NetFolder,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Pictures, sounds, texts, or tables and .npz files of several inputs.")
    ],
    task: Annotated[str | None, typer.Option(help="The task, if it is known.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Show this many answers an input.")] = 1,
    together: Annotated[bool, typer.Option("--together", help="The files are of one thing: a picture, a sound, …")] = False,
) -> None:
    """Answer for files, without being told the task."""
    if together and task is not None:
        raise InputError("--task", expected="none beside --together", got=repr(task))
    network = open_network(net)
    tables = [table_columns(data_type) for data_type in network.view.types.values() if data_type.modality == "table"]
    names, items = read_unlabelled(files, tables)
    if together:
        _predict_together(network, names, items, top)
        return
    answers = network.predict(items, task=task)
    rows = [_answer_row(network, name, answers, index) for index, name in enumerate(names)]
    table(None, ["input", "task", "label", "confidence", "pathways run", "weights run"], rows)
    if top > 1:
        for name, best in zip(names, answers.top(top), strict=True):
            console.print(f"{name}: {_ranked(best)}", highlight=False)
    _explain_columns(items, tables)


def _predict_together(net: Network, names: Sequence[str], items: Sequence[Any], top: int) -> None:
    """What each file says by itself, and all together."""
    groups = split_by_modality(items)
    for group in groups:
        if len(group.rows) > 1:
            got = f"{len(group.rows)} of {group.modality}: {', '.join(names[row] for row in group.rows[:5])}"
            raise InputError("files of one thing", expected="one input of each modality", got=got, do="Without --together each is a thing")
    answer = net.predict({group.modality: [items[group.rows[0]]] for group in groups})
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


def _answer_row(net: Network, name: str, answers: Prediction, index: int) -> list[object]:
    ran = answers.activated[index]
    pathways = " + ".join(ran.tasks) + (f" (reads {', '.join(ran.sources)})" if ran.sources else "")
    cells = _cells(answers.task[index], answers.label[index], answers.confidence[index])
    return [name, *cells, pathways or "none", percent(ran.total / max(1, net.weights["total"]))]


def _cells(task: str | None, label: object, confidence: float) -> tuple[object, object, str]:
    return ("nothing fits", "–", percent(0)) if task is None else (task, label, percent(confidence))


def _ranked(best: Sequence[tuple[str, object, float]]) -> str:
    return ", ".join(f"{task} {label!r} {percent(probability)}" for task, label, probability in best)


def _explain_columns(items: Iterable[Any], tables: Sequence[Sequence[str]]) -> None:
    """Say why rows fit nothing, if their columns are those of no table that the network knows."""
    unknown = next((item for item in items if isinstance(item, dict) and all(item.keys() != {*columns} for columns in tables)), None)
    if unknown is not None:
        known = "; ".join(_listed(columns) for columns in tables) or "none"
        console.print(
            f"the columns {_listed(unknown)} fit no table that this network has learned: {known}", highlight=False, soft_wrap=True
        )


def _listed(columns: Iterable[str]) -> str:
    names = [*columns]
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
