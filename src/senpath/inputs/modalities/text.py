"""Plain text as hashed counts of words and of letter groups; no vocabulary is learned, so no word is ever unknown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from senpath.arrays import composed, require_unicode
from senpath.errors import InputError
from senpath.types import DataType

if TYPE_CHECKING:
    from sklearn.pipeline import FeatureUnion

BUCKETS = 2048
"""Hash buckets for words and pairs of words, and as many again for groups of 3 to 5 letters."""
MAX_TEXT_BYTES = 2**24
"""Bytes of one text: some five thousand pages."""


class TextModality:
    """Lists of strings."""

    name = "text"

    def define(self, items: Any) -> DataType:
        return DataType("text", (2 * BUCKETS,), {"buckets": BUCKETS})

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        texts = texts_of(items)
        if not texts:
            return torch.zeros(0, *data_type.shape)
        counts = _vectorizer(int(data_type.options["buckets"])).transform(texts)
        return torch.from_numpy(np.asarray(counts.todense(), dtype=np.float32))


def texts_of(items: Any) -> list[str]:
    """Inputs as strings in their one form, see `senpath.arrays.composed`; of a path what its file holds.

    Raises:
        InputError: for a file that cannot be read, a text without a word, or with a lone surrogate.
    """
    texts = [composed(read_text(item) if isinstance(item, Path) else str(item)) for item in items]
    for index, text in enumerate(texts):
        if not text.strip():
            raise InputError(f"text {index}", expected="at least one word", got="an empty text")
    require_unicode(texts, "text")
    return texts


def read_text(file: Path) -> str:
    """Read the text in a file.

    Raises:
        InputError: if it cannot be read, is not UTF-8, or longer than `MAX_TEXT_BYTES`.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_TEXT_BYTES + 1)
        text = content.decode("utf-8-sig") if len(content) <= MAX_TEXT_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"file {file}", expected="a text in UTF-8", got=str(error)) from error
    if len(content) > MAX_TEXT_BYTES or "\0" in text:
        got = "NUL bytes" if 0 in content else "more"
        raise InputError(f"file {file}", expected=f"a text of at most {MAX_TEXT_BYTES // 2**20} MiB", got=got)
    return text


def _vectorizer(buckets: int) -> FeatureUnion:
    # Large, and only texts need it.
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import FeatureUnion

    words = HashingVectorizer(ngram_range=(1, 2), n_features=buckets, token_pattern=r"(?u)\b\w+\b")
    letters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=buckets)
    return FeatureUnion([("words", words), ("letters", letters)])
