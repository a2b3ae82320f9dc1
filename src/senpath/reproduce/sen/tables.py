"""What the jobs recorded, and the tables that the page makes of it, each as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from senpath.evaluation.metrics import FORMULAS, AccuracyMatrix
from senpath.experiments.jobs import Record
from senpath.reports.markdown import interval, markdown_table, spread
from senpath.reproduce.sen.published import ACTIVATED, IMAGES, METHODS, SHOTS, TABLE_1, TABLE_2, TASKS, TITLES, activated_shares

BELOW_20_000 = ("lower", "upper")
"""Tasks on which the two recipes differ even with all samples."""
CLEARLY = 3.0
"""Points below a printed figure from which on a cell is listed."""
LINKS = {"none": "none", "similar": "similar classes", "all": "all classes"}


class Results:
    """What the jobs recorded, asked for by what it is about.

    Args:
        records: as the jobs told them.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def __call__(self, kind: str, **where: Any) -> list[Record]:
        """The records of a kind with these values, by seed."""
        chosen = [
            record for record in self._records if record["kind"] == kind and all(record[name] == value for name, value in where.items())
        ]
        return sorted(chosen, key=lambda record: int(record.get("seed", 0)))

    def percent(self, kind: str, **where: Any) -> list[float]:
        """Their accuracies in %, by seed."""
        return [100 * record["accuracy"] for record in self(kind, **where)]

    def cell(self, method: str, recipe: str, shots: str, task: str) -> list[float]:
        """A cell of Table 2. Sounds are learned under the default recipe only, for both are one there."""
        return self.percent("cell", method=method, recipe="default" if task == "speech" else recipe, shots=shots, task=task)

    def shots(self, method: str, recipe: str, task: str) -> list[int]:
        """The few shots that were tried, ascending."""
        return sorted(
            int(shots) for shots in self.distinct("cell", "shots", method=method, recipe=recipe, task=task) if shots not in ("0", "all")
        )

    def similarities(self, task: str) -> dict[tuple[str, str, str], list[float]]:
        """By (source task, its class, new class): the similarities that reached the threshold under the paper recipe, by seed."""
        pairs: dict[tuple[str, str, str], list[float]] = {}
        for record in self("similar", recipe="paper", task=task):
            pairs.setdefault((record["source"], record["from"], record["to"]), []).append(record["share"])
        return pairs

    def distinct(self, kind: str, name: str, **where: Any) -> list[Any]:
        """The values of one field, in the order in which they first appear."""
        return list(dict.fromkeys(record[name] for record in self(kind, **where)))


def table_2(results: Results, recipe: str) -> str:
    """Test accuracy: ours, with what was published in brackets."""

    def cell(method: str, shots: str, task: str) -> str:
        ours, said = results.cell(method, recipe, shots, task), TABLE_2.get((method, shots, task))
        return (spread(ours) if ours else "–") + (f" ({said})" if said else "")

    rows = [
        [shots, f"**{method}**" if method == "SEN" else method, *(cell(method, shots, task) for task in TASKS)]
        for shots in SHOTS
        for method in METHODS
    ]
    return markdown_table(["shots", "method", *TITLES.values()], rows)


def shortfall(results: Results) -> tuple[float, str]:
    """Where SEN is furthest below Single under the same recipe: in points (negative: below), and in words with the paired interval."""
    worst, where = float("inf"), "nowhere"
    for recipe, task in product(results.distinct("cell", "recipe"), IMAGES):
        for shots in results.distinct("cell", "shots", method="SEN", recipe=recipe, task=task):
            both = zip(results.cell("SEN", recipe, shots, task), results.cell("Single", recipe, shots, task), strict=False)
            gains = [ours - alone for ours, alone in both]
            if gains and np.mean(gains) < worst:
                worst = float(np.mean(gains))
                where = f"{interval(gains, 2, sign=True)}: {TITLES[task]} at {shots} shots, {recipe} recipe"
    return worst, where


def fallen(results: Results) -> str:
    """The cells of SEN under the paper recipe that are clearly below what was printed."""
    lines = []
    for shots in SHOTS:
        for task in TASKS:
            ours, said = float(np.mean(results.cell("SEN", "paper", shots, task))), TABLE_2["SEN", shots, task]
            printed = float(said.split()[0])
            if ours < printed - CLEARLY:
                lines.append(f"- {TITLES[task]} at {shots} shots: {ours:.1f}, printed {said}")
    return "\n".join(lines) or "None."


def lead(results: Results, recipe: str, shots: str) -> str:
    """What SEN has on UPPER more than the best other strategy, in points, paired by seed, and which that is."""
    others = {method: results.cell(method, recipe, shots, "upper") for method in METHODS if method != "SEN"}
    best = max(others, key=lambda method: float(np.mean(others[method])))
    ours = results.cell("SEN", recipe, shots, "upper")
    return f"{interval([a - b for a, b in zip(ours, others[best], strict=True)], sign=True)}: {best}"


def table_1(results: Results) -> str:
    """The classes whose similarity reaches the threshold, in ours or in theirs."""
    seeds = len(results.distinct("cell", "seed", recipe="paper"))
    rows = []
    for task in TASKS:
        ours, printed = results.similarities(task), TABLE_1.get(task, {})
        for (source, first, second), shares in sorted(ours.items(), key=lambda item: (-len(item[1]), -float(np.mean(item[1])))):
            said = printed.get((first, second)) if source != "fashion" else None
            words = f"{source} {first} → {second}"
            rows.append([TITLES[task], words, f"{said:.3f}" if said else "–", spread(shares, 3), f"{len(shares)} of {seeds}"])
        for pair, said in printed.items():
            if pair not in {(first, second) for _, first, second in ours}:
                rows.append([TITLES[task], " → ".join(pair), f"{said:.3f}", "below the threshold, or another pair", "0"])
        if not ours and not printed:
            rows.append([TITLES[task], *["no transfer"] * 3, "–"])
    columns = ["task", "class of an earlier task → new class", "published", "ours, over the seeds that linked", "seeds that linked"]
    return markdown_table(columns, rows)


def matrices(results: Results, recipe: str) -> dict[str, list[AccuracyMatrix]]:
    """One accuracy matrix over the four image tasks per strategy and seed."""
    made: dict[str, list[AccuracyMatrix]] = {}
    for method in METHODS:
        for seed in results.distinct("stage", "seed", method=method, recipe=recipe):
            where = {"method": method, "recipe": recipe, "seed": seed}
            values = np.full((len(IMAGES), len(IMAGES)), np.nan)
            for record in results("stage", **where):
                if record["after"] in IMAGES:
                    values[IMAGES.index(record["after"]), IMAGES.index(record["task"])] = record["accuracy"]
            untouched = [results("cell", **where, shots="0", task=task)[0]["accuracy"] for task in IMAGES]
            chance = [results("cell", method="Single", recipe=recipe, seed=seed, shots="0", task=task)[0]["accuracy"] for task in IMAGES]
            for column in range(1, len(IMAGES)):
                values[column - 1, column] = untouched[column]
            made.setdefault(method, []).append(AccuracyMatrix(IMAGES, values, np.array(chance)))
    return made


def metric_rows(results: Results, recipe: str) -> list[list[str]]:
    """For each strategy its name and the figures of `FORMULAS`, in %."""
    made = matrices(results, recipe)
    return [[method, *(spread([100 * matrix.figures[name] for matrix in seeds]) for name in FORMULAS)] for method, seeds in made.items()]


def metrics(results: Results, recipe: str) -> str:
    """ACC, BWT, FWT and forgetting, and what they are."""
    lines = [f"- {name} = {formula}: {words}" for name, (formula, words) in FORMULAS.items()]
    return markdown_table(["method", *FORMULAS], metric_rows(results, recipe)) + "\n\n" + "\n".join(lines)


def figure_4(results: Results, recipe: str) -> str:
    """The numbers behind Figure 4."""

    def cell(method: str, task: str, after: str) -> str:
        values = results.percent("stage", method=method, recipe=recipe, after=after, task=task)
        return spread(values) if values else ""

    rows = [[method, TITLES[task], *(cell(method, task, after) for after in TASKS)] for method in METHODS for task in IMAGES]
    return markdown_table(["method", "accuracy on", *(f"after {TITLES[task]}" for task in TASKS)], rows)


def ablation(results: Results, shots: str) -> str:
    """Every way of transfer to UPPER, with the gain over Single under the same distortions."""
    rows = []
    for augment, links, start in product((False, True), LINKS, ("random", "copy")):
        ours = results.percent("way", shots=shots, links=links, start=start, augment=augment)
        single = results.percent("way", shots=shots, links="none", start="random", augment=augment)
        gain = interval([a - b for a, b in zip(ours, single, strict=True)], sign=True)
        if (links, start) == ("none", "random"):
            gain = "– (this is Single)"
        rows.append(["on" if augment else "off", LINKS[links], start, interval(ours), gain])
    return markdown_table(["distortions", "links", "own hidden layer", "accuracy %", "gain over Single, paired"], rows)


def zero_shots(results: Results) -> str:
    """UPPER without a gradient step."""
    rows = [
        [LINKS[links], f"{labels} examples a class", interval(results.percent("zero", links=links, labels=labels))]
        for links in ("similar", "all")
        for labels in ("5", "all")
    ]
    return markdown_table(["links", "set from", "accuracy %"], rows)


class Crossing(NamedTuple):
    """Where Single reaches `aim`, what SEN has from five examples a class of UPPER.

    Between the measured shots `below` and `above`, with Single's mean accuracies there, it is at so many `shots`, along a line over log
    shots; `above` is None if the most did not do.
    """

    aim: float
    below: tuple[int, float]
    above: tuple[int, float] | None
    shots: float


def crossing(results: Results, recipe: str, seed: int | None = None) -> Crossing:
    """How many examples a class Single needs, by the mean over the seeds or for one."""

    def read(method: str, shots: int) -> float:
        values = results.cell(method, recipe, str(shots), "upper")
        return float(np.mean(values)) if seed is None else values[seed]

    aim = read("SEN", 5)
    curve = [(shots, read("Single", shots)) for shots in results.shots("Single", recipe, "upper")]
    for before, here in zip([curve[0], *curve], curve, strict=False):
        if here[1] >= aim:
            between = np.interp(aim, [before[1], here[1]], np.log([before[0], here[0]])) if before != here else np.log(here[0])
            return Crossing(aim, before, here, float(np.exp(between)))
    return Crossing(aim, curve[-1], None, float("inf"))


def fewer(results: Results) -> list[str]:
    """How many shots Single needs for what SEN reaches with five, one sentence a recipe."""
    lines = []
    for recipe in results.distinct("cell", "recipe"):
        at = crossing(results, recipe)
        points = f"{at.below[0]} give {at.below[1]:.1f} %"
        if at.above is None:
            reached = f"with more than {at.below[0]} ({points})"
        elif at.above == at.below:
            reached = f"with {at.above[0]} or fewer ({points})"
        else:
            seeds = sorted(crossing(results, recipe, seed).shots for seed in range(len(results.distinct("cell", "seed", recipe=recipe))))
            apart = f"; {seeds[0]:.1f} to {seeds[-1]:.1f} by seed" if len(seeds) > 1 else ""
            reached = f"with about **{at.shots:.1f}** ({points}, {at.above[0]} give {at.above[1]:.1f} %{apart})"
        lines.append(f"- {recipe} recipe: SEN has {at.aim:.1f} % from 5 examples a class; Single has as much {reached}.")
    return lines


def activated(results: Results) -> str:
    """Share of all weights that run to predict each task."""
    series = {
        "published": ACTIVATED,
        "by arithmetic, LSTM with 16 inputs": activated_shares(16),
        "by arithmetic, LSTM with the text's 64 inputs": activated_shares(64),
        "SEN, ours, class links": activated_ours(results, "paper"),
        "SEN, ours, default": activated_ours(results, "default"),
    }
    for method in ("PNN", "EWC"):
        whole = _activation(results, method, "default", IMAGES[-1])["all"]
        shares = {task: 100 * _activation(results, method, "default", task)["run"] / whole for task in IMAGES}
        series[f"{method}, ours, of its own weights after T4"] = shares
    rows = [[name, *(f"{shares[task]:.1f}" if task in shares else "–" for task in TASKS)] for name, shares in series.items()]
    return markdown_table(["% of all weights", *TITLES.values()], rows)


def activated_ours(results: Results, recipe: str) -> dict[str, float]:
    """SEN's shares in %, by task, of a network that has all five; pathways and links, the dispatcher left out as in the paper."""
    speech = _activation(results, "SEN", "default", "speech")["run"]
    whole = _activation(results, "SEN", recipe, IMAGES[-1])["all"] + speech
    run = {task: _activation(results, "SEN", recipe, task)["run"] for task in IMAGES}
    return {task: 100 * weights / whole for task, weights in {**run, "speech": speech}.items()}


def _activation(results: Results, method: str, recipe: str, task: str) -> Record:
    """Weights that "run" for a task, and "all" that the strategy has once it is learned; they are the same for all seeds."""
    return results("active", method=method, recipe=recipe, seed=0, task=task)[0]


def learning(results: Results) -> str:
    """Weights run and changed while each task is learned, in % of all that the strategy has then."""
    rows = []
    for method, task in product(METHODS, TASKS):
        for cost in results("cost", method=method, recipe="default", seed=0, task=task):
            own, total = _activation(results, method, "default", task)["all"], cost["total"]
            run, changed = cost["read"] + cost["updated"] + cost["dispatcher_read"], cost["updated"] + cost["dispatcher_updated"]
            cells = [f"{100 * cost[part] / own:.1f}" for part in ("read", "updated")]
            whole = [f"{total:,}", f"{100 * run / total:.1f}", f"{100 * changed / total:.1f}"]
            rows.append([method, TITLES[task], f"{own:,}", *cells, *(whole if total > own else ["–"] * 3)])  # else it has no dispatcher
    dispatched = [f"with dispatcher: {what}" for what in ("weights", "run %", "changed %")]
    return markdown_table(["method", "learning", "weights then", "earlier tasks' run %", "trained %", *dispatched], rows)


def speakers(results: Results) -> str:
    """Held-out speakers, and the official split."""
    records = results("speaker")
    rows = [[record["speaker"], f"{100 * record['accuracy']:.1f}"] for record in records]
    rows.append(["mean over speakers", spread([100 * record["accuracy"] for record in records])])
    rows.append(["official split, all speakers known", spread(results.cell("SEN", "default", "all", "speech"))])
    return markdown_table(["speaker left out", "accuracy %"], rows)


def strengths(results: Results) -> str:
    """EWC's λ on validation data."""
    records = results("strength")
    return markdown_table(
        ["λ", *(f"{record['value']:g}" for record in records)],
        [["mean validation accuracy %", *(f"{100 * record['accuracy']:.1f}" for record in records)]],
    )
