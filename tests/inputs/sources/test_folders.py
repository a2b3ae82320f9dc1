"""Folders of files: a subfolder per class, or a table of labels beside them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

import senpath as sp


def picture(path: Path, side: int = 4, colour: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3) if colour else (side, side), 99, np.uint8)).save(path)
    return path


def sound(path: Path, samples: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.linspace(-0.5, 0.5, 800, dtype=np.float32) if samples is None else samples, 8000, subtype="PCM_16")
    return path


def text(path: Path, content: str = "a few words") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_the_first_subfolder_names_the_class(tmp_path: Path) -> None:
    for name in ("cat/b.png", "cat/a.JPG", "cat/deep/deeper/c.png", "dog/d.png", ".git/x.png", "e.png"):
        picture(tmp_path / name)
    text(tmp_path / "dog" / "notes.md")
    found = sp.read(str(tmp_path))
    assert [path.name for path in found.x] == ["a.JPG", "b.png", "c.png", "d.png"]
    assert list(found.y) == ["cat", "cat", "cat", "dog"]
    left = "1 file of other kinds (.md) left out; 1 picture in no folder (e.png) left out"
    assert found.about == f"4 pictures (JPEG and PNG, 4×4, grey) in 2 folders; {left}"


def test_what_is_in_the_folder_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "p" / "a" / "1.png", 3)
    picture(tmp_path / "p" / "b" / "1.png", 30, colour=True)
    assert sp.read(tmp_path / "p").about == "2 pictures (PNG, 3×3 to 30×30, colour and grey) in 2 folders"
    sound(tmp_path / "s" / "a" / "1.wav")
    sound(tmp_path / "s" / "b" / "1.flac")
    assert sp.read(tmp_path / "s").about == "2 sounds (FLAC and WAV, 8,000 Hz) in 2 folders"
    text(tmp_path / "t" / "a" / "1.txt")
    assert sp.read(tmp_path / "t").about == "1 text in 1 folder"


def test_links_and_folders_with_the_names_of_files(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "cat" / "1.png")
    picture(tmp_path / "elsewhere" / "2.png")
    (tmp_path / "data" / "cat" / "x.png").mkdir()
    (tmp_path / "data" / "y.png").mkdir()
    (tmp_path / "data" / "cat" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "here").symlink_to(".")
    (tmp_path / "data" / "self").symlink_to("self")
    (tmp_path / "data" / "dog").symlink_to(tmp_path / "elsewhere")
    found = sp.read(tmp_path / "data")
    assert [(path.name, label) for path, label in zip(found.x, found.y, strict=True)] == [("1.png", "cat"), ("2.png", "dog")]


@pytest.mark.parametrize("files", [[], ["cat/notes.md"], ["cat.png"]])
def test_a_folder_of_nothing(tmp_path: Path, files: list[str]) -> None:
    (tmp_path / "cat").mkdir()
    for name in files:
        text(tmp_path / name)
    with pytest.raises(sp.InputError, match=r"folder .*: expected a subfolder per class with pictures, sounds, clips or texts, got none"):
        sp.read(tmp_path)


def test_parts_of_a_data_set_are_not_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        picture(tmp_path / part / "cat" / "1.png")
    for folder in (tmp_path, tmp_path / "train"):
        assert list(sp.read(folder).y) == ["cat"]
    assert "part 'train' of 'test', 'train'" in sp.read(tmp_path).about


def test_files_of_several_kinds(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    sound(tmp_path / "cat" / "1.wav")
    with pytest.raises(
        sp.InputError, match=r"got sounds \(cat/1.wav\) and pictures \(cat/1.png\). Learn a task of each: modality='audio' or 'image'"
    ):
        sp.read(tmp_path)
    assert [path.name for path in sp.read(tmp_path, modality="audio").x] == ["1.wav"]


def test_a_damaged_file_ends_all_or_is_left_out(tmp_path: Path) -> None:
    for place in range(3):
        picture(tmp_path / "cat" / f"{place}.png", 40)
    jpeg = picture(tmp_path / "cat" / "cut.jpg", 64)
    jpeg.write_bytes(jpeg.read_bytes()[:-40])
    with pytest.raises(sp.InputError, match=r"image .*cat/cut.jpg: expected a readable picture file, got OSError: .*truncated"):
        sp.read(tmp_path)
    found = sp.read(tmp_path, bad="skip")
    assert (len(found), found.about) == (3, "3 pictures (PNG, 40×40, grey) in 1 folder")
    assert found.skipped[0][0] == os.path.join("cat", "cut.jpg")
    assert "truncated" in found.skipped[0][1]
    for place in range(3):
        (tmp_path / "cat" / f"{place}.png").write_bytes(b"")
    with pytest.raises(
        sp.InputError, match=r"folder .*: expected at least one input that can be read, got none: all 4 were left out, .*0.png because"
    ):
        sp.read(tmp_path, bad="skip")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n cut", "image .*a.png: expected a readable picture file"),
        ("a.png", b"", "image .*a.png: expected a readable picture file"),
        ("a.wav", b"", "recording .*a.wav: expected a readable sound file"),
        ("a.wav", b"RIFF", "recording .*a.wav: expected a readable sound file"),
        ("a.txt", b"  \n", "text .*a.txt: expected at least one word, got none"),
        ("a.txt", b"gr\xfc\xdfe", "file .*a.txt: expected a text in UTF-8"),
        ("a.txt", b"a\0b", "file .*a.txt: expected a text of at most 16 MiB, got NUL bytes"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / name).write_bytes(content)
    with pytest.raises(sp.InputError, match=message):
        sp.read(tmp_path)


def test_sounds_of_nothing_and_of_no_number(tmp_path: Path) -> None:
    sound(tmp_path / "a" / "1.wav", np.zeros(0, np.float32))
    with pytest.raises(sp.InputError, match=r"recording .*1.wav: expected at least one sample, got none"):
        sp.read(tmp_path)
    soundfile.write(tmp_path / "a" / "1.wav", np.full(50, np.nan, np.float32), 8000, subtype="FLOAT")
    with pytest.raises(sp.InputError, match=r"recording .*1.wav: expected finite samples in -1 … 1, got NaN"):
        sp.read(tmp_path)


def test_a_picture_that_is_too_large_to_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.new("1", (12_000, 12_000)).save(tmp_path / "a" / "bomb.png")
    with pytest.raises(sp.InputError, match=r"image .*bomb.png: .* DecompressionBombWarning: Image size \(144000000 pixels\)"):
        sp.read(tmp_path)


def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("running as root, who may read everything")
    picture(tmp_path / "cat" / "1.png").parent.chmod(0)
    try:
        with pytest.raises(sp.InputError, match=r"folder .*cat: expected one that can be read, got .*Permission denied"):
            sp.read(tmp_path)
    finally:
        (tmp_path / "cat").chmod(0o700)


LABELS = pd.DataFrame({"file_name": ["1.png", "sub/2.png", "3.png"], "width": [1, 2, 3], "label": ["cat", "dog", "cat"]})


@pytest.mark.parametrize("table", ["metadata.csv", "labels.csv", "labels.tsv", "metadata.jsonl", "metadata.parquet"])
def test_files_beside_a_table_of_labels(tmp_path: Path, table: str) -> None:
    for name in LABELS["file_name"]:
        picture(tmp_path / name)
    if table.endswith(".jsonl"):
        LABELS.to_json(tmp_path / table, orient="records", lines=True)
    elif table.endswith(".parquet"):
        LABELS.to_parquet(tmp_path / table)
    else:
        LABELS.to_csv(tmp_path / table, index=False, sep="\t" if table.endswith(".tsv") else ",")
    found = sp.read(tmp_path)
    assert [path.name for path in found.x] == ["1.png", "2.png", "3.png"]
    assert list(found.y) == ["cat", "dog", "cat"]
    assert found.about == "3 pictures (PNG, 4×4, grey) in column 'file_name'; left out: 'width'; label 'label'"
    assert len(sp.read(tmp_path / table)) == 3


def test_a_table_that_names_files_that_are_not_there(tmp_path: Path) -> None:
    LABELS.to_csv(tmp_path / "labels.csv", index=False)
    picture(tmp_path / "1.png")
    picture(tmp_path / "3.png").write_bytes(b"x")
    with pytest.raises(
        sp.InputError, match=r"table .*labels.csv, line 3, column 'file_name': expected the name of a file, got 'sub/2.png'"
    ):
        sp.read(tmp_path)
    found = sp.read(tmp_path, bad="skip")
    assert (len(found), [where for where, _ in found.skipped]) == (1, ["line 3", "line 4"])
    shutil.copy(sound(tmp_path / "1.wav"), tmp_path / "2.wav")
    LABELS.assign(file_name=["1.png", "2.wav", "1.png"]).to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(sp.InputError, match=r"line 3, column 'file_name': expected files that hold image data as the others, got '2.wav'"):
        sp.read(tmp_path)


@pytest.mark.parametrize("column", ["file", "audio", "path"])
def test_a_column_of_files_in_any_table(tmp_path: Path, column: str) -> None:
    names = [sound(tmp_path / "sounds" / f"{place}.wav").relative_to(tmp_path).as_posix() for place in range(2)]
    pd.DataFrame({column: names, "label": ["a", "b"]}).to_csv(tmp_path / "my.csv", index=False)
    found = sp.read(tmp_path / "my.csv")
    assert (found.modality, [path.name for path in found.x]) == ("audio", ["0.wav", "1.wav"])


def test_the_way_out_is_named(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "one.png")
    (tmp_path / "dog" / "two.png").write_bytes(b"no picture")
    with pytest.raises(sp.InputError, match=r"two\.png: expected a readable picture file.*bad='skip'.*--skip-bad, leaves out"):
        sp.read(tmp_path)
