"""Forgetting with the task given, and drift without it."""

from __future__ import annotations

from benchmarks.common import RESULTS, per_seed, write_section
from benchmarks.foundation.growing import grow, tasks
from senpath.reports.markdown import markdown_table, spread


def run(seeds: int) -> None:
    found = per_seed(seeds, grow, "five tasks")
    names = list(tasks())
    changed = [sum(getattr(grown, name) for grown in found) for name in ("files_changed", "answers_changed", "logits_changed")]
    lines = [
        f"Over {seeds} seeds, after every task, everything read again from disk: {changed[0]} component files changed, "
        f"{changed[1]} answers with the task given changed, {changed[2]} of their probabilities changed in any bit.",
        "",
        "Accuracy in % without the task id (right task and label) after each task, its drift since the task was learned, and with it:",
        "",
    ]
    rows = []
    for first, name in enumerate(names):
        cells = ["" if stage < first else spread([grown.unlabelled[stage][name] for grown in found]) for stage in range(len(names))]
        drift = spread([grown.unlabelled[-1][name] - grown.unlabelled[first][name] for grown in found])
        rows.append([name, *cells, drift, spread([grown.given[-1][name] for grown in found])])
    lines.append(markdown_table(["task", *(f"+ {name}" for name in names), "drift, points", "task given"], rows))
    write_section(RESULTS / "foundation.md", "forgetting", "\n".join(lines))
