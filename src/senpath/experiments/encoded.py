"""Examples as a network or a pretrained encoder has read them, kept in files: encoding takes long, and is done once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.store.files import write_atomic
from senpath.tasks import Classification
from senpath.types import DataType, Examples


def write_examples(file: Path, parts: Mapping[str, Examples], *, numbers: type = np.float32, **about: Any) -> None:
    """Keep examples of one task, inputs and targets as they are.

    Args:
        file: .npz.
        parts: such as "train" and "test"; of the same type of data and classes.
        numbers: as which inputs are kept.
        about: what is kept beside; JSON values.

    Raises:
        InputError: if the parts have different classes.
    """
    first = next(iter(parts.values()))
    if any(examples.classes != first.classes for examples in parts.values()):
        raise InputError(f"parts of {file}", expected="the same classes", got="others")
    text = json.dumps({**about, "type": asdict(first.data_type), "classes": first.classes, "kind": first.kind})
    arrays: dict[str, Any] = {f"{name}_x": examples.inputs.numpy().astype(numbers) for name, examples in parts.items()}
    arrays |= {f"{name}_y": examples.targets.numpy() for name, examples in parts.items()}
    part_file = file.with_suffix(".part.npz")
    part_file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(part_file, about=np.array(text), **arrays)
    write_atomic(file, part_file.read_bytes())
    part_file.unlink()


def read_examples(file: Path) -> tuple[dict[str, Examples], dict[str, Any]]:
    """The parts, and what was kept beside."""
    with np.load(file, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        data_type = DataType(about["type"]["modality"], tuple(about["type"]["shape"]), about["type"]["options"])
        names = [name.removesuffix("_x") for name in arrays.files if name.endswith("_x")]
        parts = {}
        for name in names:
            inputs, targets = torch.from_numpy(arrays[f"{name}_x"].astype(np.float32)), torch.from_numpy(arrays[f"{name}_y"])
            parts[name] = Examples(data_type, inputs, targets, tuple(about["classes"]), about.get("kind", Classification.name))
    return parts, about
