"""Reading a data set by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from senpath.data.audio import spoken_names
from senpath.data.paths import VARIABLE, data_root, download_folder
from senpath.data.registry import SOURCES, Source
from senpath.data.task import Labelled
from senpath.errors import InputError


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


def load(name: str, split: str = "train", *, root: Path | None = None) -> Labelled:
    """Reads one split of a data set.

    Args:
        name: see `available()`.
        split: "train" or "test"; some sets also have "validation", `speech` has "all", `omniglot` "background" and "evaluation".
        root: the folder of all sets; by default `data_root()`.

    Returns: (x, y). x: uint8 (n, h, w), or (n, h, w, 3) in colour, or a list of `Audio`, or a list of str. y: int64 or str (n,).
    Raises: InputError for an unknown name or split and for a missing or damaged file; MissingExtraError if a decoder is not installed.
    """
    base = _root(name, root)
    source = _chosen(name, base)[1]
    split = _split(source, name, split)
    files = source.paths(base, split)
    for file in files:
        if not file.is_file():
            raise _missing(name, file)
    return source.read(files, split)


def speakers(split: str = "train", *, root: Path | None = None) -> np.ndarray:
    """Who speaks in each recording of `load("speech", split)`: str (n,). For splits that hold speakers out.

    Raises: InputError as `load`.
    """
    base = _root("speech", root)
    source = SOURCES["speech"]
    file = source.paths(base, _split(source, "speech", split))[0]
    if not file.is_file():
        raise _missing("speech", file)
    return np.array([speaker for _, _, speaker in spoken_names(file, split)])


def available(root: Path | None = None) -> list[Available]:
    """Every known set, and whether its files are below `root` (by default `data_root()`)."""
    base = root if root is not None else data_root()
    found = []
    for name in SOURCES:
        source = _chosen(name, base)[1] if base else SOURCES[name]
        found.append(Available(name, source.modality, base is not None and source.present(base), source.about))
    return found


def describe(name: str, root: Path | None = None) -> str:
    """One line: what the set is, its licence and where it comes from; for a set with a fallback, of the one that `load` would read.

    Raises: InputError for an unknown name.
    """
    _known(name)
    base = root if root is not None else data_root()
    chosen, source = _chosen(name, base) if base else (name, SOURCES[name])
    return f"{name}: {source.about}" if chosen == name else f"{name} (read from {chosen}): {source.about}"


def _known(name: str) -> Source:
    if name not in SOURCES:
        raise InputError(f"there is no data set {name!r}", expected=f"one of {', '.join(SOURCES)}")
    return SOURCES[name]


def _root(name: str, root: Path | None) -> Path:
    _known(name)
    base = Path(root) if root is not None else data_root()
    if base is None:
        what = f"the data set {name!r} is not here, since no data folder is set and {download_folder()} holds none"
        raise InputError(what, do=_remedy())
    if not base.is_dir():
        raise InputError(f"the data folder {base} is not there", expected="a folder", do=_remedy())
    return base


def _chosen(name: str, root: Path) -> tuple[str, Source]:
    """The set that is read under this name: itself, or its fallback where only that is there."""
    source = SOURCES[name]
    if source.fallback and not source.present(root) and SOURCES[source.fallback].present(root):
        return source.fallback, SOURCES[source.fallback]
    return name, source


def _split(source: Source, name: str, split: str) -> str:
    split = source.aliases.get(split, split)
    if split not in source.files:
        raise InputError(f"the data set {name!r} has no split {split!r}", expected=f"one of {', '.join([*source.files, *source.aliases])}")
    return split


def _missing(name: str, file: Path) -> InputError:
    return InputError(f"the file {file} of the data set {name!r} is missing", do=_remedy())


def _remedy() -> str:
    return f"Set {VARIABLE} to a folder that holds it, or run `senpath data download` (which lists the sets that it can fetch)."
