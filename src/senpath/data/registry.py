"""Every data set that senpath knows by name: its files, how they are read, what it is and where it comes from. And what a task is."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from senpath.data import audio, images, text
from senpath.types import Audio

Items = np.ndarray | list[Audio] | list[str]
Labelled = tuple[Items, np.ndarray]
Read = Callable[[list[Path], str], Labelled]


@dataclass(frozen=True)
class Task:
    """One task of a stream.

    Args:
        train: (x, y). x: uint8 (n, h, w) or (n, h, w, 3) for images, list of `Audio` for sounds, list of str for text;
            y: shape (n,), int or str.
        test: the same, disjoint from `train`.
        origin: one line that says what the data is and whether it is real or rendered.

    Example:
        >>> from senpath.data import Task
        >>> Task((x[:100], y[:100]), (x[100:], y[100:]), "digits (UCI), real").origin
        'digits (UCI), real'
    """

    train: Labelled
    test: Labelled
    origin: str


@dataclass(frozen=True)
class Source:
    """One named data set.

    Args:
        modality: "image", "audio" or "text".
        files: for each split its files, relative to the data root.
        read: (files of the split, split) -> (x, y).
        about: what it is, its licence and where it comes from, in one line.
        aliases: other names of splits.
        fallback: the set that is read instead when this one's files are absent.
    """

    modality: str
    files: Mapping[str, tuple[str, ...]]
    read: Read
    about: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    fallback: str | None = None

    def paths(self, root: Path, split: str) -> list[Path]:
        """The files of a split below `root`."""
        return [root / name for name in self.files[split]]

    def present(self, root: Path) -> bool:
        """Whether the files of every split are there."""
        return all(path.is_file() for split in self.files for path in self.paths(root, split))


def _idx(folder: str, about: str, prefix: str = "", test: str = "test", fallback: str | None = None, **reading: Any) -> Source:
    """A set of two idx files for each split; see `images.read_idx_pair` for what else."""
    parts = {"train": f"{folder}/{prefix}train", "test": f"{folder}/{prefix}{test}"}
    files = {split: (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz") for split, part in parts.items()}
    return Source("image", files, lambda paths, _: images.read_idx_pair(paths[0], paths[1], **reading), about, fallback=fallback)


def _images(name: str, about: str) -> Source:
    """A set of one file for both splits: arrays, or an archive of pictures."""
    read = images.read_npz if name.endswith(".npz") else images.read_folders
    return Source("image", dict.fromkeys(("train", "test"), (f"images/{name}",)), lambda files, split: read(files[0], split), about)


def _sentences(name: str, about: str, validation: bool = False) -> Source:
    splits = ("train", "validation", "test") if validation else ("train", "test")
    return Source("text", dict.fromkeys(splits, (text.TEXT_FILE,)), lambda files, split: text.read_text(files[0], name, split), about)


LOWER, UPPER = string.ascii_lowercase, string.ascii_uppercase
BYCLASS = string.digits + UPPER + LOWER
"""What the labels of EMNIST ByClass stand for (Cohen 2017, and its mapping file)."""
MIXED = "mixed licences: an MIT repository, Chars74K, NIST SD19, Stanford OCR letters; stands in for EMNIST"
CHARS = "test split by writer, research use, Chars74K (de Campos 2009)"
NIST = "public domain, EMNIST ByClass (Cohen 2017) of NIST SD19"

SOURCES: dict[str, Source] = {
    "mnist": _idx("mnist", "handwritten digits 28x28, CC BY-SA 3.0 as commonly stated, LeCun 1998", test="t10k"),
    "fashion": _idx("fashion", "pictures of clothing 28x28, MIT, Zalando (Xiao 2017)", test="t10k"),
    "lower": _idx("letters", f"handwritten letters a-z 28x28, {MIXED}", "letters-lower-", fallback="emnist-lower", classes=LOWER),
    "upper": _idx("letters", f"handwritten letters A-Z 28x28, {MIXED}", "letters-upper-", fallback="emnist-upper", classes=UPPER),
    "emnist-lower": _idx(
        "emnist", f"handwritten letters a-z 28x28, {NIST}", "emnist-byclass-", classes=BYCLASS, keep=LOWER, transposed=True
    ),
    "emnist-upper": _idx(
        "emnist", f"handwritten letters A-Z 28x28, {NIST}", "emnist-byclass-", classes=BYCLASS, keep=UPPER, transposed=True
    ),
    "chars74k-lower": _idx("letters", f"handwritten letters a-z 28x28, {CHARS}", "chars74k-lower-", classes=LOWER),
    "chars74k-upper": _idx("letters", f"handwritten letters A-Z 28x28, {CHARS}", "chars74k-upper-", classes=UPPER),
    "speech": Source(
        "audio",
        dict.fromkeys(("train", "test", "all"), (audio.SPEECH_FILE,)),
        lambda files, split: audio.read_spoken(files[0], split),
        "digits spoken by 6 people at 8 kHz, CC BY-SA 4.0, Free Spoken Digit Dataset (Jackson)",
    ),
    "omniglot": Source(
        "image",
        {"train": ("omniglot/images_background.zip",), "test": ("omniglot/images_evaluation.zip",)},
        lambda files, _: images.read_omniglot(files[0]),
        "characters of 50 alphabets 105x105, no character in both splits, MIT, Omniglot (Lake 2015)",
        aliases={"background": "train", "evaluation": "test"},
    ),
    "pneumonia": _images("pneumoniamnist.npz", "chest X-rays 28x28, a class-balanced variant, CC BY 4.0, MedMNIST (Yang 2023)"),
    "semeion": _images("semeion.npz", "handwritten digits 16x16, CC BY 4.0, UCI"),
    "bangla": _images("cmaterdb-bangla.npz", "handwritten Bangla digits 32x32 in colour, Apache-2.0, CMATERdb"),
    "devanagari": _images("cmaterdb-devanagari.npz", "handwritten Devanagari digits 32x32 in colour, Apache-2.0, CMATERdb"),
    "telugu": _images("cmaterdb-telugu.npz", "handwritten Telugu digits 32x32 in colour, Apache-2.0, CMATERdb"),
    "signdigits": _images("signdigits64.zip", "photographs of hands that sign digits 64x64, Apache-2.0, Sign Language Digits"),
    "clothing": _images("clothing96.zip", "photographs of clothing 96x96, CC0, Clothing Dataset (Grigorev)"),
    "grocery": _images("grocery72.zip", "photographs of groceries 72x72, 81 classes, MIT, Grocery Store (Klasson 2019)"),
    "cifar10": _images("cifar10-jpeg.tar.xz", "photographs 32x32 as lossy JPEG, research use, CIFAR-10 (Krizhevsky 2009)"),
    "esc10": Source(
        "audio",
        dict.fromkeys(("train", "test"), ("audio/esc10-16k.zip",)),
        lambda files, split: audio.read_clips(files[0], split),
        "environmental sounds at 16 kHz, test is fold 5, CC0 and CC BY by clip, ESC-10 (Piczak 2015)",
    ),
    "trec": _sentences("trec", "questions by what they ask for, research use, TREC (Li 2002)"),
    "sst2": _sentences("sst2", "sentences of film reviews, research use, SST-2 (Socher 2013)", validation=True),
    "cr": _sentences("cr", "sentences of product reviews, own fixed split, research use, CR (Hu 2004)"),
    "cola": _sentences("cola", "sentences by grammaticality, test is its development part, research use, CoLA (Warstadt 2019)"),
    "banking77": _sentences("banking77", "questions to a bank, 77 intents, CC BY 4.0, Banking77 (Casanueva 2020)"),
    "clinc150": _sentences("clinc150", "requests of 150 intents, CC BY 3.0, CLINC150 (Larson 2019)", validation=True),
    "clinc150-oos": _sentences("clinc150-oos", "requests outside CLINC150's intents, CC BY 3.0, CLINC150 (Larson 2019)", validation=True),
    "agnews": _sentences("agnews", "news by topic, its test part under an own fixed split, research use, AG News (Zhang 2015)"),
}
