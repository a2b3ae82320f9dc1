"""The tables of docs/results/moe.md, and its figure, from the records alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, write_section
from benchmarks.moe import figure
from benchmarks.moe.plan import ABLATED, MAIN, TITLES, jobs_of
from benchmarks.moe.setup import SETUPS, Setup
from senpath.reports.markdown import interval, markdown_table
from senpath.reproduce.jobs import read_records

PAGE = RESULTS / "moe.md"
Record = dict[str, Any]
Pick = Callable[[Record], bool]


def write(folder: Path) -> None:
    """Write every section for which there are records."""
    found = {
        name: read_records(jobs_of(name, folder), folder / name) for name in ("low", "brief", "held", "unrelated", "ablations", "random")
    }
    for name in ("low", "brief", "random"):
        if found[name]:
            write_section(PAGE, name, _low(found[name], SETUPS["random" if name == "random" else "minilm"]))
    if found["held"]:
        drawn = [record for record in found["held"] if record["row"] == "task-aware" and "shots" not in record]
        text = _held(found["held"], SETUPS["minilm"])
        if drawn:
            figure.draw(drawn)
            text += "\n\nWhere the tokens of the tasks before go, task-aware gate; pale where a task does not keep the expert:"
            text += "\n\n![Shares of tokens by expert and task](../figures/moe.png)"
        write_section(PAGE, "held", text)
    if found["held"] and found["unrelated"]:
        write_section(PAGE, "unrelated", _unrelated(found["held"], found["unrelated"], SETUPS["minilm"]))
    if found["held"] and found["ablations"]:
        write_section(PAGE, "ablations", _ablations(found["held"] + found["ablations"], SETUPS["minilm"]))


def _values(records: Sequence[Record], row: str, pick: Pick) -> dict[int, float]:
    """By seed the mean accuracy of a row's records that are picked, in per cent."""
    mine = [record for record in records if record["row"] == row and pick(record)]
    seeds = sorted({record["seed"] for record in mine})
    return {seed: 100 * float(np.mean([record["accuracy"] for record in mine if record["seed"] == seed])) for seed in seeds}


def _cells(records: Sequence[Record], rows: Sequence[str], pick: Pick) -> list[str]:
    return [interval([*found.values()]) if (found := _values(records, row, pick)) else "–" for row in rows]


def _gain(records: Sequence[Record], row: str, base: str, pick: Pick) -> str:
    """A row's accuracy less another's, paired by seed."""
    mine, other = _values(records, row, pick), _values(records, base, pick)
    both = [mine[seed] - other[seed] for seed in mine if seed in other]
    return interval(both, sign=True) if both else "–"


def _rows(records: Sequence[Record], among: Sequence[str]) -> list[str]:
    return [row for row in among if any(record["row"] == row for record in records)]


def _seeds(records: Sequence[Record]) -> str:
    count = len({record["seed"] for record in records})
    return f"{count} seed{'s' if count > 1 else ''}" + (", mean and 95 % interval over them" if count > 1 else "")


def _low(records: Sequence[Record], setup: Setup) -> str:
    rows = _rows(records, MAIN)
    lines, beside = [], []
    for share in sorted({record["share"] for record in records if record["row"] != "single"}):
        for name in setup.scarce:
            lines.append(
                _low_line(records, rows, f"{name}, {share} %", lambda record, s=share, n=name: (record["share"], record["task"]) == (s, n))
            )
        lines.append(
            _low_line(
                records, rows, f"**mean, {share} %**", lambda record, s=share: record["share"] == s and record["task"] in setup.scarce
            )
        )
        for name in setup.tasks:
            cells = _cells(records, rows[1:], lambda record, s=share, n=name: (record["share"], record["task"]) == (s, n))
            beside.append([f"{name}, beside scarce tasks of {share} %", *cells])
    counts = {(record["task"], record["share"]): record["examples"] for record in records if record["task"] in setup.scarce}
    told = ", ".join(f"{name} {share} %: {count}" for (name, share), count in sorted(counts.items()))
    gains = [f"{TITLES[row]} less {TITLES[base]}" for row, base in _PAIRS if {row, base} <= {*rows}]
    return "\n\n".join(
        [
            f"{_seeds(records)}. Test accuracy of scarce tasks, %; training texts: {told}.",
            markdown_table(["task", *(TITLES[row] for row in rows), *gains], lines),
            f"The tasks that they are learned beside ({', '.join(f'{name} {count}' for name, count in setup.tasks.items())} texts):",
            markdown_table(["task", *(TITLES[row] for row in rows[1:])], beside),
            _seconds(records, rows),
        ]
    )


_PAIRS = (("task-aware", "single"), ("task-aware", "dense"), ("task-aware", "token"))


def _low_line(records: Sequence[Record], rows: Sequence[str], title: str, pick: Pick) -> list[str]:
    gains = [_gain(records, row, base, pick) for row, base in _PAIRS if {row, base} <= {*rows}]
    return [title, *_cells(records, rows, pick), *gains]


def _held(records: Sequence[Record], setup: Setup) -> str:
    rows, lines = [row for row in _rows(records, MAIN) if row != "token"], []
    for count in setup.shots:
        for name in setup.scarce:
            pick: Pick = lambda record, c=count, n=name: (record.get("shots"), record["task"]) == (c, n)  # noqa: E731
            lines.append([f"{name}, {count}", *_cells(records, rows, pick), _gain(records, "task-aware", "dense", pick)])
        every: Pick = lambda record, c=count: record.get("shots") == c  # noqa: E731
        lines.append([f"**mean, {count}**", *_cells(records, rows, every), _gain(records, "task-aware", "dense", every)])
    together = _rows(records, MAIN[1:])
    learned = [
        [name, *_cells(records, together, lambda record, n=name: "shots" not in record and record["task"] == n)] for name in setup.tasks
    ]
    return "\n\n".join(
        [
            f"{_seeds(records)}. Test accuracy of tasks that are added later, by shots a class, %; every row fine-tunes copies of all it "
            "runs, with the same steps.",
            markdown_table(["task, shots", *(TITLES[row] for row in rows), "task-aware less dense"], lines),
            f"The tasks before ({', '.join(f'{name} {count}' for name, count in setup.tasks.items())} texts):",
            markdown_table(["task", *(TITLES[row] for row in together)], learned),
            _seconds(records, together),
        ]
    )


def _unrelated(before: Sequence[Record], after: Sequence[Record], setup: Setup) -> str:
    rows = [row for row in _rows(after, MAIN) if row in _rows(before, MAIN)]
    lines = []
    for title, names in (*((name, (name,)) for name in setup.tasks), ("**mean**", tuple(setup.tasks))):
        pick: Pick = lambda record, n=names: "shots" not in record and record["task"] in n  # noqa: E731
        line = [title]
        for row in rows:
            first, last = _values(before, row, pick), _values(after, row, pick)
            line.append(interval([last[seed] - first[seed] for seed in last if seed in first], sign=True))
        lines.append(line)
    added = [[name, *_cells(after, rows, lambda record, n=name: record["task"] == n)] for name in setup.unrelated]
    return "\n\n".join(
        [
            f"{_seeds(after)}. What learning {' and '.join(setup.unrelated)} along changes for the tasks of the section before, points:",
            markdown_table(["task", *(TITLES[row] for row in rows)], lines),
            "The tasks that were added, test accuracy, %:",
            markdown_table(["task", *(TITLES[row] for row in rows)], added),
        ]
    )


def _ablations(records: Sequence[Record], setup: Setup) -> str:
    rows = _rows(records, ("dense", "token", "task-aware", *ABLATED))
    seeds = {record["seed"] for record in records if record["row"] in ABLATED}
    records = [record for record in records if record["seed"] in seeds]
    lines = []
    for row in rows:
        mine = [record for record in records if record["row"] == row and "shots" not in record]
        kept = [len(block["rows"]) for record in mine for block in record["experts"]]
        balance, dropped = ([record[key] for record in mine if record.get(key) is not None] for key in ("balance", "dropped"))
        lines.append(
            [
                TITLES[row],
                *_cells(records, [row], lambda record: "shots" not in record),
                *_cells(records, [row], lambda record: record.get("shots") == 10),
                f"{np.mean(kept):.1f}" if kept else "–",
                f"{np.mean(balance):.2f}" if balance else "–",
                f"{100 * np.mean(dropped):.0f}" if dropped else "–",
            ]
        )
    columns = [
        "",
        "tasks learned together, mean, %",
        "tasks added with 10 shots, mean, %",
        "experts kept a task",
        "load balance at the end",
        "tokens dropped then, %",
    ]
    return f"{_seeds(records)}.\n\n{markdown_table(columns, lines)}"


def _seconds(records: Sequence[Record], rows: Sequence[str]) -> str:
    told = []
    for row in rows:
        mine = [record for record in records if record["row"] == row and "shots" not in record]
        steps = sum({(record["seed"], record.get("share"), record["seconds"]): record["steps"] for record in mine}.values())
        seconds = sum({record["seconds"] for record in mine})
        if steps:
            told.append(f"{TITLES[row]} {seconds / steps:.2f}")
    return f"Seconds a step, one thread, statistics of the dispatcher included: {', '.join(told)}."
