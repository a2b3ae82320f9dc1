"""Recordings as log-mel spectra: 64 mels (Ling et al., section 4), padded or cut to one length."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array, unmasked
from senpath.errors import InputError, LimitError, warn
from senpath.inputs.limits import require_plain_file
from senpath.plugins import import_extra
from senpath.types import Audio, DataType

MELS = 64
HOP_SECONDS = 0.04
WINDOW_SECONDS = 0.064
FRAMES = 250
"""Frames of an encoded recording, at most, ten seconds: of longer ones as many frames as it takes are averaged."""
LONGEST_SECONDS = 60.0
READ_SECONDS = LONGEST_SECONDS + 1
"""More than this is not read of a recording; the last second is there for resampling, which looks ahead."""
LEAST_SECONDS = 11.0
"""So much is read even of channels and rates of which a minute is more than `MAX_SAMPLES`."""
MAX_SAMPLES = 2**26
"""Samples that are read, of all channels: a header may claim any rate."""
FLOOR_DB = 80.0
"""Energies this far below a recording's loudest one count as silence."""
CENTRE_DB, SPREAD_DB = -54.0, 20.0
"""What speech has on average, relative to its loudest: these are taken off and divided by, so that models see numbers around 0."""
SILENCE = (-FLOOR_DB - CENTRE_DB) / SPREAD_DB
"""What is silent in an encoded recording."""
LOUDEST = 2.0**31
"""A recording is divided by its own peak, so samples that are whole numbers in disguise do no harm; their squares have to be finite."""
CHUNK, CHUNK_SECONDS = 256, 2_560.0
"""Recordings, and seconds of them, that are encoded together, at most."""
RATES = (1000, 1_000_000)
"""Samples a second: the highest are those of ultrasound. What resampling takes grows with the rate, which a header may claim at will."""
LONGEST_RATIO = 100_000
"""Rates whose ratio needs larger numbers are resampled by a ratio that differs from theirs by less than a millionth."""
LONGEST_HEADER = 4096
"""Bytes that a file without samples may have."""
HIGHEST_RATE = 16_000
"""Samples a second that a network chooses by itself, at most."""
LOOKED_AT, LONGER = 64, 1.25
"""Recordings of a task that are compared with what is heard, and times that from which on they are longer or higher."""
CANCELLED = 0.05
"""Share of its channels' energy below which their mean is not what is heard: one was recorded with opposite sign."""


class AudioModality:
    """Lists of `Audio` or of sound files (wav, flac, ogg, opus, mp3).

    Of a file's channels the mean is taken; where they cancel each other out, the loudest of them.
    """

    name = "audio"

    def define(self, items: Any) -> DataType:
        recordings = (_read(item, index) for index, item in enumerate(items))
        lengths, rates = zip(*((len(recording.samples), recording.rate) for recording in recordings), strict=True)
        rate = min(HIGHEST_RATE, max(rates))
        seconds = np.array(lengths) / rates
        # One very long recording must not make every other mostly silence: the longest twentieth is cut at its end.
        length = float(np.quantile(seconds, 0.95))
        if length > LONGEST_SECONDS:
            text = f"recordings of more than {LONGEST_SECONDS:g} s: what comes later in them is not heard. Cut them to what matters"
            warn(text)
        frames = max(4, round(min(LONGEST_SECONDS, length) / HOP_SECONDS))
        averaged = -(-frames // FRAMES)
        options = {"rate": rate} if averaged == 1 else {"rate": rate, "averaged": averaged}
        return DataType("audio", (-(-frames // averaged), MELS), options)

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        frames, mels = data_type.shape
        rate, averaged = int(data_type.options["rate"]), int(data_type.options.get("averaged", 1))
        hop, heard = round(rate * HOP_SECONDS), frames * averaged
        spectra = np.zeros((len(items), frames, mels), dtype=np.float32)
        size = max(1, min(CHUNK, int(CHUNK_SECONDS / (heard * HOP_SECONDS))))
        for start in range(0, len(items), size):
            waves = np.zeros((len(spectra[start : start + size]), heard * hop), dtype=np.float32)
            for index, wave in enumerate(waves, start=start):
                samples = _resample(_read(items[index], index), rate)[: len(wave)]
                wave[: len(samples)] = samples
            long = _log_mel(waves, rate, hop, mels)[:, :heard]
            spectra[start : start + size] = long.reshape(len(waves), frames, averaged, mels).mean(2) if averaged > 1 else long
        return torch.from_numpy(spectra)


def waves_of(items: Any, rate: int) -> list[np.ndarray]:
    """Recordings as float arrays (time,), resampled to `rate` samples a second."""
    return [_resample(_read(item, index), rate) for index, item in enumerate(items)]


def warn_of_more(items: Any, known: DataType) -> None:
    """Warn if most recordings of a new task are longer, or higher, than what is heard of a sound of the type that the network has."""
    reads = known.options.get("reads", {"shape": known.shape, "options": known.options})
    heard = round(reads["shape"][0] * int(reads["options"].get("averaged", 1)) * HOP_SECONDS, 2)
    rate = int(reads["options"]["rate"])
    places = np.unique(np.linspace(0, len(items) - 1, min(LOOKED_AT, len(items))).round().astype(int)).tolist()
    recordings = [_read(items[place], place) for place in places]
    longer = [len(recording.samples) > LONGER * heard * recording.rate for recording in recordings]
    higher = [min(recording.rate, HIGHEST_RATE) > LONGER * rate for recording in recordings]
    for more, what in ((longer, f"longer than {heard:g} s"), (higher, f"taken at more than {rate:,} samples a second")):
        if 2 * sum(more) > len(more):
            text = f"most recordings are {what}; what is beyond is not heard in this network, because its first sounds had no more. "
            warn(f"{text}Learn these first, or in a network of their own")


def _log_mel(waves: np.ndarray, rate: int, hop: int, mels: int) -> np.ndarray:
    window = round(rate * WINDOW_SECONDS)
    # Twice the window: at 8 kHz the lowest mel bands are narrower than a bin of the plain transform.
    size = 2 ** int(np.ceil(np.log2(2 * window)))
    # torch's transform, not librosa's, whose first call on a machine compiles for twenty seconds.
    spectrum = torch.stft(torch.from_numpy(waves), size, hop, window, torch.hann_window(window), return_complex=True, pad_mode="constant")
    power = (_mel_filters(rate, size, mels) @ spectrum.abs().square()).numpy()
    peak = np.maximum(power.max(axis=(1, 2), keepdims=True), 1e-10)
    decibels = 10 * np.log10(np.maximum(power / peak, 10 ** (-FLOOR_DB / 10)))
    spectra: np.ndarray = ((decibels - CENTRE_DB) / SPREAD_DB).transpose(0, 2, 1)
    return spectra


@cache
def _mel_filters(rate: int, size: int, mels: int) -> torch.Tensor:
    filters = import_extra("librosa.filters", "sounds", "audio")
    return torch.from_numpy(filters.mel(sr=rate, n_fft=size, n_mels=mels))


def _resample(recording: Audio, rate: int) -> np.ndarray:
    if recording.rate == rate:
        return recording.samples
    from scipy.signal import resample_poly  # large, and only recordings of another rate need it

    ratio = Fraction(rate, recording.rate)
    if ratio.denominator > LONGEST_RATIO:  # the filter grows with it
        ratio = ratio.limit_denominator(LONGEST_RATIO // 10)
    samples: np.ndarray = resample_poly(recording.samples, ratio.numerator, ratio.denominator)
    return samples


def _read(item: Any, index: int) -> Audio:
    return check_recording(item, f"recording {index}") if isinstance(item, Audio) else read_recording(Path(item), item)


def read_recording(file: Path | BytesIO, name: object, longest: float | None = None) -> Audio:
    """Read the first seconds of a sound file, its channels mixed.

    Args:
        name: what errors call it.
        longest: seconds that it may have; None for any number.

    Raises:
        InputError: if it cannot be read, is longer, or holds no finite samples.
    """
    soundfile = import_extra("soundfile", "reading sound files", "audio")
    if isinstance(file, Path):
        require_plain_file(file, f"recording {name}")
    try:
        with soundfile.SoundFile(file) as sound:
            rate = sound.samplerate
            most = max(int(LEAST_SECONDS * rate), min(int(READ_SECONDS * rate), MAX_SAMPLES // max(1, sound.channels)))
            frames = min(sound.frames, most)
            if longest is not None and sound.frames > longest * rate:
                raise LimitError(f"recording {name}", expected=f"at most {longest:g} s", got=f"{sound.frames / rate:,.0f} s")
            fits = frames * sound.channels <= MAX_SAMPLES
            samples = sound.read(frames if fits else 0, dtype="float32", always_2d=True)
    except InputError:
        raise
    except (OSError, MemoryError, ValueError, soundfile.SoundFileError) as error:  # a damaged header may claim anything
        raise InputError(f"recording {name}", expected="a readable sound file", got=str(error)) from error
    if not fits:
        raise InputError(f"recording {name}", expected=f"at most {MAX_SAMPLES:,} samples in {LEAST_SECONDS:g} s", got="more")
    size = file.stat().st_size if isinstance(file, Path) else len(file.getbuffer())
    if not len(samples) and size > LONGEST_HEADER:
        got, do = f"none, as its header says, in {size:,} bytes", "It was not finished when it was written: convert it, such as with ffmpeg"
        raise InputError(f"recording {name}", expected="at least one sample", got=got, do=do)
    return check_recording(Audio(mixed(samples), int(rate)), f"recording {name}")


def mixed(channels: np.ndarray) -> np.ndarray:
    """One channel, (time,), of several, (time, channels)."""
    mean: np.ndarray = channels.mean(axis=1)
    if channels.shape[1] == 1 or not len(mean):
        return mean
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused later
        energies = np.square(channels, dtype=np.float64).mean(axis=0)
        cancelled = np.square(mean, dtype=np.float64).mean() < CANCELLED * energies.mean()
    return channels[:, int(energies.argmax())] if cancelled else mean


def check_recording(recording: Audio, what: str) -> Audio:
    """A recording whose samples and rate are such as can be read.

    Args:
        what: what errors call it.

    Raises:
        InputError: if they are not.
    """
    given = recording.samples
    samples = as_array(given) if isinstance(given, torch.Tensor) else np.asarray(unmasked(given))
    if samples.ndim != 1 or samples.dtype.kind != "f":
        do = "Mix the channels, or take one" if samples.ndim == 2 else "Divide whole numbers by the largest possible"
        do = do if samples.dtype.kind in "fiub" else "A file is given by its Path, without Audio"
        got = f"{samples.dtype} of shape {samples.shape}"
        raise InputError(what, expected="samples of shape (time,), floating point", got=got, do=do)
    if not len(samples):
        raise InputError(what, expected="at least one sample", got="none", do="Remove the empty recording")
    with np.errstate(over="ignore"):  # what is too large becomes infinity
        samples = samples.astype(np.float64 if samples.itemsize > 4 else np.float32, copy=False)
    if not np.isfinite(samples).all() or np.abs(samples).max() > LOUDEST:
        raise InputError(what, expected="finite samples in -1 … 1", got=f"NaN, infinity or more than {LOUDEST:g}")
    rate = recording.rate
    if not isinstance(rate, int | float | np.integer | np.floating) or not RATES[0] <= rate <= RATES[1] or not float(rate).is_integer():
        raise InputError(what, expected=f"a rate in whole hertz, {RATES[0]:,} to {RATES[1]:,}", got=repr(rate))
    return Audio(samples, int(rate))
