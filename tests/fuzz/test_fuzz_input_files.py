"""Files of every kind of input, changed at random, and inputs of libraries: read, or refused in senpath's own words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import senpath as sp
from senpath.inputs.modalities import MODALITIES, split_by_modality
from tests.fuzz.fuzz_tools import changed_bytes, in_time, refused, tries

FRAME = pd.DataFrame({"a": [1.5, 2, 3, 4.25], "é": ["u", "v", " u", "w"], "label": ["x", "y", "x", "y"]}, index=[3, 1, 4, 5])
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
SOUND = np.sin(np.arange(4000) / 5).astype(np.float32)


def picture(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, form, **options)
    return file.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("JPEG", exif=exif.tobytes())


def sound(form: str, channels: int = 2, **options: Any) -> bytes:
    file = BytesIO()
    soundfile.write(file, np.stack([SOUND] * channels, 1), 8000, format=form, **options)
    return file.getvalue()


def arrays() -> bytes:
    file = BytesIO()
    np.savez_compressed(file, x=np.arange(12.0).reshape(4, 3), y=[0, 1, 0, 1])
    return file.getvalue()


def parquet() -> bytes:
    file = BytesIO()
    FRAME.assign(lists=[[1, 2], [3], [], [4]], words=pd.Categorical([*"pqpq"])).to_parquet(file)
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "a.csv": lambda: FRAME.to_csv().encode(),
    "b.csv": lambda: FRAME.to_csv(sep=";", decimal=",", index=False).encode("utf-8-sig"),
    "a.tsv": lambda: FRAME.to_csv(sep="\t", index=False).encode(),
    "a.jsonl": lambda: FRAME.to_json(orient="records", lines=True).encode(),
    "a.json": lambda: json.dumps(FRAME.to_dict("records")).encode(),
    "a.txt": lambda: b"x\tone text\ny\tanother one\nx\tand a third\n",
    "a.npz": arrays,
    "a.parquet": parquet,
    "a.png": lambda: picture("PNG", "RGBA"),
    "p.png": lambda: picture("PNG", "P", transparency=3),
    "a.jpg": turned,
    "a.gif": lambda: picture("GIF"),
    "a.bmp": lambda: picture("BMP"),
    "a.tif": lambda: picture("TIFF"),
    "a.webp": lambda: picture("WEBP", "RGBA"),
    "a.wav": lambda: sound("WAV"),
    "u.wav": lambda: sound("WAV", subtype="PCM_U8"),
    "a.flac": lambda: sound("FLAC"),
    "a.ogg": lambda: sound("OGG", 1),
    "a.mp3": lambda: sound("MP3", 1, subtype="MPEG_LAYER_III"),
    "a.ppm": lambda: picture("PPM"),
}


@cache
def content_of(name: str) -> bytes:
    """Once, since an Ogg file has a number that is drawn at random."""
    return FILES[name]()


def read_and_encode(folder: Path, file: Path) -> Any:
    data = sp.read(folder if file.parent != folder else file)
    for group in split_by_modality(data.x):
        modality = MODALITIES[group.modality]
        modality.encode(group.items, modality.define(group.items))
    return data


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
@tries(3)
@given(data=st.data())
def test_changed_files(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    content = content_of(name)
    for _ in range(data.draw(st.integers(1, 3))):
        content = changed_bytes(data.draw, content)
    folder = tmp_path_factory.mktemp("changed")
    is_table = name.split(".")[1] in ("csv", "tsv", "jsonl", "json", "txt", "npz", "parquet")
    file = folder / name if is_table else folder / "class" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with in_time():
        refused(lambda: read_and_encode(folder, file))


def objects() -> Iterator[Any]:
    rows = np.arange(12.0).reshape(4, 3)
    masked = np.ma.masked_array(rows, mask=rows > 8)
    yield from (masked, [*masked], np.ma.masked_array(rows), rows.view(np.matrix), rows[:, ::-1], rows.astype(">f4"), rows[::2])
    yield from (scipy.sparse.csr_matrix(rows), scipy.sparse.csr_array(rows), torch.from_numpy(rows).to_sparse())
    yield from (np.array([(1, 2.0)] * 4, dtype=[("a", "i4"), ("b", "f8")]), np.rec.array([(1, 2.0)] * 4, dtype=[("a", "i4"), ("b", "f8")]))
    yield from (
        FRAME[["a", "é"]],
        pl.DataFrame(FRAME),
        pl.DataFrame(FRAME).lazy(),
        pa.Table.from_pandas(FRAME),
        FRAME.a,
        FRAME.groupby("é"),
    )
    yield from (FRAME.astype({"é": "category"}), FRAME.convert_dtypes(), FRAME.astype({"a": pd.SparseDtype("float64")}), FRAME.T)
    yield from (FRAME.rename(columns={"é": " a"}), FRAME.set_axis([*"aab"], axis=1), FRAME.assign(t=pd.to_datetime("2020-01-01")))
    yield from ([Image.new(mode, (5, 4)) for mode in ("RGBA", "LA", "PA", "I;16", "I", "F", "CMYK", "HSV", "LAB", "1")],)
    yield from (PIXELS[None], PIXELS[None] / 255, PIXELS[None] > 9, np.zeros((2, 6, 5, 4), np.uint16), torch.zeros(2, 4, 6, 5))
    yield from ([{"array": SOUND, "sampling_rate": 8000}] * 2, [{"array": [0, 1], "sampling_rate": "x"}] * 2, [sp.Audio(SOUND, 10**9)] * 2)
    yield from (["e\u0301", "\ufeff", "a\0b", "\ud800"], ["\u200b"] * 2, [os.fsdecode(b"\xff")], ["x" * 70_000, "b"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("x", [pytest.param(x, id=str(place)) for place, x in enumerate(objects())])
def test_what_libraries_hand_over(x: Any) -> None:
    def encode() -> None:
        for group in split_by_modality(x):
            modality = MODALITIES[group.modality]
            modality.encode(group.items, modality.define(group.items))

    with in_time():
        refused(encode)
        refused(lambda: sp.read(x))
        refused(lambda: sp.read(x, "label"))
