"""Checking that a network on disk is what was committed, and answers as it did."""

from __future__ import annotations

import torch

from senpath.errors import StoreError
from senpath.history.commit import probe_inputs
from senpath.progress import Progress
from senpath.snapshot.view import View, read_metric
from senpath.store import Store
from senpath.store.manifest import RESTORE

TOLERANCE = 1e-4
"""Probes may differ by this much, absolute or relative: machines round differently."""


def verify(store: Store, view: View, progress: Progress) -> None:
    """Recompute every hash and replay every pathway's probe.

    Raises:
        StoreError: at the first mismatch, naming the file or the task.
    """
    manifest = view.manifest
    steps = len(manifest.components) + len(manifest.types) + 2 * len(manifest.tasks)
    done = 0
    # First what the next commits may remove.
    for record in manifest.types.values():
        store.pooled(record)
        if record.metric is not None:
            read_metric(store, record, record.metric, torch.device("cpu"))
        progress("verify", done := done + 1, steps)
    for name, weights in manifest.components.items():
        component = store.component(name)
        if component.weights != weights:
            raise StoreError(f"component {name[:12]}", expected=f"{weights:,} weights", got=f"{component.weights:,}")
        progress("verify", done := done + 1, steps)
    rows = {key: store.columns(record) for key, record in manifest.types.items()}
    for task, kept in manifest.tasks.items():
        key = kept.pathway.data_type
        store.check_columns(rows[key], manifest.types[key], kept.statistics)
        progress("verify", done := done + 1, steps)
        _compare_children(view, task)
        _replay(view, task)
        progress("verify", done := done + 1, steps)


def _compare_children(view: View, task: str) -> None:
    pathway = view.pathway(task)
    found = {name: part.children for name in pathway.references if (part := view.component(name)).children}
    if found != pathway.children:
        wrong = min(name for name in found.keys() | pathway.children.keys() if found.get(name) != pathway.children.get(name))
        raise StoreError(
            f"task {task!r}: what is inside of component {wrong[:12]}",
            expected=f"{len(found.get(wrong, ()))} components, as its configuration says",
            got=f"{len(pathway.children.get(wrong, ()))} in network.json, or others",
            do=RESTORE,
        )


def _replay(view: View, task: str) -> None:
    record = view.tasks[task]
    inputs = probe_inputs(view.manifest.types[record.pathway.data_type].data_type, record.probe.seed)
    found = view.logits(task, inputs).cpu().flatten()
    expected = torch.tensor(record.probe.output)
    if found.shape != expected.shape or not torch.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        worst = float((found - expected).abs().max()) if found.shape == expected.shape else float("inf")
        raise StoreError(
            f"task {task!r}: answers to its probe",
            expected=f"those it gave when it was learned, within {TOLERANCE:g}",
            got=f"a difference of {worst:.3g}",
            do="The files are intact, so this machine or library computes differently",
        )
