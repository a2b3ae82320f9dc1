"""Who speaks: an encoder of voices (Wan et al. 2018, "Generalized end-to-end loss for speaker verification"), whose weights are those of
Resemblyzer."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from senpath.errors import MissingExtraError, StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import MODALITIES, waves_of
from senpath.inputs.modalities.audio import LONGEST_SECONDS
from senpath.plugins import import_extra
from senpath.types import DataType

SPEAKER, SPEAKER_PACKAGE = "speaker", "resemblyzer"
INSTALL = "pip install --no-deps Resemblyzer"
"""Without what it asks for, which only its own code needs."""
BYTES = 17_090_379
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
"""Of the file of weights. It is read only if it has this size and hash, and by torch's reader that makes tensors and nothing else."""
RATE, WINDOW, HOP, MELS = 16_000, 400, 160, 40
"""Samples a second, of a frame, and from one frame to the next; and its bands."""
FRAMES, STEP = 160, 80
"""Frames that are heard at a time, 1.6 s, and from one such time to the next."""
LEAST = HOP * (FRAMES - 1)
"""Samples of one time; a shorter recording is repeated."""
LOUDNESS = 10 ** (-30 / 20)
"""Root mean square that a recording is brought to, 30 dB below the largest."""
NUMBERS = 256
BATCH = 64
"""Times that are heard together."""


@final
class Speaker(Encoder):
    """Recordings of any length to 256 numbers that say whose voice it is, whatever is said.

    Raises:
        MissingExtraError: if the package is not installed.
        StoreError: if the file of weights is another one.
    """

    def __init__(self) -> None:
        preparation = f"{RATE} hertz, {MELS} mels, {FRAMES} frames every {STEP}, {LOUDNESS:.4f}"
        super().__init__(SPEAKER, "audio", _pretrained(), preparation=preparation)

    def input_type(self, items: Any) -> DataType:
        return MODALITIES["audio"].define(items)

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        answers = []
        for wave in waves_of(items, RATE):
            times = _times(wave[: round(LONGEST_SECONDS * RATE)]).to(self.device)
            voices = torch.cat([self.module(times[start : start + BATCH]) for start in range(0, len(times), BATCH)])
            answers.append(voices.mean(0))
        return torch.stack(answers)


class _Voices(nn.Module):
    """Three layers of LSTM; spectra (n, 160, 40) become (n, 256) of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, NUMBERS, 3, batch_first=True)
        self.linear = nn.Linear(NUMBERS, NUMBERS)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        _, (hidden, _) = self.lstm(spectra)
        return functional.normalize(functional.relu(self.linear(hidden[-1])), dim=1)


def _pretrained() -> _Voices:
    """The model with the package's weights."""
    what = f"encoder {SPEAKER!r}"
    # Importing the package would import webrtcvad, which is not needed.
    package = find_spec(SPEAKER_PACKAGE)
    if package is None or package.origin is None:
        raise MissingExtraError(what, expected="Resemblyzer", got="not installed", do=INSTALL)
    file = Path(package.origin).parent / "pretrained.pt"
    content = file.read_bytes() if file.is_file() and file.stat().st_size == BYTES else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise StoreError(f"{what}: {file.name}", expected=f"hash {SHA256[:12]}…", got="another", do="Install its package anew")
    weights = torch.load(file, map_location="cpu", weights_only=True)["model_state"]
    module = _Voices()
    module.load_state_dict({name: value for name, value in weights.items() if not name.startswith("similarity_")})
    return module


def _times(wave: np.ndarray) -> torch.Tensor:
    """Mel spectra (times, 160, 40) of a recording."""
    samples = torch.from_numpy(np.array(wave, dtype=np.float32))
    if len(samples) < LEAST:
        samples = samples.repeat(-(-LEAST // len(samples)))[:LEAST]
    samples *= LOUDNESS / samples.square().mean().sqrt().clamp_min(1e-9)
    spectrum = torch.stft(samples, WINDOW, HOP, WINDOW, torch.hann_window(WINDOW), return_complex=True, pad_mode="constant")
    frames = (_mel_filters() @ spectrum.abs().square()).T
    return frames.unfold(0, FRAMES, STEP).transpose(1, 2)


@cache
def _mel_filters() -> torch.Tensor:
    filters = import_extra("librosa.filters", "sounds", "audio")
    return torch.from_numpy(filters.mel(sr=RATE, n_fft=WINDOW, n_mels=MELS))
