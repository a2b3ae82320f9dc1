"""Tables and figures with their spread, for pages in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CLOSEST = 0.0005
"""How far from 0 and 1 a share is at least where its logit is taken."""


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table."""
    head, *body = ("| " + " | ".join(str(value).replace("|", "\\|") for value in row) + " |" for row in (columns, *rows))
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± sample standard deviation."""
    array = np.asarray(values, dtype=float)
    deviation = f" ± {array.std(ddof=1):.{digits}f}" if len(array) > 1 else ""
    return f"{array.mean():.{digits}f}{deviation}"


def half_interval(values: Sequence[float]) -> float:
    """Half the width of the 95 % confidence interval of the mean (Student's t); NaN for less than two values."""
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        return float("nan")
    from scipy import stats  # large, and only this needs it

    return float(stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)))


def share_bounds(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of the mean of shares in %, within 0 … 100; NaN for less than two values.

    Student's t of the shares; where that reaches beyond 0 or 100 %, of their logits (Agresti 2013, section 3.1: an interval of the logit
    becomes one of the share that lies within its range), a share within 0.05 of either end counted as that far from it.
    """
    mean, half = float(np.mean(values)), half_interval(values)
    if np.isnan(half) or 0 <= mean - half <= mean + half <= 100:
        return mean - half, mean + half
    shares = np.clip(np.asarray(values, dtype=float) / 100, CLOSEST, 1 - CLOSEST)
    logits = np.log(shares / (1 - shares))
    centre, reach = float(logits.mean()), half_interval(logits.tolist())
    low, high = (100 / (1 + np.exp(-end)) for end in (centre - reach, centre + reach))
    return min(float(low), mean), max(float(high), mean)


def share_interval(values: Sequence[float], digits: int = 1) -> str:
    """Mean of shares in % and its 95 % confidence interval, as "98.3 [91.0, 99.7]"; see `share_bounds`."""
    mean, (low, high) = float(np.mean(values)), share_bounds(values)
    return f"{mean:.{digits}f}" if np.isnan(low) else f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def points_interval(values: Sequence[float], digits: int = 1) -> str:
    """Mean of differences of shares, in points, and its 95 % confidence interval, within −100 … 100; see `share_bounds`."""
    mean, ends = float(np.mean(values)), share_bounds([(100 + value) / 2 for value in values])
    low, high = (round(2 * end - 100, digits) + 0.0 for end in ends)  # no "-0.0"
    told = f"{round(mean, digits) + 0.0:.{digits}f}"
    return told if np.isnan(low) else f"{told} [{low:.{digits}f}, {high:.{digits}f}]"


def interval(values: Sequence[float], digits: int = 1, *, sign: bool = False) -> str:
    """Mean and its 95 % confidence interval, as "12.3 [11.9, 12.7]"."""
    mean, half = float(np.mean(values)), half_interval(values)

    def word(value: float) -> str:
        rounded = round(value, digits) + 0.0  # no "-0.0"
        return f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded:.{digits}f}"

    return word(mean) if np.isnan(half) else f"{word(mean)} [{word(mean - half)}, {word(mean + half)}]"
