"""Reading data sets by name, from the folder that holds them; the tasks of the paper, and small samples."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from senpath.cache import EMBEDDED, SEARCHES, cache_folder
from senpath.data.audio import spoken_names
from senpath.data.registry import SOURCES, Items, Labelled, Source, Task
from senpath.errors import InputError

VARIABLE = "SENPATH_DATA"
PAPER_TASKS = ("fashion", "mnist", "lower", "upper", "speech")


@dataclass(frozen=True)
class Available:
    """Whether one known data set can be read.

    Args:
        name: what `load` takes.
        modality: "image", "audio" or "text".
        present: whether all its files are there.
        about: one line: what it is, licence, where from.
    """

    name: str
    modality: str
    present: bool
    about: str


def data_root() -> Path | None:
    """The folder that real data is read from.

    Returns: `$SENPATH_DATA` if it is set; else the download folder, if anything was downloaded into it; else None.
    Raises: InputError if `$SENPATH_DATA` is not a folder.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        root = Path(named).expanduser()
        if not root.is_dir():
            raise InputError(f"{VARIABLE} is not a folder", expected="a folder that exists", got=named, do=f"Correct or unset {VARIABLE}")
        return root
    folder = cache_folder()
    # Rendered data and searches lie in the same folder; they alone do not make a data root.
    if folder.is_dir() and any(child.name not in (EMBEDDED, SEARCHES) for child in folder.iterdir()):
        return folder
    return None


def load(name: str, split: str = "train", *, root: Path | None = None) -> Labelled:
    """Reads one split of a data set.

    Args:
        name: see `available()`.
        split: "train" or "test"; some sets also have "validation", `speech` has "all", `omniglot` "background" and "evaluation".
        root: the folder of all sets; by default `data_root()`.

    Returns: (x, y). x: uint8 (n, h, w), or (n, h, w, 3) in colour, or a list of `Audio`, or a list of str. y: int64 or str (n,).
    Raises: InputError for an unknown name or split and for a missing or damaged file; MissingExtraError if a decoder is not installed.

    Example:
        >>> from senpath import data
        >>> data.load("no such set")
        Traceback (most recent call last):
            ...
        senpath.errors.InputError: data set 'no such set': expected one of mnist, fashion, ...
    """
    source, split, files = _files(name, split, root)
    return source.read(files, split)


def speakers(split: str = "train", *, root: Path | None = None) -> np.ndarray:
    """Who speaks in each recording of `load("speech", split)`: str (n,). For splits that hold speakers out.

    Raises: InputError as `load`.
    """
    _, _, (file,) = _files("speech", split, root)
    return np.array([speaker for _, _, speaker in spoken_names(file, split)])


def available(root: Path | None = None) -> list[Available]:
    """Every known set, and whether its files are below `root` (by default `data_root()`).

    Example:
        >>> from senpath.data import available
        >>> "mnist" in {known.name for known in available()}
        True
    """
    base = root if root is not None else data_root()
    chosen = {name: _chosen(name, base)[1] if base else source for name, source in SOURCES.items()}
    return [Available(name, source.modality, base is not None and source.present(base), source.about) for name, source in chosen.items()]


def describe(name: str, root: Path | None = None) -> str:
    """One line: what the set is, its licence and where it comes from; for a set with a fallback, of the one that `load` would read.

    Args:
        name: of the set.
        root: the folder of sets; None is `data_root()`.

    Raises:
        InputError: for an unknown name.

    Example:
        >>> from senpath.data import describe
        >>> describe("mnist")
        'mnist: handwritten digits 28x28, CC BY-SA 3.0 as commonly stated, LeCun 1998'
    """
    _known(name)
    base = root if root is not None else data_root()
    chosen, source = _chosen(name, base) if base else (name, SOURCES[name])
    return f"{name}: {source.about}" if chosen == name else f"{name} (read from {chosen}): {source.about}"


def paper_tasks(root: Path | None = None) -> dict[str, Task]:
    """The five tasks of the SEN paper on real data, in its order: fashion, mnist, lower, upper, speech.

    Args:
        root: the data folder; by default `data_root()`.

    Raises: InputError if a file is missing or damaged.
    """
    return {
        name: Task(load(name, "train", root=root), load(name, "test", root=root), f"real: {describe(name, root)}") for name in PAPER_TASKS
    }


def few_shot(x: Items, y: np.ndarray, k: int, seed: int) -> np.ndarray:
    """A sample of `k` examples of each class, drawn without replacement.

    Args:
        x: n items.
        y: labels (n,).
        k: at least 1.
        seed: equal seeds draw equal samples.

    Returns:
        Indices int64 (k * classes,), class by class in sorted order.

    Raises:
        InputError: if a class has fewer than `k` examples.

    Example:
        >>> from senpath.data import few_shot
        >>> chosen = few_shot(x, y, k=2, seed=0)
        >>> y[chosen]
        array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    """
    y = np.asarray(y)
    if y.ndim != 1 or len(x) != len(y):
        raise InputError("items and labels do not go together", expected=f"labels of shape ({len(x)},)", got=y.shape)
    if k < 1:
        raise InputError("a sample needs examples", expected="k >= 1", got=k)
    generator = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        if len(members) < k:
            raise InputError(f"the class {label} is too small", expected=f"{k} examples", got=len(members), do="Ask for fewer")
        chosen.append(generator.choice(members, k, replace=False))
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)


def _known(name: str) -> Source:
    if name not in SOURCES:
        raise InputError(f"data set {name!r}", expected=f"one of {', '.join(SOURCES)}", got="another name")
    return SOURCES[name]


def _files(name: str, split: str, root: Path | None) -> tuple[Source, str, list[Path]]:
    """The set that is read under a name, the split's own name, and its files, which are there."""
    _known(name)
    remedy = f"Set {VARIABLE} to a folder that holds it, or run `senpath data download` (which lists the sets that it can fetch)"
    base = Path(root) if root is not None else data_root()
    if base is None:
        got = f"neither a data folder that is set, nor one in {cache_folder()}"
        raise InputError(f"data set {name!r}", expected="a folder that holds it", got=got, do=remedy)
    if not base.is_dir():
        raise InputError(f"data folder {base}", expected="a folder", got="nothing of that name, or a file", do=remedy)
    source = _chosen(name, base)[1]
    split = source.aliases.get(split, split)
    if split not in source.files:
        known = ", ".join([*source.files, *source.aliases])
        raise InputError(f"split of data set {name!r}", expected=f"one of {known}", got=repr(split))
    files = source.paths(base, split)
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise InputError(f"data set {name!r}", expected=f"the file {missing}", got="nothing of that name", do=remedy)
    return source, split, files


def _chosen(name: str, root: Path) -> tuple[str, Source]:
    """The set that is read under this name: itself, or its fallback where only that is there."""
    source = SOURCES[name]
    if source.fallback and not source.present(root) and SOURCES[source.fallback].present(root):
        return source.fallback, SOURCES[source.fallback]
    return name, source
