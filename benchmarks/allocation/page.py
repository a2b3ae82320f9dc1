"""The tables of docs/results/allocation.md, and its figures."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.allocation.rows import TITLES, Experiment
from benchmarks.harness import Records, differences, figure, interval, markdown_table, mean, table_of
from senpath.methods.allocation import similarity

DIFFERENCES = (("gumbel", "shared"), ("gumbel", "alone"), ("gumbel", "same"), ("half", "gumbel"), ("half", "shared"), ("half", "same half"))


def probabilities(records: Records) -> torch.Tensor:
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


def overlap(records: Records) -> torch.Tensor:
    """Jaccard index of the sets of components in use: (tasks, tasks)."""
    used = torch.tensor([record["used"] for record in records]).flatten(1).float()
    both = used @ used.T
    return both / (used.sum(1)[:, None] + used.sum(1)[None] - both).clamp(min=1)


def toy(records: Records) -> str:
    """Whether tasks and their copies come to use the same components; and the matrix of the first seed."""
    seeds = dict(sorted(records.where(row="gumbel").by("seed").items()))
    _draw_matrix(seeds[0])
    alike = {seed: similarity(probabilities(mine)) for seed, mine in seeds.items()}
    rows = []
    for seed, mine in seeds.items():
        first, second, across = within_and_across(alike[seed])
        same = sum(mine[place]["used"] == mine[place + 1]["used"] for place in (0, 2))
        used = ", ".join(str(sum(map(sum, record["used"]))) for record in mine)
        similar = [f"{sum(pairs(alike[seed]))} of 4", f"{first:.3f}, {second:.3f}", f"{across:.3f}"]
        rows.append([seed, *similar, same, used, mean(mine.values("error", 100))])
    total = len(records[0]["used"]) * len(records[0]["used"][0])
    columns = ["seed", "tasks whose copy is the most similar", "similarity of a task and its copy", "across"]
    columns += ["pairs with the very same components", f"components in use, of {total}", "test error, %"]
    whole = sum(all(pairs(alike[seed])) for seed in seeds)
    return f"{markdown_table(columns, rows)}\n\nEvery task is paired with its copy for {whole} of {len(rows)} seeds."


def compared(experiment: Experiment, records: Records) -> str:
    """Mean test errors of the rows, and their differences paired by seed."""
    rows = [row for row in experiment.rows if records.where(row=row)]
    by_task = records.by("task")
    columns: dict[str, Callable[[Records], object]] = {
        "": lambda mine: TITLES[mine[0]["row"]],
        "test error, %": lambda mine: interval([*mine.by_seed("error", 100).values()], 2),
        "validation error, %": lambda mine: mean(mine.values("held", 100), 2),
        "weights that run for a task, but for its output layer, thousands": lambda mine: f"{mine.mean('body', 1e-3):.1f}",
        "components in use, %": lambda mine: f"{mine.mean(lambda one: np.mean(one['used']), 100):.0f}",
        "minutes a seed": lambda mine: f"{mine.mean('seconds') * len(mine.distinct('task')) / 60:.1f}",
    }
    parts = [table_of([records.where(row=row) for row in rows], columns)]
    parts.append(f"{len(records.distinct('seed'))} seeds, means over {len(by_task)} tasks with 95 % intervals.")
    if "gumbel" in rows and len(rows) > 1:
        parts += ["Differences of test error, paired by seed: points, and relative.", _differences(records, rows)]
    if "gumbel" in rows:
        lines = []
        for task, mine in by_task.items():
            lines.append([task.replace("_", " "), *(mean(mine.where(row=row).values("error", 100)) for row in rows)])
        parts += ["By task, the mean over seeds, %:", markdown_table(["task", *(TITLES[row] for row in rows)], lines)]
    return "\n\n".join(parts)


def _differences(records: Records, rows: Sequence[str]) -> str:
    errors, lines = {row: records.where(row=row).by_seed("error", 100) for row in rows}, []
    for row, other in DIFFERENCES:
        if {row, other} <= {*rows} and (points := differences(errors[row], errors[other])):
            relative = [100 * (errors[row][seed] / errors[other][seed] - 1) for seed in errors[row] if seed in errors[other]]
            lines.append([TITLES[row], TITLES[other], interval(points, 2, sign=True), f"{interval(relative, 1, sign=True)} %"])
    return markdown_table(["", "less", "points", "relative"], lines)


def clusters(records: Records) -> str:
    """How alike the allocations of related tasks are; and the figure of the mean over the seeds."""
    rows, gaps, alike = [], [], []
    for seed, mine in sorted(records.where(row="gumbel").by("seed").items()):
        alike.append(similarity(probabilities(mine)))
        first, second, across = within_and_across(alike[-1])
        gaps.append((first + second) / 2 - across)
        sets = [f"{value:.2f}" for value in within_and_across(overlap(mine))]
        share = f"{mine.mean(lambda one: np.mean(one['used']), 100):.0f}"
        rows.append([seed, f"{first:.3f}", f"{second:.3f}", f"{across:.3f}", *sets, share])
    _draw_similarities(torch.stack(alike).mean(0), records.distinct("task"))
    columns = ["seed", "within MNIST", "within Fashion", "across", "sets: within MNIST", "within Fashion", "across", "in use, %"]
    note = f"Within less across, 1 − mean |pᵢ − pⱼ|: {interval(gaps, 3, sign=True)} over {len(rows)} seeds."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def _draw_matrix(records: Records) -> None:
    """For each layer tasks × components: the probability of use."""
    chances = probabilities(records)
    tasks, layers, components = chances.shape
    with figure("allocation-toy.png", (1.8 + 2 * layers, 0.9 + 0.4 * tasks), columns=layers, sharey=True) as (drawing, panels):
        for place, axis in enumerate(panels[0]):
            image = axis.imshow(chances[:, place], cmap="Blues", vmin=0, vmax=1, aspect="auto")
            axis.set(title=f"layer {place + 1}", xlabel="component", xticks=range(components), yticks=range(tasks))
            axis.set_xticklabels([str(number + 1) for number in range(components)])
            axis.set_yticklabels([record["task"] for record in records])
        drawing.colorbar(image, ax=panels[0], label="probability of use")


def _draw_similarities(alike: torch.Tensor, names: Sequence[str]) -> None:
    """Tasks × tasks."""
    with figure("allocation-clusters.png", (7, 6)) as (drawing, panels):
        axis = panels[0, 0]
        image = axis.imshow(alike, cmap="Blues", vmin=float(alike.min()), vmax=1)
        axis.set(xticks=range(len(names)), yticks=range(len(names)))
        axis.set_xticklabels(names, rotation=90)
        axis.set_yticklabels(names)
        drawing.colorbar(image, label="1 − mean |pᵢ − pⱼ|")
