from __future__ import annotations

import importlib.util
import string
from pathlib import Path

import numpy as np
import pytest

from senpath.data import Task, embedded_missing, embedded_tasks
from senpath.data.glyphs import LETTER_FONTS, LETTERS_LOWER, render
from senpath.data.speech import VARIANTS, say_digits
from senpath.errors import InputError, MissingExtraError
from senpath.types import Audio

CLASSES = {
    "pictograms": ["airplane", "anchor", "cloud", "club", "cup", "heart", "knight", "phone", "snowman", "umbrella"],
    "mnist": list(range(10)),
    "lower": list(string.ascii_lowercase),
    "upper": list(string.ascii_uppercase),
    "speech": list(range(10)),
}
PICTURES = ("pictograms", "mnist", "lower", "upper")


def need(tasks: dict[str, Task], name: str) -> Task:
    if name not in tasks:
        pytest.skip("; ".join(embedded_missing()))
    return tasks[name]


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Makes modules look as if they were not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in modules else find(name, *rest))


def nearest_mean(task: Task) -> float:
    """Accuracy on the test of the simplest classifier there is."""
    (x, y), (other, truth) = ((np.stack([np.ravel(i) / 255 for i in x]), y) for x, y in (task.train, task.test))
    classes = np.unique(y)
    means = np.stack([x[y == label].mean(0) for label in classes])
    return float((classes[((means**2).sum(1) - 2 * other @ means.T).argmin(1)] == truth).mean())


def ridge(x: np.ndarray, y: np.ndarray, other: np.ndarray, truth: np.ndarray) -> float:
    from sklearn.linear_model import RidgeClassifier

    mean, spread = x.mean(0), x.std(0) + 1e-6
    return float((RidgeClassifier(alpha=100.0).fit((x - mean) / spread, y).predict((other - mean) / spread) == truth).mean())


def test_tasks_stand_in_the_order_of_the_paper(embedded: dict[str, Task]) -> None:
    assert [name for name in CLASSES if name in embedded] == list(embedded)
    assert {name.split(":")[0] for name in embedded_missing()} == set(CLASSES) - set(embedded)
    assert all(task.origin.startswith(("real: ", "rendered: ")) for task in embedded.values())


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(embedded: dict[str, Task], name: str) -> None:
    task = need(embedded, name)
    for x, y in (task.train, task.test):
        assert isinstance(x, np.ndarray)
        assert x.dtype == np.uint8
        assert x.shape == (len(y), 28, 28)
        assert np.unique(y).tolist() == CLASSES[name]
        assert (x.reshape(len(x), -1).max(1) > 60).all(), "every picture shows something"
        assert (x[:, ::27, ::27] == 0).mean() > 0.97, "the ground is black"
    assert not {item.tobytes() for item in task.train[0]} & {item.tobytes() for item in task.test[0]}


@pytest.mark.parametrize(("name", "least"), [("pictograms", 0.5), ("mnist", 0.7), ("lower", 0.6), ("upper", 0.6)])
def test_pictures_can_be_learned(embedded: dict[str, Task], name: str, least: float) -> None:
    assert nearest_mean(need(embedded, name)) > least


def test_letters_are_sized_and_centred_as_in_mnist(embedded: dict[str, Task]) -> None:
    x = need(embedded, "upper").train[0]
    ink = np.asarray(x, np.float64)
    place = np.arange(28) + 0.5
    mass = ink.sum((1, 2))
    centres = np.stack([(ink.sum(1) * place).sum(1), (ink.sum(2) * place).sum(1)]) / mass
    sides = np.array([max(np.ptp(axis) for axis in np.nonzero(item > 50)) + 1 for item in ink])
    assert np.abs(centres - 14).max() < 1
    assert 18 <= np.median(sides) <= 21


def test_a_seed_gives_the_same_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: dict[str, Task]) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fresh, kept = embedded_tasks(small=True), embedded_tasks(small=True)
    for tasks in (fresh, kept):
        assert list(tasks) == list(embedded)
        for name, task in tasks.items():
            for (x, y), (other, labels) in ((task.train, embedded[name].train), (task.test, embedded[name].test)):
                assert (y == labels).all()
                assert all(same(a, b) for a, b in zip(x, other, strict=True)), name


def same(one: object, other: object) -> bool:
    if isinstance(one, Audio) and isinstance(other, Audio):
        return one.rate == other.rate and np.array_equal(one.samples, other.samples)
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_another_seed_gives_other_pictures() -> None:
    one, other = (render({"a": "a"}, ("cmr10",), 8, seed)[0] for seed in (0, 1))
    assert (one != other).any()


def test_fonts_and_voices_of_the_test_are_not_in_training() -> None:
    for held in (LETTER_FONTS, VARIANTS):
        assert held["train"]
        assert held["test"]
        assert not set(held["train"]) & set(held["test"])


def test_no_font_of_the_test_draws_as_one_of_training() -> None:
    # One seed distorts every font alike, so two fonts with the same drawings would give the same pictures.
    drawn = {name: render(LETTERS_LOWER, (name,), 1, 0)[0] / 255 for fonts in LETTER_FONTS.values() for name in fonts}
    for name in LETTER_FONTS["test"]:
        assert min(np.abs(drawn[name] - drawn[other]).mean() / drawn[name].mean() for other in LETTER_FONTS["train"]) > 0.15, name


def test_a_font_without_the_character_is_refused() -> None:
    with pytest.raises(InputError, match="font cmr10: expected the character '☃', got none"):
        render({"snowman": "☃"}, ("cmr10",), 1, 0)


def test_speech_sounds_like_digits(embedded: dict[str, Task]) -> None:
    task = need(embedded, "speech")
    for x, y in (task.train, task.test):
        assert isinstance(x, list)
        assert np.unique(y).tolist() == CLASSES["speech"]
        assert len(x) == len(y)
        for item in x:
            assert isinstance(item, Audio)
            assert item.rate == 8000
            assert item.samples.dtype == np.float32
            assert 0.2 < len(item.samples) / item.rate < 1.5
            assert 0.02 < np.sqrt((item.samples**2).mean()) < 0.5
            assert np.abs(item.samples).max() <= 1


def spectrum(item: Audio) -> np.ndarray:
    """Log energy of 32 bands in 16 stretches of the word."""
    frames = np.lib.stride_tricks.sliding_window_view(item.samples, 256)[::64] * np.hanning(256)
    power = np.log(np.abs(np.fft.rfft(frames)[:, :128]) + 1e-2).reshape(len(frames), 32, 4).mean(2)
    return np.concatenate([part.mean(0) for part in np.array_split(power, 16)])


@pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="espeakng-loader is not installed")
def test_spoken_digits_can_be_learned_and_recognised_in_unheard_voices() -> None:
    parts = []
    for seed, (split, count) in enumerate((("train", 40), ("test", 15))):
        sounds, y = say_digits(split, count, seed)
        parts += [np.stack([spectrum(Audio(sound / np.float32(32768), 8000)) for sound in sounds]), y]
    assert ridge(*parts) > 0.6


def test_a_task_without_its_package_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    hide(monkeypatch, "espeakng_loader", "matplotlib")
    assert list(embedded_tasks(small=True)) == ["mnist"]
    assert embedded_missing()[-1] == "speech: espeakng-loader is not installed; run `pip install 'senpath[demo]'`"
    with pytest.raises(MissingExtraError, match=r"spoken digits: expected espeakng-loader.*pip install 'senpath\[demo\]'"):
        say_digits("train", 1, 0)
    hide(monkeypatch, "espeakng_loader", "matplotlib", "mlxtend")
    with pytest.raises(MissingExtraError, match=r"no embedded task can be made: got .*mlxtend is not installed"):
        embedded_tasks(small=True)


def test_a_damaged_or_unwritable_cache_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "espeakng_loader", "matplotlib")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    whole = embedded_tasks(small=True)["mnist"]
    (file,) = (tmp_path / "senpath/embedded").iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    assert (embedded_tasks(small=True)["mnist"].train[0] == whole.train[0]).all()
    assert file.stat().st_size > 1000, "the damaged file is replaced"
    (tmp_path / "blocked").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "blocked"))
    assert (embedded_tasks(small=True)["mnist"].train[0] == whole.train[0]).all()
