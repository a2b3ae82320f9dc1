"""What is measured: how many sentences find their translation, and English tasks under logistic regression."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit

import senpath as sp
from benchmarks.harness import Record, percent
from senpath.data import load

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def translations(encoder: str, language: str, folder: Path) -> Iterator[Record]:
    """How many sentences have their translation as nearest neighbour among thirty, from English and to English."""
    with Path(__file__).with_name("sentences.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    english, other = (_vectors(encoder, name, [row[name] for row in rows], folder) for name in ("english", language))
    near, own = english @ other.T, np.arange(len(rows))
    yield {"right": int((near.argmax(1) == own).sum() + (near.argmax(0) == own).sum()), "of": 2 * len(rows)}


def english(task: tuple[str, int], seed: int, encoder: str, folder: Path) -> Iterator[Record]:
    """Logistic regression on vectors, its strength chosen on a fifth of what the seed draws; on the set's own test part."""
    name, most = task
    (x, y), (tested, right) = load(name, "train"), load(name, "test")
    train, test = (_vectors(encoder, f"{name}-{split}", texts, folder) for split, texts in (("train", x), ("test", tested)))
    drawn, _ = next(StratifiedShuffleSplit(1, train_size=most, random_state=seed).split(y, y))
    centre, spread = train[drawn].mean(0), train[drawn].std()
    inputs, asked, labels = (train[drawn] - centre) / spread, (test - centre) / spread, y[drawn]
    fitted, held = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(labels, labels))
    scores = {c: _fit(c, inputs[fitted], labels[fitted]).score(inputs[held], labels[held]) for c in STRENGTHS}
    best = max(STRENGTHS, key=scores.__getitem__)
    yield {"accuracy": percent(_fit(best, inputs, labels).predict(asked) == right), "strength": best, "held out": 100 * scores[best]}


def _fit(strength: float, x: np.ndarray, y: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=200).fit(x, y)


def _vectors(encoder: str, name: str, texts: list[str], folder: Path) -> np.ndarray:
    """Each of length 1, from the folder if they are there."""
    file = folder / "vectors" / f"{encoder}-{name}.npy"
    if not file.exists():
        net = sp.Network(encoders={"text": encoder})
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.asarray(net.encode_examples(texts, np.arange(len(texts)) % 2).inputs))
    vectors: np.ndarray = np.load(file, allow_pickle=False)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
