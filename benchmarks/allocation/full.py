"""The paper's configuration: 105 × 105 pixels, 48 maps, 8 layers of 7 components, 8,000 steps; a stopped run goes on."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.allocation.plan import PLAN
from benchmarks.allocation.rows import learn, settings_of, training_of
from senpath.methods.allocation import Training
from senpath.reproduce.jobs import Record
from senpath.store.files import write_atomic

SAVE_SECONDS = 300.0
"""Between two checkpoints."""


def run(folder: Path, row: str, seed: int, device: str) -> None:
    """Train a row, and record its test errors in `<row>-<seed>.jsonl`; nothing is done where that is there."""
    file = folder / f"{row}-{seed}.jsonl"
    if file.exists():
        print(f"{file} is there already", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    records: list[Record] = []
    with torch.no_grad():
        torch.empty(0, device=device)  # one that is not there says so at once
    learn("full", row, seed, folder, records.append, device=device, run=partial(_run, folder / f"{row}-{seed}"))
    write_atomic(file, "".join(json.dumps(record) + "\n" for record in records).encode())
    print(f"{row}, seed {seed}: mean test error {100 * sum(record['error'] for record in records) / len(records):.2f} %", flush=True)


def measure(folder: Path, row: str, seed: int, device: str, steps: int) -> None:
    """Print how long a step takes, and what that comes to; the first step is not counted."""
    experiment = PLAN["full"]
    found = list(experiment.tasks(seed))
    training = training_of(found, settings_of(experiment, row, seed, folder, found), torch.device(device))
    training.run(until=1)
    _wait(device)
    start = time.perf_counter()
    training.run(until=1 + steps)
    _wait(device)
    each = (time.perf_counter() - start) / steps
    total = experiment.settings["steps"] * each
    every = experiment.settings["validate_every"]
    print(
        f"{row} on {device}: {each:.2f} s for a step of {len(found)} tasks, {total / 3600:.1f} h for all {experiment.settings['steps']:,},"
    )
    print(f"beside a validation every {every} steps", flush=True)


def _run(folder: Path, training: Training, what: str) -> None:
    """Train to the end, saving now and then."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{what.replace('/', '_')}.pt"
    if file.exists():
        training.restore(torch.load(file, map_location="cpu", weights_only=True))
        print(f"{what}: goes on from step {training.step}", flush=True)
    end, saved = PLAN["full"].settings["steps"], time.monotonic()
    while training.step < end:
        training.run(until=training.step + 1)
        if time.monotonic() - saved > SAVE_SECONDS or training.step == end:
            _save(file, training.state())
            saved = time.monotonic()
            told = f", validation {100 * training.checks[-1].quality:.2f} %" if training.checks else ""
            print(f"{what}: step {training.step} of {end}{told}", flush=True)


def _save(file: Path, state: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = file.with_suffix(".part")
    with part.open("wb") as open_file:
        torch.save(state, open_file)
        open_file.flush()
        os.fsync(open_file.fileno())
    part.replace(file)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
