"""Every set that lies in SENPATH_DATA is read, and is what its publisher says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from senpath.data import available, few_shot, load, paper_tasks, speakers
from senpath.types import Audio

# name: (train, test, shape of one, classes). CIFAR-10 takes ten seconds and is checked by its test part alone.
IMAGES = {
    "mnist": (60000, 10000, (28, 28), 10),
    "fashion": (60000, 10000, (28, 28), 10),
    "lower": (5481, 1313, (28, 28), 26),
    "upper": (5487, 1342, (28, 28), 26),
    "chars74k-lower": (1144, 286, (28, 28), 26),
    "chars74k-upper": (1144, 286, (28, 28), 26),
    "pneumonia": (2698, 468, (28, 28), 2),
    "semeion": (1279, 314, (16, 16), 10),
    "bangla": (5000, 1000, (32, 32, 3), 10),
    "devanagari": (2500, 500, (32, 32, 3), 10),
    "telugu": (2500, 500, (32, 32, 3), 10),
    "signdigits": (1653, 409, (64, 64, 3), 10),
    "clothing": (3409, 372, (96, 96, 3), 10),
    "grocery": (2936, 2485, (72, 72, 3), 81),
    "cifar10": (None, 10000, (32, 32, 3), 10),
}
TEXT = {
    "trec": (5441, 500, 6),
    "sst2": (6917, 1821, 2),
    "cr": (2996, 774, 2),  # one line of the file has no sentence
    "cola": (8539, 516, 2),
    "banking77": (9996, 3080, 77),
    "clinc150": (14995, 4500, 150),
    "clinc150-oos": (100, 1000, 1),
    "agnews": (6000, 1600, 4),
}


def need(name: str, root: Path) -> None:
    if not next(known.present for known in available(root) if known.name == name):
        pytest.skip(f"the files of {name} are not in SENPATH_DATA")


@pytest.mark.slow("reads whole sets of data")
@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str, real: Path) -> None:
    need(name, real)
    train, test, shape, classes = IMAGES[name]
    for split, count in (("train", train), ("test", test)):
        if count is not None:
            x, y = load(name, split, root=real)
            assert isinstance(x, np.ndarray)
            assert x.dtype == np.uint8
            assert x.shape == (count, *shape)
            assert y.shape == (count,)
            assert len(np.unique(y)) == classes


@pytest.mark.slow("reads whole sets of data")
def test_omniglot_is_bright_on_dark(real: Path) -> None:
    need("omniglot", real)
    x, y = load("omniglot", "evaluation", root=real)
    assert x.shape == (13180, 105, 105)
    assert len(np.unique(y)) == 659
    assert y[0] == "Angelic/character01"
    assert 0.02 < (x == 255).mean() < 0.2
    assert set(np.unique(x)) == {0, 255}


def test_spoken_digits(real: Path) -> None:
    need("speech", real)
    x, y = load("speech", "test", root=real)
    assert len(x) == 300
    assert np.bincount(y).tolist() == [30] * 10
    who = speakers("all", root=real)
    assert len(who) == 3000
    assert len(np.unique(who)) == 6
    assert len(speakers(root=real)) == 2700
    assert {item.rate for item in x} == {8000}
    assert max(np.abs(item.samples).max() for item in x) <= 1


def test_environmental_sounds(real: Path) -> None:
    need("esc10", real)
    x, y = load("esc10", "test", root=real)
    assert len(x) == 80
    assert len(np.unique(y)) == 10
    assert isinstance(x[0], Audio)
    assert x[0].rate == 16000


@pytest.mark.slow("reads whole sets of data")
@pytest.mark.parametrize("name", TEXT)
def test_text(name: str, real: Path) -> None:
    need(name, real)
    train, test, classes = TEXT[name]
    (x, y), (other, _) = load(name, root=real), load(name, "test", root=real)
    assert (len(x), len(other), len(np.unique(y))) == (train, test, classes)
    assert not {text.casefold() for text in x} & {text.casefold() for text in other}
    assert all(text.strip() for text in x)


def test_the_tasks_of_the_paper(real: Path) -> None:
    for name in ("fashion", "mnist", "lower", "upper", "speech"):
        need(name, real)
    tasks = paper_tasks(real)
    assert list(tasks) == ["fashion", "mnist", "lower", "upper", "speech"]
    assert [len(task.train[0]) for task in tasks.values()][:2] == [60000, 60000]
    assert all(task.origin.startswith("real: ") for task in tasks.values())
    x, y = tasks["upper"].train
    assert len(few_shot(x, y, 5, seed=0)) == 26 * 5
