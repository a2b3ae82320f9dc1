"""How an explanation is shown."""

from __future__ import annotations

from typing import Any

from senpath.cli.show import percent, say, table


def show_explanation(name: str, why: Any, of: int) -> None:
    """Print why an input got its answer.

    Args:
        why: an `Explanation`, or what a server says of one.
        of: all weights of the network.
    """
    answer = "nothing fits" if why.task is None else f"task {why.task!r}, label {why.label!r}, confidence {percent(why.confidence)}"
    say(f"{name}: {answer}", style="bold")
    if why.reason is not None:
        say(why.reason)
    for note in why.notes:
        say(note)
    scores = [[task, percent(score, 2), "yes" if task in why.candidates else ""] for task, score in why.scores.items()]
    table("which task? (dispatcher)", ["task", "P(task)", "runs"], scores)
    say(f"ood_score {why.ood_score:.2f} (above 1 nothing fits)")
    table("which label?", ["task", "label", "P(task, label)"], [[task, label, percent(p)] for task, label, p in why.top])
    for use in why.links:
        copied = f" from {use.transfer.source!r} (similarity {use.transfer.share:.2f})" if use.transfer else ""
        say(f"link to {use.source!r}{copied} added {use.added:+.2f} to {use.output!r}")
    ran = why.activated
    parts = {
        "pathways": ran.pathway_weights,
        "links": ran.link_weights,
        "layers that links read": ran.source_weights,
        "dispatcher": ran.dispatcher_weights,
        "pretrained encoder": ran.encoder_weights,
        "together": ran.total,
    }
    table("what ran", ["part", "weights"], [[part, f"{size:,}"] for part, size in parts.items()])
    say(f"{percent(why.share)} of the network's {of:,} weights")
