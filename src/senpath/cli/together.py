"""Files that are signs of one thing, answered together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from senpath.cli.commands import open_network
from senpath.cli.show import console, percent, table
from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.modalities.table import table_columns
from senpath.inputs.sources import read_unlabelled


def predict_together(path: Path, files: Sequence[Path], *, task: str | None, top: int) -> None:
    """What each file says by itself, and all together.

    Raises:
        InputError: if a task is given, or two inputs are of one modality.
    """
    if task is not None:
        raise InputError("--task", expected="none beside --together", got=repr(task))
    net = open_network(path)
    tables = [table_columns(record.data_type) for record in net.view.manifest.types.values() if record.data_type.modality == "table"]
    names, items = read_unlabelled(files, tables)
    groups = split_by_modality(items)
    for group in groups:
        if len(group.rows) > 1:
            got = f"{len(group.rows)} of {group.modality}: {', '.join(names[row] for row in group.rows[:5])}"
            raise InputError("files of one thing", expected="one input of each modality", got=got, do="Without --together each is a thing")
    found = net.predict({group.modality: [items[group.rows[0]]] for group in groups})
    rows: list[list[object]] = []
    for group in groups:
        alone = found.modalities[group.modality]
        rows.append([names[group.rows[0]], group.modality, *_answer(alone.task[0], alone.label[0], alone.confidence[0])])
    rows.append(["together", ", ".join(found.modalities), *_answer(found.concept[0], found.label[0], found.confidence[0])])
    table(None, ["input", "modality", "task or concept", "label", "confidence"], rows)
    ran, total = found.activated[0].total, net.weights["total"]
    console.print(f"answered by {', '.join(found.tasks[0]) or 'none'}; {percent(ran / max(1, total))} of all weights ran", highlight=False)
    if top > 1:
        best = found.top(top)[0]
        console.print("together: " + ", ".join(f"{concept} {label!r} {percent(p)}" for concept, label, p in best), highlight=False)


def _answer(about: str | None, label: object, confidence: float) -> tuple[object, object, str]:
    return ("nothing fits", "–", percent(0)) if about is None else (about, label, percent(confidence))
