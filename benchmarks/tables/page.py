"""The tables of docs/results/senses.md."""

from collections.abc import Callable, Sequence

from benchmarks.harness import Records, interval, mean, spread, table_of
from benchmarks.tables.sets import TABLES

ALLOWED = {"ridge": 0.01, "logistic": 1.0, "forest": 1.0}
"""How far below each peer a set may be, in R² or points."""

CELL = ("columns", "times", "added", "spoilt")


def regression(records: Records) -> str:
    """R² beside ridge and gradient boosting."""
    return _beside(records, ("ridge", "boosting"), 3)


def classification(records: Records) -> str:
    """Accuracy beside logistic regression and a random forest."""
    return _beside(records, ("logistic", "forest"), 1)


def rescaled(records: Records, earlier: Records) -> str:
    """A later table on another scale, and what another version makes of it."""
    before = earlier.by(*CELL)
    columns: dict[str, Callable[[Records], object]] = {
        "columns": lambda some: f"{some[0]['columns']:,}",
        "times": lambda some: f"{some[0]['times']:,.0f}",
        "added": lambda some: f"{some[0]['added']:,.0f}",
        "one wrong cell": lambda some: "yes" if some[0]["spoilt"] else "",
        "earlier": lambda some: spread(mine.values("senpath")) if (mine := before.get(tuple(some[0][name] for name in CELL))) else "–",
        "`learn` as it is": lambda some: spread(some.values("senpath")),
        "logistic regression, without the cell": lambda some: spread(some.values("logistic")),
        "its task first": lambda some: spread(some.values("routed")),
        "seconds": lambda some: mean(some.values("seconds")),
    }
    if not earlier:
        del columns["earlier"]
    return table_of(records.by(*CELL).values(), columns)


def _beside(records: Records, peers: Sequence[str], digits: int) -> str:
    groups = records.by("name")
    columns: dict[str, Callable[[Records], object]] = {
        "set": lambda some: some[0]["name"],
        "source": lambda some: TABLES[some[0]["name"]].source,
        "rows × columns": lambda some: f"{some[0]['rows']:,} × {some[0]['columns']}",
        "`learn` as it is": lambda some: spread(some.values("senpath"), digits),
    }
    for peer in peers:
        columns[peer] = lambda some, of=peer: spread(some.values(of), digits)  # type: ignore[misc]
    for peer in peers:
        columns[f"less {peer} [95 %]"] = lambda some, of=peer: interval(_gaps(some, of), digits, sign=True)  # type: ignore[misc]
    columns["share of the hidden units"] = lambda some: mean(some.values("hidden_share"), 2)
    columns["seconds"] = lambda some: mean(some.values("seconds"))
    lines = [table_of(groups.values(), columns), ""]
    for peer in peers:
        gaps = {name: mean(_gaps(some, peer), digits, sign=True) for name, some in groups.items()}
        less = {name: sum(_gaps(some, peer)) / len(some) for name, some in groups.items()}
        below = [f"{name} ({gaps[name]})" for name, gap in less.items() if gap < -ALLOWED.get(peer, 0.0)]
        average = sum(less.values()) / len(less)
        said = (
            f"more than {ALLOWED[peer]:g} below on {len(below)} of {len(less)}"
            if peer in ALLOWED
            else f"below on {len(below)} of {len(less)}"
        )
        lines.append(f"Less {peer}: {average:+.{digits}f} on average, {said}{': ' + ', '.join(below) if below else ''}.")
    return "\n".join(lines)


def _gaps(some: Records, peer: str) -> list[float]:
    return some.values(lambda one: one["senpath"] - one[peer])
