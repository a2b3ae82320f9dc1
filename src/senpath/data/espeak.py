"""Speaks a list of words with espeak-ng and writes the sound to standard output. Run as a script, in a process of its own.

The library keeps hidden state between words and a process can hold it only once: spoken in a fresh process from a fixed seed,
the same list gives the same sound. It is GPL, comes with the extra `demo`, and nothing but the demo's default data uses it.

Input: JSON on standard input, a list of {"text", "voice", "rate" (words per minute), "pitch" (0-99)}.
Output: an npz file with `samples` int16 (all words in a row), `lengths` int64 (n,) and `rate` in hertz.
If a word cannot be spoken, the last line on standard error says why.
"""

from __future__ import annotations

import ctypes
import io
import json
import sys
from typing import Any

import numpy as np

SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of espeak-ng's speak_lib.h, as are the numbers below.
RATE, PITCH = 1, 3
CHARACTERS = 1
SEED = 1
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def open_library() -> tuple[Any, int]:
    """The library, ready to speak, and its samples per second."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(SYNCHRONOUS, 500, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError(f"espeak-ng does not start: {rate}")
    # Otherwise it would draw from the time of day.
    library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
    return library, int(rate)


def speak(words: list[dict[str, Any]]) -> tuple[list[np.ndarray], int]:
    """One array int16 (time,) for each word, and the samples per second. Raises RuntimeError if one cannot be spoken."""
    library, rate = open_library()
    blocks: list[np.ndarray] = []

    def take(samples: Any, count: int, _: Any) -> int:
        if samples and count > 0:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = Callback(take)  # Held here, for the library keeps no reference.
    library.espeak_SetSynthCallback(callback)
    spoken = []
    for word in words:
        blocks.clear()
        content = word["text"].encode()
        failed = library.espeak_SetVoiceByName(word["voice"].encode())
        failed = failed or library.espeak_SetParameter(RATE, int(word["rate"]), 0)
        failed = failed or library.espeak_SetParameter(PITCH, int(word["pitch"]), 0)
        failed = failed or library.espeak_Synth(content, ctypes.c_size_t(len(content) + 1), 0, 0, 0, CHARACTERS, None, None)
        if failed or not blocks:
            raise RuntimeError(f"espeak-ng cannot say {word}: {failed}")
        spoken.append(np.concatenate(blocks))
    return spoken, rate


if __name__ == "__main__":
    spoken, rate = speak(json.load(sys.stdin))
    buffer = io.BytesIO()
    np.savez(buffer, samples=np.concatenate(spoken), lengths=np.array([len(word) for word in spoken]), rate=np.array(rate))
    sys.stdout.buffer.write(buffer.getvalue())
