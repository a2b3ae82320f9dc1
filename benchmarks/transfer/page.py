"""The tables of docs/results/transfer.md, and its figure."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmarks.harness import Record, Records, figure, half_interval, interval, markdown_table, table_of
from benchmarks.transfer import rules
from benchmarks.transfer.measures import LEAST
from benchmarks.transfer.rules import Outcome, Table, best_least, correlation, held_out, join, outcome, picked, tables_of
from benchmarks.transfer.tasks import TASKS

TITLES = {
    "highest": "highest share (the paper's similarity)",
    "mean": "highest share of each class, mean",
    "reaching": f"part of the classes whose highest share reaches {LEAST}",
    "worth": f"highest shares that reach {LEAST}, each source class once, ÷ classes",
    "worth_all": "highest shares, each source class once, ÷ classes",
    "separability": "classes told apart: the same sum less 1, ÷ classes less 1",
    "matched": "shares when each class has a source class to itself, mean",
    "leep": "LEEP",
    "leep_left_out": "… as accuracy, leave-one-out",
    "logme": "LogME, hidden layer",
    "logme_over_pixels": "… less LogME of pixels",
    "means": "nearest class mean, hidden layer, leave-one-out",
    "means_over_pixels": "… less that on pixels",
    "ridge": "ridge regression, hidden layer, leave-one-out",
    "ridge_over_pixels": "… less that on pixels",
    "ridge_beside_pixels": "… of both together, less that on pixels",
    "units": "hidden units in use",
}
DRAWN = {
    "highest": "similarity: highest share of a class",
    "separability": "classes told apart: highest shares, each source class once,\nless 1, ÷ classes less 1",
}
OFFERED = "separability"
"""The measure that the page offers instead of the highest share."""


def _whole(*records: Records) -> dict[int, Table]:
    """Tables that have every pair."""
    return {shots: table for shots, table in tables_of(*records).items() if table.whole}


def gains(*records: Records) -> str:
    """Every pair's mean gain: a target a row, a source a column."""
    parts = []
    for shots, table in tables_of(*records).items():
        gains = dict(zip(table.names, table.by_pair(table.gains), strict=True))
        similar = dict(zip(table.names, table.by_pair((table.measures["highest"] >= LEAST).astype(float)), strict=True))
        rows = []
        for target in TASKS:
            cells = [_gain(gains.get((source, target)), similar.get((source, target), 0.0), table.noise) for source in TASKS]
            mine = table.single[table.targets == target]
            rows.append([target, f"{mine.mean():.1f}" if len(mine) else "–", *cells])
        parts.append(f"{_head(shots, table)}:\n\n{markdown_table(['target ↓, source →', 'Single %', *TASKS], rows)}")
    return "\n\n".join(parts)


def _gain(gain: float | None, similar: float, noise: float) -> str:
    """In italics where no seed would have borrowed, in bold where the loss is beyond noise."""
    if gain is None:
        return ""
    word = f"{gain:+.1f}" if similar > 0 else f"*{gain:+.1f}*"
    return f"**{word}**" if gain < -2 * noise else word


def measures(*records: Records) -> str:
    """How well each measure goes with the gain."""
    tables = _whole(*records)
    rows = []
    for name, title in TITLES.items():
        cells = []
        for table in tables.values():
            over, within = correlation(table, name)
            cells += [f"{over:.2f}", f"{within:.2f}", f"{picked(table, name):+.2f}"]
        rows.append([title, *cells])
    best = [cell for table in tables.values() for cell in ("", "", f"{picked(table, None):+.2f}")]
    rows.append(["the best source by validation data", *best])
    columns = [f"{shots} shots: {what}" for shots in tables for what in ("all pairs", "within a target", "gain of its first")]
    return markdown_table(["measure", *columns], rows)


def rule_tables(*records: Records) -> str:
    """What comes of borrowing by each rule."""
    return "\n\n".join(_rule_table(shots, table) for shots, table in _whole(*records).items())


def _rule_table(shots: int, table: Table) -> str:
    rows = [_rule(name, "", outcome(table, borrow), table) for name, borrow in rules.references(table).items()]
    for name, title in TITLES.items():
        borrowed, least = held_out(table, name)
        rows.append(_rule(title, f"{least:.2f}" if np.isfinite(least) else "never", outcome(table, borrowed), table))
    columns = ["borrow where", "least value", "borrows %", "accuracy %", "worst pair", "pairs that lose %"]
    return f"{_head(shots, table)}:\n\n{markdown_table(columns, rows)}"


def _rule(title: str, least: str, result: Outcome, table: Table) -> list[str]:
    losing = "" if np.isnan(table.noise) else f"{100 * result.losing:.0f}"
    return [title, least, f"{100 * result.borrowed:.0f}", f"{result.accuracy:.2f}", f"{0.0 - result.worst:.1f}", losing]


def body(*records: Records) -> str:
    """Links alone beside links and a copied hidden layer, where both were measured."""
    both, parts = join(*records).where(lambda one: "links" in one), []
    for shots, mine in sorted(both.by("shots").items()):
        table = Table(mine)
        similar = (table.measures["highest"] >= LEAST).astype(float)
        copies, _ = held_out(table, OFFERED, table.chosen_by - table.links_chosen_by)
        borrows, _ = held_out(table, OFFERED)
        links, _ = held_out(table, OFFERED, table.links_chosen_by)
        mixed = copies * table.gains + (1 - copies) * table.links
        everything = np.ones(len(similar))
        rows = [
            _rule("never (Single)", "", outcome(table, 0 * everything), table),
            _rule(f"default: highest share ≥ {LEAST}", "", outcome(table, similar), table),
            _rule(f"links alone, highest share ≥ {LEAST}", "", outcome(table, similar, table.links), table),
            _rule("default's transfer, offered measure", "", outcome(table, borrows), table),
            _rule("links alone, offered measure", "", outcome(table, links, table.links), table),
            _rule("always links; the hidden layer copied by the offered measure", "", outcome(table, everything, mixed), table),
        ]
        columns = ["what, and where", "borrows %", "accuracy %", "worst pair", "pairs that lose %"]
        text = markdown_table(columns, [[row[0], *row[2:]] for row in rows])
        parts.append(f"{_head(shots, table)}:\n\n{text}")
    return "\n\n".join(parts) or "Not measured."


def few(pairs: Records, measures: Records, sequence: Records, records: Records) -> str:
    """Targets of few classes, by rules whose least value is that of the whole tasks."""
    shots = records[0]["shots"]
    mine = records.where(shots=shots)
    table, whole = Table(mine), tables_of(pairs, measures, sequence)[shots]
    borrows = {(name, ""): borrow for name, borrow in rules.references(table).items()}
    for name in ("worth_all", OFFERED, "matched", "leep_left_out", "means"):
        least = best_least(whole.measures[name], whole.chosen_by)
        borrows[TITLES[name], f"{least:.2f}"] = (table.measures[name] >= least).astype(float)
    alone = np.array([one["single"]["validation"] for one in mine])
    rows = []
    for (title, asked), borrow in borrows.items():
        row = _rule(title, asked, outcome(table, borrow), table)
        rows.append([*row[:3], f"{(alone + borrow * table.chosen_by).mean():.2f}", *row[3:5]])
    low = table.measures[OFFERED] < best_least(whole.measures[OFFERED], whole.chosen_by)
    columns = ["borrow where", "least value", "borrows %", "validation %", "test %", "worst pair, test"]
    note = f"Rank correlation of classes told apart with the gain on test data: {correlation(table, OFFERED)[0]:.2f}. Mean gain"
    note += f" below its least value: {table.chosen_by[low].mean():+.1f} on validation, {table.gains[low].mean():+.1f} on test data;"
    note += f" above: {table.chosen_by[~low].mean():+.1f} and {table.gains[~low].mean():+.1f}."
    return f"{_head(shots, table)}:\n\n{markdown_table(columns, rows)}\n\n{note}"


def guard(pairs: Records, measures: Records, sequence: Records, verdicts: Records) -> str:
    """What cross-validation says of single transfers, beside what they gain."""
    judged = join(pairs, measures, sequence, verdicts=verdicts).where(lambda one: "verdicts" in one)
    columns: dict[str, Callable[[Record], object]] = {
        "shots": lambda one: one["shots"],
        "target": lambda one: one["target"],
        "source": lambda one: one["source"],
        "seed": lambda one: one["seed"],
        "told apart": lambda one: f"{one['measures'][OFFERED]:.2f}",
        "guard finds": lambda one: f"{_verdict_of(one):+.1f}",
        "": lambda one: "keeps" if _verdict_of(one) > 0 else "drops",
        "gain, validation": lambda one: f"{one['forced']['validation'] - one['single']['validation']:+.1f}",
        "gain, test": lambda one: f"{one['forced']['test'] - one['single']['test']:+.1f}",
    }
    return table_of(sorted(judged, key=lambda one: (one["shots"], one["target"], one["seed"])), columns) if judged else "Not measured."


def _verdict_of(one: Record) -> float:
    return 100 * float(one["verdicts"]["forced"] - one["verdicts"]["alone"])


def sequence(pairs: Records, measures: Records, sequence: Records, verdicts: Records) -> str:
    """The default after nine tasks; and the offered rule, its least value that of the nine others at the fewest shots."""
    tables = tables_of(pairs, measures, sequence)
    fewest, rows, summary = tables[min(tables)], [], []
    offered = {_key(one): one["measures"][OFFERED] for one in measures}
    kept = {_key(one) for one in verdicts if one["forced"] > one["alone"]}
    for shots, of_shots in sorted(sequence.by("shots").items()):
        ways: dict[str, list[float]] = {"default": [], "offered rule": [], "offered rule, below it the guard": []}
        for target in TASKS:
            mine = of_shots.where(target=target)
            if not mine:
                continue
            least = rules.least_without(fewest, OFFERED, target)
            gains = mine.values(lambda one: one["default"]["test"] - one["single"]["test"])
            apart = [offered.get(_key(one), 0.0) for one in mine]
            by_rule = [gain if value >= least else 0.0 for gain, value in zip(gains, apart, strict=True)]
            guarded = [gain if _key(one) in kept else ruled for gain, ruled, one in zip(gains, by_rule, mine, strict=True)]
            for way, points in zip(ways, (gains, by_rule, guarded), strict=True):
                ways[way] += points
            means = [f"{mine.mean(lambda one, way=way: one[way]['test']):.1f}" for way in ("single", "default")]
            sources = ", ".join(f"{one['source'] or 'none'} {value:.2f}" for one, value in zip(mine, apart, strict=True))
            shown = f"{interval(gains, sign=True)} {_verdict(gains)}".strip()
            rows.append([shots, target, *means, shown, sources, interval(by_rule, sign=True)])
        summary += [_summary(f"{shots} shots, {way}", points) for way, points in ways.items()]
    columns = ["shots", "target", "Single %", "default %", "difference [95 %]", "borrowed from, classes told apart", "offered rule"]
    return f"{markdown_table(columns, rows)}\n\n" + "\n".join(summary)


def _key(record: Record) -> tuple[Any, ...]:
    return tuple(record[name] for name in rules.KEY)


def _summary(what: str, gains: list[float]) -> str:
    losses = sum(gain < 0 for gain in gains)
    mean = f"mean difference {np.mean(gains):+.2f} points over {len(gains)} runs"
    return f"- {what}: {mean}, {losses} below Single, the worst {min(gains):+.1f}."


def _verdict(gains: list[float]) -> str:
    mean, half = float(np.mean(gains)), half_interval(gains)
    if np.isnan(half) or abs(mean) <= half:
        return ""
    return "(gain)" if mean > 0 else "(loss)"


def _head(shots: int, table: Table) -> str:
    number = len(np.unique(table.seeds))
    if np.isnan(table.noise):
        return f"{shots} shots, {len(table.names)} pairs, " + ("one seed" if number == 1 else f"one to {number} seeds each")
    return f"{shots} shots, {number} seeds; standard error of a pair's mean gain {table.noise:.2f} points"


def draw(*records: Records) -> None:
    """Each point is an ordered pair of tasks, its mean over the seeds."""
    tables = tables_of(*records)
    size = (5.6 * len(tables), 8.4)
    with figure("transfer.png", size, len(DRAWN), len(tables), sharey="col") as (drawing, panels):
        for row, (name, title) in enumerate(DRAWN.items()):
            for panel, (shots, table) in zip(panels[row], tables.items(), strict=True):
                _panel(panel, table, name)
                rank = f"rank correlation with the gain: {correlation(table, name)[0]:.2f}"
                below = rank if table.whole else f"{len(table.names)} of the pairs"
                panel.set(title=f"{shots} examples a class" if row == 0 else "", xlabel=f"{title}\n{below}")
            panels[row, 0].set_ylabel("gain over Single, points of test accuracy")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncols=5 if len(tables) > 1 else 3, title="target")


def _panel(axes: Axes, table: Table, name: str) -> None:
    measured, gains = table.by_pair(table.measures[name]), table.by_pair(table.gains)
    targets = np.array([target for _, target in table.names])
    axes.axhspan(-2 * table.noise, 2 * table.noise, color="grey", alpha=0.15, lw=0)
    axes.axhline(0, color="black", lw=0.8)
    if name == "highest":
        axes.axvline(LEAST, color="black", lw=1.2, ls="--")
        axes.annotate(f"{LEAST}", (LEAST, 1), xycoords=("data", "axes fraction"), xytext=(4, -14), textcoords="offset points")
    for index, target in enumerate(TASKS):
        mine = targets == target
        spread = 0.0025 * (index - len(TASKS) / 2)  # so that equal shares do not hide each other
        axes.scatter(measured[mine] + spread, gains[mine], s=30, color=f"C{index}", label=target, edgecolor="white", lw=0.4)
    axes.grid(alpha=0.25)
