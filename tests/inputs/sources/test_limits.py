"""What a small file may unfold to, and what is no file, is refused before it takes memory or time."""

from __future__ import annotations

import os
import resource
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import senpath as sp
from senpath.inputs import limits
from senpath.inputs.modalities import MODALITIES
from senpath.testing import ConstantMethod
from senpath.types import DataType
from tests.raising import raises_error

MANY = 100_000


def repeated_word(folder: Path) -> Path:
    """30 kB: one word of 100,000 letters, 100,000 times."""
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(MANY, np.int32)), pa.array(["w" * MANY]))
    parquet.write_table(pa.table({"a": words, "label": pa.array(["x", "y"] * (MANY // 2))}), folder / "a.parquet")
    return folder / "a.parquet"


def repeated_lists(folder: Path) -> Path:
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(MANY, np.int32)), pa.array(["w" * MANY]))
    lists = pa.ListArray.from_arrays(pa.array(np.arange(0, MANY + 1, 10, dtype=np.int32)), words)
    parquet.write_table(pa.table({"a": lists, "label": pa.array(["x", "y"] * 5000)}), folder / "a.parquet")
    return folder / "a.parquet"


def zeros(folder: Path) -> Path:
    np.savez_compressed(folder / "a.npz", x=np.zeros((3000, 100_000), np.uint8), y=np.arange(3000) % 2)
    return folder / "a.npz"


def pipe(folder: Path) -> Path:
    for name in "xy":
        (folder / name).mkdir()
        os.mkfifo(folder / name / "a.png")
    return folder


def device(folder: Path) -> Path:
    (folder / "a.csv").symlink_to("/dev/zero")
    return folder / "a.csv"


def many_columns(folder: Path) -> Path:
    (folder / "a.csv").write_text(",".join(f"c{place}" for place in range(200_000)))
    return folder / "a.csv"


def many_objects(folder: Path) -> Path:
    (folder / "a.json").write_text("[" + "{}," * 10_000_000 + "{}]")
    return folder / "a.json"


def deep(folder: Path) -> Path:
    (folder / "a.json").write_text("[" * 1_000_000)
    return folder / "a.json"


BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a word that occurs often": (repeated_word, "at most 1 GiB in memory"),
    "lists of it": (repeated_lists, "at most 1 GiB in memory"),
    "zeros": (zeros, "at most 1 GiB in memory"),
    "pipes": (pipe, "a file"),
    "a device": (device, "a folder or file"),
    "columns": (many_columns, "at most 131,072 columns"),
    "objects": (many_objects, "at most 67,108,864 values"),
    "depth": (deep, "a JSON list of objects"),
}


SLOW = pytest.mark.slow("300 MB are compressed")


@pytest.mark.parametrize("bomb", [pytest.param(bomb, marks=SLOW if bomb == "zeros" else []) for bomb in BOMBS])
def test_what_a_file_may_unfold_to(tmp_path: Path, bomb: str) -> None:
    make, expected = BOMBS[bomb]
    file = make(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with raises_error(sp.InputError, expected=expected):
        sp.read(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.mark.parametrize("ending", ["png", "wav", "txt"])
def test_a_pipe_in_a_list_is_no_file(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / f"a.{ending}")
    net = sp.Network()
    with raises_error(sp.InputError, f"a.{ending}", expected="a file", got="a pipe or a device"):
        net.learn("t", [tmp_path / f"a.{ending}"] * 2, [0, 1], method=ConstantMethod())


def test_a_header_that_claims_any_size(tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    with raises_error(sp.InputError, "a.png", expected="a readable picture file", got="exceeds limit"):
        MODALITIES["image"].define([tmp_path / "a.png"])


def test_a_text_of_any_length_is_refused() -> None:
    net = sp.Network()
    with raises_error(sp.InputError, "text 0", expected="16,777,216 characters", got="20,000,000"):
        net.learn("t", ["word " * 4_000_000, "b"], [0, 1], method=ConstantMethod())


def test_a_long_text_is_counted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, text = MODALITIES["text"].define(["a"]), "one two three four five six seven " * 200
    whole = MODALITIES["text"].encode([text], kind)
    monkeypatch.setattr("senpath.inputs.modalities.text.PIECE", 700)
    assert (MODALITIES["text"].encode([text], kind) - whole).abs().max() < 0.02


def test_a_large_picture_is_averaged_down_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.kron(np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8), np.ones((64, 64), np.uint8))
    picture, kind = Image.fromarray(pixels), DataType("image", (1, 8, 8))
    whole = MODALITIES["image"].encode([picture], kind)
    monkeypatch.setattr("senpath.inputs.modalities.image.PICTURE_PIXELS", 2**16)
    assert (MODALITIES["image"].encode([picture], kind) - whole).abs().max() < 0.05


def test_pictures_that_were_opened_from_bytes_do_not_stay_decoded() -> None:
    file = BytesIO()
    Image.new("RGB", (50, 40), (9, 99, 200)).save(file, "PNG")
    picture: Any = Image.open(file)
    MODALITIES["image"].encode([picture, picture], DataType("image", (3, 8, 8)))
    assert picture.tile  # what is still to be decoded


def test_large_files_may_unfold_to_more(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(2**28)
    limits.require_memory("x", 2**31, tmp_path / "a")
    with raises_error(sp.InputError, "x", expected="at most 4 GiB", got="5.0 GiB"):
        limits.require_memory("x", 5 * 2**30, tmp_path / "a")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 8), 200).save(tmp_path / folder / os.fsdecode(b"caf\xe9.png"))
    assert [*sp.read(tmp_path).y] == ["x", "y"]
    (tmp_path / "x").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    net = sp.Network()
    with raises_error(sp.InputError, "label", expected="text that UTF-8 can hold"):
        net.learn("t", tmp_path, method=ConstantMethod())
