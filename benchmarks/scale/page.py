"""The page docs/results/scale.md: tables and the figure, from records alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.common import DOCS, RESULTS, write_section
from benchmarks.scale.grow import MORE
from benchmarks.scale.measure import BATCH
from benchmarks.scale.records import kept
from senpath.reports.markdown import markdown_table, spread

PAGE = RESULTS / "scale.md"
FIGURE = DOCS / "figures" / "scale.png"
TITLES = {"naive": "Avalanche Naive", "ewc": "Avalanche EWC", "pnn": "Avalanche PNN"}
MB = 1e6

Figures = dict[str, Any]
Sizes = dict[int, Figures]


def write_growing(records: Path) -> None:
    """Put the tables and the figure of `python -m benchmarks.scale` into the page."""
    found = kept(records)
    sizes: Sizes = {}
    for record in found:
        if "size" in record:
            sizes.setdefault(record["size"], {}).update(record)
    peers = {method: [one for one in found if one.get("method") == method] for method in TITLES}
    where = f"{found[0]['threads']} thread(s), torch {found[0]['torch']}, {found[0]['device']}"
    parts = [_costs(sizes), _stages(sizes), _bounds(sizes)]
    if any(peers.values()):
        parts.append(_peers(sizes, peers))
    write_section(PAGE, "growing", "\n\n".join([f"Measured in one run: {where}.", *parts]))
    _draw(sizes, peers)


def _costs(sizes: Sizes) -> str:
    rows: list[list[Any]] = []

    def row(name: str, show: Callable[[Figures], str]) -> None:
        rows.append([name, *(show(figures) for figures in sizes.values())])

    row(f"learning a further task, s (median of the same {MORE})", lambda one: f"{median(one['learning']['seconds']):.3f}")
    row("… the longest of them", lambda one: f"{max(one['learning']['seconds']):.3f}")
    row("renewing the metric, s", lambda one: f"{one['learning']['renewal']:.3f}")
    row("… per task until the next renewal, s", lambda one: f"{one['learning']['renewal'] / max(1, one['size'] // 4):.3f}")
    row("predict, one input, ms (median)", lambda one: f"{1e3 * one['one']:.2f}")
    row(f"predict, mixed batch of {BATCH:,}, inputs per s", lambda one: f"{BATCH / one['batch']:,.0f}")
    row("opening, ms", lambda one: f"{1e3 * one['opening']['open']:.0f}")
    row("first prediction after opening, ms", lambda one: f"{1e3 * one['opening']['first']:.0f}")
    row("memory of an open network above `import torch`, MB", lambda one: f"{one['opening']['memory']:.0f}")
    row("… after one prediction", lambda one: f"{one['opening']['memory_predicted']:.0f}")
    row("folder, MB", lambda one: f"{one['disk']['bytes'] / MB:,.1f}")
    row(
        "… above weights and columns, per task, KB",
        lambda one: f"{(one['disk']['bytes'] - one['disk']['needed']) / one['size'] / 1e3:,.0f}",
    )
    row("… in percent of them", lambda one: f"{100 * (one['disk']['bytes'] / one['disk']['needed'] - 1):.1f}")
    row("… the same in whole blocks of the disk", lambda one: f"{100 * (one['disk']['blocks'] / one['disk']['needed'] - 1):.1f}")
    for mode in ("default", "strict"):
        row(f"candidates ({mode})", lambda one, mode=mode: f"{one['activation'][mode]['candidates']:.2f}")
        row(f"activated, pathways and links ({mode}), %", lambda one, mode=mode: f"{100 * one['activation'][mode]['pathways']:.3f}")
        row(f"activated, dispatcher included ({mode}), %", lambda one, mode=mode: f"{100 * one['activation'][mode]['all']:.2f}")
    row("right pathway first, %", lambda one: f"{100 * one['finding']['first']:.1f}")
    row("right pathway among the candidates, %", lambda one: f"{100 * one['finding']['among']:.1f}")
    row("right task and label, %", lambda one: f"{100 * one['finding']['label']:.1f}")
    return markdown_table(["tasks", *(f"{size:,}" for size in sizes)], rows)


def _stages(sizes: Sizes) -> str:
    names = {"search": "search for a source", "train": "training", "dispatcher": "the dispatcher's statistics", "commit": "commit"}
    rows = [[title, *(f"{1e3 * one['learning']['stages'][name]:.0f}" for one in sizes.values())] for name, title in names.items()]
    rows.append(["of the commit: network.json", *(f"{1e3 * one['learning']['manifest']:.1f}" for one in sizes.values())])
    rows.append(["network.json, KB", *(f"{one['learning']['manifest_bytes'] / 1e3:,.0f}" for one in sizes.values())])
    rows.append([f"tasks of {MORE} that borrow", *(one["learning"]["borrow"] for one in sizes.values())])
    return "Where learning takes its time, ms (medians):\n\n" + markdown_table(["tasks", *(f"{size:,}" for size in sizes)], rows)


def _bounds(sizes: Sizes) -> str:
    """The largest network beside that of ten tasks, and what was aimed at."""
    big, ten = sizes[max(sizes)], sizes[10]

    def ratio(of: Callable[[Figures], float]) -> float:
        return of(big) / of(ten)

    disk = 100 * (big["disk"]["bytes"] / big["disk"]["needed"] - 1)
    rows = [
        ["learning a further task, time ÷ at 10 tasks", f"{ratio(lambda one: median(one['learning']['seconds'])):.2f}", "≤ 1.15"],
        ["… with its part of a renewal", f"{ratio(lambda one: median(one['learning']['seconds']) + _renewal_part(one)):.2f}", ""],
        ["one input, time ÷ at 10 tasks", f"{ratio(lambda one: one['one']):.2f}", "≤ 1.3"],
        ["mixed batch, throughput ÷ at 10 tasks", f"{1 / ratio(lambda one: one['batch']):.2f}", "≥ 0.5"],
        ["opening, ms", f"{1e3 * big['opening']['open']:.0f}", "≤ 150"],
        ["memory above `import torch`, MB", f"{big['opening']['memory']:.0f}", "≤ 60"],
        ["disk above weights and columns, %", f"{disk:.1f}", "≤ 5"],
        ["activated, pathways and links, strict, %", f"{100 * big['activation']['strict']['pathways']:.3f}", "≤ 0.2"],
        ["activated, dispatcher included, strict, %", f"{100 * big['activation']['strict']['all']:.2f}", "≤ 2"],
    ]
    return markdown_table([f"at {max(sizes):,} tasks", "measured", "aim"], rows)


def _renewal_part(one: Figures) -> float:
    """Seconds of a renewal for each task until the next; up to 16 tasks every commit holds one already."""
    return one["learning"]["renewal"] / (one["size"] // 4) if one["size"] > 16 else 0.0


def _peers(sizes: Sizes, peers: dict[str, list[Figures]]) -> str:
    rows = []
    ours = {size: median(one["learning"]["seconds"]) for size, one in sizes.items()}
    for method, records in peers.items():
        learned = [one for one in records if "task" in one]
        if not learned:
            continue
        last = learned[-1]
        first = median(one["learn"] for one in learned[:5])
        late = median(one["learn"] for one in learned[-5:])
        accuracy = [one["accuracy"] for one in records if "accuracy" in one][-1]
        rows.append(
            [
                TITLES[method],
                f"{last['task'] + 1}",
                f"{first:.2f}",
                f"{late:.2f}",
                f"**{late / first:.1f}**",
                f"**{late / ours[max(ours)]:.1f}**",
                f"{1e3 * last['predict_one']:.2f}",
                f"{last['weights']:,}",
                f"{100 * accuracy:.1f}",
                next(one["stopped"] for one in records if "stopped" in one),
            ]
        )
    head = ["method", "tasks learned", "s, first five", "s, last five", "last ÷ first", "last ÷ senpath at its largest"]
    head += ["one input, task given, ms", "weights", "accuracy, task given, %", "stopped by"]
    return "The same stream in Avalanche 0.6, in the same run:\n\n" + markdown_table(head, rows)


def _draw(sizes: Sizes, peers: dict[str, list[Figures]]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    _line(left, [*sizes], [median(one["learning"]["seconds"]) for one in sizes.values()], "senpath", bold=True)
    _line(right, [*sizes], [1e3 * one["one"] for one in sizes.values()], "senpath, task unknown", bold=True)
    for method, records in peers.items():
        learned = [one for one in records if "task" in one]
        if learned:
            places = [one["task"] + 1 for one in learned]
            _line(left, places, [one["learn"] for one in learned], TITLES[method])
            _line(right, places, [1e3 * one["predict_one"] for one in learned], f"{TITLES[method]}, task given")
    for axes, title, label in ((left, "Learning one further task", "seconds"), (right, "Predicting one input", "milliseconds")):
        axes.set(xscale="log", yscale="log", title=title, xlabel="tasks learned", ylabel=label)
        axes.grid(which="both", alpha=0.25)
        axes.legend()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=130)


def _line(axes: Axes, places: Sequence[int], values: Sequence[float], label: str, *, bold: bool = False) -> None:
    axes.plot(places, values, label=label, linewidth=2.6 if bold else 1.2, marker="o" if bold else None)


def write_characters(records: Path) -> None:
    """Put the table of `python -m benchmarks.scale.characters` into the page."""
    found = kept(records)
    titles = {"alphabets": "50 alphabets, 15 drawings a character", "five": "300 tasks of five characters, 5 drawings each"}
    columns = {"first": "right pathway first", "among": "among the candidates", "candidates": "candidates", "label": "right task and label"}
    rows = []
    for stream, title in titles.items():
        mine = [one for one in found if one["stream"] == stream]
        for who, name in (("senpath", "senpath"), ("means", "nearest class mean, two candidates")):
            values = {key: [one[who][key] for one in mine] for key in columns}
            given = spread([100 * one[who]["label_given"] for one in mine]) if who == "senpath" else "–"
            shown = [spread([value * (1 if key == "candidates" else 100) for value in values[key]]) for key in columns]
            rows.append([title, name, *shown, given])
    table = markdown_table(["tasks", "method", *columns.values(), "label, task given"], rows)
    seeds = len({one["seed"] for one in found})
    note = f"mean ± sample standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    write_section(PAGE, "characters", f"{table}\n\nIn %, {note}.")


def write_permuted(records: Path) -> None:
    """Put the table of `python -m benchmarks.scale.permuted` into the page."""
    rows = [
        [
            f"{one['measured']:,}",
            f"{one['measured'] * one['each']:,}",
            f"**{100 * one['label']:.2f}**",
            f"{100 * one['worst']:.2f}",
            f"{100 * one['label_given']:.2f}",
            f"{100 * one['first']:.3f}",
            f"{one['candidates']:.4f}",
            f"{100 * one['refused']:.1f}",
            f"{1e3 * one['activated']['pathways']:.2f} ‰, {1e3 * one['activated']['all']:.2f} ‰" if "activated" in one else "–",
        ]
        for one in kept(records)
        if "measured" in one
    ]
    head = ["tasks", "test images", "accuracy, no task id, %", "worst task", "task given", "right pathway first, %", "candidates"]
    head += ["refused unless told not to, %", "activated: pathways and links, with dispatcher"]
    write_section(PAGE, "permuted", markdown_table(head, rows))


def write_recall(records: Path) -> None:
    """Put the table of `python -m benchmarks.scale.recall` into the page."""
    rows = [
        [
            f"{one['stream']}, {one['tasks']:,} tasks",
            f"{one['columns']:,}",
            "all compared" if one["cells"] == 1 else f"{one['cells']:,} cells",
            f"{100 * one['best_found']:.2f}",
            f"**{100 * one['both_found']:.2f}**",
            f"{100 * one['first']:.1f}",
            f"{100 * one['first_exact']:.1f}",
            f"{100 * one['first_fresh']:.1f}",
            f"{one['metric_tasks']:,}",
        ]
        for one in kept(records)
    ]
    head = ["stream", "columns", "index", "best task of all found, %", "best two found, %", "right task first, by the index, %"]
    head += ["… all columns scored, %", "… in a metric of all tasks, %", "tasks in the metric used"]
    write_section(PAGE, "recall", markdown_table(head, rows))
