"""What a network is, for people who find it saved: a model card, as the Hugging Face hub shows it, made of what is known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from senpath.errors import printable
from senpath.pathways import Pathway
from senpath.pathways.spec import number
from senpath.snapshot.task_info import task_info
from senpath.snapshot.view import View
from senpath.tasks import Label
from senpath.types import DataType

CARD = "README.md"
"""The name that the hub looks for."""
LISTED = 20
"""Labels that are named, at most."""
FEW = 10
"""Examples of each class below which a task is said to have few."""
USE = """```python
import senpath as sp

net = sp.Network.from_pretrained("{source}")
answers = net.predict(inputs)  # of any of the types below, mixed
print(answers.task, answers.label, answers.confidence)
```"""

Entry = Mapping[str, Any]


def model_card(view: View, evaluations: Iterable[Entry], source: str = "FOLDER OR REPOSITORY") -> str:
    """The card of a version: its tasks, their data by fingerprint, the figures that were measured, and its limits.

    Args:
        evaluations: that were recorded, see `Network.evaluations`; only those of the present tasks count.
        source: what `from_pretrained` is to be given.
    """
    figures = _figures(view, evaluations)
    weights = view.weights
    parts = [
        "\n".join(["---", *_metadata(view, figures), "---"]),
        "# A network of tasks",
        f"Version {view.version} of a senpath network: {_counted(len(view.tasks), 'task')}, "
        f"{weights['total']:,} weights ({', '.join(f'{name} {size:,}' for name, size in weights.items() if name != 'total' and size)}). "
        "Inputs need not say which task they belong to: a dispatcher finds it, and one or two pathways answer.",
        USE.format(source=source),
        "## Tasks",
        _table(("task", "kind", "inputs", "labels or numbers", "examples", "learned by", "borrows from"), _tasks(view)),
        *_descriptions(view),
        "## Data",
        "Examples are not kept. A fingerprint is a hash of a task's encoded examples and their labels: the same data has the same.",
        _table(("task", "examples", "fewest of a class", "fingerprint", "seed"), _data(view)),
        "## Figures",
        *_measured(figures),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(view, figures)),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(view: View, figures: Mapping[str, Entry]) -> list[str]:
    """YAML, of which JSON is a part where it writes letters as they are: of two escaped halves of one YAML makes two."""
    modalities = sorted({data_type.modality for data_type in view.types.values()})
    results = [
        {
            "task": {"type": view.pathway(task).kind},
            "dataset": {"type": "test", "name": f"test examples of {task}"},
            "metrics": [{"type": _score_name(view.pathway(task)), "value": _rounded(score["accuracy"]), "name": "task given"}],
        }
        for task, score in figures.items()
        if _rounded(score["accuracy"]) is not None
    ]
    lines = ["library_name: senpath", f"tags: {json.dumps(['senpath', 'continual-learning', *modalities])}"]
    if results:
        lines.append(f"model-index: {json.dumps([{'name': 'senpath network', 'results': results}], ensure_ascii=False)}")
    return lines


def _score_name(path: Pathway) -> str:
    return {"R²": "r2"}.get(path.task_kind.score_name, path.task_kind.score_name)


def _tasks(view: View) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for name in view.tasks:
        info = task_info(view, name)
        sources = dict.fromkeys(source for source, _ in info.transfers)
        data_type = _described(view.types[info.data_type])
        rows.append((name, info.kind, data_type, _labels(info.classes_), f"{info.examples:,}", info.method, ", ".join(sources) or "–"))
    return rows


def _descriptions(view: View) -> list[str]:
    """What people have said of the tasks."""
    told = [(name, " ".join(record.description.split())) for name, record in view.tasks.items() if record.description]
    return [_table(("task", "what it is for"), told)] if told else []


def _described(data_type: DataType) -> str:
    shape = " × ".join(map(str, data_type.shape))
    return f"{data_type.modality}, {shape}" + (f", read by {data_type.encoder}" if data_type.encoder else "")


def _labels(labels: Sequence[Label]) -> str:
    more = f", … ({len(labels)} in all)" if len(labels) > LISTED else ""
    return ", ".join(map(str, labels[:LISTED])) + more


def _data(view: View) -> list[Sequence[object]]:
    known = {name: view.pathway(name).provenance for name in view.tasks}
    return [
        (name, f"{of.examples:,}", f"{of.fewest_per_class:,}", of.data or "not known", "not known" if of.seed is None else of.seed)
        for name, of in known.items()
    ]


def _figures(view: View, evaluations: Iterable[Entry]) -> dict[str, Entry]:
    """The latest figures of each present task; whatever else a file may hold is left out."""
    latest: dict[str, Entry] = {}
    names = {view.pathway(task).identity: task for task in view.tasks}
    for entry in evaluations:
        scores, identities = entry.get("scores"), entry.get("identities")
        if not isinstance(scores, dict) or not isinstance(identities, dict):
            continue
        for task, score in scores.items():
            own = identities.get(task)
            same = task in view.tasks and own == view.pathway(task).identity
            now = task if same else names.get(own) if isinstance(own, str) else None  # renamed since
            known = isinstance(score, dict) and {"examples", "accuracy", "accuracy_unlabelled", "refused"} <= score.keys()
            if now is not None and known:
                latest[now] = {**score, "version": entry.get("version"), "time": entry.get("time")}
    return {task: latest[task] for task in view.tasks if task in latest}


def _measured(figures: Mapping[str, Entry]) -> list[str]:
    if not figures:
        return ["None were recorded with the network."]
    columns = ("task", "test examples", "task given", "task found", "refused", "measured at version")
    rows = [
        (task, score["examples"], *(_rounded(score[name]) for name in ("accuracy", "accuracy_unlabelled", "refused")), score["version"])
        for task, score in figures.items()
    ]
    told = (
        "Shares of right answers; of several labels the mean Jaccard index, of numbers R². Where the task has to be found, refused inputs"
    )
    return [f"{told} count as wrong.", _table(columns, rows)]


def _rounded(value: Any) -> float | None:
    known = number(value)
    return None if known is None else round(known, 4)


def _limits(view: View, figures: Mapping[str, Entry]) -> list[str]:
    known = {name: view.pathway(name).provenance for name in view.tasks}
    few = [name for name, of in known.items() if of.fewest_per_class < FEW and view.pathway(name).task_kind.has_labels]
    unmeasured = [name for name in view.tasks if name not in figures]
    encoders = sorted({data_type.encoder for data_type in view.types.values() if data_type.encoder is not None})
    told = [
        "It knows these tasks and no others: what fits none is refused, and what looks like a task's own is answered, right or wrong.",
        "Whom the examples are of, under which licence, and what answers may be used for, is not recorded.",
        "Statistics of the examples are part of it; of a class with few examples they are nearly the examples.",
    ]
    if few:
        told.append(f"Learned from fewer than {FEW} examples of some class: {', '.join(map(_escaped, few))}.")
    if unmeasured and figures:
        told.append(f"Never measured: {', '.join(map(_escaped, unmeasured))}.")
    if encoders:
        told.append(f"Its inputs are read by pretrained models that are not part of it: {', '.join(map(_escaped, encoders))}.")
    return told


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_escaped(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(value: object) -> str:
    """What people called their tasks and labels, on one line, as text that is neither HTML nor a table's border."""
    text = "–" if value is None else printable(" ".join(str(value).split()))
    return escape(text, quote=False).translate({ord(mark): f"\\{mark}" for mark in "\\|`*_[]~$"})


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
