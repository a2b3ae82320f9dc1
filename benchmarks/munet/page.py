"""The tables of docs/results/munet.md."""

from statistics import median

import numpy as np

from benchmarks.harness import Record, Records, differences, interval, markdown_table, mean, ratio
from benchmarks.munet.measure import GENERATIONS, PLACES, SEARCHES
from benchmarks.munet.plan import PLAN, TITLES, Experiment

BASE = "fine-tuning"


def compared(experiment: Experiment, records: Records) -> str:
    """Accuracy by task and row, what each row costs, and differences from fine-tuning."""
    last, timed = records.where(last=True), records.where(lambda one: bool(np.isfinite(one.get("seconds", np.nan))), last=None)
    by_task = last.by("task")
    rows = [row for row in experiment.rows if last.where(row=row)]
    titles = [TITLES[row] for row in rows]
    groups = {**by_task, "**mean**": last}
    accuracy = [
        [name, *(interval([*mine.where(row=row).by_seed("accuracy", 100).values()]) for row in rows)] for name, mine in groups.items()
    ]
    costs = {
        "parameters per task (all pathways / tasks), thousands": lambda mine: _per_task(mine, len(by_task)),
        "trained for a task, thousands": lambda mine: f"{_mean(mine, 'trained', 1e-3):,.0f}",
        "run for an input, % of all pathways": lambda mine: f"{_mean(mine, 'share', 100):,.1f}",
        "operations of an input, % of the root's": lambda mine: mean(mine.values(_operations, 100), 0),
        "seconds a task, one thread, beside another": lambda mine: mean(timed.where(row=mine[0]["row"]).values("seconds"), 0),
        "answers of earlier tasks changed": lambda mine: f"{sum(not one['same'] for one in mine)} of {len(mine)}",
    }
    parts = [
        f"{len(last.distinct('seed'))} seeds, mean and 95 % interval over them; each row trains {experiment.budget.images:,} images a task "
        f"at most ({experiment.budget}).",
        "Test accuracy, task given, %:",
        markdown_table(["task", *titles], accuracy),
        "What it costs:",
        markdown_table(["", *titles], [[name, *(show(last.where(row=row)) for row in rows)] for name, show in costs.items()]),
    ]
    if BASE in rows:
        others = [row for row in rows if row != BASE]
        lines = []
        for name, mine in groups.items():
            of_row = {row: mine.where(row=row).by_seed("accuracy", 100) for row in rows}
            lines.append([name, *(interval(differences(of_row[row], of_row[BASE]), sign=True) for row in others)])
        table = markdown_table(["task", *(TITLES[row] for row in others)], lines)
        parts += [f"Less {TITLES[BASE]}, points, paired by seed:", table]
    return "\n\n".join(parts)


def _mean(records: Records, figure: str, scale: float) -> float:
    return float(np.mean([*records.by_seed(figure, scale).values()]))


def _per_task(records: Records, tasks: int) -> str:
    per, root = _mean(records, "network", 1e-3) / tasks, records.values("root")
    return f"{per:,.0f}" + (f" ({100 * per / (root[0] / 1e3):.0f} % of the root)" if root else "")


def _operations(one: Record) -> float | None:
    return one["flops"] / one["root_flops"] if one["flops"] else None


def photographs(sequence: Records, alone: Records) -> str:
    """CIFAR-10 after other photographs, beside the same root alone."""
    ours, experiment = sequence.where(task="cifar10", last=None), PLAN["cifar"]
    rows = {f"{TITLES[row]}, after grocery, clothing and signdigits": ours.where(row=row) for row in PLAN["photographs"].rows}
    rows |= {f"{TITLES[row]}, CIFAR-10 alone": alone.where(row=row, last=None) for row in experiment.rows}
    base = alone.where(row=BASE, last=None).by_seed("accuracy")
    lines = []
    for title, mine in rows.items():
        errors = [(1 - accuracy, 1 - base[seed]) for seed, accuracy in mine.by_seed("accuracy").items() if seed in base]
        cut = interval([100 * (1 - error / before) for error, before in errors], sign=True)
        figures = [
            interval(mine.values("accuracy", 100)),
            cut if mine[0]["row"] != BASE else "–",
            interval(mine.values("trained", 1e-3), 0),
        ]
        lines.append([title, *figures, f"{mine.mean('seconds'):.0f}"])
    columns = ["", "test accuracy, %", "relative error cut, %", "weights trained, thousands", "seconds, one thread, beside another"]
    note = (
        f"{len(base)} seeds of the rows alone, {len(ours)} of the sequence, with 95 % intervals where there are several; "
        f"{experiment.budget.images:,} images a task in each row ({experiment.budget}), images of 64 pixels."
    )
    others = sequence.where(lambda one: one["task"] != "cifar10", last=True).by("task")
    told = ", ".join(f"{name} {interval(mine.values('accuracy', 100))}" for name, mine in others.items())
    return f"{markdown_table(columns, lines)}\n\n{note}\n\nThe tasks before, test accuracy at the end, %: {told}."


def stream(records: Records) -> str:
    """Groups of tasks in the order of learning: what a task adds and runs."""
    first, last = records.where(last=None), records.where(last=True)
    added, rows = np.diff([0, *first.values("network")]), []
    for start in range(0, len(first), 6):
        group = Records(first[start : start + 6])
        average = float(added[start : start + 6].mean())
        rows.append(
            [
                f"{start + 1}–{start + len(group)}",
                ", ".join(record["task"].replace("_", " ") for record in group),
                f"{average / 1e3:,.0f}",
                f"{100 * average / group[0]['root']:.0f} %",
                f"{group.mean(_operations, 100):.0f} %",
                f"{group.mean('accuracy', 100):.1f}",
                f"{100 * group[-1]['weights'] / group[-1]['network']:.1f} %",
                f"{sum(record['own'] < record['weights'] for record in group)} of {len(group)}",
            ]
        )
    columns = ["tasks", "names", "parameters added a task, thousands", "of the root", "operations an input, of the root's"]
    columns += ["test accuracy", "run for an input, of all pathways", "share layers with earlier tasks"]
    same = sum(record["same"] for record in last)
    note = f"At the end {same} of {len(last)} tasks answer their test images with the same bits as when they were learned."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def speed(records: Records) -> str:
    """Two workers against one, and Ray against processes."""
    rows = []
    for search in SEARCHES:
        mine = records.where(search=search)
        one, same = mine.where(place=next(iter(PLACES))), len(mine.distinct("path")) == 1
        for place, there in mine.by("place").items():
            taken = [(there.values(figure), one.values(figure)) for figure in ("training", "whole")]
            cells = [cell for seconds, first in taken for cell in (f"{median(seconds):.1f}", f"{ratio(first, seconds):.2f}")]
            rows.append([search, place, *cells, "yes" if same else "no"])
    columns = ["search", "workers", "training, s", "times as fast as one", "with start and end, s", "times as fast", "same path found"]
    rounds = len(records.distinct("round"))
    note = f"{GENERATIONS} generations, 2 cycles of 1,200 images of MNIST; medians of {rounds} round(s), all places in turn."
    return f"{markdown_table(columns, rows)}\n\n{note}"
