"""What the jobs found, asked for by what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from senpath.reproduce.jobs import Record


class Found:
    """Records, and the questions that the page and the figures put to them.

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
