"""Digits spoken by a synthesiser in many voices, speeds and pitches."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import MissingExtraError, SenpathError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8000
ACCENTS = ("en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbcwmd")
# A variant is the speaker: no variant of the test is heard in training. Whispers, robots and the like are left out.
VARIANTS = {
    "train": ("m1", "m2", "m3", "m6", "m7", "f1", "f2", "f4", "Alex", "Andy", "Annie", "edward", "linda", "paul", "steph", "max"),
    "test": ("m4", "m5", "f3", "f5", "Lee", "Alicia", "john", "shelby"),
}
SPEEDS = (120, 210)  # Words per minute.
PITCHES = (25, 75)
PADDING = 0.12  # Seconds of quiet, at most, before and after.
QUIET = 0.01  # Of the loudest sample: what lies below it at either end is cut off.


def say_digits(split: str, per_class: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Speaks each digit `per_class` times.

    Args:
        split: "train" or "test", whose voices are others.
        per_class: recordings of each digit.
        seed: draws voices, speeds, pitches, loudness, noise and the quiet around the word.

    Returns: recordings int16 (time,) at 8 kHz with one channel, digits int64 (n,), in random order.
    Raises: MissingExtraError without espeakng-loader; SenpathError if the synthesiser fails.
    """
    generator = np.random.default_rng(seed)
    digits = generator.permutation(np.repeat(np.arange(10), per_class))
    plan = [_draw(int(digit), split, generator) for digit in digits]
    spoken, rate = _spoken(plan)
    return [_recorded(sound, rate, generator) for sound in spoken], digits.astype(np.int64)


def _draw(digit: int, split: str, generator: np.random.Generator) -> dict[str, Any]:
    accent, variant = ACCENTS[generator.integers(len(ACCENTS))], VARIANTS[split][generator.integers(len(VARIANTS[split]))]
    pace, pitch = int(generator.integers(*SPEEDS)), int(generator.integers(*PITCHES))
    return {"text": WORDS[digit], "voice": f"{accent}+{variant}", "rate": pace, "pitch": pitch}


def _spoken(plan: list[dict[str, Any]]) -> tuple[list[np.ndarray], int]:
    """Speaks in a process of its own; see `espeak.py` for why."""
    if importlib.util.find_spec("espeakng_loader") is None:
        raise MissingExtraError.of("spoken digits", "espeakng-loader", "demo")
    # -P: this folder's files must not stand in for modules of the standard library.
    command = [sys.executable, "-P", str(Path(__file__).with_name("espeak.py"))]
    done = subprocess.run(command, input=json.dumps(plan).encode(), capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise SenpathError("the speech synthesiser failed", got=lines[-1], do="Reinstall espeakng-loader")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
        return np.split(arrays["samples"], np.cumsum(arrays["lengths"])[:-1]), int(arrays["rate"])


def _recorded(sound: np.ndarray, rate: int, generator: np.random.Generator) -> np.ndarray:
    """The word at 8 kHz, cut, between stretches of quiet, at some loudness, with slight noise: int16."""
    from scipy.signal import resample_poly

    common = int(np.gcd(rate, RATE))
    samples = resample_poly(sound.astype(np.float64), RATE // common, rate // common)
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    before, after = (generator.uniform(0, PADDING, 2) * RATE).astype(int)
    samples = np.pad(samples / np.abs(samples).max() * generator.uniform(0.3, 0.9), (before, after))
    noise = generator.normal(0, generator.uniform(0.001, 0.006), len(samples))
    return np.round(np.clip(samples + noise, -1, 1) * 32767).astype(np.int16)
