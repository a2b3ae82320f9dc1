"""The tables on CLINC150 out of scope: what was refused, and how well scores tell what is outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from senpath.reports.markdown import markdown_table, spread
from senpath.reproduce.jobs import Record

DRAWS = 1_000
OURS = ("ood_score", "ood_score and softmax")


def scope_tables(records: Sequence[Record]) -> str:
    """What was refused at the network's own limit, then the areas under the curves."""
    groups = {count: [one for one in records if one["shots"] == count] for count in dict.fromkeys(one["shots"] for one in records)}
    keys = ("accuracy, none refused", "accuracy", "refused inside", "recall")
    rows = [[count or "all", len(some), *(spread([one[key] for one in some]) for key in keys)] for count, some in groups.items()]
    columns = ["shots", "seeds", "in scope, none refused", "in scope, refused is wrong", "in scope refused", "out-of-scope recall"]
    return markdown_table(columns, rows) + "\n\n" + _areas(groups)


def _areas(groups: dict[int | None, list[Record]]) -> str:
    names = list(next(iter(groups.values()))[0]["scores"])
    peers = [name for name in names if name not in OURS]
    rows = []
    for count, some in groups.items():
        points, draws = _bootstrap(some, names)
        for name in names:
            cells = [_difference(points, draws, name, other) if name in OURS else "" for other in peers]
            rows.append([count or "all", name, f"{points[name]:.4f}", *cells])
    columns = ["shots", "score", "AUROC", *(f"less {name} [95 %]" for name in peers)]
    return markdown_table(columns, rows)


def _difference(points: dict[str, float], draws: dict[str, np.ndarray], name: str, other: str) -> str:
    low, high = np.quantile(draws[name] - draws[other], [0.025, 0.975])
    return f"{points[name] - points[other]:+.4f} [{low:+.4f}, {high:+.4f}]"


def _bootstrap(records: Sequence[Record], names: Sequence[str]) -> tuple[dict[str, float], dict[str, np.ndarray]]:
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
