"""Plain text as hashed counts of words and of letter groups; no vocabulary is learned, so no word is ever unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from senpath.arrays import composed, require_unicode
from senpath.errors import InputError
from senpath.inputs.limits import TEXT_BYTES, require_plain_file
from senpath.inputs.modalities.hashing import hashed_counts, to_length_one
from senpath.types import DataType

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import FeatureUnion

BUCKETS = 2048
"""Hash buckets for words and pairs of words, and as many again for groups of 3 to 5 letters."""
CHUNK = 1024
"""Texts that are counted together, so that memory does not grow with the batch."""
PIECE = 2**16
"""Characters that are counted together; a longer text is cut into such pieces, between words where there are any."""

PIECES = 64
"""Pieces whose words are counted together."""


class TextModality:
    """Lists of strings."""

    name = "text"

    def define(self, items: Any) -> DataType:
        return DataType("text", (2 * BUCKETS,), {"buckets": BUCKETS})

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        texts = texts_of(items)
        if not texts:
            return torch.zeros(0, *data_type.shape)
        encoded = np.zeros((len(texts), *data_type.shape), dtype=np.float32)
        buckets = int(data_type.options["buckets"])
        for start in range(0, len(texts), CHUNK):
            encoded[start : start + CHUNK] = to_length_one(hashed_counts([text[:PIECE] for text in texts[start : start + CHUNK]], buckets))
        for row in (row for row, text in enumerate(texts) if len(text) > PIECE):
            encoded[row] = _of_long(texts[row], buckets)
        return torch.from_numpy(encoded)


def texts_of(items: Any, characters: int | None = None) -> list[str]:
    """Inputs as strings in their one form, see `senpath.arrays.composed`; of a path what its file holds.

    Args:
        characters: how many are kept of each, for who reads no more; None keeps all.

    Raises:
        InputError: for a file that cannot be read, a text without a word, with a lone surrogate, or longer than `TEXT_BYTES`.
    """
    texts = []
    for index, item in enumerate(items):
        # Members of (str, Enum) say another thing where str() is asked.
        text = read_text(item) if isinstance(item, Path) else str.__str__(item) if isinstance(item, str) else str(item)
        if len(text) > TEXT_BYTES:
            raise InputError(f"text {index}", expected=f"at most {TEXT_BYTES:,} characters", got=f"{len(text):,}")
        texts.append(composed(text)[:characters])
    for index, text in enumerate(texts):
        if not text.strip():
            raise InputError(f"text {index}", expected="at least one word", got="an empty text")
    require_unicode(texts, "text")
    return texts


def read_text(file: Path) -> str:
    """Read the text in a file.

    Raises:
        InputError: if it cannot be read, is not UTF-8, or longer than `TEXT_BYTES`.
    """
    require_plain_file(file, f"file {file}")
    try:
        with file.open("rb") as opened:
            content = opened.read(TEXT_BYTES + 1)
        text = content.decode("utf-8-sig") if len(content) <= TEXT_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"file {file}", expected="a text in UTF-8", got=str(error)) from error
    if len(content) > TEXT_BYTES or "\0" in text:
        got = "NUL bytes" if 0 in content else "more"
        raise InputError(f"file {file}", expected=f"a text of at most {TEXT_BYTES // 2**20} MiB", got=got)
    return text


def _of_long(text: str, buckets: int) -> np.ndarray:
    """The vector of a text that is too long to be counted at once: the pieces' counts, added up. Pairs of words across two are left out.

    Letter groups lie within words, so each word is looked at once however often it occurs: most of the time goes there.
    """
    (_, words), (_, letters) = _vectorizer(buckets, norm=None).transformer_list
    halves, counted = np.zeros((2, buckets)), Counter[str]()
    for number, piece in enumerate(_pieces(text), start=1):
        halves[0] += words.transform([piece]).toarray()[0]
        counted.update(piece.lower().split())
        if number % PIECES == 0:
            halves[1] += _of_letters(counted, letters)
            counted.clear()
    halves[1] += _of_letters(counted, letters)
    lengths = np.linalg.norm(halves, axis=1, keepdims=True)
    return np.asarray(halves / np.where(lengths > 0, lengths, 1)).ravel()


def _of_letters(counted: Mapping[str, int], letters: HashingVectorizer) -> np.ndarray:
    """Counts of letter groups in words that occur so often: words that occur equally often make texts of at most two pieces' length."""
    texts: list[tuple[int, list[str]]] = []
    held = 0
    for word, count in sorted(counted.items(), key=itemgetter(1)):
        if not texts or texts[-1][0] != count or held > PIECE:
            texts.append((count, []))
            held = 0
        texts[-1][1].append(word)
        held += len(word) + 1
    if not texts:
        return np.zeros(letters.n_features)
    counts = letters.transform([" ".join(words) for _, words in texts])
    return np.asarray(counts.T @ np.array([count for count, _ in texts], dtype=np.float64))


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = start + PIECE
        blank = text.rfind(" ", start, end) if end < len(text) else -1
        end = blank if blank > start else end
        yield text[start:end]
        start = end


def _vectorizer(buckets: int, norm: str | None = "l2") -> FeatureUnion:
    # Of very many words faster than `count`, and large: only long texts need it.
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import FeatureUnion

    words = HashingVectorizer(ngram_range=(1, 2), n_features=buckets, norm=norm, token_pattern=r"(?u)\b\w+\b")
    letters = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=buckets, norm=norm)
    return FeatureUnion([("words", words), ("letters", letters)])
