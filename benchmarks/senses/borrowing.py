"""Where borrowing helps: a task from few examples in a network that has learned related ones from all of theirs."""

from __future__ import annotations

from functools import partial
from typing import Any

import senpath as sp
from benchmarks.senses.sets import sample
from benchmarks.senses.shots import SHOTS, share_right
from senpath.reproduce.jobs import Job, Record, Tell

PAIRS = (
    (("cr",), "sst2"),
    (("sst2",), "cr"),
    (("agnews",), "trec"),
    (("grocery",), "clothing"),
    (("clothing",), "grocery"),
    (("clothing", "grocery"), "signdigits"),
    (("banking77",), "clinc150"),
    (("clinc150",), "banking77"),
)
"""What is learned first, and the task that may borrow from it."""
WAYS: dict[str, dict[str, Any]] = {"default": {}, "alone": {"links": "none", "start": "random"}}
NOTED = ("separability", "tried_sources", "copied_from", "guard")
"""What the method notes down about its choice of a source."""


def jobs(seeds: int) -> list[Job]:
    return [Job(f"{'-'.join(sources)}-to-{target}", partial(_measure, sources, target, seeds)) for sources, target in PAIRS]


def _measure(sources: tuple[str, ...], target: str, seeds: int, tell: Tell) -> None:
    """The sources are learned once; the seeds draw the target's examples."""
    net = sp.Network()
    for name in sources:
        net.learn(name, sample(name, None, 0)[0])
    ready = net.version
    for shots in SHOTS:
        for seed in range(seeds):
            learned, test = sample(target, shots, seed)
            record: Record = {"sources": sources, "target": target, "shots": shots, "seed": seed}
            for way, settings in WAYS.items():
                found = net.learn(target, learned, random_state=seed, **settings)
                record[way] = share_right(net.predict(test, task=target).label, test)
                record[f"seconds, {way}"] = found.seconds
                if way == "default":
                    record["linked to"] = sorted({source for source, _ in found.transfers})
                    record["classes linked"] = len({transfer.target for _, transfer in found.transfers})
                    record["notes"] = {key: value for key, value in found.provenance.record.items() if key in NOTED}
                ready = net.rollback(ready).version  # only the last few versions are kept
            tell(record)
