"""Reading clips: video files, animated pictures, folders of frames. Whatever a file claims, no more than a few frames are kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence, UnidentifiedImageError

from senpath.errors import InputError, LimitError, SenpathError
from senpath.inputs.limits import CLIP_BYTES, CLIP_FRAMES, CLIP_PIXELS, CLIP_SECONDS, FRAME_PIXELS, require_plain_file
from senpath.inputs.modalities.picture_files import ACROSS, HEAD, not_read, open_picture, turn_of
from senpath.plugins import import_extra

KEPT = 32
"""Frames that are kept of a clip, at most; while it is read, up to twice as many."""
LONGEST_SIDE = 256
"""Pixels: kept frames are brought down to it."""
DEMUXERS = {"mp4": "mov", "matroska": "matroska", "avi": "avi"}
"""FFmpeg's readers of files, by what the first bytes say: playlists and other files that name further files are none of them."""
DECODERS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "msmpeg4v2", "msmpeg4v3", "h263"}
    | {"theora", "mjpeg", "png", "ffv1", "prores", "dvvideo", "rawvideo"}
)
"""Names of codings that are decoded."""
FRAME_FILES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""Endings of pictures that may be frames."""
NUMBER = re.compile(r"(\d+)")


def container_of(head: bytes) -> str | None:
    """What kind of video file begins with these bytes: "mp4" (mov too), "matroska" (webm too) or "avi"; None for anything else."""
    if not_read(head):
        return None
    if head[4:8] in (b"ftyp", b"moov", b"mdat") or head[:8] == b"\0\0\0\x08wide":  # a text may begin with "The wide"
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    return "avi" if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


def read_clip(source: Path | BytesIO, name: object, pixels: int = FRAME_PIXELS, seconds: float = CLIP_SECONDS) -> np.ndarray:
    """The frames of a clip, sampled evenly: uint8 (t, h, w, 3) with t up to `KEPT`.

    Args:
        source: a video file, an animated picture, or a folder whose pictures are the frames, in the order of their names.
        name: what errors call it.
        pixels: that a frame may have.
        seconds: that a video may last.

    Raises:
        InputError: if it cannot be read, is larger or longer, or holds no frame.
        MissingExtraError: for a video file without the extra that reads it.
    """
    what = f"clip {name}"
    try:
        if isinstance(source, Path) and source.is_dir():
            return _of_folder(source, what, pixels)
        if isinstance(source, Path):
            require_plain_file(source, what)
        size = source.stat().st_size if isinstance(source, Path) else len(source.getbuffer())
        if size > CLIP_BYTES:
            raise InputError(what, expected=f"at most {CLIP_BYTES:,} bytes", got=f"{size:,}")
        with source.open("rb") if isinstance(source, Path) else source as file:
            container = container_of(file.read(HEAD))
            file.seek(0)
            frames = _of_picture(file, what, pixels) if container is None else _of_video(file, container, what, pixels, seconds)
            return _sampled(frames, what)
    except SenpathError:
        raise
    except Exception as error:  # the readers of Pillow and FFmpeg raise whatever they trip over in a damaged file
        said = "a file of another kind" if isinstance(error, UnidentifiedImageError) else f"{type(error).__name__}: {error}"
        raise InputError(what, expected="a video (mp4, mov, webm, mkv, avi) or pictures that can be read", got=said) from error


def evenly(count: int, wanted: int) -> np.ndarray:
    """Places of `wanted` of `count` things, from the first to the last; some are there several times if there are too few."""
    return np.linspace(0, count - 1, wanted).round().astype(np.int64)


def _of_video(file: Any, container: str, what: str, pixels: int, seconds: float) -> Iterator[np.ndarray]:
    """All frames of a video file, one after another."""
    av = import_extra("av", "reading videos", "video")
    limits = {"max_pixels": str(4 * pixels)}  # for what is decoded to look at a file; what it says then is clearer than FFmpeg
    with av.open(file, format=DEMUXERS[container], options=limits | {"protocol_whitelist": ""}) as opened:
        stream = next(iter(opened.streams.video), None)
        coding = stream.codec_context if stream is not None else None
        if coding is None:
            raise InputError(what, expected="pictures that move", got="a file without them")
        if coding.codec.canonical_name not in DECODERS:
            expected = "a usual coding, such as H.264, VP9 or AV1"
            raise InputError(what, expected=expected, got=repr(coding.codec.canonical_name))
        _require_few(what, coding.width * coding.height, pixels)
        coding.options, coding.thread_count = limits, 1
        yield from _decoded(opened, stream, what, pixels, seconds)


def _decoded(opened: Any, stream: Any, what: str, pixels: int, seconds: float) -> Iterator[np.ndarray]:
    frames, first = 0, None
    for packets, packet in enumerate(opened.demux(stream)):
        if packets > 2 * CLIP_FRAMES:
            raise InputError(what, expected=f"at most {CLIP_FRAMES:,} frames", got="more")
        for frame in packet.decode():
            frames += 1
            _require_few(what, frame.width * frame.height, pixels, frames)
            first = frame.time if first is None else first
            if frame.time is not None and frame.time - first > seconds:
                raise LimitError(what, expected=f"at most {seconds:g} s", got="more", do="Cut it to what matters")
            yield frame


def _of_picture(file: Any, what: str, pixels: int) -> Iterator[Any]:
    """All frames of an animated picture; one of a picture that does not move."""
    with open_picture(file) as picture:
        for number, frame in enumerate(ImageSequence.Iterator(picture), start=1):
            _require_few(what, frame.width * frame.height, pixels, number)
            turn = turn_of(frame)
            yield frame if turn is None else frame.transpose(turn)


def _of_folder(folder: Path, what: str, pixels: int) -> np.ndarray:
    files = frame_files(folder)
    if not files:
        raise InputError(what, expected="pictures in the folder, one for each frame", got="none")
    if len(files) > CLIP_FRAMES:
        raise InputError(what, expected=f"at most {CLIP_FRAMES:,} frames", got=f"{len(files):,}")
    frames: list[np.ndarray] = []
    for file in (files[place] for place in evenly(len(files), min(KEPT, len(files)))):
        about = f"{what}, frame {file.name}"
        require_plain_file(file, about)
        size = frames[0].shape[1::-1] if frames else None
        frames += [_small(frame, size or _fitting(frame.width, frame.height)) for frame in islice(_of_picture(file, about, pixels), 1)]
    return np.stack(frames)


def frame_files(folder: Path) -> list[Path]:
    """The pictures in a folder, "frame 2" before "frame 10"."""
    files = [file for file in folder.iterdir() if file.suffix.lower() in FRAME_FILES and not file.name.startswith(".")]
    return sorted(files, key=lambda file: [(int(part), "") if part.isdecimal() else (-1, part) for part in NUMBER.split(file.name)])


def _sampled(frames: Iterable[Any], what: str) -> np.ndarray:
    """Some of the frames, evenly chosen though nobody knows how many will come: every so many is kept, and more of them left out later."""
    kept: list[np.ndarray] = []
    size: tuple[int, int] | None = None
    step = 1
    for number, frame in enumerate(frames):
        if number % step == 0:
            if size is None:
                size = _fitting(*upright_size(frame))
            kept.append(_small(frame, size))
            if len(kept) == 2 * KEPT:
                kept, step = kept[::2], 2 * step
    if not kept:
        raise InputError(what, expected="at least one frame", got="none")
    return np.stack([kept[place] for place in evenly(len(kept), min(KEPT, len(kept)))])


def _fitting(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def upright_size(frame: Any) -> tuple[int, int]:
    """Width and height of a picture, or of a frame of FFmpeg, once it stands as its camera says."""
    turned = turn_of(frame) in ACROSS if isinstance(frame, Image.Image) else _quarters(frame) % 2 == 1
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _quarters(frame: Any) -> int:
    """Quarter turns to the left after which a frame of FFmpeg stands upright: phones write how they were held beside the pictures."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def _small(frame: Any, size: tuple[int, int]) -> np.ndarray:
    """A frame of Pillow, upright, or of FFmpeg, as (h, w, 3) of this width and height."""
    if isinstance(frame, Image.Image):
        seen = frame.convert("RGBA") if frame.has_transparency_data else frame
        if seen.mode == "RGBA":
            seen = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
        colours = seen.convert("RGB")
        return np.asarray(colours if colours.size == size else colours.resize(size, Image.Resampling.BOX))
    quarters = _quarters(frame)
    width, height = size[::-1] if quarters % 2 else size
    return np.rot90(frame.to_ndarray(format="rgb24", width=width, height=height), quarters)


def _require_few(what: str, size: int, pixels: int, frames: int = 1) -> None:
    """Refuse frames that are too large, or too much of them."""
    if size > pixels:
        raise LimitError(what, expected=f"at most {pixels:,} pixels in a frame", got=f"{size:,}", do="Make it smaller")
    if frames > CLIP_FRAMES:
        raise InputError(what, expected=f"at most {CLIP_FRAMES:,} frames", got="more", do="Cut it to what matters")
    if size * frames > CLIP_PIXELS:
        raise InputError(what, expected=f"at most {CLIP_PIXELS:,} pixels in all", got="more", do="Cut it, or make it smaller")
