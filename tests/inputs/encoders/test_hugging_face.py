"""Encoders that are models as the Hugging Face hub has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.errors import InputError
from senpath.types import Audio

Pictures = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"epochs": 60, "hidden": 16}


def test_a_model_as_the_hub_has_texts(hub: Path) -> None:
    y = np.arange(20) % 2
    x = [("abba " if label else "zyx ") * (1 + place % 3) for place, label in enumerate(y)]
    net = sp.Network(encoders={"text": f"hf:{hub / 'text'}"})
    net.learn("two", x, y, **QUICK)
    assert (net.predict(x, task="two").label == y).all()
    lengths = net.encode(x).batches[0].inputs.norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((20,), 4.0))  # √16
    # Texts of unlike length do not see the padding of their neighbours.
    alone = torch.cat([net.encode([text]).batches[0].inputs for text in x])
    torch.testing.assert_close(net.encode(x).batches[0].inputs, alone, atol=1e-5, rtol=1e-5)


def test_a_model_as_the_hub_has_images(hub: Path, colours: Pictures) -> None:
    (x, y) = colours
    net = sp.Network(encoders={"image": f"hf:{hub / 'image'}"})
    net.learn("colours", x, y, **QUICK)
    assert net.view.manifest.types["image"].data_type.shape == (16,)
    assert (net.predict(x, task="colours").label == y).mean() > 0.9


def test_a_model_as_the_hub_has_sounds(hub: Path) -> None:
    random = np.random.default_rng(0)
    y = np.arange(12) % 2
    x = [
        Audio(random.normal(size=4000 + 100 * place) * (1 if label else np.linspace(0, 1, 4000 + 100 * place) ** 9), 8000)
        for place, label in enumerate(y)
    ]
    net = sp.Network(encoders={"audio": f"hf:{hub / 'audio'}"})
    net.learn("two", x, y, **QUICK)
    assert net.view.manifest.types["audio"].data_type.shape == (16,)
    assert net.view.manifest.types["audio"].data_type.options["reads"]["options"] == {"rate": 8000}


def test_no_model_there(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"encoder 'hf:.*': expected a model of the Hugging Face hub with safetensors"):
        sp.Network(encoders={"text": f"hf:{tmp_path}"}).learn("a", ["x", "y"], [0, 1])
    with pytest.raises(InputError, match=r"expected a modality of text, image, audio, got 'table'"):
        sp.Network(encoders={"table": "hf:anything"}).learn("a", [[1.0], [2.0]], [0, 1])


def test_weights_in_pickled_files_are_not_read(hub: Path, tmp_path: Path) -> None:
    for file in (hub / "text").iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"expected a model of the Hugging Face hub with safetensors"):
        sp.Network(encoders={"text": f"hf:{tmp_path}"}).learn("a", ["x", "y"], [0, 1])
