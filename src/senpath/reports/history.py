"""The log as rows of a table, whatever a method wrote into its entries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from senpath.reports.facts import Facts

COMMITS = 200
"""At most so many commits are listed, the newest."""
LONGEST = 400
"""Characters of a value; one that is longer is cut."""
COLUMNS = frozenset({"version", "time", "tasks", "method", "examples", "data", "settings"})
"""What has a column of its own."""


@dataclass(frozen=True)
class Commit:
    """One row; what an entry does not say is ""."""

    version: str
    time: str
    tasks: Sequence[str]
    method: str
    examples: str
    seed: str
    data: str
    settings: Sequence[tuple[str, str]]
    more: Sequence[tuple[str, str]]


def describe_log(facts: Facts) -> list[Commit]:
    """The newest `COMMITS` entries, the newest first."""
    return [_commit(entry) for entry in reversed(facts.log[-COMMITS:])]


def _commit(entry: Mapping[str, Any]) -> Commit:
    settings = entry.get("settings")
    known = settings if isinstance(settings, dict) else {} if settings is None else {"settings": settings}
    tasks = entry.get("tasks")
    examples = entry.get("examples")
    return Commit(
        version=str(entry.get("version", "")),
        time=_word(entry.get("time")),
        tasks=[_word(task) for task in tasks] if isinstance(tasks, list) else [],
        method=_word(entry.get("method")),
        examples=f"{examples:,}" if isinstance(examples, int) else _word(examples),
        seed=_word(known.get("random_state", entry.get("seed"))),
        data=_word(entry.get("data")),
        settings=[(str(name), _word(value)) for name, value in known.items()],
        more=[(str(name), _word(value)) for name, value in entry.items() if name not in COLUMNS],
    )


def _word(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
