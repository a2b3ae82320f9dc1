"""The tables of docs/results/senses.md, and its figure."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import rankdata

from benchmarks.harness import Record, Records, figure, half_interval, interval, markdown_table, spread, table_of
from benchmarks.senses import peer
from benchmarks.senses.measure import FEW, SENSES, SHOTS

ALLOWED = 1.0
"""Points that a cell may be below the logistic regression."""
SHARES = ("first", "task", "among", "refused", "accuracy", "accuracy_unlabelled")
Gaps = Mapping[tuple[str, int], Sequence[float]]
"""Points, one a seed, by what was learned and the number of examples a class."""


def main_criterion(records: Records) -> str:
    """By which the logistic regressions are better on average: that is what senpath is compared with."""
    return max(peer.CRITERIA, key=lambda name: records.mean(lambda one: one["logistic"][name]["accuracy"]))


def cells(records: Records) -> dict[tuple[str, int], Records]:
    """Records by task and shots, in the order of the page."""
    groups = records.by("task", "shots")
    return {(name, shots): groups[name, shots] for name in FEW for shots in SHOTS if (name, shots) in groups}


def gaps_of(records: Records, criterion: str) -> list[float]:
    """senpath less the logistic regression, in points, of each record."""
    return records.values(lambda one: one["sen"] - one["logistic"][criterion]["accuracy"])


def gains(records: Records) -> list[float]:
    """With default settings after other tasks less alone, in points, of each record."""
    return records.values(lambda one: one["default"] - one["alone"])


def few(records: Records) -> str:
    """Tasks alone, from few examples."""
    main, groups = main_criterion(records), cells(records)
    columns: dict[str, Callable[[Records], object]] = {
        "task": lambda some: some[0]["task"],
        "shots": lambda some: some[0]["shots"],
        "seeds": len,
        "senpath": lambda some: spread(some.values("sen")),
    }
    for criterion in peer.CRITERIA:
        columns[f"LR by {criterion}"] = lambda some, of=criterion: spread(some.values(lambda one: one["logistic"][of]["accuracy"]))  # type: ignore[misc]
    columns |= {
        f"difference to LR by {main} [95 %]": lambda some: interval(gaps_of(some, main), sign=True),
        "seconds to learn": lambda some: f"{np.median(some.values('seconds')):.1f}",
        "seconds of LR's search": lambda some: f"{np.median(some.values('seconds of search')):.1f}",
    }
    gaps = {cell: float(np.mean(gaps_of(some, main))) for cell, some in groups.items()}
    below = [f"{name} at {shots} shots ({gap:+.1f})" for (name, shots), gap in gaps.items() if gap < -ALLOWED]
    means = ", ".join(f"by {name} {records.mean(lambda one, of=name: one['logistic'][of]['accuracy']):.2f} %" for name in peer.CRITERIA)
    short = f"more than {ALLOWED:g} point below in {len(below)}" + (f": {', '.join(below)}" if below else "")
    above, average = sum(gap > 0 for gap in gaps.values()), np.mean([*gaps.values()])
    return (
        f"{table_of(groups.values(), columns)}\n\nMean difference over the {len(gaps)} cells: {average:+.2f} points; above 0 in {above}, "
        f"{short}. Logistic regression on average over all runs: {means}."
    )


def full(records: Records) -> str:
    """Tasks alone, from all examples."""
    main = main_criterion(records)
    columns: dict[str, Callable[[Record], object]] = {
        "task": lambda one: one["task"],
        "examples": lambda one: one["examples"],
        "classes": lambda one: one["classes"],
        "senpath": lambda one: f"{one['sen']:.1f}",
    }
    for criterion in peer.CRITERIA:
        columns[f"LR by {criterion}"] = lambda one, of=criterion: "{accuracy:.1f} (C = {choice[strength]:g})".format(**one["logistic"][of])  # type: ignore[misc]
    columns[f"difference to LR by {main}"] = lambda one: f"{one['sen'] - one['logistic'][main]['accuracy']:+.1f}"
    columns["seconds to learn"] = lambda one: f"{one['seconds']:.0f}"
    return table_of(records, columns)


def borrowing(records: Records) -> str:
    """Tasks from few examples after related ones."""
    columns: dict[str, Callable[[Records], object]] = {
        "learned before": lambda some: ", ".join(some[0]["sources"]),
        "task": lambda some: some[0]["target"],
        "shots": lambda some: some[0]["shots"],
        "alone": lambda some: spread(some.values("alone")),
        "default": lambda some: spread(some.values("default")),
        "gain [95 %]": lambda some: interval(gains(some), sign=True),
        "linked": _linked,
        "highest share": lambda some: spread([max(one["choice"]["sources_tried"].values(), default=0.0) for one in some], 2),
        "classes told apart": lambda some: (
            spread(apart, 2) if (apart := some.values(lambda one: one["choice"].get("separability"))) else "–"
        ),
    }
    return table_of(records.by("sources", "target", "shots").values(), columns)


def _linked(records: Records) -> str:
    linked = records.where(lambda one: bool(one["linked to"]))
    names = sorted({name for one in linked for name in one["linked to"]})
    return f"{len(linked)} of {len(records)}" + (f", to {' or '.join(names)}" if len(records[0]["sources"]) > 1 and names else "")


def together(records: Records) -> str:
    """All tasks of a type in one network."""
    texts = []
    for (sense, shots), some in records.by("sense", "shots").items():
        title = f"{len(SENSES[sense])} {sense} tasks, " + (f"{shots} examples a class" if shots else "all examples")
        texts.append(f"{title} ({len(some)} seed{'s' if len(some) > 1 else ''}):\n\n{_routes(some, SENSES[sense])}")
    return "\n\n".join(texts)


def _routes(records: Records, names: Sequence[str]) -> str:
    rows = []
    for name in (*names, "mean"):
        mine = [[one["scores"][name]] if name in names else [*one["scores"].values()] for one in records]
        values = {key: [float(np.mean([score[key] for score in scores])) for scores in mine] for key in (*SHARES, "candidates")}
        shares = [spread([100 * value for value in values[key]]) for key in SHARES]
        links = sorted({source for one in records for source in one["links"].get(name, [])})
        rows.append([name, *shares, spread(values["candidates"], 2), ", ".join(links) or "–"])
    columns = ["task", "first choice", "answer's task", "among the candidates", "refused", "label, task given", "label, task found"]
    return markdown_table([*columns, "pathways run", "linked to"], rows)


def draw(alone: Records, borrowed: Records) -> None:
    """senpath against the logistic regression, and what borrowing gained, each with its 95 % interval."""
    main = main_criterion(alone)
    pairs = borrowed.by("sources", "target", "shots").items()
    with figure("senses.png", (11, 4.6), columns=2) as (_, panels):
        left, right = panels[0]
        gaps = {cell: gaps_of(some, main) for cell, some in cells(alone).items()}
        _panel(left, gaps, f"senpath less logistic regression (by {main}), points")
        gained = {(f"{', '.join(sources)} → {target}", shots): gains(some) for (sources, target, shots), some in pairs}
        _panel(right, gained, "after other tasks less alone, points")
        left.axvline(-1, color="black", lw=0.8, ls="--")
        left.legend(title="examples a class", loc="best")


def _panel(axes: Axes, gaps: Gaps, title: str) -> None:
    names = list(dict.fromkeys(name for name, _ in gaps))
    for index, count in enumerate(dict.fromkeys(count for _, count in gaps)):
        mine = {name: values for (name, of), values in gaps.items() if of == count}
        places = [names.index(name) + 0.24 * (index - 0.5) for name in mine]
        means, halves = [np.mean(values) for values in mine.values()], [half_interval(values) for values in mine.values()]
        axes.errorbar(means, places, xerr=halves, fmt="o", markersize=4, lw=1.2, color=f"C{index}", label=str(count))
    axes.axvline(0, color="black", lw=0.8)
    axes.set(xlabel=title, yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)


DRAWS = 1_000
REFUSED = {
    "in scope, none refused": "accuracy, none refused",
    "in scope, refused is wrong": "accuracy",
    "in scope refused": "refused inside",
    "out-of-scope recall": "recall",
}
OURS = ("ood_score", "ood_score and softmax")


def scope_tables(records: Records) -> str:
    """What was refused at the network's own limit, then the areas under the curves."""
    groups = records.by("shots")
    columns: dict[str, Callable[[Records], object]] = {"shots": lambda some: some[0]["shots"] or "all", "seeds": len}
    for title, key in REFUSED.items():
        columns[title] = lambda some, key=key: spread(some.values(key))  # type: ignore[misc]
    return table_of(groups.values(), columns) + "\n\n" + _areas(groups)


def _areas(groups: dict[int | None, Records]) -> str:
    names = list(next(iter(groups.values()))[0]["scores"])
    peers = [name for name in names if name not in OURS]
    rows = []
    for count, some in groups.items():
        points, draws = _bootstrap(some, names)
        for name in names:
            cells = ["" if name not in OURS else _difference(points, draws, name, other) for other in peers]
            rows.append([count or "all", name, f"{points[name]:.4f}", *cells])
    columns = ["shots", "score", "AUROC", *(f"less {name} [95 %]" for name in peers)]
    return markdown_table(columns, rows)


def _difference(points: dict[str, float], draws: dict[str, np.ndarray], name: str, other: str) -> str:
    low, high = np.quantile(draws[name] - draws[other], [0.025, 0.975])
    return f"{points[name] - points[other]:+.4f} [{low:+.4f}, {high:+.4f}]"


def _bootstrap(records: Records, names: Sequence[str]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The areas, means over the seeds, of all test inputs, and of DRAWS samples of them: the same samples for every score and seed."""
    scores = {name: [np.array(one["scores"][name]) for one in records] for name in names}
    inside, everything = records[0]["inside"], len(scores[names[0]][0])
    generator = np.random.default_rng(0)
    samples = [
        np.r_[generator.integers(0, inside, inside), generator.integers(inside, everything, everything - inside)] for _ in range(DRAWS)
    ]
    points = {name: float(np.mean([_area(values, inside) for values in some])) for name, some in scores.items()}
    draws = {
        name: np.array([np.mean([_area(values[rows], inside) for values in some]) for rows in samples]) for name, some in scores.items()
    }
    return points, draws


def _area(values: np.ndarray, inside: int) -> float:
    """Chance that an input from outside has the higher score of two (Mann and Whitney's U); the first `inside` are not from there."""
    outside = len(values) - inside
    ranks = rankdata(values)[inside:].sum() - outside * (outside + 1) / 2
    return float(ranks / (inside * outside))
