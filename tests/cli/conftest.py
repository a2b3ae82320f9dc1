"""Running the command line, and small real files for it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer.main
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from senpath.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


def run_quietly(arguments: tuple[object, ...]) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


COMMANDS = cache(typer.main.get_command)


@pytest.fixture
def senpath(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """A function: arguments of the command line → how it ended. No command may end in a traceback."""
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setattr(typer.main, "get_command", COMMANDS)  # which a process calls once

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run_quietly(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        assert "internal error" not in captured.err
        return Ended(code, captured.out, captured.err)

    return run


def write_digits(folder: Path) -> None:
    bunch = load_digits()
    for index in range(100):
        path = folder / str(bunch.target[index]) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((bunch.images[index] * 15).astype(np.uint8)).save(path)


def write_tones(folder: Path) -> None:
    time = np.arange(2400) / 8000
    for index in range(16):
        path = folder / ("high" if index % 2 else "low") / f"{index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * (1500 if index % 2 else 300) * (1 + index / 100) * time), 8000)


def write_table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with: digits/ (pictures), tones/ (sounds), iris.csv, texts.csv, arrays.npz, and damaged files under bad/."""
    folder = tmp_path_factory.mktemp("files")
    write_digits(folder / "digits")
    write_tones(folder / "tones")
    iris = load_iris()
    rows = [[*map(float, row), iris.target_names[target]] for row, target in zip(iris.data, iris.target, strict=True)]
    write_table(folder / "iris.csv", ["sepal length", "sepal width", "petal length", "petal width", "label"], rows)
    write_table(folder / "texts.csv", ["text", "label"], [[f"{word} {n}", word] for word in ("cat", "dog") for n in range(10)])
    np.savez(folder / "arrays.npz", x=load_digits().images[:60] / 16, y=load_digits().target[:60])
    (folder / "bad").mkdir()
    for name, content in (("cut.png", b"\x89PNG\r\n\x1a\n cut"), ("cut.wav", b"RIFF"), ("cut.npz", b"PK\x03\x04"), ("empty.csv", b"")):
        (folder / "bad" / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def learned(files: Path, built_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of a network that learned digits from pictures, tones from sounds and iris from a table, by the command line."""

    def build(net: Path) -> None:
        for task, source, settings in (
            ("digits", "digits", ("hidden=32", "epochs=40", "augment=0")),
            ("again", "arrays.npz", ("hidden=16", "epochs=3")),
            ("tones", "tones", ("epochs=4", "hidden=8")),
            ("iris", "iris.csv", ("epochs=20",)),
        ):
            arguments = ("learn", net, task, files / source, *(part for setting in settings for part in ("--set", setting)))
            assert run_quietly(arguments) == 0

    return built_once("my.sen", build)
