"""Small tasks of texts, and a network that has learned three of them together."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import senpath as sp

Labelled = tuple[list[str], list[str]]
NOUNS = {
    "fruit": ["apple", "pear", "plum", "cherry", "melon", "grape", "lemon", "fig"],
    "tool": ["saw", "drill", "file", "hammer", "wrench", "chisel", "plane", "rasp"],
    "town": ["paris", "lima", "oslo", "cairo", "delhi", "quito", "rome", "accra"],
    "beast": ["cat", "cow", "horse", "goat", "dog", "sheep", "mouse", "bear"],
}
OPENINGS = ["the {} is", "I saw a {}", "where did the {} go ?", "{}", "they like no {} at all", "one {} or another"]
QUICK: dict[str, Any] = {"epochs": 5, "batch_size": 32, "experts": 4, "least_steps": 60}


def task(*classes: str) -> Labelled:
    """Sentences about things of these classes: 48 of each."""
    texts = [(opening.format(noun), name) for name in classes for noun in NOUNS[name] for opening in OPENINGS]
    return [text for text, _ in texts], [name for _, name in texts]


@pytest.fixture(scope="session")
def tasks() -> dict[str, Labelled]:
    """Three tasks."""
    return {"things": task("fruit", "tool"), "nature": task("fruit", "beast"), "places": task("tool", "town")}


@pytest.fixture(scope="session")
def other() -> Labelled:
    """One more."""
    return task("beast", "town")


@pytest.fixture(scope="session")
def three() -> Labelled:
    """One of three classes."""
    return task("fruit", "beast", "town")


@pytest.fixture(scope="session")
def _learned(built_once: Callable[[str, Callable[[Path], object]], Path], tasks: dict[str, Labelled]) -> Path:
    def build(path: Path) -> None:
        net = sp.Network(path, encoders={"text": "random-tokens"})
        net.learn_many(tasks, method="moe", **QUICK)

    return built_once("moe.sen", build)


@pytest.fixture
def learned(_learned: Path, tmp_path: Path) -> sp.Network:
    """A network with the three tasks; a copy of the test's own."""
    return sp.Network(shutil.copytree(_learned, tmp_path / "net.sen"))
