"""The tables of docs/results/moe.md, and its figure."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.patches import Patch

from benchmarks.harness import Record, Records, differences, figure, interval, markdown_table, mean, table_of
from benchmarks.moe.plan import ABLATED, MAIN, SETUPS, TITLES, Setup

PAIRS = (("task-aware", "single"), ("task-aware", "dense"), ("task-aware", "token"))
SETUP = SETUPS["minilm"]


def _accuracies(records: Records, row: str) -> dict[int, float]:
    return records.where(row=row).by_seed("accuracy", 100)


def _cells(records: Records, rows: Sequence[str]) -> list[str]:
    """Of each row."""
    return [interval([*accuracies.values()]) if (accuracies := _accuracies(records, row)) else "–" for row in rows]


def _gain(records: Records, row: str, base: str) -> str:
    """A row's accuracy less another's, paired by seed."""
    points = differences(_accuracies(records, row), _accuracies(records, base))
    return interval(points, sign=True) if points else "–"


def _rows(records: Records, among: Sequence[str]) -> list[str]:
    return [row for row in among if records.where(row=row)]


def _seeds(records: Records) -> str:
    count = len(records.distinct("seed"))
    return f"{count} seeds, mean and 95 % interval over them" if count > 1 else "1 seed"


def _counts(setup: Setup) -> str:
    return ", ".join(f"{name} {count}" for name, count in setup.tasks.items())


def low(setup: Setup, records: Records) -> str:
    """Scarce tasks beside related ones."""
    rows, scarce = _rows(records, MAIN), records.where(lambda one: one["task"] in setup.scarce)
    pairs, lines, beside = [pair for pair in PAIRS if {*pair} <= {*rows}], [], []
    for share, mine in sorted(records.where(lambda one: one["row"] != "single").by("share").items()):
        of_share = scarce.where(share=share)
        groups = {f"{name}, {share} %": of_share.where(task=name) for name in setup.scarce} | {f"**mean, {share} %**": of_share}
        for title, group in groups.items():
            lines.append([title, *_cells(group, rows), *(_gain(group, *pair) for pair in pairs)])
        for name in setup.tasks:
            beside.append([f"{name}, beside scarce tasks of {share} %", *_cells(mine.where(task=name), rows[1:])])
    counts = {key: mine[-1]["examples"] for key, mine in sorted(scarce.by("task", "share").items())}
    told = ", ".join(f"{name} {share} %: {count}" for (name, share), count in counts.items())
    gains = [f"{TITLES[row]} less {TITLES[base]}" for row, base in pairs]
    parts = [
        f"{_seeds(records)}. Test accuracy of scarce tasks, %; training texts: {told}.",
        markdown_table(["task", *map(TITLES.__getitem__, rows), *gains], lines),
        f"The tasks that they are learned beside ({_counts(setup)} texts):",
        markdown_table(["task", *map(TITLES.__getitem__, rows[1:])], beside),
        _seconds(records, rows),
    ]
    return "\n\n".join(parts)


def held(records: Records) -> str:
    """Tasks that are added later, with few shots, and the tasks before."""
    rows, together, lines = [row for row in _rows(records, MAIN) if row != "token"], _rows(records, MAIN[1:]), []
    for count in SETUP.shots:
        added = records.where(shots=count)
        for name, mine in (*((name, added.where(task=name)) for name in SETUP.scarce), ("**mean", added)):
            title = f"{name}, {count}" + ("**" if name.startswith("**") else "")
            lines.append([title, *_cells(mine, rows), _gain(mine, "task-aware", "dense")])
    before = records.where(shots=None)
    parts = [
        f"{_seeds(records)}. Test accuracy of tasks that are added later, by shots a class, %; every row fine-tunes copies of all it "
        "runs, with the same steps.",
        markdown_table(["task, shots", *map(TITLES.__getitem__, rows), "task-aware less dense"], lines),
        f"The tasks before ({_counts(SETUP)} texts):",
        markdown_table(
            ["task", *map(TITLES.__getitem__, together)], [[name, *_cells(before.where(task=name), together)] for name in SETUP.tasks]
        ),
        _seconds(records, together),
    ]
    drawn = before.where(row="task-aware")
    if drawn:
        _draw(drawn)
        parts.append("Where the tokens of the tasks before go, task-aware gate; pale where a task does not keep the expert:")
        parts.append("![Shares of tokens by expert and task](../figures/moe.png)")
    return "\n\n".join(parts)


def _draw(records: Records) -> None:
    """A panel for each seed; bars are shares of a task's training tokens, paler where the task does not keep the expert."""
    seeds, tasks = dict(sorted(records.by("seed").items())), records.distinct("task")
    with figure("moe.png", (4.2 * len(seeds), 3.2), columns=len(seeds), sharey=True) as (drawing, panels):
        for axes, (seed, mine) in zip(panels[0], seeds.items(), strict=True):
            width = 0.8 / len(mine)
            for place, record in enumerate(mine):
                block = record["experts"][0]
                experts = sorted(block["shares"], key=int)
                across = np.arange(len(experts)) + (place - (len(mine) - 1) / 2) * width
                bars = axes.bar(across, [100 * block["shares"][expert] for expert in experts], width, color=f"C{place}")
                for bar, expert in zip(bars, experts, strict=True):
                    bar.set_alpha(1 if int(expert) in block["rows"] else 0.3)
            axes.set(title=f"seed {seed}", xlabel="expert", xticks=range(len(mine[0]["experts"][0]["shares"])))
            axes.grid(alpha=0.25, axis="y")
        panels[0, 0].set_ylabel("share of the task's tokens, %")
        drawing.legend([Patch(color=f"C{place}") for place in range(len(tasks))], tasks, loc="outside lower center", ncols=len(tasks))


def unrelated(before: Records, after: Records) -> str:
    """What learning unrelated tasks along changes for the others."""
    rows = [row for row in _rows(after, MAIN) if row in _rows(before, MAIN)]
    lines = []
    for title, names in (*((name, (name,)) for name in SETUP.tasks), ("**mean**", tuple(SETUP.tasks))):
        pair = [records.where(lambda one, names=names: one["task"] in names, shots=None) for records in (after, before)]
        changes = [differences(*(_accuracies(records, row) for records in pair)) for row in rows]
        lines.append([title, *(interval(points, sign=True) for points in changes)])
    parts = [
        f"{_seeds(after)}. What learning {' and '.join(SETUP.unrelated)} along changes for the tasks of the section before, points:",
        markdown_table(["task", *map(TITLES.__getitem__, rows)], lines),
        "The tasks that were added, test accuracy, %:",
        markdown_table(
            ["task", *map(TITLES.__getitem__, rows)], [[name, *_cells(after.where(task=name), rows)] for name in SETUP.unrelated]
        ),
    ]
    return "\n\n".join(parts)


def ablations(main: Records, ablated: Records) -> str:
    """Other gates and numbers of experts."""
    both = Records([*main, *ablated])
    seeds = both.where(lambda one: one["row"] in ABLATED).distinct("seed")
    records = both.where(lambda one: one["seed"] in seeds)
    columns: dict[str, Callable[[Records], object]] = {
        "": lambda mine: TITLES[mine[0]["row"]],
        "tasks learned together, mean, %": lambda mine: _cells(mine.where(shots=None), [mine[0]["row"]])[0],
        "tasks added with 10 shots, mean, %": lambda mine: _cells(mine.where(shots=10), [mine[0]["row"]])[0],
        "experts kept a task": lambda mine: mean([len(block["rows"]) for one in mine.where(shots=None) for block in one["experts"]]),
        "load balance at the end": lambda mine: mean(mine.where(shots=None).values("balance"), 2),
        "tokens dropped then, %": lambda mine: mean(mine.where(shots=None).values("dropped", 100), 0),
    }
    rows = _rows(records, ("dense", "token", "task-aware", *ABLATED))
    return f"{_seeds(records)}.\n\n{table_of([records.where(row=row) for row in rows], columns)}"


def _seconds(records: Records, rows: Sequence[str]) -> str:
    told = []
    for row in rows:
        mine = records.where(row=row, shots=None)
        steps = sum(group[-1]["steps"] for group in mine.by("seed", "share", "seconds").values())
        if steps:
            told.append(f"{TITLES[row]} {sum(mine.distinct('seconds')) / steps:.2f}")
    return f"Seconds a step, one thread, statistics of the dispatcher included: {', '.join(told)}."


def speed(records: Records) -> str:
    """The forward pass with experts beside the dense model's."""
    columns: dict[str, Callable[[Record], object]] = {
        "inputs of a batch": lambda one: one["batch"],
        "experts": lambda one: one["experts"],
        "of them reached": lambda one: one["kept"],
        "milliseconds": lambda one: f"{1000 * one['seconds']:.1f}",
        "times the dense model's": lambda one: f"{one['ratio']:.2f}",
    }
    return table_of(records, columns) + (
        "\n\nWhat is learned of MiniLM (two blocks, mean, output layer) on texts of SST-2, one thread; the token "
        "gate, by which tokens are spread most evenly. Medians, ratios paired."
    )
