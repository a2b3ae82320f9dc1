"""Data sets as a network reads them. What goes through a pretrained encoder is encoded once and kept in a file with the encoder's hash."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split

import senpath as sp
from senpath.data import few_shot, load
from senpath.snapshot import View, encode_examples
from senpath.types import DataType, Examples

FEATURES = Path("runs/senses/features")
ENCODERS = {"text": "minilm", "image": "efficientnet-lite0", "audio": "sound-statistics"}
TEXTS = ("trec", "banking77", "clinc150", "cr", "sst2", "cola", "agnews")
IMAGES = ("clothing", "grocery", "signdigits")
SOUND, SPECTRA = "esc10", "esc10, log-mel"
"""The same recordings, behind the encoder and as a network without one reads them."""
OUTSIDE = "clinc150-oos"
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
    with np.load(_file(name, split)) as kept:
        inputs, labels, written = torch.from_numpy(kept["x"]), kept["y"], json.loads(str(kept["type"]))
    classes, targets = np.unique(labels, return_inverse=True)
    data_type = DataType(written["modality"], tuple(written["shape"]), written["options"])
    return Examples(data_type, inputs, torch.from_numpy(targets), tuple(classes.tolist()))


def prepare(names: list[str]) -> None:
    """Encode the sets whose files are not there.

    Raises:
        ValueError: for a file that another encoder has written.
    """
    views: dict[str, View] = {}
    for name in names:
        modality = "audio" if name == SOUND else "image" if name in IMAGES else "text"
        if modality not in views:
            views[modality] = sp.Network(encoders={modality: ENCODERS[modality]}).view
        for split in ("train", "test"):
            _write(views[modality], name, split)


def _write(view: View, name: str, split: str) -> None:
    file = _file(name, split)
    like = encoded(name) if split == "test" and name != OUTSIDE else None
    if not file.exists():
        print(f"encoding {name}, {split}", flush=True)
        x, y = load(name, split)
        # One class is no task, so what is outside is encoded as if it had two.
        found = encode_examples(view, x, np.arange(len(x)) % 2 if name == OUTSIDE else y, like=like)
        save(file, found.inputs.numpy(), np.asarray(y), found.data_type)
    have = view.encoders.of(encoded(name, split).data_type).sha256  # refuses other weights than those of the file
    print(f"{name}, {split}: encoder {have[:12]}", flush=True)


def save(file: Path, inputs: np.ndarray, labels: np.ndarray, data_type: DataType) -> None:
    """Keep encoded inputs (n, features) and their labels."""
    written = json.dumps({"modality": data_type.modality, "shape": data_type.shape, "options": data_type.options})
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, x=inputs, y=labels, type=written)


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
