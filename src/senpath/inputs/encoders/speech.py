"""Google's speech embedding (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech data"); its weights come in
a registry package. An encoder of speech, and beside statistics one of other sounds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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
from senpath.inputs.encoders.fixed import sound_statistics
from senpath.inputs.modalities import MODALITIES, waves_of
from senpath.inputs.modalities.audio import LONGEST_SECONDS
from senpath.plugins import import_extra
from senpath.types import DataType

SPEECH, SPEECH_AND_STATISTICS = "speech", "speech-and-statistics"
SPEECH_PACKAGES = ("pyopen_wakeword", "tflite")
WEIGHTS = Path("models", "embedding_model.tflite")
"""The one file of the package that is read. Its wake words beside it have another licence, and are not touched."""
BYTES = 1_330_312
SHA256 = "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8"
"""Of the file of weights. It is read only if it has this size and hash, and only numbers are taken from it."""
RATE, TRANSFORM, WINDOW, HOP = 16_000, 512, 400, 160
"""Samples a second; samples of a transform, of the part of it that is heard, and from one frame to the next."""
MELS, LOWEST_HZ, HIGHEST_HZ = 32, 60, 3_800
FRAMES, STEP, NUMBERS = 76, 8, 96
"""Frames that the embedding reads at a time, frames from one such time to the next, and numbers in its answer."""
LEAST = TRANSFORM + HOP * (FRAMES - 1)
"""Samples of one time."""
QUIET_SECONDS = 0.5
"""What is added before and after a recording, so that words of any length are heard at their beginning, middle and end."""
LOUDNESS = 10_000.0
"""The peak that a recording is brought to: the embedding was trained on 16-bit samples."""
SILENT = 1e-9
"""A peak below which there is nothing to hear."""
FLOOR_DB = 80.0
"""Energies this far below a recording's loudest one count as silence."""
BATCH = 2**17
"""Samples that are read together, about eight seconds: more takes memory, and no less time."""
SLOPE, LEAST_UNIT = 0.2, -0.4
"""Units below zero are made smaller, and cut off."""
STAGES = ((24, 1, (2, 2)), (48, 2, (1, 2)), (72, 2, (2, 2)), (96, 2, (1, 2)), (96, 2, (2, 2)))
"""Maps, pairs of convolutions, and what is pooled behind them, over (frames, mels)."""
SCALES = (4.0, 6.5, 2.6, 1.6)
"""Typical spread of the four kinds of numbers from recording to recording, on training recordings of spoken digits."""


@final
class Speech(Encoder):
    """Recordings of any length to 384 numbers: mean, maximum, deviation and mean change of the embedding over time.

    Args:
        statistics: whether `SoundStatistics`' 256 numbers stand beside them, which tell noises apart but speakers too.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """

    def __init__(self, statistics: bool = False) -> None:
        self._statistics = statistics
        name = SPEECH_AND_STATISTICS if statistics else SPEECH
        preparation = f"{RATE} hertz, {MELS} mels, {QUIET_SECONDS} s of quiet, mean max deviation change by {SCALES}, {statistics=}"
        super().__init__(name, "audio", _pretrained(name), preparation=preparation)
        self.strangers = not statistics

    def input_type(self, items: Any) -> DataType:
        return MODALITIES["audio"].define(items)

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        waves = waves_of(items, RATE)
        vectors = torch.zeros(len(waves), len(SCALES) * NUMBERS)
        for rows, windows, samples in _batches(waves):
            answers: torch.Tensor = self.module(speech_spectra(samples.to(self.device))).cpu()
            for row, count, answer in zip(rows, windows, answers, strict=True):
                vectors[row] = _pooled(answer[:count])
        if not self._statistics:
            return vectors
        both = vectors, sound_statistics(items, inputs)
        return torch.cat([functional.normalize(part, dim=1) * part.shape[1] ** 0.5 for part in both], 1)


def speech_and_statistics() -> Speech:
    """The embedding beside statistics of the sound, 640 numbers; for sounds other than speech."""
    return Speech(statistics=True)


class SpeechEmbedding(nn.Module):
    """The embedding: 20 convolutions; the first reads frequencies and time, the others one of them by turns.

    Spectra (n, frames, 32) become (n, windows, 96). No convolution over time is padded, and all pooling together takes every eighth frame:
    a pass over all frames gives what a pass over each window of 76 would.
    """

    def __init__(self) -> None:
        super().__init__()
        maps = STAGES[0][0]
        layers: list[nn.Module] = [nn.Conv2d(1, maps, (3, 3), padding=(0, 1)), _Bent()]
        for outputs, pairs, pooled in STAGES:
            for _ in range(pairs):
                layers += [nn.Conv2d(maps, outputs, (1, 3), padding=(0, 1)), _Bent()]
                layers += [nn.Conv2d(outputs, outputs, (3, 1)), _Bent()]
                maps = outputs
            layers.append(nn.MaxPool2d(pooled))
        self.layers = nn.Sequential(*layers, nn.Conv2d(maps, NUMBERS, (3, 1)))

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        answers: torch.Tensor = self.layers(spectra[:, None])
        return answers[..., 0].transpose(1, 2)


class _Bent(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.leaky_relu(values, SLOPE).clamp_min(LEAST_UNIT)


def _pretrained(name: str) -> SpeechEmbedding:
    """The embedding with the package's weights."""
    what = f"encoder {name!r}"
    # Importing the package would import what finds wake words, which is not needed.
    package = find_spec(SPEECH_PACKAGES[0])
    if package is None or package.origin is None:
        raise MissingExtraError.of(what, SPEECH_PACKAGES[0], "speech")
    file = Path(package.origin).parent / WEIGHTS
    content = file.read_bytes() if file.is_file() and file.stat().st_size == BYTES else b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise StoreError(f"{what}: {file.name}", expected=f"hash {SHA256[:12]}…", got="another", do="Install its package anew")
    # In this order of numbers in memory it takes half the time.
    module: SpeechEmbedding = SpeechEmbedding().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    convolutions = [layer for layer in module.layers if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(convolutions, _convolutions(content, what), strict=True):
            layer.weight.copy_(weight.permute(0, 3, 1, 2))
            layer.bias.copy_(bias)  # type: ignore[union-attr]
    return module


def _convolutions(content: bytes, what: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Weights (outputs, frames, mels, inputs) and biases (outputs,) of a TensorFlow Lite model's convolutions, in their order."""
    tflite = import_extra("tflite", what, "speech")
    model = tflite.Model.GetRootAs(content)
    graph = model.Subgraphs(0)

    def numbers(index: int) -> torch.Tensor:
        tensor = graph.Tensors(index)
        values = model.Buffers(tensor.Buffer()).DataAsNumpy().view("<f4").astype(np.float32)  # a copy, in this machine's order
        return torch.from_numpy(values).view(tensor.ShapeAsNumpy().tolist())

    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        if model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() == tflite.BuiltinOperator.CONV_2D:
            yield numbers(operator.Inputs(1)), numbers(operator.Inputs(2))


def _batches(waves: list[np.ndarray]) -> Iterator[tuple[list[int], list[int], torch.Tensor]]:
    """Recordings of similar lengths together: their rows, how many windows each has, and samples (n, time) with quiet around them."""
    longest, quiet = round(LONGEST_SECONDS * RATE), round(QUIET_SECONDS * RATE)
    lengths = np.array([min(len(wave), longest) for wave in waves])
    windows = 1 + np.maximum(0, -(-(lengths + 2 * quiet - LEAST) // (STEP * HOP)))
    order, start = np.argsort(windows, kind="stable").tolist(), 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * _samples(windows[order[end]]) <= BATCH:
            end += 1
        rows = order[start:end]
        samples = np.zeros((len(rows), _samples(windows[rows[-1]])), dtype=np.float32)
        for line, row in zip(samples, rows, strict=True):
            wave = waves[row][:longest]
            before = (_samples(windows[row]) - len(wave)) // 2
            line[before : before + len(wave)] = wave * (LOUDNESS / max(float(np.abs(wave).max()), SILENT))
        yield rows, windows[rows].tolist(), torch.from_numpy(samples)
        start = end


def _samples(windows: int) -> int:
    return LEAST + STEP * HOP * (int(windows) - 1)


def speech_spectra(samples: torch.Tensor) -> torch.Tensor:
    """Log-mel spectra (n, frames, 32) as the embedding was trained on, each with a floor below its loudest moment."""
    window = torch.hann_window(WINDOW, device=samples.device)
    spectrum = torch.stft(samples, TRANSFORM, HOP, WINDOW, window, center=False, return_complex=True)
    power = (_mel_filters().to(samples.device) @ spectrum.abs().square()).transpose(1, 2)
    decibels = 10 * power.clamp_min(1e-10).log10()
    return torch.maximum(decibels, decibels.amax((1, 2), keepdim=True) - FLOOR_DB) / 10 + 2


@cache
def _mel_filters() -> torch.Tensor:
    filters = import_extra("librosa.filters", "sounds", "audio")
    return torch.from_numpy(filters.mel(sr=RATE, n_fft=TRANSFORM, n_mels=MELS, fmin=LOWEST_HZ, fmax=HIGHEST_HZ))


def _pooled(windows: torch.Tensor) -> torch.Tensor:
    """One vector of all windows, (windows, 96)."""
    change = windows.diff(dim=0).abs().sum(0) / max(1, len(windows) - 1)
    kinds = (windows.mean(0), windows.amax(0), windows.std(0, correction=0), change)
    return torch.cat([values / scale for values, scale in zip(kinds, SCALES, strict=True)])
