"""A labelled data set that was read, and what happens to inputs that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from senpath.errors import InputError, MissingExtraError
from senpath.inputs.modalities.columns import Rows
from senpath.inputs.modalities.sparse import is_sparse
from senpath.types import Audio, Video

LABEL = "label"
"""The column of labels of a data set that is made."""

SKIP_HINT = "sp.read(…, bad='skip'), or --skip-bad, leaves out what cannot be read"
"""What errors suggest where the caller could skip bad inputs."""


@dataclass(frozen=True, eq=False)
class Data:
    """A labelled data set, as `senpath.read` returns it; `Network.learn` takes it in place of x and y.

    Attributes:
        x: the inputs, in a form that `Network.predict` takes.
        y: one label, or target, per input.
        modality: "image", "audio", "video", "table" or "text".
        about: one sentence that says what was read, what was guessed, and of a table how many values are missing.
        skipped: inputs that could not be used: the file, line or row of each, and the reason.

    Example:
        >>> data = sp.read(x, y)
        >>> data.modality, data.about
        ('image', '150 pictures of 8×8')
    """

    x: Any = field(repr=False)
    y: Any = field(repr=False)
    modality: str
    about: str
    skipped: Sequence[tuple[str, str]] = ()

    def __len__(self) -> int:
        return len(self.x)

    def to_dataset(self) -> Any:
        """A data set of Hugging Face's `datasets`: a table's columns, else one named after the modality; and "label".

        Pictures that are files, or whole numbers up to 255, are its pictures, and others numbers. Of a recording there is the file, or
        its "samples" and "rate"; of a clip the file.

        Raises:
            MissingExtraError: if `datasets` is not installed.
            InputError: if a table has a column named "label", or a clip is no file.
        """
        try:
            import datasets  # large, and no dependency
        except ImportError as error:
            raise MissingExtraError("data set", expected="datasets", got="not installed", do="pip install datasets") from error
        table = isinstance(self.x, Rows)
        x = self.x.toarray() if is_sparse(self.x) else self.x
        columns = {name: x.column(name).tolist() for name in x.columns} if table else {self.modality: [*map(_plain, x)]}
        if LABEL in columns:
            raise InputError("columns of the data set", expected=f"none named {LABEL!r}, which the labels are in", got=", ".join(columns))
        several = any(isinstance(label, list | tuple | set | frozenset) for label in self.y)
        labels = [[*label] for label in self.y] if several else np.asarray(self.y).tolist()
        made = datasets.Dataset.from_dict({**columns, LABEL: labels})
        files = self.modality == "image" and isinstance(columns["image"][0], str)
        return made.cast_column("image", datasets.Image()) if files else made


def _plain(item: Any) -> Any:
    """An input as a data set holds it."""
    if isinstance(item, Audio):
        return {"samples": item.samples.tolist(), "rate": item.rate}
    held = item.frames if isinstance(item, Video) else item
    if isinstance(held, Path):
        return str(held)
    if isinstance(item, Video) and not isinstance(held, str):
        raise InputError("clips of a data set", expected="files", got="frames in memory")
    if isinstance(held, np.ndarray) and held.dtype == np.uint8 and held.shape[2:] in ((), (3,)):
        return Image.fromarray(held)
    return held.tolist() if isinstance(held, np.ndarray) else held


class ErrorPolicy:
    """Decides whether the first bad input ends the reading, or each is skipped and listed.

    Args:
        bad: "error" or "skip".
        hint: added to errors.
    """

    def __init__(self, bad: str = "error", hint: str = "") -> None:
        if bad not in ("error", "skip"):
            raise InputError("bad", expected="'error' or 'skip'", got=repr(bad))
        self._skip, self._hint = bad == "skip", hint
        self.errors: list[tuple[str, InputError]] = []

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """The place of each input that was skipped, and why."""
        return [(place, error.message) for place, error in self.errors]

    def reject(self, place: str, error: InputError) -> None:
        """Raise the error, or list it under the input's place."""
        if not self._skip:
            if self._hint:
                error.reword(f"{error.message.rstrip('.')}. {self._hint}")
            raise error
        self.errors.append((place, error))

    def require_some(self, remaining: int, what: str) -> None:
        """Raise InputError if inputs were skipped and none remains."""
        if not remaining and self.errors:
            place, error = self.errors[0]
            got = f"none: all {len(self.errors):,} were left out, {place} because of: {error.message}"
            raise InputError(what, expected="at least one input that can be read", got=got)


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what is counted: "1 row", "2,000 rows"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
