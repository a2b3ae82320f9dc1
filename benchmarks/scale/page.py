"""The section of docs/results/scale.md on networks of 1 to 1,000 tasks, and its figure."""

from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.harness import Record, Records, figure, markdown_table
from benchmarks.scale.measure import BATCH

TITLES = {"naive": "Avalanche Naive", "ewc": "Avalanche EWC", "pnn": "Avalanche PNN"}
MORE = 20
"""Further tasks, which every network learns to time it."""
MB = 1e6

Sizes = dict[int, Record]


def growing(records: Records, learned: Records) -> str:
    """The tables."""
    sizes, peers = _sizes(records), _by_method(learned)
    parts = [f"Measured in one run: {records[0]['threads']} thread(s), torch {records[0]['torch']}, {records[0]['device']}."]
    parts += [_costs(sizes), _stages(sizes), _bounds(sizes)]
    return "\n\n".join([*parts, *([_peers(sizes, peers)] if peers else [])])


def _sizes(records: Records) -> Sizes:
    """All that is known of each number of tasks."""
    sizes: Sizes = {}
    for record in records:
        if "size" in record:
            sizes.setdefault(record["size"], {}).update(record)
    return sizes


def _by_method(records: Records) -> dict[str, Records]:
    """The records of each of the peer's methods that learned a task."""
    return {method: mine for method, mine in records.by("method").items() if mine.values("task")}


def _costs(sizes: Sizes) -> str:
    rows: list[list[Any]] = []

    def row(name: str, show: Callable[[Record], str]) -> None:
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
    learned = [one["learning"] for one in sizes.values()]
    rows = [[title, *(f"{1e3 * one['stages'][name]:.0f}" for one in learned)] for name, title in names.items()]
    rows.append(["of the commit: network.json", *(f"{1e3 * one['manifest']:.1f}" for one in learned)])
    rows.append(["network.json, KB", *(f"{one['manifest_bytes'] / 1e3:,.0f}" for one in learned)])
    rows.append([f"tasks of {MORE} that borrow", *(one["borrow"] for one in learned)])
    return "Where learning takes its time, ms (medians):\n\n" + markdown_table(["tasks", *(f"{size:,}" for size in sizes)], rows)


def _bounds(sizes: Sizes) -> str:
    """The largest network beside that of ten tasks, and what was aimed at."""
    big, ten = sizes[max(sizes)], sizes[10]
    learn, ten_learn = (median(one["learning"]["seconds"]) for one in (big, ten))
    strict = big["activation"]["strict"]
    rows = [
        ["learning a further task, time ÷ at 10 tasks", f"{learn / ten_learn:.2f}", "≤ 1.15"],
        ["… with its part of a renewal", f"{(learn + _renewal_part(big)) / (ten_learn + _renewal_part(ten)):.2f}", ""],
        ["one input, time ÷ at 10 tasks", f"{big['one'] / ten['one']:.2f}", "≤ 1.3"],
        ["mixed batch, throughput ÷ at 10 tasks", f"{1 / (big['batch'] / ten['batch']):.2f}", "≥ 0.5"],
        ["opening, ms", f"{1e3 * big['opening']['open']:.0f}", "≤ 150"],
        ["memory above `import torch`, MB", f"{big['opening']['memory']:.0f}", "≤ 60"],
        ["disk above weights and columns, %", f"{100 * (big['disk']['bytes'] / big['disk']['needed'] - 1):.1f}", "≤ 5"],
        ["activated, pathways and links, strict, %", f"{100 * strict['pathways']:.3f}", "≤ 0.2"],
        ["activated, dispatcher included, strict, %", f"{100 * strict['all']:.2f}", "≤ 2"],
    ]
    return markdown_table([f"at {max(sizes):,} tasks", "measured", "aim"], rows)


def _renewal_part(one: Record) -> float:
    """Seconds of a renewal for each task until the next; up to 16 tasks every commit holds one already."""
    return one["learning"]["renewal"] / (one["size"] // 4) if one["size"] > 16 else 0.0


def _peers(sizes: Sizes, peers: dict[str, Records]) -> str:
    rows, ours = [], median(sizes[max(sizes)]["learning"]["seconds"])
    for method, records in peers.items():
        learned = records.where(lambda one: "task" in one)
        first, late = (median(one["learn"] for one in some) for some in (learned[:5], learned[-5:]))
        seconds = [f"{first:.2f}", f"{late:.2f}", f"**{late / first:.1f}**", f"**{late / ours:.1f}**"]
        rest = [f"{1e3 * learned[-1]['predict_one']:.2f}", f"{learned[-1]['weights']:,}", f"{records.values('accuracy', 100)[-1]:.1f}"]
        stopped = next(one["stopped"] for one in records if "stopped" in one)
        rows.append([TITLES[method], f"{learned[-1]['task'] + 1}", *seconds, *rest, stopped])
    head = ["method", "tasks learned", "s, first five", "s, last five", "last ÷ first", "last ÷ senpath at its largest"]
    head += ["one input, task given, ms", "weights", "accuracy, task given, %", "stopped by"]
    return "The same stream in Avalanche 0.6, in the same run:\n\n" + markdown_table(head, rows)


def draw(records: Records, learned: Records) -> None:
    """Seconds of learning and predicting by the number of tasks."""
    sizes = _sizes(records)
    with figure("scale.png", (11, 4.4), columns=2, dpi=130) as (_, panels):
        left, right = panels[0]
        bold: dict[str, Any] = {"linewidth": 2.6, "marker": "o"}
        left.plot([*sizes], [median(one["learning"]["seconds"]) for one in sizes.values()], label="senpath", **bold)
        right.plot([*sizes], [1e3 * one["one"] for one in sizes.values()], label="senpath, task unknown", **bold)
        for method, mine in _by_method(learned).items():
            learned = mine.where(lambda one: "task" in one)
            places = [one["task"] + 1 for one in learned]
            left.plot(places, learned.values("learn"), label=TITLES[method], linewidth=1.2)
            right.plot(places, learned.values("predict_one", 1e3), label=f"{TITLES[method]}, task given", linewidth=1.2)
        for axes, title, label in ((left, "Learning one further task", "seconds"), (right, "Predicting one input", "milliseconds")):
            axes.set(xscale="log", yscale="log", title=title, xlabel="tasks learned", ylabel=label)
            axes.grid(which="both", alpha=0.25)
            axes.legend()
