"""The page docs/results/transfer.md: its tables and the figure, from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, write_section
from benchmarks.scale.records import kept
from benchmarks.transfer.figure import draw
from benchmarks.transfer.measures import LEAST
from benchmarks.transfer.rules import Outcome, Table, correlation, held_out, outcome, picked, references
from benchmarks.transfer.tasks import TASKS
from senpath.reports.markdown import half_interval, interval, markdown_table

PAGE = RESULTS / "transfer.md"
TITLES = {
    "highest": "highest share (the paper's similarity)",
    "mean": "highest share of each class, mean",
    "reaching": f"classes whose highest share reaches {LEAST}",
    "worth": f"sum of the shares that reach {LEAST}, each source class once, ÷ classes",
    "worth_all": "the same without a least share",
    "matched": "shares when each class has a source class to itself, mean",
    "leep": "LEEP",
    "logme": "LogME on the source's hidden layer",
    "logme_over_pixels": "… less LogME on pixels",
    "means": "nearest class mean on the source's hidden layer, leave-one-out",
    "means_over_pixels": "… less that on pixels",
}
Records = list[dict[str, Any]]


def write(folder: Path) -> None:
    """Put the tables and the figure into the page."""
    pairs = kept(folder / "pairs.jsonl")
    tables = {shots: Table([one for one in pairs if one["shots"] == shots]) for shots in sorted({one["shots"] for one in pairs})}
    write_section(PAGE, "gains", _gains(tables))
    write_section(PAGE, "measures", _measures(tables))
    write_section(PAGE, "rules", "\n\n".join(_rules(shots, table) for shots, table in tables.items()))
    write_section(PAGE, "guard", _guard(pairs, kept(folder / "verdicts.jsonl")))
    write_section(PAGE, "sequence", _sequence(kept(folder / "sequence.jsonl")))
    draw(tables)


def _gains(tables: dict[int, Table]) -> str:
    """Every pair's mean gain: a target a row, a source a column."""
    parts = []
    for shots, table in tables.items():
        gains = dict(zip(table.names, table.by_pair(table.gains), strict=True))
        similar = dict(zip(table.names, table.by_pair((table.measures["highest"] >= LEAST).astype(float)), strict=True))
        rows = []
        for target in TASKS:
            cells = [_gain(gains.get((source, target)), similar.get((source, target), 0.0), table.noise) for source in TASKS]
            rows.append([target, f"{table.single[table.targets == target].mean():.1f}", *cells])
        head = f"{shots} shots, {_seeds(table)}; noise (standard error of a pair's mean) {table.noise:.2f} points:"
        parts.append(f"{head}\n\n{markdown_table(['target ↓, source →', 'Single %', *TASKS], rows)}")
    return "\n\n".join(parts)


def _gain(gain: float | None, similar: float, noise: float) -> str:
    """In italics where no seed would have borrowed, in bold where the loss is beyond noise."""
    if gain is None:
        return ""
    word = f"{gain:+.1f}" if similar > 0 else f"*{gain:+.1f}*"
    return f"**{word}**" if gain < -2 * noise else word


def _measures(tables: dict[int, Table]) -> str:
    rows = []
    for name, title in TITLES.items():
        cells = []
        for table in tables.values():
            over, within = correlation(table, name)
            cells += [f"{over:.2f}", f"{within:.2f}", f"{picked(table, name):+.2f}"]
        rows.append([title, *cells])
    best = [cell for table in tables.values() for cell in ("", "", f"{picked(table, None):+.2f}")]
    rows.append(["the best source by validation data", *best])
    columns = [f"{what}, {shots} shots" for shots in tables for what in ("all pairs", "within a target", "gain of its first")]
    return markdown_table(["measure", *columns], rows)


def _rules(shots: int, table: Table) -> str:
    rows = [_rule(name, "", outcome(table, borrow)) for name, borrow in references(table).items()]
    for name, title in TITLES.items():
        borrowed, least = held_out(table, name)
        rows.append(_rule(title, f"{least:.2f}" if np.isfinite(least) else "never", outcome(table, borrowed)))
    columns = ["borrow where", "least value", "borrows %", "accuracy %", "worst pair", "pairs that lose %"]
    return f"{shots} shots, {_seeds(table)}:\n\n{markdown_table(columns, rows)}"


def _rule(title: str, least: str, found: Outcome) -> list[str]:
    shown = [f"{100 * found.borrowed:.0f}", f"{found.accuracy:.2f}", f"{-found.worst + 0.0:.1f}", f"{100 * found.losing:.0f}"]
    return [title, least, *shown]


def _guard(pairs: Records, verdicts: Records) -> str:
    if not verdicts:
        return "Not measured."
    asked = {(one["seed"], one["shots"], one["source"], one["target"]): one for one in verdicts}
    chosen = [one for one in pairs if (one["seed"], one["shots"], one["source"], one["target"]) in asked]
    table = Table(chosen)
    found = [asked[one["seed"], one["shots"], one["source"], one["target"]] for one in chosen]
    table.measures["guard"] = np.array([one["forced"] - one["alone"] for one in found])
    keeps, similar = table.measures["guard"] > 0, table.measures["highest"] >= LEAST
    rules = {
        **references(table),
        "the guard keeps it": keeps,
        f"highest share ≥ {LEAST} and the guard keeps it (`guard=True`)": keeps & similar,
        f"highest share ≥ {LEAST} and the guard does not find it worse": (table.measures["guard"] >= 0) & similar,
    }
    rows = []
    for name, borrow in rules.items():
        one = outcome(table, borrow.astype(float))
        rows.append([name, f"{100 * one.borrowed:.0f}", f"{one.accuracy:.2f}", f"{-one.worst + 0.0:.1f}"])
    over, within = correlation(table, "guard")
    head = f"{len(chosen)} pairs at {chosen[0]['shots']} shots, {_seeds(table)}. The difference that five-fold cross-validation finds has a rank "
    head += f"correlation of {over:.2f} with the gain over these pairs, and {within:.2f} within a target."
    return f"{head}\n\n{markdown_table(['borrow where', 'borrows %', 'accuracy %', 'worst run'], rows)}"


def _sequence(records: Records) -> str:
    rows, all_gains = [], []
    for shots in sorted({one["shots"] for one in records}):
        for target in TASKS:
            mine = [one for one in records if (one["shots"], one["target"]) == (shots, target)]
            if not mine:
                continue
            gains = [one["default"]["test"] - one["single"]["test"] for one in mine]
            all_gains += gains
            from_ = ", ".join(one["source"] or "none" for one in mine)
            means = [f"{np.mean([one[way]['test'] for one in mine]):.1f}" for way in ("single", "default")]
            rows.append([shots, target, *means, interval(gains, sign=True), _verdict(gains), from_])
    table = markdown_table(["shots", "target", "Single %", "default %", "difference, points [95 %]", "", "borrowed from"], rows)
    return f"{table}\n\nMean difference over all: {np.mean(all_gains):+.2f} points; the worst single run: {min(all_gains):+.1f}."


def _verdict(gains: list[float]) -> str:
    mean, half = float(np.mean(gains)), half_interval(gains)
    if np.isnan(half) or abs(mean) <= half:
        return ""
    return "gain" if mean > 0 else "loss"


def _seeds(table: Table) -> str:
    number = len(np.unique(table.seeds))
    return f"{number} seeds" if number > 1 else "one seed"
