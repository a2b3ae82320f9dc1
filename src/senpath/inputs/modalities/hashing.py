"""Hashed counts of words and of groups of letters (Weinberger et al. 2009), to the bit those of scikit-learn's `HashingVectorizer`.

scikit-learn takes most of a second to load, with pandas and much of scipy, which a program that asks about one text need not pay. Of long
texts it is the faster one, and `senpath.inputs.modalities.text` uses it there.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np

WORD = re.compile(r"\b\w+\b")
LETTERS = (3, 4, 5)
"""Lengths of the groups of letters."""
ORDINARY = 24
"""Letters of words that are likely to come again, at most."""
AT_ONCE = 2**18
"""Characters whose words and groups are held at once, about."""


def hashed_counts(texts: Sequence[str], buckets: int) -> np.ndarray:
    """Signed counts of words and pairs of words, and beside them of groups of 3 to 5 letters: float64 (n, 2 · buckets)."""
    counts = np.zeros((len(texts), 2 * buckets))
    start = 0
    while start < len(texts):
        stop, characters = start + 1, len(texts[start])
        while stop < len(texts) and characters + len(texts[stop]) <= AT_ONCE:
            characters += len(texts[stop])
            stop += 1
        counts[start:stop, :buckets] = count_words(texts[start:stop], buckets)
        counts[start:stop, buckets:] = count_letters([Counter(text.lower().split()) for text in texts[start:stop]], buckets)
        start = stop
    return counts


def count_words(texts: Sequence[str], buckets: int) -> np.ndarray:
    """Signed counts of words and pairs of words: float64 (n, buckets)."""
    words = [WORD.findall(text.lower()) for text in texts]
    tokens = [[*own, *map(" ".join, pairwise(own))] for own in words]
    return _counted(tokens, None, buckets)


def count_letters(words: Sequence[Mapping[str, int]], buckets: int) -> np.ndarray:
    """Signed counts of groups of letters within words, float64 (n, buckets).

    Args:
        words: of each text, in lower case, with how often each occurs in it.
    """
    groups = [[_known_groups(word) if len(word) <= ORDINARY else _groups(word) for word in own] for own in words]
    times = [count for own, each in zip(words, groups, strict=True) for count, of in zip(own.values(), each, strict=True) for _ in of]
    return _counted([[*chain.from_iterable(own)] for own in groups], np.array(times, dtype=np.float64), buckets)


def _counted(tokens: Sequence[Sequence[str]], times: np.ndarray | None, buckets: int) -> np.ndarray:
    """Signed counts of each text's tokens, float64 (n, buckets).

    Args:
        times: how often each of them occurs, one after another; None for once.
    """
    place: defaultdict[str, int] = defaultdict()
    place.default_factory = place.__len__
    ids = np.array([*map(place.__getitem__, chain.from_iterable(tokens))], dtype=np.int64)
    columns, signs = buckets_of([token.encode("utf-8") for token in place], buckets)
    rows = np.repeat(np.arange(len(tokens)), [len(own) for own in tokens])
    weights = signs[ids] if times is None else times * signs[ids]
    counts = np.bincount(rows * buckets + columns[ids], weights, minlength=len(tokens) * buckets)
    return np.asarray(counts.reshape(len(tokens), buckets))


def to_length_one(counts: np.ndarray) -> np.ndarray:
    """Each half of each row divided by its Euclidean length, if it has one."""
    halves = counts.reshape(len(counts), 2, -1)
    lengths = np.sqrt(np.square(halves).sum(2, keepdims=True))
    return np.asarray(halves / np.where(lengths > 0, lengths, 1)).reshape(counts.shape)


def _groups(word: str) -> tuple[str, ...]:
    """Groups of letters of a word, a blank on both sides counted; a word that is shorter than a group is one itself, once."""
    padded, groups = f" {word} ", list[str]()
    for length in LETTERS:
        groups += [padded[start : start + length] for start in range(max(1, len(padded) - length + 1))]
        if length >= len(padded):
            break
    return tuple(groups)


_known_groups = lru_cache(2**12)(_groups)


def buckets_of(tokens: Sequence[bytes], buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """The bucket of each token, int64 (n,), and the sign that it counts with, 1 or −1."""
    hashes = np.zeros(len(tokens), dtype=np.uint32)
    lengths = np.array([len(token) for token in tokens], dtype=np.int64)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        hashes[places] = _murmur3(
            np.frombuffer(b"".join(tokens[place] for place in places.tolist()), dtype=np.uint8).reshape(len(places), length)
        )
    signed = hashes.view(np.int32).astype(np.int64)
    # Of the smallest number scikit-learn takes no absolute value, for 32 bits do not hold it.
    columns = np.where(signed == -(2**31), 2**31 - 1 - (buckets - 1), np.abs(signed)) % buckets
    return columns, np.where(signed >= 0, 1.0, -1.0)


def _murmur3(content: np.ndarray) -> np.ndarray:
    """MurmurHash3_x86_32 (Appleby 2011) with seed 0 of equally long strings, uint8 (n, length): uint32 (n,)."""
    count, length = content.shape
    padded = np.zeros((count, -(-length // 4) * 4), dtype=np.uint8)
    padded[:, :length] = content
    blocks = padded.view("<u4").astype(np.uint32)
    state = np.zeros(count, dtype=np.uint32)
    for block in blocks.T[: length // 4]:
        state ^= _mixed(block)
        state = _rotated(state, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    if length % 4:
        state ^= _mixed(blocks[:, -1])
    state ^= np.uint32(length)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ (state >> np.uint32(shift))) * np.uint32(factor)
    return np.asarray(state ^ (state >> np.uint32(16)))


def _mixed(block: np.ndarray) -> np.ndarray:
    return _rotated(block * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotated(values: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray((values << np.uint32(bits)) | (values >> np.uint32(32 - bits)))
