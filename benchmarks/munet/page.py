"""The tables of docs/results/munet.md, from the records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, write_section
from benchmarks.munet.plan import PLAN, jobs_of
from benchmarks.munet.rows import TITLES, Experiment
from senpath.reports.markdown import interval, markdown_table
from senpath.reproduce.jobs import read_records

PAGE = RESULTS / "munet.md"
Record = dict[str, Any]


def write(folder: Path) -> None:
    """Write every section for which there are records."""
    records = {name: read_records(jobs_of(name, folder / name), folder / name) for name in PLAN}
    for name in ("toy", "chars"):
        if records[name]:
            write_section(PAGE, name, _compared(records[name], PLAN[name]))
    if records["photographs"] and records["cifar"]:
        write_section(PAGE, "photographs", _photographs(records["photographs"], records["cifar"], PLAN["cifar"]))
    if records["stream"]:
        write_section(PAGE, "stream", _stream(records["stream"]))


def _compared(records: Sequence[Record], experiment: Experiment) -> str:
    """Accuracy by task and row, what each row costs, and differences from fine-tuning."""
    last = [record for record in records if record.get("last")]
    tasks = list(dict.fromkeys(record["task"] for record in last))
    rows = [row for row in experiment.rows if any(record["row"] == row for record in last)]
    seeds = sorted({record["seed"] for record in last})
    accuracy = [["**mean**", *(interval(_means(last, row, "accuracy", 100)) for row in rows)]]
    for task in reversed(tasks):
        mine = [record for record in last if record["task"] == task]
        accuracy.insert(0, [task, *(interval(_values(mine, row, "accuracy", 100)) for row in rows)])
    parts = [
        f"{len(seeds)} seeds, mean and 95 % interval over them; each row trains {experiment.budget.images:,} images a task at most "
        f"({experiment.budget.generations} generations × {experiment.budget.children} children × {experiment.budget.cycles} cycles × "
        f"{experiment.budget.examples:,}).",
        "Test accuracy, task given, %:",
        markdown_table(["task", *(TITLES[row] for row in rows)], accuracy),
        "What it costs:",
        markdown_table(
            ["", *(TITLES[row] for row in rows)],
            [
                ["parameters per task (all pathways / tasks), thousands", *(_per_task(last, row, tasks) for row in rows)],
                ["trained for a task, thousands", *(_mean(last, row, "trained", 1e-3, 0) for row in rows)],
                ["run for an input, % of all pathways", *(_mean(last, row, "share", 100, 1) for row in rows)],
                ["operations of an input, % of the root's", *(_operations(last, row) for row in rows)],
                ["seconds a task, one thread, beside another", *(_seconds(records, row) for row in rows)],
                ["answers of earlier tasks changed", *(_changed(last, row) for row in rows)],
            ],
        ),
    ]
    base = "fine-tuning"
    if base in rows:
        parts += [f"Less {TITLES[base]}, points, paired by seed:", _differences(last, rows, tasks, base)]
    return "\n\n".join(parts)


def _differences(last: Sequence[Record], rows: Sequence[str], tasks: Sequence[str], base: str) -> str:
    others = [row for row in rows if row != base]
    lines = []
    for task in tasks:
        mine = [record for record in last if record["task"] == task]
        lines.append([task, *(interval(_less(mine, row, base), sign=True) for row in others)])
    of_base = _means(last, base, "accuracy", 100)
    means = [np.subtract(_means(last, row, "accuracy", 100), of_base).tolist() for row in others]
    lines.append(["**mean**", *(interval(found, sign=True) for found in means)])
    return markdown_table(["task", *(TITLES[row] for row in others)], lines)


def _less(records: Sequence[Record], row: str, base: str) -> Sequence[float]:
    return np.subtract(_values(records, row, "accuracy", 100), _values(records, base, "accuracy", 100)).tolist()


def _values(records: Iterable[Record], row: str, figure: str, scale: float = 1.0) -> list[float]:
    """In the order of the seeds."""
    mine = sorted((record for record in records if record["row"] == row), key=lambda record: record["seed"])
    return [scale * record[figure] for record in mine if record[figure] is not None]


def _means(records: Iterable[Record], row: str, figure: str, scale: float = 1.0) -> list[float]:
    """For each seed the mean over the tasks."""
    mine = [record for record in records if record["row"] == row]
    return [
        float(np.mean([scale * record[figure] for record in mine if record["seed"] == seed]))
        for seed in sorted({record["seed"] for record in mine})
    ]


def _mean(records: Iterable[Record], row: str, figure: str, scale: float, digits: int) -> str:
    return f"{np.mean(_means(records, row, figure, scale)):,.{digits}f}"


def _per_task(last: Sequence[Record], row: str, tasks: Sequence[str]) -> str:
    per = [value / len(tasks) for value in _means(last, row, "network", 1e-3)]
    root = [record["root"] for record in last if record["row"] == row and record["root"]]
    share = f" ({100 * np.mean(per) / (root[0] / 1e3):.0f} % of the root)" if root else ""
    return f"{np.mean(per):,.0f}{share}"


def _operations(last: Sequence[Record], row: str) -> str:
    found = [100 * record["flops"] / record["root_flops"] for record in last if record["row"] == row and record["flops"]]
    return f"{np.mean(found):.0f}" if found else "–"


def _seconds(records: Sequence[Record], row: str) -> str:
    found = [record["seconds"] for record in records if record["row"] == row and not record.get("last") and record["seconds"] is not None]
    found = [value for value in found if np.isfinite(value)]
    return f"{np.mean(found):.0f}" if found else "–"


def _changed(last: Sequence[Record], row: str) -> str:
    mine = [record for record in last if record["row"] == row]
    return f"{sum(not record['same'] for record in mine)} of {len(mine)}"


def _photographs(sequence: Sequence[Record], alone: Sequence[Record], experiment: Experiment) -> str:
    """CIFAR-10 after other photographs, beside the same root alone."""
    ours = [record for record in sequence if record["task"] == "cifar10" and not record.get("last")]
    rows = {"µ2Net, after grocery, clothing and signdigits": ours}
    for row in experiment.rows:
        rows[f"{TITLES[row]}, CIFAR-10 alone"] = [record for record in alone if record["row"] == row and not record.get("last")]
    base = {record["seed"]: record for record in rows[f"{TITLES['fine-tuning']}, CIFAR-10 alone"]}
    lines = []
    for title, records in rows.items():
        records = sorted(records, key=lambda record: record["seed"])
        cuts = [
            100 * (1 - (1 - record["accuracy"]) / (1 - base[record["seed"]]["accuracy"])) for record in records if record["seed"] in base
        ]
        lines.append(
            [
                title,
                interval([100 * record["accuracy"] for record in records]),
                interval(cuts, sign=True) if records[0]["row"] != "fine-tuning" else "–",
                interval([record["trained"] / 1e3 for record in records], 0),
                f"{np.mean([record['seconds'] for record in records]):.0f}",
            ]
        )
    columns = ["", "test accuracy, %", "relative error cut, %", "weights trained, thousands", "seconds, one thread, beside another"]
    budget = experiment.budget
    note = (
        f"{len(base)} seeds of the rows alone, {len(ours)} of the sequence, with 95 % intervals where there are several; "
        f"{budget.images:,} images a task in each row ({budget.generations} "
        f"generations × {budget.children} children × {budget.cycles} cycles × {budget.examples:,}), images of 64 pixels."
    )
    others = [record for record in sequence if record.get("last") and record["task"] != "cifar10"]
    names = list(dict.fromkeys(record["task"] for record in others))
    told = ", ".join(f"{name} {interval([100 * record['accuracy'] for record in others if record['task'] == name])}" for name in names)
    return f"{markdown_table(columns, lines)}\n\n{note}\n\nThe tasks before, test accuracy at the end, %: {told}."


def _stream(records: Sequence[Record]) -> str:
    """Groups of tasks in the order of learning: what a task adds and runs."""
    first = [record for record in records if not record.get("last")]
    last = [record for record in records if record.get("last")]
    rows = []
    for start in range(0, len(first), 6):
        group = first[start : start + 6]
        added = [record["network"] - (first[start + index - 1]["network"] if start + index else 0) for index, record in enumerate(group)]
        rows.append(
            [
                f"{start + 1}–{start + len(group)}",
                ", ".join(record["task"].replace("_", " ") for record in group),
                f"{np.mean(added) / 1e3:,.0f}",
                f"{100 * np.mean(added) / group[0]['root']:.0f} %",
                f"{100 * np.mean([record['flops'] / record['root_flops'] for record in group]):.0f} %",
                f"{100 * np.mean([record['accuracy'] for record in group]):.1f}",
                f"{100 * group[-1]['weights'] / group[-1]['network']:.1f} %",
                f"{sum(record['own'] < record['weights'] for record in group)} of {len(group)}",
            ]
        )
    columns = ["tasks", "names", "parameters added a task, thousands", "of the root", "operations an input, of the root's"]
    columns += ["test accuracy", "run for an input, of all pathways", "share layers with earlier tasks"]
    same = sum(record["same"] for record in last)
    note = f"At the end {same} of {len(last)} tasks answer their test images with the same bits as when they were learned."
    return markdown_table(columns, rows) + f"\n\n{note}"
