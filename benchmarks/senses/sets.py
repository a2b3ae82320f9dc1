"""Data sets as a network reads them. What goes through a pretrained encoder is encoded once and kept in a file with the encoder's hash."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split

import senpath as sp
from senpath.data import few_shot, load
from senpath.experiments.encoded import read_examples, write_examples
from senpath.snapshot import View, encode_examples
from senpath.types import Examples

FEATURES = Path("runs/senses/features")
ENCODERS = {"text": "minilm", "image": "efficientnet-lite0", "audio": "sound-statistics"}
TEXTS = ("trec", "banking77", "clinc150", "cr", "sst2", "cola", "agnews")
IMAGES = ("clothing", "grocery", "signdigits")
SOUND, SPECTRA = "esc10", "esc10, log-mel"
"""The same recordings, behind the encoder and as a network without one reads them."""
OUTSIDE = "clinc150-oos"
ENCODED = (*TEXTS, OUTSIDE, *IMAGES, SOUND)
TABLES = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
"""Of scikit-learn; a random half is tested on."""


def sample(name: str, shots: int | None, seed: int) -> tuple[Examples, Examples]:
    """Examples to learn from, `shots` of each class or all there are, and those to test on."""
    if name in TABLES:
        return _table(name, shots, seed)
    if name == SPECTRA:
        return _spectra(shots, seed)
    train = encoded(name)
    drawn = _drawn(train.targets.numpy(), shots, seed)
    return train.subset(torch.from_numpy(drawn)), encoded(name, "test")


@cache
def encoded(name: str, split: str = "train") -> Examples:
    """A set behind its encoder, from its file."""
    return read_examples(_file(name, split))[0][split]


@cache
def prepare(names: tuple[str, ...] = ENCODED) -> None:
    """Encode the sets of these names whose files are not there.

    Raises:
        ValueError: for a file that another encoder has written.
    """
    views: dict[str, View] = {}
    for name in names:
        modality = "audio" if name == SOUND else "image" if name in IMAGES else "text"
        if modality not in views:
            views[modality] = sp.Network(encoders={modality: ENCODERS[modality]}).view
        for split in ("train", "test"):
            _encode(views[modality], name, split)


def _encode(view: View, name: str, split: str) -> None:
    file = _file(name, split)
    if not file.exists():
        print(f"encoding {name}, {split}", flush=True)
        x, y = load(name, split)
        like = encoded(name) if split == "test" and name != OUTSIDE else None
        # One class is no task, so what is outside is encoded as if it had two.
        write_examples(file, {split: encode_examples(view, x, np.arange(len(x)) % 2 if name == OUTSIDE else y, like=like)})
    have = view.encoders.of(encoded(name, split).data_type).sha256  # refuses other weights than those of the file
    print(f"{name}, {split}: encoder {have[:12]}", flush=True)


def _file(name: str, split: str) -> Path:
    return FEATURES / f"{name}-{split}.npz"


def _drawn(labels: np.ndarray, shots: int | None, seed: int) -> np.ndarray:
    return np.arange(len(labels)) if shots is None else few_shot(labels, labels, shots, seed)


def _table(name: str, shots: int | None, seed: int) -> tuple[Examples, Examples]:
    """Columns are standardised as the examples to learn from say."""
    x, y = TABLES[name](return_X_y=True)
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)
    drawn, view = _drawn(y, shots, seed), sp.Network().view
    learned = encode_examples(view, x[drawn], y[drawn])
    return learned, encode_examples(view, test_x, test_y, like=learned)


def _spectra(shots: int | None, seed: int) -> tuple[Examples, Examples]:
    x, y = load(SOUND)
    drawn, view = _drawn(y, shots, seed), sp.Network().view
    learned = encode_examples(view, [x[place] for place in drawn], np.asarray(y)[drawn])
    return learned, encode_examples(view, *load(SOUND, "test"), like=learned)
