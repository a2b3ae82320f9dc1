"""The speech embedding as an encoder, and what sounds like speech."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.data import available, few_shot, load
from senpath.data.speech import RATE, say_digits
from senpath.errors import MissingExtraError, StoreError
from senpath.inputs.encoders import AUTO, missing
from senpath.inputs.encoders.speech import SPEECH, WEIGHTS, Speech, speech_and_statistics, speech_spectra
from senpath.inputs.modalities import is_speech, split_by_modality
from senpath.testing import ConstantMethod, check_encoder
from senpath.types import Audio
from tests.raising import raises_error

SLOW = pytest.mark.slow("encodes some two hundred recordings")
Spoken = tuple[list[Audio], np.ndarray]
REFERENCE = {
    0: (-15.909, 37.182, 1.825, -27.022, 13.788),
    2: (-7.873, 28.824, -8.105, -27.821, 15.287),
    5: (-2.607, 26.434, -11.207, -23.019, 19.097),
}
"""Numbers 0, 1, 2, 40 and 95 of windows of `glide`, as the package's two models answer in Google's interpreter (ai-edge-litert 2.3.0)."""


@pytest.fixture(scope="module")
def speech() -> Speech:
    return Speech()


@pytest.fixture(scope="module")
def spoken() -> dict[str, Spoken]:
    """Digits of a synthesiser; none of the voices of the test is in training."""
    parts = {}
    for split, count in (("train", 5), ("test", 3)):
        sounds, digits = say_digits(split, count, seed=3)
        parts[split] = [Audio(samples.astype(np.float32) / 32768, RATE) for samples in sounds], digits
    return parts


def glide() -> np.ndarray:
    time = np.arange(20_000) / 16_000
    return 8000 * np.sin(2 * np.pi * (200 * time + 300 * time**2)) * (1 + np.sin(2 * np.pi * 4 * time)) / 2


def test_the_numbers_are_those_of_the_package_s_models(speech: Speech) -> None:
    spectra = speech_spectra(torch.from_numpy(glide().astype(np.float32))[None])
    assert spectra.shape == (1, 122, 32)
    answers = speech.module(spectra)[0]
    assert answers.shape == (6, 96)
    for window, numbers in REFERENCE.items():
        assert answers[window, [0, 1, 2, 40, 95]].tolist() == pytest.approx(numbers, abs=2e-3)


@pytest.mark.parametrize(("encoder", "size"), [(Speech, 384), pytest.param(speech_and_statistics, 640, marks=SLOW)])
def test_it_keeps_what_networks_rely_on(encoder: Callable[[], Speech], size: int) -> None:
    time = np.arange(1000) / 8000
    assert check_encoder(encoder(), [Audio(np.sin(hertz * time), 8000) for hertz in (900, 3000)]).shape == (size,)


def test_neither_loudness_nor_rate_nor_length_is_what_is_heard(speech: Speech) -> None:
    wave = glide() / 8000
    sounds = [Audio(wave, 16_000), Audio(wave * 0.01, 16_000), Audio(np.repeat(wave, 2), 32_000), Audio(np.tile(wave, 3), 16_000)]
    plain, quiet, fast, long = speech.encode(sounds, speech.define(sounds))
    assert torch.allclose(plain, quiet, atol=1e-3)
    near, far = ((plain - other).square().mean() for other in (fast, long))
    assert near < 0.05
    assert far < 0.5


def test_what_cannot_be_heard_is_no_error(speech: Speech) -> None:
    sounds = [Audio(np.zeros(8000), 8000), Audio(np.ones(1), 8000), Audio(np.zeros(8000) + 1e-38, 8000)]
    assert bool(torch.isfinite(speech.encode(sounds, speech.define(sounds))).all())


def test_strangers_are_understood(spoken: dict[str, Spoken]) -> None:
    (x, y), (test_x, test_y) = spoken["train"], spoken["test"]
    net = sp.Network(encoders=AUTO)
    learned = net.learn("digits", x, y, epochs=40, hidden=16)
    assert learned.read_as == "these sound like speech, which decided how sounds are read"
    assert net.encoders == {"audio": SPEECH}
    assert (net.predict(test_x, task="digits").label == test_y).mean() >= 0.85


@pytest.mark.parametrize("lenient", [False, True])
def test_sources_that_no_example_is_of_are_refused_less_where_they_are_to_be_expected(lenient: bool) -> None:
    random = np.random.default_rng(0)
    encoder = sp.TorchEncoder("rows", "table", torch.nn.Identity())
    encoder.strangers = lenient
    classes, sources = random.normal(size=(2, 1, 1, 12)), random.normal(size=(1, 6, 1, 12))
    rows = 2 * classes + sources + 0.1 * random.normal(size=(2, 6, 40, 12))
    net = sp.Network(encoders={"table": encoder})
    net.learn("two", rows[:, :5].reshape(-1, 12), np.arange(2).repeat(200), method=ConstantMethod())
    assert net.view.types[net.tasks["two"].data_type].strangers == lenient
    refused = np.mean([task is None for task in net.predict(rows[:, 5].reshape(-1, 12)).task])
    assert refused < 0.1 if lenient else refused > 0.9
    assert all(task is None for task in net.predict(rows[0, :3, 0] + 20).task)


def test_speech_is_told_from_noises_and_tones(spoken: dict[str, Spoken]) -> None:
    random, time = np.random.default_rng(0), np.arange(16_000) / 16_000
    assert is_speech(spoken["train"][0])
    assert is_speech(spoken["test"][0])
    assert not is_speech([Audio(random.normal(size=16_000) * 0.1, 16_000) for _ in range(3)])
    assert not is_speech([Audio(np.sin(2 * np.pi * hertz * time), 16_000) for hertz in (110, 220, 330)])
    assert not is_speech([Audio(np.zeros(4000), 16_000)])


@pytest.mark.skipif(not any(known.name == "esc10" and known.present for known in available()), reason="needs ESC-10 in SENPATH_DATA")
@pytest.mark.slow("reads eighty recordings of five seconds")
def test_noises_of_the_world_and_real_voices() -> None:
    digits, noises = load("speech", "test"), load("esc10", "test")
    for (x, y), name, size in ((digits, SPEECH, 384), (noises, "speech-and-statistics", 640)):
        net, chosen = sp.Network(encoders=AUTO), few_shot(x, y, 5, seed=0)
        assert is_speech(x) == (name == SPEECH)
        net.learn("sounds", [x[place] for place in chosen], y[chosen], epochs=20, hidden=16)
        assert net.encoders == {"audio": name}
        assert net.view.types["audio"].shape == (size,)


def test_without_the_package_sounds_are_read_as_far_as_possible(spoken: dict[str, Spoken], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopen_wakeword", None)  # as an installation without the extra looks from inside
    noise = [Audio(np.random.default_rng(place).normal(size=4000) * 0.1, 8000) for place in range(4)]
    with raises_error(MissingExtraError, "encoder 'speech'", got="not installed", do="pip install 'senpath[speech]'"):
        Speech()
    for sounds, encoder, better in ((spoken["test"][0], None, "speech"), (noise, "sound-statistics", "speech-and-statistics")):
        (group,) = split_by_modality(sounds)
        assert missing(group) == (better, "speech")
        assert sp.Network(encoders=AUTO).view.data_type(group).encoder == encoder


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_spec("pyopen_wakeword")
    assert real is not None
    assert real.origin is not None
    content = bytearray((Path(real.origin).parent / WEIGHTS).read_bytes())
    content[500_000] ^= 1
    package = tmp_path / "pyopen_wakeword"
    (package / WEIGHTS).parent.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    for damaged in (bytes(content), b"", bytes(2_000_000)):
        (package / WEIGHTS).write_bytes(damaged)
        with raises_error(StoreError, "embedding_model.tflite", expected="hash c0aea21eb84a", do="Install its package anew"):
            Speech()
