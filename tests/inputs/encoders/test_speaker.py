"""The encoder of voices."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.errors import MissingExtraError, StoreError
from senpath.inputs.encoders.speaker import Speaker
from senpath.testing import check_encoder
from senpath.types import Audio
from tests.raising import raises_error

REFERENCE = {4: 0.0598, 7: 0.0349, 9: 0.1430, 10: 0.1499, 11: 0.0728, 12: 0.0297}
"""Some numbers of a sound's mean voice, as Resemblyzer 0.1.4's own model and spectra give them."""


@pytest.fixture
def speaker() -> Speaker:
    if find_spec("resemblyzer") is None:
        pytest.skip("needs Resemblyzer")
    return Speaker()


def glide() -> np.ndarray:
    time = np.arange(20_000) / 16_000
    return np.tile(np.sin(2 * np.pi * (200 * time + 300 * time**2)) * (1 + np.sin(2 * np.pi * 4 * time)) / 2, 2)


def test_the_numbers_are_those_of_the_package_s_model(speaker: Speaker) -> None:
    sounds = [Audio(glide(), 16_000)]
    (vector,) = speaker.encode(sounds, speaker.define(sounds))
    numbers = torch.nn.functional.normalize(vector, dim=0)
    want = torch.tensor([*REFERENCE.values()])
    # The length is the mean voice's, not 1, so proportions are compared.
    assert torch.allclose(numbers[[*REFERENCE]] / numbers[10], want / REFERENCE[10], atol=2e-3)


@pytest.mark.slow("encodes some two hundred recordings")
def test_it_keeps_what_networks_rely_on(speaker: Speaker) -> None:
    time = np.arange(1000) / 8000
    assert check_encoder(speaker, [Audio(np.sin(hertz * time), 8000) for hertz in (900, 3000)]).shape == (256,)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    sounds = [Audio(glide(), 16_000)] * 4
    with raises_error(MissingExtraError, "encoder 'speaker'", got="not installed", do="pip install --no-deps Resemblyzer"):
        sp.Network(encoders={"audio": "speaker"}).learn("who", sounds, [0, 1, 0, 1])


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "resemblyzer"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pretrained.pt").write_bytes(bytes(17_090_379))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with raises_error(StoreError, "pretrained.pt", expected="hash 39373b86598f", do="Install its package anew"):
        Speaker()
