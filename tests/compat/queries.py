"""What is asked of a kept network, and how its answers are written down; shared by what makes the networks and what tests them."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import senpath as sp

SOUND_RATE = 8000
"""Samples per second, hertz."""
ENCODER = "means of bands"
"""The encoder of sounds that the network "sen" has."""
ENCODED = {"sen"}
"""Networks that read sounds with it."""

Inputs = Mapping[str, np.ndarray]
Texts = dict[str, Any]
Numbers = dict[str, np.ndarray]


def encoders_of(name: str) -> dict[str, Any] | None:
    """The encoders with which a kept network has to be opened: a module without weights, where it has one of its own."""
    return {"audio": sp.TorchEncoder(ENCODER, "audio", nn.AdaptiveAvgPool2d((1, 8)))} if name in ENCODED else None


def items(modality: str, stored: np.ndarray) -> Any:
    """Inputs as `predict` takes them."""
    if modality == "audio":
        return [sp.Audio(samples, SOUND_RATE) for samples in stored]
    return stored.tolist() if modality == "text" else stored


def modality_of(name: str) -> str:
    """Inputs are kept under their modality, or the modality, a space, and what they are: "table wine"."""
    return name.split(" ")[0]


def ask(net: sp.Network, inputs: Inputs, tasks: Mapping[str, str], concept: str | None = None) -> tuple[Texts, Numbers]:
    """A network's answers to every task with the task given, to all inputs without, and of a concept to all its senses together.

    Args:
        inputs: by name, see `modality_of`.
        tasks: for each task the name of the inputs that it is asked.
        concept: its tasks read "image" and "table".

    Returns:
        By question, what has to be equal, as JSON values, and floating-point numbers.
    """
    texts, numbers = Texts(), Numbers()

    def note(question: str, prediction: Any) -> None:
        texts[f"{question}: label"], numbers[f"{question}: numbers"] = plain(prediction.label)
        numbers[f"{question}: confidence"] = prediction.confidence

    for task, name in tasks.items():
        prediction = net.predict(items(modality_of(name), inputs[name]), task=task)
        note(task, prediction)
        if task in prediction.probabilities:
            numbers[f"{task}: probabilities"] = prediction.probabilities[task]
    for name in sorted({*tasks.values()}):
        prediction = net.predict(items(modality_of(name), inputs[name]))
        note(f"any task, {name}", prediction)
        texts[f"any task, {name}: task"] = list(prediction.task)
        for task in sorted(prediction.probabilities):
            numbers[f"any task, {name}: probabilities of {task}"] = prediction.probabilities[task]
    if concept is not None:
        together = net.predict({sense: items(sense, inputs[sense]) for sense in ("image", "table")}, concept=concept)
        note(f"concept {concept}", together)
    return texts, numbers


def plain(labels: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Labels as JSON values, and the floating-point numbers among them, (n, numbers); these are left out of the former."""
    rows = [label if isinstance(label, tuple) else (label,) for label in labels]
    floats = [[value for value in row if isinstance(value, float)] for row in rows]
    most = max(map(len, floats))
    padded = [row + [np.nan] * (most - len(row)) for row in floats]
    exact = [[value.item() if isinstance(value, np.generic) else value for value in row if not isinstance(value, float)] for row in rows]
    return exact, np.array(padded, dtype=np.float64).reshape(len(rows), most)


def fingerprint() -> dict[str, str]:
    """What decides how floating-point numbers are rounded: where it is equal, answers are equal to the last bit."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "processor": processor,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def write(path: Path, inputs: Inputs, tasks: Mapping[str, str], concept: str | None, answers: tuple[Texts, Numbers]) -> None:
    """Keep inputs and answers in an .npz file."""
    about = {"tasks": dict(tasks), "concept": concept, "texts": answers[0], "fingerprint": fingerprint()}
    arrays = {f"input {name}": values for name, values in inputs.items()} | {
        f"answer {name}": values for name, values in answers[1].items()
    }
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], Numbers]:
    """What was kept: tasks, concept, texts and fingerprint; inputs; numbers."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "about"}
        about = json.loads(file["about"].item())
    inputs, numbers = (
        {name.removeprefix(first): values for name, values in arrays.items() if name.startswith(first)} for first in ("input ", "answer ")
    )
    return about, inputs, numbers
