"""Encoders of others: registered, or offered by an installed package; and what `check_encoder` finds."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raising import raises_error
from torch import nn

import senpath as sp
from senpath.cli.main import main
from senpath.errors import InputError, MissingExtraError
from senpath.inputs import encoders
from senpath.inputs.encoders import ENCODERS, Encoder, known_encoders
from senpath.inputs.encoders.frames import EFFICIENTNET_FRAMES, FrameEncoder
from senpath.inputs.encoders.registry import make_encoder
from senpath.inputs.modalities import MODALITIES
from senpath.testing import check_encoder
from tests.inputs.encoders.conftest import Counting, Letters

TOY = '''
"""The mean of each colour."""

from torch import nn

from senpath import DataType
from senpath.inputs.encoders import Encoder
from senpath.inputs.modalities import MODALITIES


class Colours(Encoder):
    def __init__(self):
        super().__init__("toy-colours", "image", nn.Identity(), unit=False)

    def input_type(self, items):
        return DataType("image", (3, 8, 8))

    def run(self, items, inputs):
        return MODALITIES["image"].encode(items, inputs).mean((2, 3))


def other_name():
    return Colours()


number = 3
'''
QUICK: dict[str, Any] = {"model": "mlp", "epochs": 20, "hidden": 8}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The metadata of an installed package that offers an encoder "toy-colours", and others that are wrong."""
    folder = tmp_path / "site"
    information = folder / "toy_encoders-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "toy_encoders.py").write_text(TOY)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-encoders\nVersion: 1.0\n")
    places = {"toy-colours": "Colours", "renamed": "other_name", "number": "number", "absent": "Absent"}
    lines = [f"{name} = toy_encoders:{place}" for name, place in places.items()]
    (information / "entry_points.txt").write_text("\n".join(["[senpath.encoders]", *lines, "broken = no_such_module:X"]))
    monkeypatch.syspath_prepend(str(folder))
    yield information
    sys.modules.pop("toy_encoders", None)


@pytest.fixture
def registry() -> Iterator[None]:
    """What a test registers is forgotten after it."""
    before = dict(ENCODERS)
    yield
    ENCODERS.clear()
    ENCODERS.update(before)


def test_an_installed_package_offers_an_encoder(toy: Path, tmp_path: Path, colours: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = colours
    assert "toy_encoders" not in sys.modules
    assert known_encoders()[-5:] == ["toy-colours", "renamed", "number", "absent", "broken"]
    net = sp.Network(tmp_path / "net", encoders={"image": "toy-colours"})
    net.learn("colours", x, y, **QUICK)
    again = sp.Network(tmp_path / "net")
    assert (again.predict(x, task="colours").label == y).all()
    assert again.encoders == {"image": "toy-colours"}
    again.verify()
    shutil.rmtree(toy)
    with raises_error(MissingExtraError, "encoder 'toy-colours'", expected="the package toy-encoders", got="not installed"):
        sp.Network(tmp_path / "net").predict(x)


def test_the_command_line_finds_it_too(toy: Path, tmp_path: Path, colours: tuple[np.ndarray, np.ndarray]) -> None:
    np.savez(tmp_path / "data.npz", x=colours[0], y=colours[1])
    with pytest.raises(SystemExit, match="0"):
        main(["learn", str(tmp_path / "net"), "task", str(tmp_path / "data.npz"), "--encoder", "toy-colours"])
    assert sp.Network(tmp_path / "net").encoders == {"image": "toy-colours"}


@pytest.mark.parametrize(
    ("name", "what", "expected", "got"),
    [
        ("renamed", "encoder 'renamed'", "an encoder of this name", "one that is called 'toy-colours'"),
        ("number", "encoder 'number'", "a subclass of senpath.inputs.encoders.Encoder", "3"),
        ("absent", "encoder 'toy_encoders:Absent'", "a name that the module toy_encoders has", "'Absent'"),
        ("broken", "encoder 'no_such_module:X'", "a module that can be imported", "ModuleNotFoundError"),
        ("unknown", "encoder 'unknown'", "one that is given when the network is opened", "none"),
    ],
)
def test_what_is_offered_and_is_none(toy: Path, name: str, what: str, expected: str, got: str) -> None:
    with raises_error(InputError, re.compile(f"^{re.escape(what)}$"), expected=expected, got=got):
        make_encoder(name, "image")


def test_of_another_modality(toy: Path) -> None:
    with raises_error(InputError, "encoder for 'text'", expected="one that reads text", got="one that reads image"):
        sp.Network(encoders={"text": "toy-colours"}).learn("t", ["a", "b"], [0, 1])


def mine() -> sp.TorchEncoder:
    return sp.TorchEncoder("mine", "table", Counting(3))


def test_an_encoder_is_registered(registry: None, tmp_path: Path) -> None:
    encoders.register("mine", "table", mine)
    encoders.register("mine", "table", mine)  # once more is no mistake
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    sp.Network(tmp_path / "net", encoders={"table": "mine"}).learn("rows", x, y, **QUICK)
    assert len(sp.Network(tmp_path / "net").predict(x)) == 20
    with raises_error(InputError, "name of an encoder 'minilm'", expected="a new one"):
        encoders.register("minilm", "text", mine)
    with raises_error(InputError, "name of an encoder", expected="does not begin with 'hf:'", got="'hf:mine'"):
        encoders.register("hf:mine", "table", mine)
    with raises_error(InputError, "modality of the encoder", expected="one of image, audio", got="'smell'"):
        encoders.register("new", "smell", mine)
    with raises_error(InputError, "encoder 'new'", expected="a function or class that makes it", got="3"):
        encoders.register("new", "table", 3)  # type: ignore[arg-type]


def test_a_package_that_is_none_is_not_advised(toy: Path, tmp_path: Path, colours: tuple[np.ndarray, np.ndarray]) -> None:
    folder = tmp_path / "net"
    net = sp.Network(folder, encoders={"image": "toy-colours"})
    net.learn("colours", *colours, **QUICK)
    options = net.view.manifest.types["image"].data_type.options
    options["encoder"]["package"] = "x; rm -rf ~"
    with pytest.raises(ValueError, match=r"types\.image"):
        net.learn("more", *colours, **QUICK)


PHOTOGRAPHS = ("efficientnet-lite0", "efficientnet-lite0-frames", "efficientnet-lite0-tokens")
NETWORKS = (*PHOTOGRAPHS, "minilm", "minilm-tokens", "multilingual-e5-small")
LARGE = dict.fromkeys(NETWORKS, pytest.mark.slow("a large network"))


@pytest.mark.parametrize("name", [pytest.param(name, marks=LARGE.get(name, ())) for name in ENCODERS])
def test_built_in_encoders_keep_their_promises(name: str) -> None:
    try:
        encoder = ENCODERS[name][1]()
    except MissingExtraError as error:
        pytest.skip(error.message)
    if name == EFFICIENTNET_FRAMES:  # a large network for every frame: two are checked, and of eight what comes out
        assert encoder.define(np.zeros((1, 9, 50, 60, 3), np.uint8)).shape == (8, 1280)
        encoder = FrameEncoder(name, ENCODERS["efficientnet-lite0"][1](), frames=2)
    data_type = check_encoder(encoder)
    assert data_type.encoder == name
    assert data_type.modality == ENCODERS[name][0]


@pytest.mark.parametrize("modality", ["image", "audio", "text", "table"])
def test_any_module_keeps_them(modality: str) -> None:
    sizes = {"image": 3 * 8 * 8, "audio": 30 * 64, "table": 3}
    module = Letters() if modality == "text" else Linear(sizes[modality])
    shape = (3, 8, 8) if modality == "image" else None
    items = ["abba", "zyx", "why do birds sing"] if modality == "text" else None
    check_encoder(sp.TorchEncoder("mine", modality, module, shape=shape), items)


def test_models_of_the_hub_keep_them(hub: Path) -> None:
    for modality in ("text", "image", "audio"):
        check_encoder(make_encoder(f"hf:{hub / modality}", modality))


class Linear(nn.Module):
    """A linear map to 12 numbers of as many values as come, or fewer."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, 12, generator=torch.Generator().manual_seed(0)))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        values = inputs.flatten(1)[:, : len(self.weight)]
        return values @ self.weight[: values.shape[1]]


class Toy(Encoder):
    """Grey pictures to four numbers, by a function that a test breaks."""

    def __init__(self, change: Callable[[torch.Tensor], Any], **options: Any) -> None:
        super().__init__("toy", "image", nn.Linear(64, 4), **options)
        self.change = change

    def input_type(self, items: Any) -> sp.DataType:
        return sp.DataType("image", (1, 8, 8))

    def run(self, items: Any, inputs: sp.DataType) -> torch.Tensor:
        answer: torch.Tensor = self.change(self.module(MODALITIES["image"].encode(items, inputs).flatten(1)))
        return answer


class Lenient(Toy):
    """Reads what is no picture as black."""

    def run(self, items: Any, inputs: sp.DataType) -> torch.Tensor:
        pictures = [np.nan_to_num(np.asarray(item, dtype=np.float32)) for item in items]
        return super().run([np.clip(picture / 255, 0, 1) for picture in pictures], inputs)


@pytest.mark.parametrize(
    ("encoder", "promise"),
    [
        (Toy(lambda answer: answer - answer.mean(0), unit=False), "the same answer to an input whatever is beside it"),
        (Toy(torch.ones_like), "different inputs have different answers"),
        (Toy(lambda answer: answer + torch.rand(()) * 0, unit=False), "it draws no random numbers"),
        (Toy(lambda answer: answer * 0), "vectors have a root mean square of 1|different inputs"),
        (Toy(lambda answer: torch.stack([answer * 0, answer], 1), tokens=True), "every input has a token"),
        (Toy(lambda answer: torch.stack([answer, answer * 0, answer], 1), tokens=True), "behind the first row of zeros there is no token"),
        (Lenient(lambda answer: answer), "is refused by an InputError"),
    ],
)
def test_a_broken_promise_is_named(encoder: Encoder, promise: str) -> None:
    with pytest.raises((AssertionError, sp.InputError), match=promise):
        check_encoder(encoder)
