"""Whether recordings sound like speech, by what is true of voices in any language: most of it has a pitch, is dark, and keeps changing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from senpath.inputs.modalities.audio import waves_of

LOOKED_AT = 64
"""Recordings that are looked at, spread over all that there are."""
RATE, SECONDS = 8_000, 10
"""Samples a second, and seconds of a recording, that are looked at."""
FRAME, HOP = 512, 128
"""Samples of a frame, and from one to the next."""
QUIETEST = 10**-2.5
"""Share of the loudest frame's energy below which a frame is quiet, and not looked at."""
PITCHES = (70, 400)
"""Hertz of voices."""
PERIODIC = 0.6
"""Correlation of a frame with itself one period later from which it is voiced."""
VOICED, DARK_HZ, CHANGING = 0.4, 1_000.0, 0.03
"""Of the frames of speech this share is voiced, the median of their spectra's centres is no higher, and from one frame to the fourth behind
it the median distance of their spectra (1 − cosine) is no smaller. Set on training recordings: docs/results/senses.md has the figures."""
MOST = 0.5
"""Share of the recordings that have to sound like speech."""


def is_speech(items: Any) -> bool:
    """Whether most of these recordings sound like one voice that speaks.

    Raises:
        InputError: if one that is looked at cannot be read.
    """
    places = np.unique(np.linspace(0, len(items) - 1, LOOKED_AT).round().astype(int)).tolist()
    return bool(np.mean([sounds_like_speech(waves_of([items[place]], RATE)[0]) for place in places]) >= MOST)


def sounds_like_speech(wave: np.ndarray) -> bool:
    """Whether one recording, float (time,) at 8 kHz, does."""
    samples = torch.from_numpy(np.array(wave[: RATE * SECONDS], dtype=np.float32))
    frames = functional.pad(samples, (0, max(0, FRAME - len(samples)))).unfold(0, FRAME, HOP)
    frames = frames - frames.mean(1, keepdim=True)
    energies = frames.square().mean(1)
    frames = frames[energies > QUIETEST * energies.max()]
    if not len(frames):  # silence
        return False
    window = torch.hann_window(FRAME)
    power = torch.fft.rfft(frames * window, 2 * FRAME).abs().square()
    voiced = _periodicity(power, window) > PERIODIC
    if voiced.float().mean() < VOICED:
        return False
    frequencies = torch.fft.rfftfreq(2 * FRAME, 1 / RATE)
    centres = (power[voiced] @ frequencies) / power[voiced].sum(1)
    bands = functional.normalize(functional.avg_pool1d(power.sqrt(), 8), dim=1)
    changes = 1 - (bands[4:] * bands[:-4]).sum(1) if len(bands) > 4 else torch.zeros(1)
    return bool(centres.median() <= DARK_HZ and changes.median() >= CHANGING)


def _periodicity(power: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """Highest peak of each frame's autocorrelation among the periods of voices, (frames,).

    The window's own autocorrelation is divided out (Boersma 1993).
    """
    own = torch.fft.irfft(torch.fft.rfft(window, 2 * FRAME).abs().square())
    correlation = torch.fft.irfft(power)
    correlation = correlation / correlation[:, :1].clamp_min(1e-12) / (own / own[0]).clamp_min(1e-3)
    shortest, longest = RATE // PITCHES[1], RATE // PITCHES[0]
    here = correlation[:, shortest : longest + 1]
    is_peak = (here >= correlation[:, shortest - 1 : longest]) & (here >= correlation[:, shortest + 1 : longest + 2])
    return torch.where(is_peak, here, 0).amax(1)
