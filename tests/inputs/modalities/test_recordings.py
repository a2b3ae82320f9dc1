"""Recordings come out as log-mel spectra that do not depend on how loud or at which rate they were taken."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

import senpath as sp
from senpath.errors import InputError, SenpathWarning
from senpath.inputs.modalities import MODALITIES, split_by_modality
from senpath.testing import ConstantMethod
from senpath.types import Audio, DataType
from tests.raising import raises_error

AUDIO = MODALITIES["audio"]
KIND = DataType("audio", (20, 64), {"rate": 8000})


def tone(rate: int = 8000, seconds: float = 0.6, seed: int = 0) -> np.ndarray:
    """A chord of five tones below 3 kHz that fades, with a little noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(rate * seconds)) / rate
    waves = [np.sin(2 * np.pi * pitch * time + phase) for pitch, phase in random.uniform([200, 0], [3000, 6], (5, 2))]
    return (np.sum(waves, 0) * np.exp(-2 * time) / 10).astype(np.float32)


def encode(*recordings: Audio) -> torch.Tensor:
    return AUDIO.encode(list(recordings), KIND)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.01, 3.0), st.integers(0, 5))
def test_loudness_does_not_matter(gain: float, seed: int) -> None:
    samples = tone(seed=seed)
    loud, quiet = encode(Audio(samples, 8000), Audio((samples * gain).astype(np.float32), 8000))
    torch.testing.assert_close(quiet, loud, rtol=0, atol=1e-3)


@pytest.mark.parametrize("rate", [16_000, 44_100, 11_025])
def test_the_rate_of_the_recording_does_not_matter(rate: int) -> None:
    high = tone(rate)
    low = resample_poly(high, 8000, rate).astype(np.float32)
    at_rate, at_8k = encode(Audio(high, rate), Audio(low, 8000))
    assert (at_rate - at_8k).abs().mean() < 0.05
    assert (at_rate - encode(Audio(tone(seed=3), 8000))[0]).abs().mean() > 0.3


def test_the_shortest_way_to_the_same_spectrum() -> None:
    double = tone().astype(np.float64)
    for same in (Audio(double, 8000), Audio(double, np.int64(8000)), Audio(torch.from_numpy(double), 8000.0)):  # type: ignore[arg-type]
        torch.testing.assert_close(encode(same), encode(Audio(tone(), 8000)), rtol=0, atol=1e-4)


def test_a_short_recording_is_padded_with_silence_and_a_long_one_cut() -> None:
    short, long = tone(seconds=0.4), tone(seconds=3.0)
    padded = np.concatenate([short, np.zeros(20_000, np.float32)])
    torch.testing.assert_close(encode(Audio(short, 8000)), encode(Audio(padded, 8000)))
    hop = round(8000 * 0.04)
    torch.testing.assert_close(encode(Audio(long, 8000)), encode(Audio(long[: 20 * hop], 8000)))
    assert encode(Audio(short, 8000), Audio(long, 8000)).shape == (2, 20, 64)


@pytest.mark.parametrize("samples", [np.zeros(4000, np.float32), np.full(1, 1e-12, np.float32), np.zeros(1, np.float32)])
def test_silence_is_finite(samples: np.ndarray) -> None:
    encoded = encode(Audio(samples, 8000))
    assert torch.isfinite(encoded).all()
    assert encoded.shape == (1, 20, 64)


def test_speech_has_numbers_around_zero() -> None:
    encoded = encode(*(Audio(tone(seed=seed), 8000) for seed in range(6)))
    assert encoded.abs().max() < 5
    assert -2 < encoded.mean() < 2


def test_a_recording_does_not_see_its_neighbours() -> None:
    recordings = [Audio(tone(seed=seed, seconds=0.3 + 0.1 * seed), 8000) for seed in range(5)]
    alone = torch.cat([encode(recording) for recording in recordings])
    torch.testing.assert_close(encode(*recordings), alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("seconds", "rate", "frames", "kept"),
    [([0.4] * 5, 8000, 10, 8000), ([0.4] * 5, 44_100, 10, 16_000), ([0.01, 0.02], 8000, 4, 8000), ([9.9, 10.0], 2000, 250, 2000)],
)
def test_the_first_recordings_set_length_and_rate(seconds: list[float], rate: int, frames: int, kept: int) -> None:
    recordings = [Audio(np.zeros(max(1, round(length * rate)), np.float32), rate) for length in seconds]
    assert AUDIO.define(recordings) == DataType("audio", (frames, 64), {"rate": kept})


@pytest.mark.parametrize(("seconds", "frames", "averaged"), [(10.1, 126, 2), (30.0, 250, 3), (60.0, 250, 6)])
def test_of_recordings_up_to_a_minute_all_is_heard(seconds: float, frames: int, averaged: int) -> None:
    samples = np.zeros(round(seconds * 2000), np.float32)
    late = samples.copy()
    late[-1000:] = tone(2000, 0.5)
    kind = AUDIO.define([Audio(samples, 2000)] * 2)
    assert kind == DataType("audio", (frames, 64), {"rate": 2000, "averaged": averaged})
    silent, encoded = AUDIO.encode([Audio(samples, 2000), Audio(late, 2000)], kind)
    assert (encoded - silent)[-1].abs().max() > 1


def test_it_is_said_that_more_than_a_minute_is_not_heard() -> None:
    with pytest.warns(SenpathWarning, match="more than 60 s: what comes later in them is not heard"):
        kind = AUDIO.define([Audio(np.zeros(61_000, np.float32), 1000)] * 2)
    assert kind.shape == (250, 64)


def test_one_long_recording_does_not_set_the_length() -> None:
    recordings = [Audio(np.zeros(4000, np.float32), 8000)] * 60 + [Audio(np.zeros(80_000, np.float32), 8000)]
    assert AUDIO.define(recordings).shape == (12, 64)


def test_the_type_of_recordings_fits_into_json() -> None:
    options = AUDIO.define([Audio(tone(), np.int64(8000))]).options  # type: ignore[arg-type]
    assert type(options["rate"]) is int


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_sound_files(tmp_path: Path, ending: str) -> None:
    stereo = np.stack([tone(), tone()], 1)
    soundfile.write(tmp_path / f"a.{ending}", stereo, 8000)
    from_file, direct = AUDIO.encode([tmp_path / f"a.{ending}", Audio(tone(), 8000)], KIND)
    assert (from_file - direct).abs().mean() < (0.3 if ending == "ogg" else 0.05)


@pytest.mark.parametrize("right", [-1.0, -0.9, 0.0])
def test_channels_that_cancel_out_are_not_silence(tmp_path: Path, right: float) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), right * tone()], 1), 8000, subtype="FLOAT")
    torch.testing.assert_close(AUDIO.encode([tmp_path / "a.wav"], KIND), encode(Audio(tone(), 8000)), rtol=0, atol=1e-4)


@pytest.mark.parametrize(("subtype", "tolerance"), [("PCM_U8", 1.0), ("PCM_16", 0.05), ("PCM_24", 1e-3), ("DOUBLE", 1e-3)])
def test_how_a_file_writes_its_samples_does_not_matter(tmp_path: Path, subtype: str, tolerance: float) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 8000, subtype=subtype)
    assert (AUDIO.encode([tmp_path / "a.wav"], KIND) - encode(Audio(tone(), 8000))).abs().mean() < tolerance


def test_samples_beyond_one_are_the_same_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 32_768 * tone(), 8000, subtype="FLOAT")
    torch.testing.assert_close(AUDIO.encode([tmp_path / "a.wav"], KIND), encode(Audio(tone(), 8000)), rtol=0, atol=1e-3)


@pytest.mark.parametrize("rate", [500_000_003, 1_000_003])
def test_a_header_that_claims_any_rate_is_refused(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    with raises_error(InputError, "a.wav", expected="1,000 to 1,000,000", got=str(rate)):
        AUDIO.encode([tmp_path / "a.wav"], KIND)


def test_a_row_of_a_data_set_of_sounds() -> None:
    rows = [{"path": None, "array": tone(seed=seed), "sampling_rate": 8000} for seed in range(2)]
    (group,) = split_by_modality(rows)
    torch.testing.assert_close(AUDIO.encode(group.items, KIND), encode(*(Audio(tone(seed=seed), 8000) for seed in range(2))))


def test_rates_without_a_common_divisor() -> None:
    high, odd = tone(441_000), tone(441_001)
    assert (encode(Audio(high, 441_000)) - encode(Audio(odd, 441_001))).abs().mean() < 0.1


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (Audio(np.zeros(0, np.float32), 8000), "recording 1: expected at least one sample, got none"),
        (Audio(np.zeros(9, np.int16), 8000), r"recording 1: expected samples of shape \(time,\), floating point, got int16"),
        (Audio(np.zeros((9, 2), np.float32), 8000), r"recording 1: expected samples of shape \(time,\).*shape \(9, 2\)"),
        (Audio(np.array([0.0, np.nan], np.float32), 8000), "recording 1: expected finite samples"),
        (Audio(np.full(9, np.inf, np.float32), 8000), "recording 1: expected finite samples"),
        (Audio(np.zeros(9, np.float32), 8), "recording 1: expected a rate .*got 8"),
    ],
)
def test_what_is_no_recording_is_refused(recording: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode(Audio(tone(), 8000), recording)


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_a_file_that_is_no_sound_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.wav").write_bytes(content)
    with pytest.raises(InputError, match=r"recording .*broken.wav: expected (a readable sound file|at least one sample)"):
        AUDIO.encode([tmp_path / "broken.wav"], KIND)


def test_tensors_of_every_type_are_the_same_sound() -> None:
    tensor = torch.from_numpy(tone())
    for samples in (tensor.clone().requires_grad_(), tensor.bfloat16(), tensor.half(), tone().astype(">f4"), tone().astype(np.longdouble)):
        for rate in (8000, 16_000):
            expected = encode(Audio(tone(), rate))
            assert (encode(Audio(samples, rate)) - expected).abs().mean() < 0.3  # type: ignore[arg-type]


def test_a_name_is_no_recording() -> None:
    with raises_error(InputError, "recording 0", do="A file is given by its Path, without Audio"):
        encode(Audio("a.wav", 8000))  # type: ignore[arg-type]


def test_a_file_whose_length_was_never_written(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    length = content.index(b"data") + 4
    content[4:8] = content[length : length + 4] = b"\xff" * 4
    (tmp_path / "b.wav").write_bytes(content)
    assert torch.equal(AUDIO.encode([tmp_path / "b.wav"], KIND), AUDIO.encode([tmp_path / "a.wav"], KIND))
    content[length : length + 4] = bytes(4)
    (tmp_path / "c.wav").write_bytes(content)
    with raises_error(InputError, "c.wav", got="none, as its header says, in 9,", do="It was not finished when it was written"):
        AUDIO.encode([tmp_path / "c.wav"], KIND)


def test_it_is_said_what_is_not_heard_of_a_later_task() -> None:
    net = sp.Network()
    short, long = ([Audio(tone(seconds=seconds, seed=seed), 8000) for seed in range(4)] for seconds in (0.5, 3.0))
    high = [Audio(tone(44_100, seed=seed), 44_100) for seed in range(4)]
    net.learn("short", short, [0, 1, 0, 1], method=ConstantMethod())
    with pytest.warns(SenpathWarning, match=r"most recordings are longer than 0.48 s; what is beyond is not heard in this network"):
        net.encode_examples(long, [0, 1, 0, 1])
    with pytest.warns(SenpathWarning, match=r"most recordings are taken at more than 8,000 samples a second; what is beyond is not heard"):
        net.encode_examples(high, [0, 1, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.encode_examples([*short, long[0], high[0]], [0, 1, 0, 1, 0, 1])
        sp.Network().encode_examples(long, [0, 1, 0, 1])
