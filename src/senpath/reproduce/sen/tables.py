"""The tables of the page, each as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from senpath.evaluation.metrics import FORMULAS, AccuracyMatrix
from senpath.reports.markdown import interval, markdown_table, spread
from senpath.reproduce.sen.published import ACTIVATED, IMAGES, METHODS, SHOTS, TABLE_1, TABLE_2, TASKS, TITLES, activated_shares
from senpath.reproduce.sen.records import Found

BELOW_20_000 = ("lower", "upper")
"""Tasks on which the two recipes differ even with all samples."""
CLEARLY = 3.0
"""Points below a printed figure from which on a cell is listed."""
LINKS = {"none": "none", "similar": "similar classes", "all": "all classes"}


def table_2(found: Found, recipe: str) -> str:
    """Test accuracy: ours, with what was published in brackets."""
    rows = []
    for shots in SHOTS:
        for method in METHODS:
            cells = []
            for task in TASKS:
                ours = found.cell(method, recipe, shots, task)
                said = TABLE_2.get((method, shots, task))
                cells.append((spread(ours) if ours else "–") + (f" ({said})" if said else ""))
            rows.append([shots, f"**{method}**" if method == "SEN" else method, *cells])
    return markdown_table(["shots", "method", *TITLES.values()], rows)


def shortfall(found: Found) -> tuple[float, str]:
    """Where SEN is furthest below Single under the same recipe: in points (negative: below), and in words with the paired interval."""
    worst, where = float("inf"), "nowhere"
    for recipe in found.distinct("cell", "recipe"):
        for task in IMAGES:
            for shots in found.distinct("cell", "shots", method="SEN", recipe=recipe, task=task):
                both = zip(found.cell("SEN", recipe, shots, task), found.cell("Single", recipe, shots, task), strict=False)
                gains = [ours - alone for ours, alone in both]
                if gains and np.mean(gains) < worst:
                    worst = float(np.mean(gains))
                    where = f"{interval(gains, 2, sign=True)}: {TITLES[task]} at {shots} shots, {recipe} recipe"
    return worst, where


def fallen(found: Found) -> str:
    """The cells of SEN under the paper recipe that are clearly below what was printed."""
    lines = []
    for shots in SHOTS:
        for task in TASKS:
            ours, said = float(np.mean(found.cell("SEN", "paper", shots, task))), TABLE_2["SEN", shots, task]
            printed = float(said.split()[0])
            if ours < printed - CLEARLY:
                lines.append(f"- {TITLES[task]} at {shots} shots: {ours:.1f}, printed {said}")
    return "\n".join(lines) or "None."


def lead(found: Found, recipe: str, shots: str) -> str:
    """What SEN has on UPPER more than the best other strategy, in points, paired by seed, and which that is."""
    others = {method: found.cell(method, recipe, shots, "upper") for method in METHODS if method != "SEN"}
    best = max(others, key=lambda method: float(np.mean(others[method])))
    ours = found.cell("SEN", recipe, shots, "upper")
    return f"{interval([a - b for a, b in zip(ours, others[best], strict=True)], sign=True)}: {best}"


def table_1(found: Found) -> str:
    """The classes whose similarity reaches the threshold, in ours or in theirs."""
    seeds = len(found.distinct("cell", "seed", recipe="paper"))
    rows = []
    for task in TASKS:
        ours = found.similarities(task)
        printed = TABLE_1.get(task, {})
        pairs = sorted(ours, key=lambda pair: (-len(ours[pair]), -float(np.mean(ours[pair]))))
        for source, first, second in pairs:
            shares, said = ours[source, first, second], printed.get((first, second)) if source != "fashion" else None
            rows.append(
                [
                    TITLES[task],
                    f"{source} {first} → {second}",
                    f"{said:.3f}" if said else "–",
                    spread(shares, 3),
                    f"{len(shares)} of {seeds}",
                ]
            )
        missing = [pair for pair in printed if pair not in {(first, second) for _, first, second in ours}]
        rows += [
            [TITLES[task], f"{first} → {second}", f"{printed[first, second]:.3f}", "below the threshold, or another pair", "0"]
            for first, second in missing
        ]
        if not ours and not printed:
            rows.append([TITLES[task], "no transfer", "no transfer", "no transfer", "–"])
    return markdown_table(
        ["task", "class of an earlier task → new class", "published", "ours, over the seeds that linked", "seeds that linked"], rows
    )


def matrices(found: Found, recipe: str) -> dict[str, list[AccuracyMatrix]]:
    """One accuracy matrix over the four image tasks per strategy and seed."""
    made: dict[str, list[AccuracyMatrix]] = {}
    for method in METHODS:
        for seed in found.distinct("stage", "seed", method=method, recipe=recipe):
            where = {"method": method, "recipe": recipe, "seed": seed}
            values = np.full((len(IMAGES), len(IMAGES)), np.nan)
            for record in found("stage", **where):
                if record["after"] in IMAGES:
                    values[IMAGES.index(record["after"]), IMAGES.index(record["task"])] = record["accuracy"]
            untouched = [found("cell", **where, shots="0", task=task)[0]["accuracy"] for task in IMAGES]
            chance = [found("cell", method="Single", recipe=recipe, seed=seed, shots="0", task=task)[0]["accuracy"] for task in IMAGES]
            for column in range(1, len(IMAGES)):
                values[column - 1, column] = untouched[column]
            made.setdefault(method, []).append(AccuracyMatrix(IMAGES, values, np.array(chance)))
    return made


def metric_rows(found: Found, recipe: str) -> list[list[str]]:
    """For each strategy its name and the figures of `FORMULAS`, in %."""
    made = matrices(found, recipe)
    return [[method, *(spread([100 * matrix.figures[name] for matrix in seeds]) for name in FORMULAS)] for method, seeds in made.items()]


def metrics(found: Found, recipe: str) -> str:
    """ACC, BWT, FWT and forgetting, and what they are."""
    lines = [f"- {name} = {formula}: {words}" for name, (formula, words) in FORMULAS.items()]
    return markdown_table(["method", *FORMULAS], metric_rows(found, recipe)) + "\n\n" + "\n".join(lines)


def figure_4(found: Found, recipe: str) -> str:
    """The numbers behind Figure 4."""
    rows = []
    for method in METHODS:
        for task in IMAGES:
            cells = []
            for after in TASKS:
                values = found.percent("stage", method=method, recipe=recipe, after=after, task=task)
                cells.append(spread(values) if values else "")
            rows.append([method, TITLES[task], *cells])
    return markdown_table(["method", "accuracy on", *(f"after {TITLES[task]}" for task in TASKS)], rows)


def ablation(found: Found, shots: str) -> str:
    """Every way of transfer to UPPER, with the gain over Single under the same distortions."""
    rows = []
    for augment in (False, True):
        single = found.percent("way", shots=shots, links="none", start="random", augment=augment)
        for links in LINKS:
            for start in ("random", "copy"):
                ours = found.percent("way", shots=shots, links=links, start=start, augment=augment)
                alone = links == "none" and start == "random"
                gain = "–" if alone else interval([a - b for a, b in zip(ours, single, strict=True)], sign=True)
                rows.append(
                    ["on" if augment else "off", LINKS[links], start, interval(ours), gain + (" (this is Single)" if alone else "")]
                )
    return markdown_table(["distortions", "links", "own hidden layer", "accuracy %", "gain over Single, paired"], rows)


def zero_shots(found: Found) -> str:
    """UPPER without a gradient step."""
    rows = [
        [LINKS[links], f"{labels} examples a class", interval(found.percent("zero", links=links, labels=labels))]
        for links in ("similar", "all")
        for labels in ("5", "all")
    ]
    return markdown_table(["links", "set from", "accuracy %"], rows)


@dataclass(frozen=True)
class Crossing:
    """Where Single reaches what SEN has from five examples a class of UPPER.

    Args:
        aim: SEN's mean accuracy in %.
        below, above: the measured shots on either side, and Single's mean accuracies there; `above` is None if the most did not do.
        shots: between them, along a line over log shots.
    """

    aim: float
    below: tuple[int, float]
    above: tuple[int, float] | None
    shots: float


def crossing(found: Found, recipe: str, seed: int | None = None) -> Crossing:
    """How many examples a class Single needs, by the mean over the seeds or for one."""

    def read(method: str, shots: int) -> float:
        values = found.cell(method, recipe, str(shots), "upper")
        return float(np.mean(values)) if seed is None else values[seed]

    aim = read("SEN", 5)
    curve = [(shots, read("Single", shots)) for shots in found.shots("Single", recipe, "upper")]
    for before, here in zip([curve[0], *curve], curve, strict=False):
        if here[1] >= aim:
            between = np.interp(aim, [before[1], here[1]], np.log([before[0], here[0]])) if before != here else np.log(here[0])
            return Crossing(aim, before, here, float(np.exp(between)))
    return Crossing(aim, curve[-1], None, float("inf"))


def fewer(found: Found) -> list[str]:
    """How many shots Single needs for what SEN reaches with five, one sentence a recipe."""
    lines = []
    for recipe in found.distinct("cell", "recipe"):
        at = crossing(found, recipe)
        points = f"{at.below[0]} give {at.below[1]:.1f} %"
        if at.above is None:
            reached = f"with more than {at.below[0]} ({points})"
        elif at.above == at.below:
            reached = f"with {at.above[0]} or fewer ({points})"
        else:
            seeds = sorted(crossing(found, recipe, seed).shots for seed in range(len(found.distinct("cell", "seed", recipe=recipe))))
            apart = f"; {seeds[0]:.1f} to {seeds[-1]:.1f} by seed" if len(seeds) > 1 else ""
            reached = f"with about **{at.shots:.1f}** ({points}, {at.above[0]} give {at.above[1]:.1f} %{apart})"
        lines.append(f"- {recipe} recipe: SEN has {at.aim:.1f} % from 5 examples a class; Single has as much {reached}.")
    return lines


def activated(found: Found) -> str:
    """Share of all weights that run to predict each task."""
    ours = {recipe: activated_ours(found, recipe) for recipe in ("paper", "default")}
    rows = [
        ["published", *(f"{ACTIVATED[task]:.1f}" for task in TASKS)],
        ["by arithmetic, LSTM with 16 inputs", *(f"{value:.1f}" for value in activated_shares(16).values())],
        ["by arithmetic, LSTM with the text's 64 inputs", *(f"{value:.1f}" for value in activated_shares(64).values())],
        ["SEN, ours, class links", *(f"{value:.1f}" for value in ours["paper"].values())],
        ["SEN, ours, default", *(f"{value:.1f}" for value in ours["default"].values())],
    ]
    for method in ("PNN", "EWC"):
        rows.append(
            [f"{method}, ours, of its own weights after T4", *(f"{value:.1f}" for value in activated_of(found, method).values()), "–"]
        )
    return markdown_table(["% of all weights", *TITLES.values()], rows)


def activated_ours(found: Found, recipe: str) -> dict[str, float]:
    """SEN's shares in %, by task, of a network that has all five; pathways and links, the dispatcher left out as in the paper."""
    images = found("active", method="SEN", recipe=recipe, seed=0, task=IMAGES[-1])[0]["all"]
    speech = found("active", method="SEN", recipe="default", seed=0, task="speech")[0]["run"]
    run = {task: found("active", method="SEN", recipe=recipe, seed=0, task=task)[0]["run"] for task in IMAGES}
    return {task: 100 * weights / (images + speech) for task, weights in {**run, "speech": speech}.items()}


def activated_of(found: Found, method: str) -> dict[str, float]:
    """A baseline's shares in %, by image task."""
    whole = found("active", method=method, recipe="default", seed=0, task=IMAGES[-1])[0]["all"]
    return {task: 100 * found("active", method=method, recipe="default", seed=0, task=task)[0]["run"] / whole for task in IMAGES}


def learning(found: Found) -> str:
    """Weights run and changed while each task is learned, in % of all that the strategy has then."""
    rows = []
    for method in METHODS:
        for task in TASKS:
            costs = found("cost", method=method, recipe="default", seed=0, task=task)
            if costs:
                cost, own = costs[0], found("active", method=method, recipe="default", seed=0, task=task)[0]["all"]
                with_dispatcher = cost["total"] > own
                whole = [cost["read"] + cost["updated"] + cost["dispatcher_read"], cost["updated"] + cost["dispatcher_updated"]]
                cells = [f"{100 * part / own:.1f}" for part in (cost["read"], cost["updated"])]
                cells += [f"{cost['total']:,}"] if with_dispatcher else ["–"]
                cells += [f"{100 * part / cost['total']:.1f}" if with_dispatcher else "–" for part in whole]
                rows.append([method, TITLES[task], f"{own:,}", *cells])
    columns = [
        "method",
        "learning",
        "weights then",
        "earlier tasks' run %",
        "trained %",
        "with dispatcher: run %",
        "with dispatcher: changed %",
    ]
    return markdown_table(columns, rows)


def speakers(found: Found) -> str:
    """Held-out speakers, and the official split."""
    records = found("speaker")
    rows = [[record["speaker"], f"{100 * record['accuracy']:.1f}"] for record in records]
    rows.append(["mean over speakers", spread([100 * record["accuracy"] for record in records])])
    rows.append(["official split, all speakers known", spread(found.cell("SEN", "default", "all", "speech"))])
    return markdown_table(["speaker left out", "accuracy %"], rows)


def strengths(found: Found) -> str:
    """EWC's λ on validation data."""
    records = found("strength")
    return markdown_table(
        ["λ", *(f"{record['value']:g}" for record in records)],
        [["mean validation accuracy %", *(f"{100 * record['accuracy']:.1f}" for record in records)]],
    )
