"""The page docs/results/transfer.md: its tables and the figure, from records alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, write_section
from benchmarks.scale.records import kept
from benchmarks.transfer.figure import draw
from benchmarks.transfer.measures import LEAST
from benchmarks.transfer.rules import Outcome, Table, best_least, correlation, held_out, least_without, outcome, picked, references
from benchmarks.transfer.tasks import TASKS
from senpath.reports.markdown import half_interval, interval, markdown_table

PAGE = RESULTS / "transfer.md"
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
OFFERED = "separability"
"""The measure that the page offers instead of the highest share."""
Records = list[dict[str, Any]]


def write(folder: Path) -> None:
    """Put the tables and the figure into the page."""
    records = _joined(folder)
    tables = {shots: Table([one for one in records if one["shots"] == shots]) for shots in sorted({one["shots"] for one in records})}
    whole = {shots: table for shots, table in tables.items() if len(table.names) == len(TASKS) * (len(TASKS) - 1)}
    write_section(PAGE, "gains", _gains(tables))
    write_section(PAGE, "measures", _measures(whole))
    write_section(PAGE, "rules", "\n\n".join(_rules(shots, table) for shots, table in whole.items()))
    write_section(PAGE, "body", _body(records))
    write_section(PAGE, "few", _few(kept(folder / "few.jsonl"), tables))
    write_section(PAGE, "guard", _guard(records))
    write_section(PAGE, "sequence", _sequence(_measured(kept(folder / "sequence.jsonl"), folder), tables))
    draw(tables)


def _joined(folder: Path) -> Records:
    """Each pair with all that is known of it."""
    found = {_key(one): one for one in kept(folder / "pairs.jsonl")}
    for one in kept(folder / "sequence.jsonl"):  # the default after nine tasks is the forced transfer from the source that it chose
        if one["source"] is not None:
            found.setdefault(_key(one), {**one, "forced": one["default"]})
    for one in kept(folder / "measures.jsonl"):
        found.get(_key(one), {})["measures"] = one["measures"]
    for kind in ("links", "verdicts"):
        for one in kept(folder / f"{kind}.jsonl"):
            found.get(_key(one), {})[kind] = one if kind == "verdicts" else one["forced"]
    return list(found.values())


def _key(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["seed"], record["shots"], record["source"], record["target"]


def _gains(tables: dict[int, Table]) -> str:
    """Every pair's mean gain: a target a row, a source a column."""
    parts = []
    for shots, table in tables.items():
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
    columns = [f"{shots} shots: {what}" for shots in tables for what in ("all pairs", "within a target", "gain of its first")]
    return markdown_table(["measure", *columns], rows)


def _rules(shots: int, table: Table) -> str:
    rows = [_rule(name, "", outcome(table, borrow), table) for name, borrow in references(table).items()]
    for name, title in TITLES.items():
        borrowed, least = held_out(table, name)
        rows.append(_rule(title, f"{least:.2f}" if np.isfinite(least) else "never", outcome(table, borrowed), table))
    columns = ["borrow where", "least value", "borrows %", "accuracy %", "worst pair", "pairs that lose %"]
    return f"{_head(shots, table)}:\n\n{markdown_table(columns, rows)}"


def _rule(title: str, least: str, found: Outcome, table: Table) -> list[str]:
    losing = "" if np.isnan(table.noise) else f"{100 * found.losing:.0f}"
    return [title, least, f"{100 * found.borrowed:.0f}", f"{found.accuracy:.2f}", f"{0.0 - found.worst:.1f}", losing]


def _body(records: Records) -> str:
    """Links alone beside links and a copied hidden layer, where both were measured."""
    both = [one for one in records if "links" in one]
    parts = []
    for shots in sorted({one["shots"] for one in both}):
        table = Table([one for one in both if one["shots"] == shots])
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


def _few(records: Records, tables: dict[int, Table]) -> str:
    """Targets of few classes, by rules whose least value is that of the whole tasks."""
    if not records:
        return "Not measured."
    shots = records[0]["shots"]
    mine = [one for one in records if one["shots"] == shots]
    table, whole = Table(mine), tables[shots]
    rules = {(name, ""): borrow for name, borrow in references(table).items()}
    for name in ("worth_all", OFFERED, "matched", "leep_left_out", "means"):
        least = best_least(whole.measures[name], whole.chosen_by)
        rules[TITLES[name], f"{least:.2f}"] = (table.measures[name] >= least).astype(float)
    alone = np.array([one["single"]["validation"] for one in mine])
    rows = []
    for (title, asked), borrow in rules.items():
        found = _rule(title, asked, outcome(table, borrow), table)
        rows.append([*found[:3], f"{(alone + borrow * table.chosen_by).mean():.2f}", *found[3:5]])
    low = table.measures[OFFERED] < best_least(whole.measures[OFFERED], whole.chosen_by)
    columns = ["borrow where", "least value", "borrows %", "validation %", "test %", "worst pair, test"]
    note = f"Rank correlation of classes told apart with the gain on test data: {correlation(table, OFFERED)[0]:.2f}. Mean gain"
    note += f" below its least value: {table.chosen_by[low].mean():+.1f} on validation, {table.gains[low].mean():+.1f} on test data;"
    note += f" above: {table.chosen_by[~low].mean():+.1f} and {table.gains[~low].mean():+.1f}."
    return f"{_head(shots, table)}:\n\n{markdown_table(columns, rows)}\n\n{note}"


def _guard(records: Records) -> str:
    """What cross-validation says of single transfers, beside what they gain."""
    rows = []
    for one in sorted((one for one in records if "verdicts" in one), key=lambda one: (one["shots"], one["target"], one["seed"])):
        verdict = one["verdicts"]
        found = 100 * (verdict["forced"] - verdict["alone"])
        gain = one["forced"]["test"] - one["single"]["test"]
        validation = one["forced"]["validation"] - one["single"]["validation"]
        told = f"{one['measures'][OFFERED]:.2f}"
        keeps = "keeps" if found > 0 else "drops"
        rows.append(
            [one["shots"], one["target"], one["source"], one["seed"], told, f"{found:+.1f}", keeps, f"{validation:+.1f}", f"{gain:+.1f}"]
        )
    columns = ["shots", "target", "source", "seed", "told apart", "guard finds", "", "gain, validation", "gain, test"]
    return markdown_table(columns, rows) if rows else "Not measured."


def _measured(records: Records, folder: Path) -> Records:
    """What was learned after nine tasks, with the offered measure of the source that the default chose and the guard's verdict on it."""
    found = {_key(one): one["measures"][OFFERED] for one in kept(folder / "measures.jsonl")}
    keeps = {_key(one): one["forced"] > one["alone"] for one in kept(folder / "verdicts.jsonl")}
    return [{**one, "offered": found.get(_key(one), 0.0), "keeps": keeps.get(_key(one), False)} for one in records]


def _sequence(records: Records, tables: dict[int, Table]) -> str:
    """The default after nine tasks; and the offered rule, its least value that of the nine others at the fewest shots."""
    rows, summary, fewest = [], [], tables[min(tables)]
    for shots in sorted({one["shots"] for one in records}):
        of_default, of_offered, of_both = [], [], []
        for target in TASKS:
            mine = [one for one in records if (one["shots"], one["target"]) == (shots, target)]
            if not mine:
                continue
            least = least_without(fewest, OFFERED, target)
            gains = [one["default"]["test"] - one["single"]["test"] for one in mine]
            offered = [gain if one["offered"] >= least else 0.0 for gain, one in zip(gains, mine, strict=True)]
            of_default += gains
            of_offered += offered
            of_both += [gain if one["offered"] >= least or one["keeps"] else 0.0 for gain, one in zip(gains, mine, strict=True)]
            means = [f"{np.mean([one[way]['test'] for one in mine]):.1f}" for way in ("single", "default")]
            sources = ", ".join(f"{one['source'] or 'none'} {one['offered']:.2f}" for one in mine)
            shown = f"{interval(gains, sign=True)} {_verdict(gains)}".strip()
            rows.append([shots, target, *means, shown, sources, interval(offered, sign=True)])
        summary += [_summary(f"{shots} shots, default", of_default), _summary(f"{shots} shots, offered rule", of_offered)]
        summary.append(_summary(f"{shots} shots, offered rule, below it the guard", of_both))
    columns = ["shots", "target", "Single %", "default %", "difference [95 %]", "borrowed from, classes told apart", "offered rule"]
    return f"{markdown_table(columns, rows)}\n\n" + "\n".join(summary)


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
