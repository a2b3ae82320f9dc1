"""The table of an endurance run."""

from benchmarks.endurance.levels import MEGABYTES, MEGABYTES_A_TASK
from benchmarks.endurance.run import Run
from benchmarks.harness import markdown_table

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
        memory, tasks, files = ("{:.0f} → {:.0f}".format(*level.medians(figure)) for figure in ("megabytes", "tasks", "files"))
        rows += [
            (f"{name}: memory, median of the second and the last quarter", f"{memory} MB"),
            (f"{name}: tasks, the same medians", tasks),
            (f"{name}: growth of memory; allowed", f"{level.grown:.0f}; {level.allowed:.0f} MB"),
            (f"{name}: most memory at any time", f"{max(sample.megabytes for sample in level.samples):.0f} MB"),
            (f"{name}: open files, the same medians", files),
        ]
    return f"{markdown_table(['what', 'how often, how much'], rows)}\n\n" + (
        f"{run.minutes:g} minutes, seed {run.seed}. No committed task was lost, and none of their files and answers changed. "
        f"A reader's memory may grow by {MEGABYTES:g} MB and {MEGABYTES_A_TASK:g} MB a task between the second and the last quarter."
    )
