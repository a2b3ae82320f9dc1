"""The table of an endurance run."""

from __future__ import annotations

from benchmarks.endurance.levels import MEGABYTES, MEGABYTES_A_TASK
from benchmarks.endurance.run import Run

COUNTS = {
    "writers killed by SIGKILL": "kills",
    "… of them while it held the network's lock, to commit": "kills within a commit",
    "… of them while a file was written, for a temporary one was left": "kills within a write",
    "moments with two or three writers at once": "double writers",
    "learning refused by a full disk": "full disks",
    "learning refused because another writer held the lock": "conflicts",
    "readers' refreshes": "refreshes",
    "readers' predictions, with and without the task": "predictions",
    "verifications of the whole network": "verifications",
    "operations that writers overtook, and that went well the second time": "overtaken",
    "killed writers that processes of theirs outlived by ten seconds": "killed writers outlived by processes of theirs",
}


def make_table(run: Run) -> str:
    """What happened how often, and the readers' memory, in Markdown."""
    rows = [("tasks learned", f"{run.tasks:,}"), *((title, f"{run.done[name]:,}") for title, name in COUNTS.items())]
    rows.append(("components that no version names, left by kills", f"{run.orphans:,}"))
    for name, level in run.levels.items():
        rows += [
            (f"{name}: memory, median of the second and the last quarter", f"{level.megabytes[0]:.0f} → {level.megabytes[1]:.0f} MB"),
            (f"{name}: tasks, the same medians", f"{level.tasks[0]:.0f} → {level.tasks[1]:.0f}"),
            (f"{name}: growth of memory; allowed", f"{level.grown:.0f}; {level.allowed:.0f} MB"),
            (f"{name}: most memory at any time", f"{level.most_megabytes:.0f} MB"),
            (f"{name}: open files, the same medians", f"{level.files[0]:.0f} → {level.files[1]:.0f}"),
        ]
    lines = ["| what | how often, how much |", "|---|---|", *(f"| {what} | {much} |" for what, much in rows)]
    rule = (
        f"{run.minutes:g} minutes, seed {run.seed}. No committed task was lost, and none of their files and answers changed. "
        f"A reader's memory may grow by {MEGABYTES:g} MB and {MEGABYTES_A_TASK:g} MB a task between the second and the last quarter."
    )
    return "\n".join([*lines, "", rule])
