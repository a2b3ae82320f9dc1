"""Encoders that are models as the Hugging Face hub has them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.encoders.registry import make_encoder
from senpath.types import Audio
from tests.raising import raises_error

Pictures = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"model": "mlp", "epochs": 60, "hidden": 16}


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


def copied(hub: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(hub / "text", tmp_path / "model"))


def test_a_network_loads_no_model_that_only_it_names(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"hf:{hub / 'text'}"
    net = sp.Network(tmp_path / "net", encoders={"text": name})
    net.learn("two", ["abba", "zyx"] * 4, [0, 1] * 4, hidden=2, epochs=1)
    given = sp.Network(net.path)
    with raises_error(InputError, "which the network names", expected="an encoder that you name too", do=f"encoders={{'text': {name!r}}}"):
        given.predict(["abba"])
    assert len(sp.Network(net.path, encoders={"text": name}).predict(["abba"])) == 1
    monkeypatch.setenv("SENPATH_ENCODERS", f"hf:another,{name}")
    assert len(sp.Network(net.path).predict(["abba"])) == 1


def test_code_that_comes_with_a_model_is_neither_run_nor_asked_about(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, marker = copied(hub, tmp_path), tmp_path / "ran"
    (folder / "mine.py").write_text(f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nclass Mine: pass\n")
    for name, places in (("config.json", {"AutoModel": "mine.Mine", "AutoConfig": "mine.Mine"}), ("tokenizer_config.json", {})):
        config = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        places = places or {"AutoTokenizer": ["mine.Mine", None]}
        (folder / name).write_text(json.dumps({**config, "model_type": "mine", "auto_map": places}))
    monkeypatch.setattr("builtins.input", lambda *asked: pytest.fail(f"asked {asked}"))
    with raises_error(InputError, "encoder 'hf:", expected="a model of the Hugging Face hub"):
        sp.Network(encoders={"text": f"hf:{folder}"}).learn("a", ["x", "y"], [0, 1])
    assert not marker.exists()


def test_weights_that_a_model_lacks(hub: Path, tmp_path: Path) -> None:
    """A pooler that nothing of the answer needs is left out, the same at each load; without anything else there is no model."""
    folder = copied(hub, tmp_path)
    weights = folder / "model.safetensors"
    whole = load_file(weights)
    assert any(name.startswith("pooler.") for name in whole)
    save_file({name: value for name, value in whole.items() if not name.startswith("pooler.")}, weights, {"format": "pt"})
    first, again = (make_encoder(f"hf:{folder}", "text") for _ in range(2))
    assert first.sha256 == again.sha256
    save_file({name: value for name, value in whole.items() if "attention.self.query" not in name}, weights, {"format": "pt"})
    with raises_error(InputError, "encoder 'hf:", expected="a model that has all of its weights", got="query"):
        make_encoder(f"hf:{folder}", "text")
