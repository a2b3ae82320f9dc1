"""Experiments of hours or days, one row and seed at a time: the paper's configuration, and a smaller one. A stopped run goes on."""

import io
import json
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.allocation.rows import PLAN, learn, settings_of, training_of
from benchmarks.harness.jobs import name_of
from senpath.methods.allocation import Training
from senpath.store.files import write_atomic

SAVE_SECONDS = 300.0
"""Between two checkpoints."""


def run(name: str, folder: Path, row: str, seed: int, device: str) -> None:
    """Train a row, and record its test errors in `<seed>-<row>.jsonl`; nothing is done where that is there."""
    file = folder / f"{name_of({'seed': seed, 'row': row})}.jsonl"
    if file.exists():
        print(f"{file} is there already", flush=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.empty(0, device=device)  # one that is not there says so at once
    figures = learn(name, seed, row, folder.parent, device=device, run=partial(_run, folder / f"{row}-{seed}"))
    records = [{"seed": seed, "row": row, **record} for record in figures]
    write_atomic(file, "".join(json.dumps(record) + "\n" for record in records).encode())
    print(f"{row}, seed {seed}: mean test error {100 * sum(record['error'] for record in records) / len(records):.2f} %", flush=True)


def measure(name: str, folder: Path, row: str, seed: int, device: str, steps: int) -> None:
    """Print how long a step takes, and what that comes to; the first step is not counted."""
    experiment, wait = PLAN[name], torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    tasks = list(experiment.tasks(seed))
    training = training_of(tasks, settings_of(experiment, row, seed, folder, tasks), torch.device(device))
    training.run(until=1)
    wait()
    start = time.perf_counter()
    training.run(until=1 + steps)
    wait()
    each = (time.perf_counter() - start) / steps
    total, every = experiment.settings["steps"], experiment.settings["validate_every"]
    print(f"{row} on {device}: {each:.2f} s for a step of {len(tasks)} tasks, {total * each / 3600:.1f} h for all {total:,},")
    print(f"beside a validation every {every} steps", flush=True)


def _run(folder: Path, training: Training, what: str) -> None:
    """Train to the end, saving now and then."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{what.replace('/', '_')}.pt"
    if file.exists():
        training.restore(torch.load(file, map_location="cpu", weights_only=True))
        print(f"{what}: goes on from step {training.step}", flush=True)
    end, saved = training.settings.steps, time.monotonic()
    while training.step < end:
        training.run(until=training.step + 1)
        if time.monotonic() - saved > SAVE_SECONDS or training.step == end:
            torch.save(training.state(), state := io.BytesIO())
            write_atomic(file, state.getvalue())
            saved = time.monotonic()
            told = f", validation {100 * training.checks[-1].quality:.2f} %" if training.checks else ""
            print(f"{what}: step {training.step} of {end}{told}", flush=True)
