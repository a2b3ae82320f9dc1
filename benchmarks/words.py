"""Written digits: "three", with typing errors, in capitals, in a phrase."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from senpath.data.speech import WORDS

PHRASES = (
    "{}",
    "{}.",
    "it is {}",
    "i think {}",
    "{} i guess",
    "number {}",
    "the answer is {}",
    "{} please",
    "maybe {}?",
    "that says {}",
)
CASES = (str.lower, str.upper, str.capitalize)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ERRORS = (0.4, 0.35, 0.25)
"""How often a word has none, one or two typing errors."""


def write_digits(digits: Iterable[int], seed: int) -> list[str]:
    """Each digit as a word that somebody typed."""
    generator = np.random.default_rng(seed)
    return [_written(WORDS[digit], generator) for digit in digits]


def _written(word: str, generator: np.random.Generator) -> str:
    for _ in range(generator.choice(len(ERRORS), p=ERRORS)):
        word = _misspelt(word, generator)
    case, phrase = CASES[generator.integers(len(CASES))], PHRASES[generator.integers(len(PHRASES))]
    return phrase.format(case(word))


def _misspelt(word: str, generator: np.random.Generator) -> str:
    """With a letter left out, replaced, put in, or changing places with the next."""
    place, letter = int(generator.integers(len(word))), LETTERS[generator.integers(len(LETTERS))]
    before, here, after = word[:place], word[place], word[place + 1 :]
    return (before + after, before + letter + after, before + letter + here + after, before + after[:1] + here + after[1:])[
        generator.integers(4)
    ]
