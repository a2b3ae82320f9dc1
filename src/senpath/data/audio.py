"""Recordings in zip files."""

from __future__ import annotations

import io
import re
import wave
from pathlib import Path

import numpy as np

from senpath.data.archives import zip_entries, zip_names
from senpath.errors import InputError
from senpath.inputs.modalities.audio import read_recording
from senpath.types import Audio

# The official archive has one more folder in front; either is read.
RECORDING = re.compile(r"(?:^|/)recordings/(\d)_([^_/]+)_(\d+)\.wav$")
CLIP = re.compile(r"(?:^|/)\d{3} - ([^/]+)/([1-5])-[^/]+\.(?:ogg|wav)$")
OFFICIAL_TEST = 5
LAST_FOLD = 5
SPEECH_FILE = "fsdd/free-spoken-digit-dataset.zip"


def _in_split(index: int, split: str) -> bool:
    return split == "all" or (index < OFFICIAL_TEST) == (split == "test")


def spoken_names(path: Path, split: str) -> list[tuple[str, int, str]]:
    """(entry, digit, speaker) of each recording of a split, in the order in which `read_spoken` gives them."""
    recordings = [(name, match) for name in zip_names(path) if (match := RECORDING.search(name))]
    return [(name, int(match[1]), match[2]) for name, match in recordings if _in_split(int(match[3]), split)]


def read_spoken(path: Path, split: str) -> tuple[list[Audio], np.ndarray]:
    """The Free Spoken Digit Dataset from its zip; index 0-4 of each digit and speaker is the official test split.

    Returns: recordings (float32 in [-1, 1], 8 kHz), digits int64 (n,).
    """
    wanted = spoken_names(path, split)
    if not wanted:
        raise InputError(f"recordings in {path}", expected="entries like recordings/7_jackson_32.wav", got="none")
    content = dict(zip_entries(path, (".wav",)))
    return [decode_wav(content[name], name) for name, _, _ in wanted], np.array([digit for _, digit, _ in wanted], dtype=np.int64)


def decode_wav(content: bytes, name: str) -> Audio:
    """A wav file of 16-bit PCM with one channel. Raises InputError for any other."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            layout, rate, frames = (file.getnchannels(), file.getsampwidth()), file.getframerate(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise InputError(f"the recording {name} cannot be read", expected="a wav file", got=error) from error
    if layout != (1, 2):
        raise InputError(f"the recording {name} is of another kind", expected="1 channel of 2 bytes", got=f"{layout[0]} of {layout[1]}")
    return Audio(np.frombuffer(frames, "<i2").astype(np.float32) / 32768, rate)


def read_clips(path: Path, split: str) -> tuple[list[Audio], np.ndarray]:
    """ESC-10 (Piczak 2015): clips of the folds 1-4, or for the test of fold 5; labels are the names of the sounds.

    Raises: MissingExtraError without soundfile, which reads ogg.
    """
    clips, labels = [], []
    for name, content in zip_entries(path, (".ogg", ".wav")):
        match = CLIP.search(name)
        if match and (int(match[2]) == LAST_FOLD) == (split == "test"):
            clips.append(read_recording(io.BytesIO(content), name))
            labels.append(match[1])
    if not clips:
        raise InputError(f"clips in {path}", expected="entries like 001 - Dog bark/1-30226-A.ogg", got="none")
    return clips, np.array(labels)
