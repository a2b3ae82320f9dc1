"""Folders of clips, in files and as frames, tables that name them, and clips to predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES
from senpath.inputs.sources.unlabelled import read_unlabelled
from senpath.types import DataType
from tests.data_files import write_video
from tests.raising import raises_error


def film(time: int = 6) -> np.ndarray:
    frames = np.zeros((time, 16, 24, 3), np.uint8)
    for place, frame in enumerate(frames):
        frame[4:10, place : place + 6] = 200
    return frames


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("left", "right"):
        (tmp_path / "files" / label).mkdir(parents=True)
        (tmp_path / "frames" / label / "clip").mkdir(parents=True)
        write_video(tmp_path / "files" / label / "1.mp4", film(), "libx264")
        pictures = [Image.fromarray(frame) for frame in film()]
        pictures[0].save(tmp_path / "files" / label / "2.gif", save_all=True, append_images=pictures[1:])
        for place, picture in enumerate(pictures):
            picture.save(tmp_path / "frames" / label / "clip" / f"{place}.png")
    return tmp_path


def test_folders_of_clips(folder: Path) -> None:
    clips = sp.read(folder / "files", modality="video")
    assert (clips.modality, [*clips.y]) == ("video", ["left", "left", "right", "right"])
    assert clips.about == "4 clips (GIF and MP4, 24×16, grey) in 2 folders"
    frames = sp.read(folder / "frames", modality="video")
    assert (len(frames), [*frames.y], frames.about) == (2, ["left", "right"], "2 clips (frames, 24×16, grey) in 2 folders")
    video = MODALITIES["video"]
    kind = video.define(clips.x)
    assert (video.encode(clips.x, kind)[:1] - video.encode(frames.x, kind)[:1]).abs().mean() < 0.08


def test_animated_pictures_are_clips_where_they_are_asked_for_as_such(folder: Path) -> None:
    with raises_error(InputError, "folder", got="clips (left/1.mp4)"):
        sp.read(folder / "files")
    assert [path.name for path in sp.read(folder / "files", modality="image").x] == ["2.gif", "2.gif"]
    pictures = sp.read(folder / "frames")
    assert (pictures.modality, len(pictures)) == ("image", 12)
    assert pictures.about.endswith("; with modality 'video' each of 2 folders of pictures is a clip")


def test_pictures_beside_the_folders_of_frames(folder: Path) -> None:
    Image.new("L", (4, 4)).save(folder / "frames" / "left" / "extra.png")
    with raises_error(InputError, "folder", expected="a folder of frames for each", got="left/extra.png", do="left/clip-1/extra.png"):
        sp.read(folder / "frames", modality="video")


def test_broken_clips_are_left_out(folder: Path) -> None:
    (folder / "files" / "left" / "3.mp4").write_bytes(b"no clip")
    with raises_error(InputError, "3.mp4", got="a file of another kind"):
        sp.read(folder / "files", modality="video")
    clips = sp.read(folder / "files", modality="video", bad="skip")
    assert [place for place, _ in clips.skipped] == ["left/3.mp4"]


def test_a_table_names_clips(folder: Path) -> None:
    (folder / "files" / "metadata.csv").write_text("file_name,label\nleft/1.mp4,a\nright/1.mp4,b\n")
    clips = sp.read(folder / "files")
    assert (clips.modality, [path.name for path in clips.x], [*clips.y]) == ("video", ["1.mp4", "1.mp4"], ["a", "b"])


def test_arrays_that_are_clips_because_somebody_says_so() -> None:
    x = np.zeros((2, 3, 16, 16), np.uint8)
    assert sp.read(x, [0, 1]).modality == "image"
    clips = sp.read(x, [0, 1], modality="video")
    assert clips.modality == "video"
    assert MODALITIES["video"].define(clips.x).options["frame"] == [1, 16, 16]


def test_clips_to_predict(folder: Path) -> None:
    known = [DataType("video", (12, 1040), {"frame": [1, 16, 24]})]
    files = [folder / "files" / "left" / "1.mp4", folder / "files" / "left" / "2.gif", folder / "frames" / "left" / "clip"]
    names, items = read_unlabelled(files, known)
    assert names == ["1.mp4", "2.gif", "clip"]
    assert MODALITIES["video"].encode(items, known[0]).shape == (3, 12, 1040)
    _, (picture,) = read_unlabelled(files[1:2], [*known, DataType("image", (1, 16, 16))])
    assert picture == files[1]
    with raises_error(InputError, f"file {files[2]}", got="a folder"):
        read_unlabelled(files[2:])
