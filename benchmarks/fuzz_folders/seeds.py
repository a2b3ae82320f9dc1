"""The networks that are changed: those of every method and format that tests/compat keeps, whole, and tasks of them alone."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import senpath as sp
from senpath.errors import SenpathError
from tests.compat.queries import encoders_of, items, modality_of, read

DATA = Path(__file__).resolve().parents[2] / "tests" / "compat" / "data"
FEW = 2
"""Inputs of each modality that a network is asked."""


@dataclass(frozen=True)
class Seed:
    """A network to change.

    Args:
        name: of it.
        folder: where it is.
        encoders: it is opened with.
        inputs: to ask it, by modality.
        exported: the file that it came from, if it has one task.
    """

    name: str
    folder: Path
    encoders: dict[str, Any] | None
    inputs: dict[str, Any]
    exported: Path | None


def make_seeds(folder: Path) -> list[Seed]:
    """Unpack the kept networks, and take of each those tasks apart that have components of kinds no other of them has."""
    seeds = []
    for packed in sorted(DATA.glob("*.tar.xz")):
        name = packed.name.removesuffix(".tar.xz")
        shutil.unpack_archive(packed, folder, filter="data")
        stored, encoders = read(DATA / f"{name}.npz")[1], encoders_of(name)
        inputs = {modality_of(key): items(modality_of(key), values)[:FEW] for key, values in stored.items()}
        whole = sp.Network(folder / f"{name}.sen", encoders=encoders)
        seeds.append(Seed(name, whole.path, encoders, inputs, exported=None))
        if name.startswith("format-") and name not in ("format-6", "format-7"):
            continue
        known: set[str] = set()
        for task in whole.tasks:
            kinds = {whole.view.component(part).kind.name for part in whole.view.pathway(task).references}
            if kinds - known:
                known |= kinds
                seeds += _alone(whole, task, folder / f"{name}-{len(seeds)}.sen", encoders, inputs)
    return seeds


def _alone(whole: sp.Network, task: str, path: Path, encoders: dict[str, Any] | None, inputs: dict[str, Any]) -> list[Seed]:
    exported = path.with_suffix(".sentask")
    try:
        whole.export(task, exported)
        net = sp.Network(path, dispatcher=whole.view.settings.dispatcher, encoders=encoders)
        net.import_task(exported)
    except SenpathError:  # of a format that exported tasks do not have
        shutil.rmtree(path, ignore_errors=True)
        return []
    modality = net.tasks[task].data_type.split("-")[0]
    mine = {modality: inputs[modality]} if modality in inputs else inputs
    return [Seed(f"{whole.path.stem}: {task}", path, encoders, mine, exported)]
