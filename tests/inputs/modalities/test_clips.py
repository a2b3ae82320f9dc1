"""Clips: what arrays, files and folders of frames are read as, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import senpath as sp
from senpath.data import moving_pictures
from senpath.errors import InputError
from senpath.inputs.encoders.frames import FrameEncoder
from senpath.inputs.modalities import MODALITIES, clips, split_by_modality
from senpath.inputs.modalities.clips import KEPT, read_clip
from senpath.inputs.modalities.video import FRAMES, frames_of
from senpath.testing import ConstantMethod, check_encoder
from tests.data_files import write_video
from tests.raising import raises_error

VIDEO = MODALITIES["video"]


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A red bar that grows to the right over a dark ground: uint8 (30, 48, 64, 3)."""
    clip = np.full((30, 48, 64, 3), 10, np.uint8)
    for time, frame in enumerate(clip):
        frame[10:20, : 4 + time] = (250, 0, 0)
    return clip


@pytest.mark.parametrize(
    ("shape", "modality"),
    [
        ((2, 9, 16, 16), "video"),
        ((2, 9, 16, 16, 1), "video"),
        ((2, 3, 16, 16, 3), "video"),
        ((2, 3, 16, 16), "image"),
        ((2, 16, 16, 4), "image"),
        ((2, 16, 16), "image"),
    ],
)
def test_which_arrays_are_clips(shape: tuple[int, ...], modality: str) -> None:
    assert [group.modality for group in split_by_modality(np.zeros(shape))] == [modality]
    assert [group.modality for group in split_by_modality([*np.zeros(shape)])] == [modality]


@pytest.mark.parametrize("shape", [(2, 64, 64, 13), (2, 9, 64, 8), (2, 9, 5, 5)])
def test_pictures_of_many_channels_are_no_clips(shape: tuple[int, ...]) -> None:
    with raises_error(InputError, "images", expected="1, 3 or 4 channels"):
        sp.Network().learn("bands", np.zeros(shape), [0, 1])


def test_a_clip_is_the_same_in_every_form(frames: np.ndarray) -> None:
    kind = VIDEO.define([frames])
    forms: list[Any] = [
        frames,
        sp.Video(frames),
        sp.Video(torch.from_numpy(frames)),
        sp.Video(torch.from_numpy(frames).movedim(3, 1)),
        sp.Video([Image.fromarray(frame) for frame in frames]),
        sp.Video(frames.astype(np.float32) / 255),
    ]
    encoded = VIDEO.encode(forms, kind)
    assert encoded.shape == (len(forms), *kind.shape)
    assert kind.shape[0] == FRAMES
    assert all(torch.allclose(encoded[0], other, atol=0.12) for other in encoded[1:])
    assert not torch.allclose(encoded[0, 0], encoded[0, -1], atol=0.4)


def test_clips_of_different_lengths_and_sizes_are_one_type(frames: np.ndarray) -> None:
    kind = VIDEO.define([frames])
    assert VIDEO.encode([frames[:1], frames[:3], frames, frames[:, ::2, ::2]], kind).shape == (4, *kind.shape)
    assert kind.options["frame"] == [3, 24, 32]
    assert VIDEO.define([frames[..., :1]]).options["frame"] == [1, 24, 32]
    assert VIDEO.define([np.repeat(frames[..., :1], 3, axis=3)]).options["frame"] == [1, 24, 32], "grey, though in three channels"


def test_it_is_said_that_colours_of_a_later_task_are_not_seen(frames: np.ndarray) -> None:
    net = sp.Network()
    net.learn("grey", [*np.random.default_rng(0).integers(0, 256, (4, 9, 16, 16), dtype=np.uint8)], [0, 1, 0, 1], method=ConstantMethod())
    with pytest.warns(sp.SenpathWarning, match="most clips are in colour, of which nothing is seen in this network"):
        net.encode_examples([frames] * 2, [0, 1])


def test_a_dark_frame_is_dark(frames: np.ndarray) -> None:
    """One frame of nothing but 0 and 1 would be white if it were judged by itself, as a picture is."""
    kind = VIDEO.define([frames])
    nearly, black = frames.copy(), frames.copy()
    nearly[0], black[0] = 1, 0
    light = VIDEO.encode([nearly, black], kind)[:, 0, -48:]
    assert light.max() < 0.05


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mov", "mpeg4"), ("a.webm", "libvpx-vp9"), ("a.mkv", "ffv1"), ("a.avi", "mjpeg")]
)
def test_video_files(tmp_path: Path, frames: np.ndarray, name: str, codec: str) -> None:
    file = write_video(tmp_path / name, frames, codec)
    read = read_clip(file, file)
    assert read.shape == (30, 48, 64, 3)
    assert read[0, 15, 30, 0] < 60 < 200 < read[-1, 15, 30, 0]
    assert [group.modality for group in split_by_modality([file])] == ["video"]
    kind = VIDEO.define([frames])
    assert (VIDEO.encode([file], kind) - VIDEO.encode([frames], kind)).abs().mean() < 0.08
    long = read_clip(write_video(tmp_path / name, np.concatenate([frames, frames[::-1]] * 3), codec), file)
    assert len(long) == KEPT
    assert np.argmax(long[:, 15, 30, 0] > 200) in (3, 4, 5)


def test_animated_pictures_and_folders_of_frames(tmp_path: Path, frames: np.ndarray) -> None:
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    (tmp_path / "frames").mkdir()
    for place, picture in enumerate(pictures):
        picture.save(tmp_path / "frames" / f"{place}.png")  # "10" comes after "9"
    kind = VIDEO.define([frames])
    own = VIDEO.encode([frames], kind)[0]
    for path in (tmp_path / "a.gif", tmp_path / "frames"):
        assert (VIDEO.encode([sp.Video(path)], kind)[0] - own).abs().mean() < 0.08, path
    assert [group.modality for group in split_by_modality([tmp_path / "a.gif"])] == ["image"], "unless it is asked for as a clip"


@pytest.mark.parametrize(
    ("matrix", "side"),
    [((0, 1, -1, 0, 48, 0), "right"), ((-1, 0, 0, -1, 64, 48), "bottom"), ((0, -1, 1, 0, 0, 64), "left"), ((1, 0, 0, 1, 0, 0), "top")],
)
def test_a_video_stands_as_its_phone_was_held(tmp_path: Path, matrix: tuple[int, ...], side: str) -> None:
    """What is white above as coded, is where the file's display matrix (ISO 14496-12, 8.3.2) brings it."""
    bright = np.zeros((6, 48, 64, 3), np.uint8)
    bright[:, :24] = 255
    content = bytearray(write_video(tmp_path / "a.mp4", bright, "mpeg4").read_bytes())
    a, b, c, d, x, y = (number << 16 for number in matrix)
    start = content.index(b"tkhd") + 44
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, x, y, 1 << 30)
    (tmp_path / "b.mp4").write_bytes(content)
    frame = read_clip(tmp_path / "b.mp4", "b")[0, ..., 0]
    height, width = frame.shape
    assert (width > height) == (side in ("top", "bottom"))
    halves = {"top": frame[: height // 2], "bottom": frame[height // 2 :], "left": frame[:, : width // 2], "right": frame[:, width // 2 :]}
    assert max(halves, key=lambda name: halves[name].mean()) == side


def test_frames_stand_upright_in_every_form(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.zeros((20, 40, 3), np.uint8)
    lying[:, :20] = 255
    for place in range(3):
        Image.fromarray(lying).save(tmp_path / f"{place}.png", exif=exif.tobytes())
    files = sorted(tmp_path.iterdir())
    upright = np.stack([np.rot90(lying, -1)] * 3)
    for frames in (tmp_path, files, [Image.open(file) for file in files]):
        read = frames_of(sp.Video(frames), 0)
        np.testing.assert_allclose(read / (255 if read.dtype == np.uint8 else 1), upright / 255)


def _gif(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x80\0\0"
        + bytes(3)
        + b"\xff" * 3
        + b","
        + struct.pack("<HHHH", 0, 0, width, height)
        + b"\0\2\2D\1\0;"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b""),
        ("a.mp4", b"no video at all" * 10),
        ("a.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"),
        ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("a.mkv", b"\x1a\x45\xdf\xa3" + b"\xff" * 500),
        ("a.avi", b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xff" + b"hdrl" * 50),
        ("a.mov", b"\0\0\0\x18ftypqt  " + b"\xff" * 500),
        ("a.gif", _gif(60_000, 60_000)),
    ],
)
def test_files_that_are_no_clips(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with raises_error(InputError, f"clip {tmp_path / name}"):
        VIDEO.encode([sp.Video(tmp_path / name)], VIDEO.define([np.zeros((2, 8, 8))]))


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        ("CLIP_FRAMES", 29, "at most 29 frames"),
        ("CLIP_PIXELS", 30 * 48 * 64 - 1, "pixels in all"),
        ("CLIP_BYTES", 100, "at most 100 bytes"),
    ],
)
def test_what_is_too_much(
    tmp_path: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, expected: str
) -> None:
    file = write_video(tmp_path / "a.mp4", frames, "libx264")
    assert read_clip(file, file).shape == (30, 48, 64, 3)
    monkeypatch.setattr(clips, limit, value)
    with raises_error(InputError, f"clip {file}", expected=expected):
        read_clip(file, file)


def test_frames_that_are_too_large_and_films_that_are_too_long(tmp_path: Path, frames: np.ndarray) -> None:
    file = write_video(tmp_path / "a.mp4", frames, "libx264")
    with raises_error(InputError, "clip it", expected="at most 3,000 pixels in a frame", got="3,072"):
        read_clip(file, "it", pixels=3_000)
    with raises_error(InputError, "clip it", expected="at most 1.2 s", do="Cut it"):
        read_clip(file, "it", seconds=1.2)


@pytest.mark.parametrize(
    "item", [np.zeros((4, 9)), np.zeros((0, 9, 9)), np.zeros((4, 9, 9, 2)), np.full((4, 9, 9), np.nan), np.full((4, 9, 9), 2.0), [], 5]
)
def test_what_is_no_clip(item: Any) -> None:
    with raises_error(InputError, "clip 1"):
        VIDEO.encode([np.zeros((2, 8, 8)), sp.Video(item)], VIDEO.define([np.zeros((2, 8, 8))]))


@pytest.mark.slow("learns a task")
def test_order_is_learned(digits: tuple[np.ndarray, np.ndarray]) -> None:
    """Opposite directions have the same frames: a model of their mean alone is right in half of the clips at most."""
    pictures = np.kron(digits[0], np.ones((1, 2, 2), np.uint8))
    films, ways = moving_pictures(pictures, 0)
    axes = np.isin(ways, ["left", "right"])
    x, y = films[axes], ways[axes]
    net = sp.Network()
    net.learn("way", x[:60], y[:60], epochs=5)
    answers = net.predict([*x[60:], *x[60:, ::-1]])
    assert np.mean(answers.label == np.concatenate([y[60:], np.where(y[60:] == "left", "right", "left")])) > 0.9
    assert net.predict(x[60]).label.tolist() == [answers.label[0]], "one clip by itself"


def test_an_encoder_of_pictures_reads_frames(frames: np.ndarray) -> None:
    pictures = sp.TorchEncoder("means", "image", torch.nn.AdaptiveAvgPool2d(2), shape=(3, 16, 16))
    kind = check_encoder(FrameEncoder("means-frames", pictures, 5))
    assert kind.shape == (5, 12)
    own = pictures.encode([frames[-1]], pictures.define([frames[0]]))
    assert torch.allclose(FrameEncoder("means-frames", pictures, 5).encode([frames], kind)[0, -1], own[0], atol=1e-4)


def test_a_module_reads_clips(frames: np.ndarray) -> None:
    class Change(torch.nn.Module):
        def forward(self, clips: torch.Tensor) -> torch.Tensor:
            return (clips[:, -1] - clips[:, 0]).flatten(1)

    encoder = sp.TorchEncoder("change", "video", Change(), shape=(1, 6, 8))
    assert check_encoder(encoder).shape == (48,)
    with raises_error(InputError, "shape of the encoder"):
        sp.TorchEncoder("change", "video", Change())
