"""Pictures as cameras and drawing programs write them: turned, see-through, of 0s and 1s."""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES, image, is_photograph, split_by_modality
from senpath.types import DataType
from tests.raising import raises_error

IMAGE = MODALITIES["image"]
GREY, COLOUR = DataType("image", (1, 8, 8)), DataType("image", (3, 8, 8))
INK = (load_digits().images[0] * 15.9).astype(np.uint8)
BRUSH = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def camera(picture: Image.Image, orientation: Any, form: str = "PNG") -> BytesIO:
    """The picture as it stands, in a file that says how to turn it."""
    exif, file = Image.Exif(), BytesIO()
    exif[ORIENTATION] = orientation
    picture.save(file, form, exif=exif.tobytes())
    return file


def see_through(alpha: np.ndarray, colours: np.ndarray) -> np.ndarray:
    return np.dstack([colours, alpha])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("picture", [Image.fromarray(BRUSH), Image.fromarray(INK), Image.fromarray(INK.astype(np.uint16) * 257)])
def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path, picture: Image.Image, orientation: int) -> None:
    file = camera(picture, orientation)
    (tmp_path / "a.png").write_bytes(file.getvalue())
    upright = ImageOps.exif_transpose(Image.open(file))
    expected = IMAGE.encode([np.asarray(upright) / (255 if upright.mode != "I;16" else 65_535)], COLOUR)
    for same in (tmp_path / "a.png", Image.open(file), upright):
        torch.testing.assert_close(IMAGE.encode([same], COLOUR), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01", b"Exif\0\0nothing that can be read"])
@pytest.mark.filterwarnings("ignore:.*EXIF")
def test_a_damaged_tag_turns_nothing(exif: bytes) -> None:
    file, plain = BytesIO(), BytesIO()
    Image.fromarray(BRUSH).save(file, "JPEG", exif=exif)
    Image.fromarray(BRUSH).save(plain, "JPEG")
    assert torch.equal(IMAGE.encode([Image.open(file)], COLOUR), IMAGE.encode([Image.open(plain)], COLOUR))


@pytest.mark.parametrize("orientation", [0, 9, 65_535])
def test_an_orientation_that_there_is_not_turns_nothing(orientation: int) -> None:
    turned = IMAGE.encode([Image.open(camera(Image.fromarray(BRUSH), orientation))], COLOUR)
    assert torch.equal(turned, IMAGE.encode([BRUSH], COLOUR))


@pytest.mark.parametrize("black", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 1), np.uint8)])
def test_a_drawing_in_the_alpha_channel_stands_on_white(tmp_path: Path, black: np.ndarray) -> None:
    drawing = see_through(INK, black)
    picture = Image.fromarray(drawing, "RGBA" if drawing.shape[2] == 4 else "LA")
    picture.save(tmp_path / "a.png")
    expected = IMAGE.encode([255 - INK], GREY)
    for same in (picture, tmp_path / "a.png"):
        torch.testing.assert_close(IMAGE.encode([same], GREY), expected, rtol=0, atol=1e-6)


def test_arrays_of_four_channels_stand_on_white() -> None:
    drawing = see_through(INK, np.zeros((8, 8, 3), np.uint8))
    expected = IMAGE.encode([255 - INK], COLOUR)
    first = np.moveaxis(drawing, 2, 0).copy()
    for same in (drawing[None], [drawing], drawing[None] / 255, first[None], torch.from_numpy(first)[None]):
        torch.testing.assert_close(IMAGE.encode(same, COLOUR), expected, rtol=0, atol=1e-6)


def test_one_transparent_colour_stands_on_white() -> None:
    file = BytesIO()
    Image.fromarray(BRUSH).save(file, "PNG", transparency=tuple(BRUSH[0, 0].tolist()))
    white = BRUSH.copy()
    white[0, 0] = 255
    assert torch.equal(IMAGE.encode([Image.open(file)], COLOUR), IMAGE.encode([white], COLOUR))


@pytest.mark.parametrize("alpha", [0, 255])
def test_an_alpha_channel_without_content_changes_nothing(alpha: int) -> None:
    channel = np.full((8, 8), alpha, np.uint8)
    for same in ([see_through(channel, BRUSH)], [Image.fromarray(see_through(channel, BRUSH))]):
        assert torch.equal(IMAGE.encode(same, COLOUR), IMAGE.encode([BRUSH], COLOUR))


def test_a_picture_of_nothing_is_white() -> None:
    assert IMAGE.encode(np.zeros((1, 8, 8, 4), np.uint8), GREY).min() == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint16, np.bool_, np.float32])
def test_a_mask_of_any_type_of_numbers_is_the_same_picture(dtype: Any) -> None:
    mask = INK > 100
    expected = torch.from_numpy(mask).float()[None, None]
    assert torch.equal(IMAGE.encode(mask.astype(dtype)[None], GREY), expected)
    assert torch.equal(IMAGE.encode(torch.from_numpy(mask.astype(dtype))[None, None], GREY), expected)
    assert torch.equal(IMAGE.encode([mask.astype(dtype)], GREY), expected)


@pytest.mark.parametrize("mode", ["1", "L", "I", "I;16", "F"])
def test_a_mask_as_a_picture_object(mode: str) -> None:
    mask = INK > 100
    dtype = {"I": np.int32, "I;16": np.uint16, "F": np.float32}.get(mode, np.uint8)
    picture = Image.fromarray(mask) if mode == "1" else Image.fromarray(mask.astype(dtype))
    assert picture.mode == mode
    assert torch.equal(IMAGE.encode([picture], GREY), torch.from_numpy(mask).float()[None, None])


def test_a_mask_among_pictures_is_read_as_if_it_were_alone() -> None:
    mixed = np.stack([(INK > 100).astype(np.uint8), INK])
    assert torch.equal(IMAGE.encode(mixed, GREY), torch.cat([IMAGE.encode(picture[None], GREY) for picture in mixed]))


def test_a_large_batch_is_read_as_its_pictures_are() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (9, 1000, 1000), dtype=np.uint8)
    assert torch.equal(IMAGE.encode(pictures, GREY), IMAGE.encode([*pictures], GREY))


def test_the_first_picture_does_not_decide_for_all() -> None:
    colour = [np.full((16, 16, 3), value, np.uint8) for value in ((255, 0, 0), (0, 130, 0))] * 6
    assert IMAGE.define([INK, *colour]).shape == (3, 16, 16), "grey among coloured ones"
    grey = [np.kron(INK, np.ones((3, 4), np.uint8))] * 9
    for odd in (np.zeros((2, 2), np.uint8), np.zeros((200, 90), np.uint8), np.zeros((30, 60), np.uint8)):
        assert IMAGE.define([odd, *grey]).shape == (1, 24, 32), "of another size"


def test_most_pictures_decide_whether_they_are_photographs() -> None:
    photograph, drawing = np.kron(BRUSH, np.ones((6, 6, 1), np.uint8)), np.kron(INK, np.ones((6, 6), np.uint8))
    assert is_photograph([drawing, *[photograph] * 4])
    assert not is_photograph([photograph, *[drawing] * 4])


def test_pictures_of_one_array_are_normalised_alike_however_large_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    pictures[0, 0, :2] = [[-1.0] * 3, [1.0] * 3]
    pictures[1] = pictures[1] / 4 + 0.5  # a bright one, within 0 … 1
    monkeypatch.setattr(image, "PIXELS_AT_ONCE", 8 * 8 * 3)
    torch.testing.assert_close(IMAGE.encode(pictures, COLOUR), IMAGE.encode((pictures + 1) / 2, COLOUR), rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", ["PPM", "TGA", "PCX"])
def test_pictures_that_somebody_opened_from_memory(form: str) -> None:
    file = BytesIO()
    Image.fromarray(BRUSH).save(file, form)
    assert torch.equal(IMAGE.encode([Image.open(file)], COLOUR), IMAGE.encode([BRUSH], COLOUR))


@pytest.mark.parametrize(("brand", "name"), [(b"heic", "HEIC"), (b"mif1", "HEIC"), (b"avif", "AVIF")])
def test_pictures_of_phones_and_browsers_are_no_clips(tmp_path: Path, brand: bytes, name: str) -> None:
    content = b"\0\0\0\x18ftyp" + brand + bytes(60)
    (tmp_path / "a.jpg").write_bytes(content)
    for item in (content, BytesIO(content), tmp_path / "a.jpg"):
        with raises_error(InputError, got=f"{name}, which is not read: save it as JPEG or PNG"):
            IMAGE.encode(split_by_modality([item])[0].items, COLOUR)


def test_an_open_file_is_read_from_its_start_each_time(tmp_path: Path) -> None:
    Image.fromarray(BRUSH).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as file:
        file.read(5)
        for _ in range(2):
            assert torch.equal(IMAGE.encode(split_by_modality([file])[0].items, COLOUR), IMAGE.encode([BRUSH], COLOUR))


def test_threads_leave_a_programs_filters_of_warnings_as_they_are(tmp_path: Path) -> None:
    Image.fromarray(BRUSH).save(tmp_path / "a.png")
    before, interval = [*warnings.filters], sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert len([*pool.map(lambda _: IMAGE.encode([tmp_path / "a.png"] * 5, COLOUR), range(100))]) == 100
    finally:
        sys.setswitchinterval(interval)
    assert [*warnings.filters] == before


def test_a_picture_beyond_pillows_limit_is_refused_whatever_is_done_with_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(BRUSH).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 63)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with raises_error(InputError, "a.png", got="Image size (64 pixels) exceeds"):
            IMAGE.encode([tmp_path / "a.png"], COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    IMAGE.encode([tmp_path / "a.png"], COLOUR)
