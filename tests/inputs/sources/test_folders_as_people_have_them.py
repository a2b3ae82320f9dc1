"""Folders and tables of files as programs, systems and other people's zip files leave them."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import soundfile
import torch
from PIL import Image

import senpath as sp
from senpath.inputs.limits import files_within
from senpath.testing import tiny_network, tiny_task
from tests.raising import raises_error

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
TONE = (0.5 * np.sin(np.arange(8000) / 5)).astype(np.float32)


def picture(path: Path, pixels: np.ndarray = PIXELS[0]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "extra", ["cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "__MACOSX/cat/1.png", "$RECYCLE.BIN/1.png", "cat/#recycle/1.png"]
)
def test_what_systems_add_is_no_part_of_the_data(tmp_path: Path, extra: str) -> None:
    for name in ("cat/1.png", "dog/1.png", extra):
        picture(tmp_path / name)
    assert [*sp.read(tmp_path).y] == ["cat", "dog"]


@pytest.mark.parametrize("above", ["data", "my/data"])
@pytest.mark.parametrize("beside", ["README.md", "__MACOSX/data/cat/1.png"])
def test_a_folder_within_a_folder_is_gone_into(tmp_path: Path, above: str, beside: str) -> None:
    for name in ("cat/1.png", "dog/1.png"):
        picture(tmp_path / above / name)
    (tmp_path / beside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / beside).write_bytes(b"anything")
    data = sp.read(tmp_path)
    assert [*data.y] == ["cat", "dog"]
    assert data.about == f"2 pictures (PNG, 8×8, grey) in 2 folders; in {above!r}"


def test_a_folder_of_folders_of_clips_is_gone_into(tmp_path: Path) -> None:
    for name in ("walk/one", "walk/two", "run/one"):
        for frame in range(2):
            picture(tmp_path / "all" / name / f"{frame}.png")
    assert sorted(sp.read(tmp_path, modality="video").y) == ["run", "walk", "walk"]
    assert [*sp.read(tmp_path / "all" / "walk", modality="image").y] == ["one", "one", "two", "two"]
    for frame in range(2):
        picture(tmp_path / "one class" / "walk" / "clip" / f"{frame}.png")
        picture(tmp_path / "one class" / "walk" / "another" / f"{frame}.png")
    assert [*sp.read(tmp_path / "one class", modality="video").y] == ["walk", "walk"]


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "data" / "cat" / "1.png")
    assert len(sp.read("~/data")) == 1
    assert sp.Network("~/new.sen").path == tmp_path / "new.sen"
    assert not (tmp_path / "~").exists()


def test_a_table_of_labels_within_a_folder_is_found(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "1.png")
    (tmp_path / "data" / "metadata.csv").write_text("file_name,label\n1.png,cat\n")
    assert [*sp.read(tmp_path).y] == ["cat"]


def test_one_class_is_a_class(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "1.png")
    picture(tmp_path / "cat" / "deep" / "2.png")
    assert [*sp.read(tmp_path).y] == ["cat", "cat"]


def test_parts_are_parts_whatever_is_beside_them(tmp_path: Path) -> None:
    for name in ("train/good/1.png", "test/good/2.png", "test/broken/3.png", "ground_truth/broken/3.png"):
        picture(tmp_path / name)
    data = sp.read(tmp_path)
    assert [*data.y] == ["good"]
    assert data.about.endswith("part 'train' of 'test', 'train', left out 'ground_truth'")
    assert [*sp.read(tmp_path, split="test").y] == ["broken", "good"]
    picture(tmp_path / "training" / "good" / "4.png")
    with raises_error(sp.InputError, "folder", expected="one folder for each part", got="'test', 'train', 'training'"):
        sp.read(tmp_path)


def test_a_class_of_nothing_and_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    for name in ("bird/1.png", "cat/1.png"):
        picture(tmp_path / name)
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.HEIC").write_bytes(b"anything")
    (tmp_path / "dog" / "2.x\x1b[2J").write_bytes(b"no ending that is printed")
    assert (
        sp.read(tmp_path).about == "2 pictures (PNG, 8×8, grey) in 2 folders; 2 files of other kinds (.heic) left out; no picture in 'dog'"
    )
    for name in ("bird", "cat"):
        (tmp_path / name / "1.png").unlink()
    with raises_error(sp.InputError, "folder", got="none, but 2 files of other kinds (.heic)", do="what is read: .png"):
        sp.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "modality"), [("1.jfif", "image"), ("1.pgm", "image"), ("1.ppm", "image"), ("1.mp3", "audio"), ("1.opus", "audio")]
)
def test_further_endings(tmp_path: Path, name: str, modality: str) -> None:
    (tmp_path / "a").mkdir()
    if modality == "audio":
        form = {"subtype": "OPUS", "format": "OGG"} if name.endswith("opus") else {}
        soundfile.write(tmp_path / "a" / name, TONE, 8000, **form)
    else:
        form = "JPEG" if name.endswith("jfif") else "PPM"
        Image.fromarray(PIXELS[0]).convert("RGB" if name == "1.ppm" else "L").save(tmp_path / "a" / name, form)
    data = sp.read(tmp_path)
    assert (data.modality, len(data)) == (modality, 1)
    assert sp.read([(tmp_path / "a" / name).read_bytes()], ["a"]).modality == modality


@pytest.mark.parametrize(("column", "beside"), [("image_path", {}), ("img", {"width": range(6)}), ("Path", {}), ("text", {})])
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_a_column_whose_words_name_files_has_files(tmp_path: Path, column: str, beside: dict[str, Any], separator: str) -> None:
    for place, pixels in enumerate(PIXELS):
        picture(tmp_path / "of mine" / f"{place}.png", pixels)
    names = [f"of mine{separator}{place}.png" for place in range(6)]
    frame = pd.DataFrame({column: names, **beside, "label": [*"ababab"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = sp.read(tmp_path / "t.csv")
    assert (data.modality, [file.name for file in data.x]) == ("image", [f"{place}.png" for place in range(6)])
    assert sp.read(tmp_path / "t.csv", modality="table").modality == "table"


def test_a_strangers_table_names_no_files_of_ours(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    pd.DataFrame({"image_path": ["1.png"] * 2, "width": [1, 2], "label": ["a", "b"]}).to_csv(tmp_path / "t.csv", index=False)
    assert sp.read(tmp_path / "t.csv").modality == "image"
    with files_within(tmp_path / "elsewhere"):
        assert sp.read(tmp_path / "t.csv").modality == "table"


def test_names_of_files_that_are_not_there_are_no_texts(tmp_path: Path) -> None:
    pd.DataFrame({"image_path": ["1.png", "2.png"], "label": ["a", "b"]}).to_csv(tmp_path / "t.csv", index=False)
    with raises_error(sp.InputError, "line 2", got=f"'1.png', of which there is none in {tmp_path}", do="modality='table' takes names"):
        sp.read(tmp_path / "t.csv")
    told = pd.DataFrame({"said": ["open 1.png", "close 2.png", "nothing", "more"], "label": [*"abab"]})
    assert sp.read(told).modality == "text", "not all are names"
    with pytest.warns(sp.SenpathWarning, match="all texts look like names of files that are not there, such as 'cat/1.png'"):
        sp.Network().encode_examples(["cat/1.png", "dog/1.png"], ["cat", "dog"])


@pytest.mark.parametrize("form", ["dicts", "bytes", "paths"])
def test_files_in_a_data_frame(tmp_path: Path, form: str) -> None:
    held: dict[str, list[Any]] = {
        "dicts": [{"bytes": png(pixels), "path": None} for pixels in PIXELS],
        "bytes": [png(pixels) for pixels in PIXELS],
        "paths": [picture(tmp_path / f"{place}.png", pixels) for place, pixels in enumerate(PIXELS)],
    }
    frame = pd.DataFrame({"image": held[form], "label": [*"ababab"]})
    net = sp.Network()
    polars = [] if form == "paths" else [(pl.DataFrame({"image": held[form], "label": [*"ababab"]}), "label")]
    for x, y in ((frame, "label"), (frame["image"], frame["label"]), (held[form], [*"ababab"]), *polars):
        examples = net.encode_examples(x, y)
        np.testing.assert_allclose(examples.inputs[:, 0] * 255, PIXELS, atol=1e-3)
    with raises_error(sp.InputError, "column 'image'", got="Image", do="x=[*frame['image']]"):
        sp.read(pd.DataFrame({"image": [Image.fromarray(PIXELS[0])] * 2, "label": [*"ab"]}))


def test_a_table_may_have_columns_bytes_and_path() -> None:
    log = [{"bytes": 12.0, "path": "/index.html"}, {"bytes": None, "path": "/logo.png"}]
    assert sp.read(log, ["a", "b"]).modality == "table"


def test_arrays_of_pyarrow_hold_inputs() -> None:
    net, texts = tiny_network(tasks=["weather"]), tiny_task("weather")[0][:3]
    for array in (pa.array(texts), pa.chunked_array([texts])):
        assert [*net.predict(array).label] == [*net.predict(texts).label]


def test_it_is_said_that_a_language_model_cuts_long_texts() -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    with pytest.warns(sp.SenpathWarning, match="most texts are longer than the 32 parts of words that the encoder 'random-tokens' reads"):
        net.encode_examples(["word " * 33, "word " * 40, "short"], [0, 1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.encode_examples(["word " * 33, "word " * 32, "short"], [0, 1, 0])
        sp.Network().encode_examples(["word " * 500, "short"], [0, 1])


class Spoken(torch.utils.data.Dataset[Any]):
    """Items as torchaudio has them."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> tuple[Any, ...]:
        return torch.from_numpy(np.stack([TONE, TONE])), 8000, ["no", "yes"][place % 2], "speaker", place


def test_items_of_torchaudio_are_recordings_with_their_labels() -> None:
    data = sp.read(Spoken())
    assert (data.modality, [*data.y]) == ("audio", ["no", "yes", "no", "yes"])
    assert data.x[0].rate == 8000
    np.testing.assert_allclose(data.x[0].samples, TONE, atol=1e-6)


@pytest.mark.parametrize("x", [[torch.zeros(1, 8000)] * 4, torch.zeros(4, 1, 8000), [np.zeros((8000, 2), np.float32)] * 4])
def test_waves_are_no_pictures(x: Any) -> None:
    with raises_error(sp.InputError, "pictures", expected="more than a line of pixels", do=r"Audio(samples, rate)"):
        sp.Network().encode_examples(x, [0, 1, 0, 1])
