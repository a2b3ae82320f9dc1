"""Images of any kind come out as float32 in [0, 1] of one size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from sklearn.datasets import load_digits

from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES
from senpath.types import DataType

IMAGE = MODALITIES["image"]
DIGITS = load_digits().images[:6] / 16
SIDES = st.integers(1, 20)
DTYPES = st.sampled_from([np.uint8, np.bool_, np.float16, np.float32, np.float64, np.int64, np.uint16])
LAYOUTS = st.sampled_from(["n h w", "n h w 1", "n h w 3", "n h w 4", "n 1 h w", "n 3 h w"])
TARGETS = st.tuples(st.sampled_from([1, 3]), SIDES, SIDES)


def shape_of(layout: str, n: int, height: int, width: int) -> tuple[int, ...]:
    sizes = {"n": n, "h": height, "w": width}
    return tuple(sizes.get(axis) or int(axis) for axis in layout.split())


def pixels(dtype: Any, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    kind = np.dtype(dtype).kind
    elements = {"b": st.booleans(), "f": st.floats(0, 1, width=16)}.get(kind, st.integers(2, 255))  # 0s and 1s alone would be a mask
    return hnp.arrays(dtype, shape, elements=elements)


@settings(deadline=None, max_examples=80)
@given(st.data(), DTYPES, LAYOUTS, st.integers(1, 3), SIDES, SIDES, TARGETS)
def test_any_array_comes_out_in_shape(data: Any, dtype: Any, layout: str, n: int, h: int, w: int, target: tuple[int, int, int]) -> None:
    images = data.draw(pixels(dtype, shape_of(layout, n, h, w)))
    encoded = IMAGE.encode(images, DataType("image", target))
    assert encoded.shape == (n, *target)
    assert encoded.dtype == torch.float32
    assert encoded.min() >= 0
    assert encoded.max() <= 1


@settings(deadline=None, max_examples=40)
@given(st.data(), LAYOUTS, SIDES, SIDES, TARGETS)
def test_bytes_and_shares_of_255_agree(data: Any, layout: str, h: int, w: int, target: tuple[int, int, int]) -> None:
    # With sides of 5 and more an array and a tensor are read alike; see the test of which axis is taken for channels.
    images = data.draw(pixels(np.uint8, shape_of(layout, 2, h + 4, w + 4)))
    kind = DataType("image", target)
    expected = IMAGE.encode(images, kind)
    for same in (images / 255, (images / 255).astype(np.float32), images.astype(np.int64), torch.from_numpy(images), list(images)):
        torch.testing.assert_close(IMAGE.encode(same, kind), expected, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.data(), SIDES, SIDES, st.sampled_from([1, 3]))
def test_where_the_channels_stand_does_not_matter(data: Any, h: int, w: int, channels: int) -> None:
    h, w = h + 4, w + 4
    images = data.draw(pixels(np.uint8, (2, h, w, channels)))
    kind = DataType("image", (channels, h, w))
    first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    expected = torch.from_numpy(first).float() / 255
    for same in (images, first, torch.from_numpy(images), torch.from_numpy(first), [*first], [*torch.from_numpy(first)]):
        torch.testing.assert_close(IMAGE.encode(same, kind), expected, rtol=0, atol=1e-6)


def test_arrays_have_channels_last_and_tensors_first_where_both_fit() -> None:
    images = np.random.default_rng(0).random((2, 3, 5, 3))
    assert IMAGE.define(images).shape == (3, 3, 5)
    assert IMAGE.define(torch.from_numpy(images)).shape == (3, 5, 3)


def test_colour_to_grey_weighs_as_eyes_do() -> None:
    colours = np.eye(3)[:, None, None, :]  # red, green, blue
    grey = IMAGE.encode(colours, DataType("image", (1, 1, 1)))
    torch.testing.assert_close(grey.flatten(), torch.tensor([0.299, 0.587, 0.114]))


def test_grey_to_colour_and_back_is_the_same_picture() -> None:
    colour = IMAGE.encode(DIGITS, DataType("image", (3, 8, 8)))
    assert torch.equal(colour[:, 0], colour[:, 2])
    grey = IMAGE.encode(colour, DataType("image", (1, 8, 8)))
    torch.testing.assert_close(grey[:, 0], torch.from_numpy(DIGITS).float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "defined"),
    [
        ((2, 8, 8), (1, 8, 8)),
        ((2, 64, 30, 3), (3, 64, 30)),
        ((2, 128, 64), (1, 64, 32)),
        ((1, 400, 2, 4), (3, 64, 1)),
        ((1, 1, 1), (1, 1, 1)),
    ],
)
def test_the_first_image_sets_the_size(shape: tuple[int, ...], defined: tuple[int, ...]) -> None:
    assert IMAGE.define(np.zeros(shape, np.uint8)) == DataType("image", defined)


def test_a_flat_image_stays_flat_at_any_size() -> None:
    encoded = IMAGE.encode(np.full((1, 13, 7), 0.25), DataType("image", (1, 30, 4)))
    torch.testing.assert_close(encoded, torch.full((1, 1, 30, 4), 0.25))


def test_a_smaller_picture_shows_the_same() -> None:
    kind = DataType("image", (1, 8, 8))
    enlarged = np.kron(DIGITS, np.ones((4, 4)))
    assert np.corrcoef(IMAGE.encode(enlarged, kind).flatten(), DIGITS.ravel())[0, 1] > 0.98


def test_a_list_may_mix_sizes_and_kinds() -> None:
    byte = (DIGITS[1] * 255).round().astype(np.uint8)
    mixed = [
        DIGITS[0],
        torch.from_numpy(DIGITS[0])[None],
        Image.fromarray(byte),
        byte[:, :, None],
        np.kron(byte, np.ones((2, 2), np.uint8)),
    ]
    encoded = IMAGE.encode(mixed, DataType("image", (1, 8, 8)))
    assert encoded.shape == (5, 1, 8, 8)
    torch.testing.assert_close(encoded[0], encoded[1])
    assert torch.equal(encoded[2], encoded[3])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_picture_objects_of_every_mode(mode: str) -> None:
    half = np.zeros((8, 8), np.uint8)
    half[:, 4:] = 255
    if mode == "I;16":
        picture = Image.fromarray(half.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(half // 255 if mode == "F" else half).convert(mode)
    encoded = IMAGE.encode([picture], DataType("image", (1, 8, 8)))
    torch.testing.assert_close(encoded[0, 0], torch.from_numpy(half / 255).float(), rtol=0, atol=0.01)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
def test_grey_pictures_make_a_grey_network(mode: str) -> None:
    picture = Image.new(mode, (5, 6))
    assert IMAGE.define([picture]).shape == (1, 6, 5)


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".gif", ".webp", ".jpg"])
def test_picture_files(tmp_path: Path, ending: str) -> None:
    byte = (DIGITS[0] * 255).round().astype(np.uint8)
    path = tmp_path / f"digit{ending}"
    Image.fromarray(byte).save(path, lossless=True) if ending == ".webp" else Image.fromarray(byte).save(path)
    encoded = IMAGE.encode([path], DataType("image", (1, 8, 8)))
    torch.testing.assert_close(encoded[0, 0], torch.from_numpy(byte / 255).float(), rtol=0, atol=0.2 if ending == ".jpg" else 0.01)


def test_sixteen_bits_are_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray((DIGITS[0] * 65_535).astype(np.uint16)).save(tmp_path / "deep.png")
    encoded = IMAGE.encode([tmp_path / "deep.png"], DataType("image", (1, 8, 8)))
    torch.testing.assert_close(encoded[0, 0], torch.from_numpy(DIGITS[0]).float(), rtol=0, atol=1e-4)


def test_the_first_frame_of_a_moving_picture(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (255, 0, 9)]
    frames[0].save(tmp_path / "move.gif", save_all=True, append_images=frames[1:])
    assert IMAGE.encode([tmp_path / "move.gif"], DataType("image", (1, 4, 4))).min() > 0.99


def test_tensors_of_every_type() -> None:
    kind = DataType("image", (1, 8, 8))
    expected = IMAGE.encode(DIGITS, kind)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        images = torch.from_numpy(DIGITS).to(dtype).requires_grad_()
        torch.testing.assert_close(IMAGE.encode(images, kind), expected, rtol=0, atol=0.01)


def test_no_image_is_an_empty_batch() -> None:
    for nothing in ([], np.zeros((0, 9, 9)), torch.zeros(0, 3, 9, 9)):
        assert IMAGE.encode(nothing, DataType("image", (3, 8, 8))).shape == (0, 3, 8, 8)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 0, 5)), r"images: expected \(n, h, w\), .*got shape \(2, 0, 5\)"),
        (np.zeros((2, 8, 8, 2)), r"expected 1, 3 or 4 channels .*got shape \(2, 8, 8, 2\)"),
        (np.zeros((2, 2, 2, 2, 2)), r"images: expected \(n, h, w\)"),
        (np.full((1, 4, 4), -0.1), r"pixel values: expected .*got float64 from -0.1 to -0.1"),
        (np.full((1, 4, 4), 1.5), r"pixel values: expected .*floats in 0 … 1, got float64 from 1.5 to 1.5"),
        (np.full((1, 4, 4), 300), r"pixel values: expected whole numbers in 0 … 255"),
        (np.zeros((1, 4, 4), complex), r"images: expected numbers, got dtype complex128"),
        (np.array([[["a"]]]), r"images: expected numbers, got dtype <U1"),
        (np.full((3, 4, 4), [[[0.0]], [[np.nan]], [[0.0]]]), r"image 1: expected finite numbers, got NaN or infinity \(1 of 3 inputs\)"),
        ([np.zeros((4, 4)), np.full((4, 4), np.inf)], r"image 1: expected finite numbers"),
    ],
)
def test_what_is_no_image_is_refused(images: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        IMAGE.encode(images, DataType("image", (1, 8, 8)))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut"])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(InputError, match=r"image .*broken.png: expected a readable picture file"):
        IMAGE.define([tmp_path / "broken.png"])
