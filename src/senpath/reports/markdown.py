"""Tables and figures with their spread, for pages in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(value).replace("|", "\\|") for value in row) + " |" for row in rows]
    return "\n".join(lines)


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


def interval(values: Sequence[float], digits: int = 1, *, sign: bool = False) -> str:
    """Mean and its 95 % confidence interval, as "12.3 [11.9, 12.7]"."""
    mean, half = float(np.mean(values)), half_interval(values)

    def word(value: float) -> str:
        rounded = round(value, digits) + 0.0  # no "-0.0"
        return f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded:.{digits}f}"

    return word(mean) if np.isnan(half) else f"{word(mean)} [{word(mean - half)}, {word(mean + half)}]"
