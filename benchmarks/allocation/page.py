"""The tables of docs/results/allocation.md, from the records alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.allocation.figures import draw_matrix, draw_similarities
from benchmarks.allocation.plan import PLAN, TITLES
from benchmarks.allocation.rows import jobs_of
from benchmarks.common import DOCS, RESULTS, write_section
from senpath.methods.allocation import similarity
from senpath.reports.markdown import interval, markdown_table
from senpath.reproduce.jobs import read_records

PAGE = RESULTS / "allocation.md"
FIGURES = DOCS / "figures"
Record = dict[str, Any]


def write(folder: Path) -> None:
    """Write every section, and draw every figure, for which there are records."""
    records = {name: read_records(jobs_of(name, folder / name), folder / name) for name in PLAN}
    if records["toy"]:
        write_section(PAGE, "toy", _toy(records["toy"]))
        draw_matrix(_of_seed(records["toy"], 0), FIGURES / "allocation-toy.png")
    for name in ("omniglot", "full"):
        if records[name]:
            write_section(PAGE, name, _compared(records[name], name))
    if records["clusters"]:
        write_section(PAGE, "clusters", _clusters(records["clusters"]))
        seeds = _seeds(records["clusters"])
        found = [similarity(chances(_of_seed(records["clusters"], seed))) for seed in seeds]
        names = [record["task"] for record in _of_seed(records["clusters"], 0)]
        draw_similarities(torch.stack(found).mean(0), names, FIGURES / "allocation-clusters.png")


def chances(records: Sequence[Record]) -> torch.Tensor:
    """Of using each component: (tasks, layers, components)."""
    return torch.tensor([record["probabilities"] for record in records])


def pairs(alike: torch.Tensor) -> list[bool]:
    """For each of the toy's tasks whether, of the others, its copy is the most similar one."""
    others = alike - 2 * torch.eye(len(alike))
    return (others.argmax(1) == torch.tensor([1, 0, 3, 2])).tolist()


def within_and_across(alike: torch.Tensor) -> tuple[float, float, float]:
    """Of two clusters of equal size: the mean similarity of different tasks within the first, within the second, and across."""
    half = len(alike) // 2
    parts = [alike[:half, :half], alike[half:, half:]]
    within = [float((part.sum() - part.diagonal().sum()) / (half * (half - 1))) for part in parts]
    return within[0], within[1], float(alike[:half, half:].mean())


def _toy(records: Sequence[Record]) -> str:
    rows = []
    for seed in _seeds(records):
        mine = _of_seed(records, seed)
        alike = similarity(chances(mine))
        right = pairs(alike)
        first, second, across = within_and_across(alike)
        used = [sum(map(sum, record["used"])) for record in mine]
        same = [mine[place]["used"] == mine[place + 1]["used"] for place in (0, 2)]
        error = 100 * np.mean([record["error"] for record in mine])
        rows.append(
            [
                seed,
                f"{sum(right)} of 4",
                f"{first:.3f}, {second:.3f}",
                f"{across:.3f}",
                sum(same),
                ", ".join(map(str, used)),
                f"{error:.1f}",
            ]
        )
    total = len(records[0]["used"]) * len(records[0]["used"][0])
    columns = [
        "seed",
        "tasks whose copy is the most similar",
        "similarity of a task and its copy",
        "across",
        "pairs with the very same components",
        f"components in use, of {total}",
        "test error, %",
    ]
    whole = sum(row[1] == "4 of 4" for row in rows)
    return f"{markdown_table(columns, rows)}\n\nEvery task is paired with its copy for {whole} of {len(rows)} seeds."


def _compared(records: Sequence[Record], name: str) -> str:
    """Mean test errors of the rows, and their differences paired by seed."""
    rows = [row for row in PLAN[name].rows if any(record["row"] == row for record in records)]
    lines = []
    for row in rows:
        mine = [record for record in records if record["row"] == row]
        lines.append(
            [
                TITLES[row],
                interval(_errors(records, row), 2),
                f"{100 * np.mean([record['held'] for record in mine]):.2f}",
                f"{np.mean([record['body'] for record in mine]) / 1000:.1f}",
                _used(mine),
                f"{np.mean([record['seconds'] for record in mine]) * len({record['task'] for record in mine}) / 60:.1f}",
            ]
        )
    columns = ["", "test error, %", "validation error, %", "weights that run for a task, but for its output layer, thousands"]
    parts = [markdown_table([*columns, "components in use, %", "minutes a seed"], lines)]
    parts.append(f"{len(_seeds(records))} seeds, means over {len({record['task'] for record in records})} tasks with 95 % intervals.")
    if "gumbel" in rows and len(rows) > 1:
        parts += ["Differences of test error, paired by seed: points, and relative.", _differences(records, rows)]
    if "gumbel" in rows:
        parts += ["By task, the mean over seeds, %:", _by_task(records, rows)]
    return "\n\n".join(parts)


def _differences(records: Sequence[Record], rows: Sequence[str]) -> str:
    lines = []
    for row, others in (("gumbel", ("shared", "alone", "same")), ("half", ("gumbel", "shared", "same half"))):
        for other in others:
            seeds = sorted({*_seeds(records, row)} & {*_seeds(records, other)})
            if {row, other} <= {*rows} and seeds:
                mine, theirs = (np.array(_errors(records, which, seeds)) for which in (row, other))
                relative = interval(100 * (mine / theirs - 1), 1, sign=True)
                lines.append([TITLES[row], TITLES[other], interval(mine - theirs, 2, sign=True), f"{relative} %"])
    return markdown_table(["", "less", "points", "relative"], lines)


def _by_task(records: Sequence[Record], rows: Sequence[str]) -> str:
    tasks = list(dict.fromkeys(record["task"] for record in records))
    lines = []
    for task in tasks:
        found = [[record["error"] for record in records if (record["task"], record["row"]) == (task, row)] for row in rows]
        lines.append([task.replace("_", " "), *(f"{100 * np.mean(errors):.1f}" for errors in found)])
    return markdown_table(["task", *(TITLES[row] for row in rows)], lines)


def _clusters(records: Sequence[Record]) -> str:
    rows, gaps = [], []
    for seed in _seeds(records):
        mine = _of_seed(records, seed)
        first, second, across = within_and_across(similarity(chances(mine)))
        sets = within_and_across(overlap(mine))
        gaps.append((first + second) / 2 - across)
        share = 100 * np.mean([np.mean(record["used"]) for record in mine])
        rows.append(
            [seed, f"{first:.3f}", f"{second:.3f}", f"{across:.3f}", f"{sets[0]:.2f}", f"{sets[1]:.2f}", f"{sets[2]:.2f}", f"{share:.0f}"]
        )
    columns = ["seed", "within MNIST", "within Fashion", "across", "sets: within MNIST", "within Fashion", "across", "in use, %"]
    note = f"Within less across, 1 − mean |pᵢ − pⱼ|: {interval(gaps, 3, sign=True)} over {len(rows)} seeds."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def overlap(records: Sequence[Record]) -> torch.Tensor:
    """Jaccard index of the sets of components in use: (tasks, tasks)."""
    used = torch.tensor([record["used"] for record in records]).flatten(1).float()
    both = used @ used.T
    return both / (used.sum(1)[:, None] + used.sum(1)[None] - both).clamp(min=1)


def _errors(records: Sequence[Record], row: str, seeds: Sequence[int] | None = None) -> list[float]:
    """For each seed the mean over the tasks, in %."""
    found = []
    for seed in _seeds(records, row) if seeds is None else seeds:
        found.append(100 * float(np.mean([record["error"] for record in records if (record["row"], record["seed"]) == (row, seed)])))
    return found


def _seeds(records: Sequence[Record], row: str | None = None) -> list[int]:
    return sorted({record["seed"] for record in records if row in (None, record["row"])})


def _of_seed(records: Sequence[Record], seed: int) -> list[Record]:
    return [record for record in records if record["seed"] == seed and record["row"] == "gumbel"]


def _used(records: Sequence[Record]) -> str:
    return f"{100 * np.mean([np.mean(record['used']) for record in records]):.0f}"
